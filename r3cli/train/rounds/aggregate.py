"""Aggregation: many payloads become one adapter, in integers, so that everybody gets the same bits.

Decoded updates are integers on the grid 2^-36. `mean` divides their sum by the number of miners;
`sender_mean` divides each coordinate by the number of those who sent it. Division rounds half to even, and
each coordinate of the adapter is then moved by one binary64 addition and one rounding to binary32.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated

import msgspec
import numpy as np  # noqa: TID253 - integer sums over whole adapters
from msgspec import Meta

from r3cli.errors import Malformed
from r3cli.kernels.codec import Update, decode_update
from r3cli.kernels.codec_values import GRID_BITS
from r3cli.kernels.merkle import merkle_root, seed_merkle_root
from r3cli.storage.base import ContentStore
from r3cli.train.rounds.bench import store_tensors
from r3cli.train.rounds.canonical import DOCUMENT_LIMIT, Document, decode_document
from r3cli.train.rounds.manifest import AggregationRule, Cid, Count, Manifest
from r3cli.train.rounds.payload import PAYLOAD_LIMIT, HexDigest, decode_payload
from r3cli.train.state import SMALLEST_VALUE

DOMAIN = b"r3/aggregate-leaf/1"
MOST_UPDATES = 127  # a decoded value is below 2^56 on the grid, so that many sums stay inside an int64

GradientId = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]


class Participant(Document, frozen=True, kw_only=True):
    """One miner's work in an aggregate."""

    gradient_id: GradientId
    miner: str
    payload: Cid
    step_root: HexDigest

    def leaf(self) -> bytes:
        """32 bytes that bind gradient, payload and step root."""
        payload = self.payload.encode()
        head = struct.pack(">QH", self.gradient_id, len(payload))
        return hashlib.sha256(DOMAIN + head + payload + bytes.fromhex(self.step_root)).digest()


class Exclusion(Document, frozen=True, kw_only=True):
    """Work left out, and why: a reason of `verify`, the step, or `content_missing`."""

    gradient_id: GradientId
    reason: str
    step: int | None = None


class Aggregate(Document, frozen=True, kw_only=True, tag_field="format", tag="r3/aggregate/1"):
    """What a proposer commits to and reveals. `next_manifest` opens the following round."""

    adapter: Cid
    chain_id: str
    excluded: list[Exclusion]
    manifest: Cid
    next_manifest: Cid
    participants: list[Participant]
    proposer: str
    round: Count

    @property
    def merkle_root(self) -> str:
        """The root of our tree over the participants, 64 hex digits."""
        return merkle_root([participant.leaf() for participant in self.participants]).hex()

    @property
    def seed_merkle_root(self) -> str:
        """The seed network's variant C over the same leaves, for tools that know only that one."""
        return seed_merkle_root([participant.leaf() for participant in self.participants]).hex()

    @property
    def ids(self) -> list[int]:
        return [participant.gradient_id for participant in self.participants]


class Revealed(msgspec.Struct, frozen=True, kw_only=True):
    """A revealed aggregation as the chain holds it: what its proposer said in the open, beside the aggregate itself.

    A chain that answers by the bare schema does not show gradient ids (None), next manifest (None) and height (0).
    """

    aggregation_id: int
    round: int
    proposer: str
    aggregate_cid: str
    merkle_root: str
    gradient_ids: tuple[int, ...] | None
    next_manifest: str | None
    height: int


def decode_aggregate(content: bytes) -> Aggregate:
    """Read an aggregate; ids must be strictly increasing, one a miner."""
    aggregate = decode_document(Aggregate, content)
    if not aggregate.participants:
        raise Malformed("an aggregate of nobody's work")
    if any(left >= right for left, right in zip(aggregate.ids, aggregate.ids[1:], strict=False)):
        raise Malformed("an aggregate whose ids are not strictly increasing")
    if len({participant.miner for participant in aggregate.participants}) != len(aggregate.participants):
        raise Malformed("an aggregate with two works of one miner")
    return aggregate


def build_aggregate(
    store: ContentStore,
    manifest: Manifest,
    manifest_cid: str,
    adapter: dict[str, np.ndarray],
    *,
    proposer: str,
    participants: Sequence[Participant],
    excluded: Sequence[Exclusion] = (),
) -> Aggregate:
    """Merge the participants' payloads, keep the new adapter and the next manifest, and name both."""
    shapes = {name: tensor.shape for name, tensor in adapter.items()}
    ordered = sorted(participants, key=lambda participant: participant.gradient_id)
    updates = [decode_update(_update_bytes(store, participant.payload), shapes) for participant in ordered]
    merged = merge(adapter, updates, manifest.aggregation, Fraction(manifest.outer_learning_rate))
    adapter_cid = store_tensors(store, merged)
    return Aggregate(
        adapter=adapter_cid,
        chain_id=manifest.chain_id,
        excluded=sorted(excluded, key=lambda exclusion: exclusion.gradient_id),
        manifest=manifest_cid,
        next_manifest=store.put(manifest.next(adapter_cid).encode()),
        participants=ordered,
        proposer=proposer,
        round=manifest.round,
    )


def read_aggregate(store: ContentStore, cid: str) -> Aggregate:
    """An aggregate by CID; raises `ContentMissing` or `Malformed`."""
    return decode_aggregate(store.get(cid, limit=DOCUMENT_LIMIT))


def merge(
    adapter: dict[str, np.ndarray], updates: Sequence[Update], rule: AggregationRule, rate: Fraction
) -> dict[str, np.ndarray]:
    """The adapter moved by the updates' mean times `rate`; integer arithmetic up to the last addition."""
    if len(updates) > MOST_UPDATES:
        raise Malformed(f"{len(updates)} updates are more than an exact sum can hold")
    total = np.zeros_like(updates[0].grid)
    senders = np.zeros(total.shape, dtype=np.int64)
    for update in updates:
        total += update.grid
        senders += update.mask
    divisors = np.int64(len(updates)) if rule == "mean" else np.maximum(senders, 1)
    mean = _divide_half_even(_scaled(total, rate.numerator), divisors * rate.denominator)
    return _moved(adapter, mean)


def _scaled(total: np.ndarray, factor: int) -> np.ndarray:
    if factor != 1 and int(np.abs(total).max(initial=0)) * factor >= 1 << 63:
        raise Malformed("the outer learning rate pushes the sum of updates out of range")
    return total * np.int64(factor)


def _divide_half_even(numerator: np.ndarray, denominator: np.ndarray | np.int64) -> np.ndarray:
    quotient, rest = np.divmod(numerator, denominator)
    twice = 2 * rest
    up = (twice > denominator) | ((twice == denominator) & (quotient % 2 != 0))
    return np.asarray(quotient + up, dtype=np.int64)


def _moved(adapter: dict[str, np.ndarray], mean: np.ndarray) -> dict[str, np.ndarray]:
    moved, offset = {}, 0
    for name in sorted(adapter):
        tensor = adapter[name]
        step = mean[offset : offset + tensor.size].reshape(tensor.shape).astype(np.float64) * 2.0**-GRID_BITS
        values = (tensor.astype(np.float64) + step).astype(np.float32)
        moved[name] = np.where(np.abs(values) < SMALLEST_VALUE, np.float32(0), values)
        offset += tensor.size
    return moved


def _update_bytes(store: ContentStore, payload_cid: str) -> bytes:
    return decode_payload(store.get(payload_cid, limit=PAYLOAD_LIMIT)).update
