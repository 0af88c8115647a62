"""Forgetting the states of old rounds: a state a step is what sampling needs, and only while sampling pays."""

from __future__ import annotations

from pathlib import Path

from r3cli.errors import BadContent, NotFound
from r3cli.storage.base import ContentStore
from r3cli.train.rounds.canonical import DOCUMENT_LIMIT
from r3cli.train.rounds.leaves import decode_leaves
from r3cli.train.rounds.mark import Mark
from r3cli.train.rounds.record import Records
from r3cli.train.rounds.verify import read_header

KEEP_ROUNDS = 8  # with their states; older rounds stay verifiable in full, from their manifest


def prune_states(store: ContentStore, records: Records, folder: Path, open_round: int) -> int:
    """Remove the states of rounds before the newest `KEEP_ROUNDS`; returns how many states went.

    Adapters, payloads, leaves and residuals stay: they are what a full verification starts from.
    """
    removed = 0
    done = forgotten_rounds(folder)
    for record in records.all():
        if not done < record.round <= open_round - KEEP_ROUNDS:
            continue
        for miner in record.miners:
            removed += _remove_states(store, miner.payload_cid)
        _mark(folder).write(record.round)
    return removed


def forgotten_rounds(folder: Path) -> int:
    """Up to which round this state folder has let the states go."""
    return _mark(folder).read()


def _mark(folder: Path) -> Mark:
    return Mark(folder / "pruned")


def _remove_states(store: ContentStore, payload_cid: str) -> int:
    try:
        leaves = decode_leaves(store.get(read_header(store, payload_cid).leaves, limit=DOCUMENT_LIMIT))
    except (BadContent, NotFound):
        return 0  # what cannot be read can also not be found again: nothing to remove
    store.remove(*(leaf.state for leaf in leaves.leaves))
    return len(leaves.leaves)
