"""What a proposer commits to before it reveals.

    commitment = SHA-256(domain || field || field ...), each field with its length before it (u32, big-endian):
    chain id, proposer, round (u64 BE), aggregate CID, Merkle root (hex text), gradient ids (u64 BE each, joined), salt

The salt keeps a small set of possible aggregates from being tried out; chain id, proposer and round keep a
commitment from being copied.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

DOMAIN = b"r3/aggregation-commitment/1"


def commitment_hash(
    *,
    chain_id: str,
    proposer: str,
    training_round_id: int,
    aggregate_cid: str,
    merkle_root: str,
    gradient_ids: Sequence[int],
    salt: str,
) -> str:
    """The commitment as 64 lower-case hex digits, as `MsgCommitAggregation.commitment_hash` carries it."""
    fields = (
        chain_id.encode(),
        proposer.encode(),
        _u64(training_round_id),
        aggregate_cid.encode(),
        merkle_root.encode(),
        b"".join(_u64(gradient_id) for gradient_id in gradient_ids),
        salt.encode(),
    )
    framed = b"".join(len(field).to_bytes(4, "big") + field for field in fields)
    return hashlib.sha256(DOMAIN + framed).hexdigest()


def _u64(value: int) -> bytes:
    return value.to_bytes(8, "big")
