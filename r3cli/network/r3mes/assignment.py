"""Global seed and data shard of a round, by the rules of the seed (networks/r3mes.md 2)."""

from __future__ import annotations

import hashlib


def global_seed(block_hash: bytes, training_round_id: int) -> int:
    """The round's seed: the first 8 bytes of SHA-256(block hash, 32 bytes || round as u64 BE)."""
    digest = hashlib.sha256(block_hash + training_round_id.to_bytes(8, "big")).digest()
    return int.from_bytes(digest[:8], "big")


def shard_of(miner: str, block_hash: bytes, training_round_id: int, *, shards: int = 100) -> int:
    """The shard of a miner in a round: the first 8 bytes of SHA-256(`address|block hash in hex|round`) mod shards."""
    digest = hashlib.sha256(f"{miner}|{block_hash.hex()}|{training_round_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % shards
