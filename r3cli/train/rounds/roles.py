"""The parts that a run plays: who mines, who proposes, who verifies, and with which keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from r3cli.chain.cosmos.address import encode_address
from r3cli.errors import Usage
from r3cli.wallet.signer import Signer


class Role(StrEnum):
    """One part, or all of them in turn."""

    ALL = "all"
    MINER = "miner"
    PROPOSER = "proposer"
    VERIFIER = "verifier"

    @property
    def mines(self) -> bool:
        return self in (Role.ALL, Role.MINER)

    @property
    def proposes(self) -> bool:
        return self in (Role.ALL, Role.PROPOSER)

    @property
    def verifies(self) -> bool:
        return self in (Role.ALL, Role.VERIFIER)


def parse_role(text: str) -> Role:
    """A role by its name; raises `Usage`."""
    try:
        return Role(text)
    except ValueError as error:
        raise Usage(f"--role {text} is none of {', '.join(Role)}") from error


@dataclass(frozen=True)
class Actor:
    """An account that acts in a run."""

    address: str
    signer: Signer

    @classmethod
    def of(cls, signer: Signer, prefix: str) -> Actor:
        return cls(encode_address(signer.public_key, prefix), signer)


@dataclass(frozen=True)
class Cast:
    """Every account of a run. `resolver` exists on the local network only."""

    miners: Sequence[Actor]
    proposer: Actor
    verifier: Actor
    resolver: Actor | None

    def everyone(self) -> list[Actor]:
        return list({actor.address: actor for actor in (*self.miners, self.proposer, self.verifier)}.values())
