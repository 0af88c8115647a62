"""What only the local network offers to a run: its seed and keys, a faucet, the first model, open challenges."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from r3cli.lab.genesis import development_key
from r3cli.lab.talk import LabClient
from r3cli.network.connect import Connection
from r3cli.train.rounds.roles import Actor
from r3cli.wallet.signer import LocalSigner


class OpenChallenge(msgspec.Struct, frozen=True, kw_only=True):
    """A challenge that waits for the resolver."""

    challenge_id: int
    aggregation_id: int
    evidence_cid: str


@dataclass(frozen=True)
class LocalNetwork:
    """The lab server's own controls, beside its chain."""

    client: LabClient
    prefix: str

    @classmethod
    def behind(cls, connection: Connection) -> LocalNetwork | None:
        """The controls behind a connection, or None where it leads to another network."""
        if not connection.is_lab:
            return None
        return cls(LabClient(connection.chain.client.endpoints[0]), connection.chain.config.prefix)

    def developer(self, name: str) -> Actor:
        """A development account: its key is a function of the network's seed, so it is no secret."""
        return Actor.of(LocalSigner(development_key(self.client.get("status")["seed"], name)), self.prefix)

    def publish_model(self, manifest_cid: str) -> None:
        """Open round 1; the same manifest again changes nothing."""
        self.client.post("model", {"manifest_cid": manifest_cid})

    def give(self, address: str, base_units: int) -> None:
        """Money from the faucet."""
        self.client.post("faucet", {"address": address, "amount": base_units})

    def open_challenges(self) -> list[OpenChallenge]:
        """Challenges that nobody has resolved."""
        found = self.client.get("challenges?status=open")["challenges"]
        return [
            OpenChallenge(
                challenge_id=int(record["challenge_id"]),
                aggregation_id=int(record["aggregation_id"]),
                evidence_cid=record["evidence_ipfs_hash"],
            )
            for record in found
        ]
