"""A local network on a state folder: the front door for honest people, and the chain itself for liars."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from r3cli.lab.talk import LabClient
from r3cli.network.connect import Connection, connect
from r3cli.paths import Paths, find_paths
from r3cli.settings import load_settings
from r3cli.signals import Stop
from r3cli.storage.blocks import BlockStore
from r3cli.storage.cid import parse_cid
from r3cli.train.checkpoint import CheckpointFolder
from r3cli.train.rounds.aggregate import Aggregate, Participant, build_aggregate
from r3cli.train.rounds.bench import Bench, Workshop
from r3cli.train.rounds.cast import STAKE
from r3cli.train.rounds.local import LocalNetwork
from r3cli.train.rounds.mine import Work, mine_round
from r3cli.train.rounds.roles import Actor
from r3cli.train.rounds.verify import Claim
from r3cli.train.rounds.window import Window
from tests.conftest import Ran, RunR3

TINY = {
    "R3_TRAIN__SEQUENCE_LENGTH": "16",
    "R3_TRAIN__BATCH_SIZE": "2",
    "R3_TRAIN__LORA__RANK": "2",
    "R3_TRAIN__THREADS": "1",
}
STEPS = 3


@dataclass(frozen=True)
class Door:
    """`r3 train ...` on one state folder."""

    r3: RunR3
    state: Path

    @property
    def paths(self) -> Paths:
        return find_paths(self.state)

    def run(self, *argv: str | os.PathLike[str]) -> Ran:
        """`r3 train run` on three tiny steps a round."""
        words = ("--network", "local", "--steps", str(STEPS), "--state", self.state, "--json")
        return self.r3("train", "run", *words, *argv)

    def train(self, verb: str, *argv: str | os.PathLike[str]) -> Ran:
        return self.r3("train", verb, *argv, "--state", self.state, "--json")

    @property
    def lab(self) -> LabClient:
        """The running server's controls."""
        return LabClient(f"unix://{self.paths.socket('lab')}")

    def records(self, kind: str) -> list[dict[str, Any]]:
        """`gradients`, `challenges` and the like, as the lab keeps them."""
        found: list[dict[str, Any]] = self.lab.get(kind)[kind]
        return found

    def statuses(self, kind: str) -> list[str]:
        return [record["status"] for record in self.records(kind)]

    @contextmanager
    def stand(self) -> Iterator[Stand]:
        """The chain behind the door, for who does not use it."""
        with connect(load_settings(self.paths, environ={}), self.paths, local_network="there-is") as connection:
            yield Stand(connection, self.paths)


@dataclass(frozen=True)
class Stand:
    """What a liar needs: every account's key, and transactions that nobody checked first."""

    connection: Connection
    paths: Paths

    @cached_property
    def store(self) -> BlockStore:
        return BlockStore(self.paths.blocks)

    @property
    def window(self) -> Window:
        return Window(self.connection, self.store)

    @property
    def local(self) -> LocalNetwork:
        found = LocalNetwork.behind(self.connection)
        assert found is not None
        return found

    def bench(self, number: int = 1) -> Bench:
        return Workshop(self.store).open(self.window.manifest_cid(number), self.window.seed(number))

    def actor(self, name: str) -> Actor:
        """A registered development account."""
        actor = self.local.developer(name)
        self.window.register(actor.signer, actor.address, STAKE)
        return actor

    def work(self, actor: Actor, number: int = 1) -> Work:
        """Honest work of a round, not handed in."""
        checkpoints = CheckpointFolder(self.paths.state / "elsewhere" / f"{number}-{actor.address}", owner="test")
        return mine_round(self.bench(number), actor.address, None, checkpoints, Stop())

    def claims(self, number: int = 1) -> list[Claim]:
        return self.window.claims(number, 1)

    def aggregate(self, claims: Sequence[Claim], number: int = 1) -> Aggregate:
        """All these works merged, whoever made them."""
        bench = self.bench(number)
        return build_aggregate(
            self.store,
            bench.manifest,
            bench.manifest_cid,
            bench.adapter,
            proposer=self.local.developer("proposer").address,
            participants=[
                Participant(
                    gradient_id=claim.gradient_id,
                    miner=claim.miner,
                    payload=claim.payload_cid,
                    step_root=claim.gradient_hash,
                )
                for claim in claims
            ],
        )

    def reveal(self, aggregate: Aggregate) -> int:
        """Commit and reveal as the proposer; its journal is not that of the honest one."""
        folder = self.paths.state / "elsewhere"
        return self.window.commit_and_reveal(aggregate, self.actor("proposer").signer, folder)[0]

    def balance(self, actor: Actor) -> int:
        return self.connection.chain.balance(actor.address).base

    def stake(self, actor: Actor) -> int:
        found = self.connection.queries.node_registration(actor.address)
        assert found is not None
        return int(found.stake)

    def fees(self, actor: Actor, kinds: Mapping[str, int]) -> int:
        """What an account paid for its transactions of these kinds, so many of each."""
        paid = 0
        for kind, wanted in kinds.items():
            entries = [
                entry
                for entry in self.connection.journal.entries(account=actor.address)
                if entry.kind == kind and entry.result is not None
            ]
            assert len(entries) == wanted, kind
            paid += sum(int(entry.result["fee"]) for entry in entries if entry.result is not None)
        return paid


def block_file(door: Door, cid: str) -> Path:
    """Where the store keeps the (only) block of a small file."""
    name = parse_cid(cid).digest.hex()
    return door.paths.blocks / "blocks" / name[:2] / name
