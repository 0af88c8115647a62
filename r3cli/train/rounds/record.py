"""What is known about each round of a run: the rows of `r3 train run --json` and of `r3 status`.

A record is written when the work is made and completed when the round closes, so that a run that was killed in
between still shows every round. It is a memory, not a proof: proofs are in the store and on the chain.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from r3cli.files import atomic_write
from r3cli.result import Data

Outcome = Literal["confirmed", "failed", "unknown"]


class TxShown(Data, frozen=True, kw_only=True):
    """A transaction and what became of it."""

    hash: str
    outcome: Outcome


class MinerShown(Data, frozen=True, kw_only=True):
    """One miner's part of a round. `payload_bytes` is what it sent, `dense_bytes` the same update in bf16."""

    miner: str
    digest: str
    payload_cid: str
    payload_bytes: int
    dense_bytes: int
    claimed_loss: int
    val_bpb_before: float
    val_bpb_after: float
    seconds: float
    gradient_id: int | None = None
    tx: TxShown | None = None
    checked_step: int | None = None


class RoundShown(Data, frozen=True, kw_only=True):
    """One round. The miner's fields are those of the run's first miner; `miners` has all of them.

    `digest` is the step root. Bits per byte are of the held-out part of the data: the miner's own adapter before
    and after its local steps, and the global adapter after aggregation (None while that is open).
    """

    round: int
    digest: str
    payload_cid: str
    payload_bytes: int
    dense_bytes: int
    tx: TxShown | None
    val_bpb_before: float
    val_bpb_after: float
    global_bpb_after: float | None
    seconds: float
    aggregation_id: int | None
    finished_at: str | None
    miners: list[MinerShown]
    manifest: str | None = None


class Records:
    """The records of one run on one chain, a file a round."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, number: int) -> RoundShown | None:
        """A round's record; a file that is cut or foreign counts as none."""
        try:
            return msgspec.json.decode(self._path(number).read_bytes(), type=RoundShown)
        except (FileNotFoundError, msgspec.DecodeError, UnicodeError):
            return None

    def save(self, record: RoundShown) -> None:
        atomic_write(self._path(record.round), msgspec.json.encode(record))

    def all(self) -> list[RoundShown]:
        """Every record, in order of rounds."""
        numbers = sorted(int(path.stem) for path in self._folder.glob("*.json") if path.stem.isdigit())
        return [record for number in numbers if (record := self.load(number)) is not None]

    def _path(self, number: int) -> Path:
        return self._folder / f"{number}.json"


def newest_works(records: Sequence[RoundShown], limit: int) -> list[int]:
    """The gradient ids of the newest works that were handed in, at most `limit`."""
    ids = {miner.gradient_id for record in records for miner in record.miners if miner.gradient_id is not None}
    return sorted(ids)[-limit:]


def round_of(number: int, manifest_cid: str, miners: list[MinerShown]) -> RoundShown:
    """A round's record from its miners' parts; what aggregation adds is still open."""
    first = miners[0]
    return RoundShown(
        round=number,
        digest=first.digest,
        payload_cid=first.payload_cid,
        payload_bytes=first.payload_bytes,
        dense_bytes=first.dense_bytes,
        tx=first.tx,
        val_bpb_before=first.val_bpb_before,
        val_bpb_after=first.val_bpb_after,
        global_bpb_after=None,
        seconds=round(sum(miner.seconds for miner in miners), 3),
        aggregation_id=None,
        finished_at=None,
        miners=miners,
        manifest=manifest_cid,
    )
