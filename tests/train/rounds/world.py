"""A round small enough to lie about: three steps of two short sequences on the shipped base, without a chain."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from r3cli.events import silent
from r3cli.paths import Paths, find_paths
from r3cli.settings import Settings, load_settings
from r3cli.signals import Stop
from r3cli.storage.base import ContentStore
from r3cli.storage.blocks import BlockStore
from r3cli.train.checkpoint import CheckpointFolder
from r3cli.train.rounds.bench import Bench, Workshop
from r3cli.train.rounds.mine import Work, mine_round
from r3cli.train.rounds.opening import first_manifest
from r3cli.train.rounds.payload import Header, Payload, decode_payload
from r3cli.train.rounds.verify import Claim

ALICE = "remes1vnupqa7876prrrt0cu39uq5pqzg5nk4m6fer7d"
BOB = "remes19rl4cm2hmr8afy4kldpxz3fka4jguq0arlkp9h"
SMALL = {"train.steps": 3, "train.batch_size": 2, "train.sequence_length": 16, "train.lora.rank": 2}
LIMIT = 1 << 24


def small_settings(paths: Paths, **flags: object) -> Settings:
    return load_settings(paths, flags={**SMALL, **flags}, environ={})


@dataclass(frozen=True)
class World:
    """A store, an open round, and honest work in it."""

    folder: Path
    store: BlockStore
    workshop: Workshop
    bench: Bench

    @classmethod
    def make(cls, folder: Path) -> World:
        paths = find_paths(folder)
        store = BlockStore(folder / "blocks")
        manifest = first_manifest(small_settings(paths), "r3-test-1", store, silent)
        workshop = Workshop(store)
        return cls(folder, store, workshop, workshop.open(store.put(manifest.encode()), seed=7))

    def work(self, miner: str = ALICE, previous: str | None = None, bench: Bench | None = None) -> Work:
        bench = bench or self.bench
        checkpoints = CheckpointFolder(self.folder / f"checkpoints-{bench.manifest.round}-{miner}", owner=miner)
        return mine_round(bench, miner, previous, checkpoints, Stop())

    def claim(self, work: Work, **changes: object) -> Claim:
        claim = Claim(
            gradient_id=1,
            miner=work.miner,
            round=work.header.round,
            payload_cid=work.payload_cid,
            gradient_hash=work.header.step_root,
            claimed_loss=str(work.header.claimed_loss),
            others=(BOB if work.miner == ALICE else ALICE,),
        )
        return msgspec.structs.replace(claim, **changes)

    def payload(self, work: Work) -> Payload:
        return decode_payload(self.store.get(work.payload_cid, limit=LIMIT))

    def forge(self, work: Work, *, update: bytes | None = None, **header: object) -> Work:
        """The same work with another header or update, as a liar would hand it in."""
        return forge(self.store, work, update=update, **header)


def forge(store: ContentStore, work: Work, *, update: bytes | None = None, **header: object) -> Work:
    """A work with another header or update than its own, kept in the store."""
    honest = decode_payload(store.get(work.payload_cid, limit=LIMIT))
    changed: Header = msgspec.structs.replace(honest.header, **header)
    content = Payload(changed, honest.update if update is None else update).encode()
    return Work(changed.miner, store.put(content), len(content), changed, work.adapter)
