"""The chain as rounds see it: which round is open, what was handed in, and the transactions of each role.

Every transaction has an idempotency key made of chain, round and sender, so that a run that was killed finds what it
sent before instead of sending it again.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from r3cli.chain.cosmos.message import Message, decode
from r3cli.chain.cosmos.messages import Coin, unpack
from r3cli.chain.cosmos.node import Included
from r3cli.chain.cosmos.outcome import Confirmed
from r3cli.chain.cosmos.tx import decode_tx, tx_hash
from r3cli.errors import NotFound
from r3cli.files import PRIVATE, atomic_write
from r3cli.network.connect import Connection
from r3cli.network.r3mes import messages as remes
from r3cli.network.r3mes.commitment import commitment_hash
from r3cli.network.r3mes.schema import NodeType
from r3cli.storage.base import ContentStore
from r3cli.train.rounds.aggregate import Aggregate, read_aggregate
from r3cli.train.rounds.challenge import Evidence
from r3cli.train.rounds.mine import Work
from r3cli.train.rounds.verify import Claim
from r3cli.wallet.signer import Signer

NO_WORK = ("slashed", "void")  # statuses of gradients that count no more


class OpenRound(msgspec.Struct, frozen=True, kw_only=True):
    """The round that takes work now."""

    number: int
    manifest_cid: str
    last_aggregation: int


class Revealed(msgspec.Struct, frozen=True, kw_only=True):
    """A revealed aggregation as the chain holds it."""

    aggregation_id: int
    round: int
    proposer: str
    aggregate_cid: str
    merkle_root: str
    height: int


@dataclass(frozen=True)
class Window:
    """Reads rounds from a chain and sends the transactions of miner, proposer and verifier."""

    connection: Connection
    store: ContentStore

    @property
    def chain_id(self) -> str:
        return self.connection.chain.client.chain_id

    def open_round(self) -> OpenRound | None:
        """The open round, or None while the network has no model."""
        state = self.connection.queries.global_model_state()
        if state is None or not state.model_ipfs_hash:
            return None
        return OpenRound(
            number=state.training_round_id,
            manifest_cid=state.model_ipfs_hash,
            last_aggregation=state.last_aggregation_id,
        )

    def seed(self, number: int) -> int:
        """The chain's global seed of a round."""
        found = self.connection.queries.global_seed(number)
        if found is None:
            raise NotFound(f"chain {self.chain_id} has no global seed for round {number}", target=str(number))
        return found.global_seed

    def manifest_cid(self, number: int) -> str:
        """The manifest of any round up to the open one; raises `NotFound` for a round that never was."""
        current = self.open_round()
        if current is not None and current.number == number:
            return current.manifest_cid
        revealed = self.revealed(number)
        if current is None or revealed is None:
            raise NotFound(f"round {number} is not on chain {self.chain_id}", hint="r3 status", target=str(number))
        return read_aggregate(self.store, revealed.aggregate_cid).manifest

    def revealed(self, number: int) -> Revealed | None:
        """The newest revealed aggregation of a round."""
        current = self.open_round()
        if current is None:
            return None
        for aggregation_id in range(current.last_aggregation, 0, -1):
            found = self.connection.queries.aggregation(aggregation_id)
            if found is not None and found.training_round_id == number:
                return Revealed(
                    aggregation_id=aggregation_id,
                    round=number,
                    proposer=found.proposer,
                    aggregate_cid=found.aggregated_gradient_ipfs_hash,
                    merkle_root=found.merkle_root,
                    height=found.submitted_at_height,
                )
        return None

    def claims(self, number: int, residuals_reset: int) -> list[Claim]:
        """What was handed in for a round, in order of ids."""
        gradients = self.connection.queries.gradients()
        handed_in = [g for g in gradients if g.training_round_id == number and g.status not in NO_WORK]
        miners = [gradient.miner for gradient in handed_in]
        return [
            Claim(
                gradient_id=gradient.id,
                miner=gradient.miner,
                round=number,
                payload_cid=gradient.ipfs_hash,
                gradient_hash=gradient.gradient_hash,
                claimed_loss=gradient.claimed_loss,
                height=gradient.submitted_at_height,
                previous=self.previous_payload(gradient.miner, number, residuals_reset),
                others=tuple(miner for miner in miners if miner != gradient.miner),
            )
            for gradient in sorted(handed_in, key=lambda gradient: gradient.id)
        ]

    def previous_payload(self, miner: str, before: int, since: int) -> str | None:
        """The CID of a miner's last revealed payload in rounds `since` <= round < `before`."""
        for number in range(before - 1, since - 1, -1):
            revealed = self.revealed(number)
            if revealed is None:
                continue
            for participant in read_aggregate(self.store, revealed.aggregate_cid).participants:
                if participant.miner == miner:
                    return participant.payload
        return None

    def submission_transaction(self, claim: Claim) -> Included:
        """The transaction that handed in a work."""
        return self._transaction(
            claim.height, lambda message: isinstance(message, remes.MsgSubmitGradient) and message.miner == claim.miner
        )

    def reveal_transaction(self, revealed: Revealed) -> Included:
        """The transaction that revealed an aggregation."""
        return self._transaction(
            revealed.height,
            lambda message: (
                isinstance(message, remes.MsgRevealAggregation)
                and message.aggregated_gradient_ipfs_hash == revealed.aggregate_cid
            ),
        )

    def _transaction(self, height: int, wanted: Callable[[Message], bool]) -> Included:
        client = self.connection.chain.client
        for raw in client.block(height).transactions:
            for kind in (remes.MsgSubmitGradient, remes.MsgRevealAggregation):
                for envelope in decode_tx(raw).messages:
                    if envelope.type_url == kind.url() and wanted(unpack(envelope, kind)):
                        found = client.tx(tx_hash(raw))
                        if found is not None and found.code == 0:
                            return found
        raise NotFound(f"block {height} does not hold the transaction", hint="the node may have pruned it")

    def register(self, signer: Signer, address: str, stake: int) -> None:
        """Register as miner, validator and proposer unless that is done."""
        found = self.connection.queries.node_registration(address)
        if found is not None and int(found.stake or "0") >= stake:
            return
        roles = (NodeType.MINING, NodeType.VALIDATOR, NodeType.PROPOSER)
        message = remes.MsgRegisterNode(node_address=address, node_type=roles[0], stake=str(stake), roles=roles)
        self._send("register_node", f"{self.chain_id}/register/{address}/{stake}", {"stake": stake}, message, signer)

    def submit(self, work: Work, signer: Signer) -> tuple[int, Confirmed]:
        """Hand in a work; returns its gradient id and the transaction."""
        header = work.header
        message = remes.MsgSubmitGradient(
            miner=work.miner,
            ipfs_hash=work.payload_cid,
            model_version=header.manifest,
            training_round_id=header.round,
            gradient_hash=header.step_root,
            gpu_architecture="exact",
            global_seed=self.seed(header.round),
            claimed_loss=str(header.claimed_loss),
            token_count=header.steps,
        )
        intent = {"round": header.round, "payload": work.payload_cid, "digest": header.step_root}
        key = f"{self.chain_id}/gradient/{header.round}/{work.miner}"
        confirmed = self._send("submit_gradient", key, intent, message, signer)
        return decode(remes.MsgSubmitGradientResponse, confirmed.responses[0]).stored_gradient_id, confirmed

    def commit_and_reveal(self, aggregate: Aggregate, signer: Signer, folder: Path) -> tuple[int, Confirmed]:
        """Commit to an aggregate, then reveal it; returns the aggregation id and the revealing transaction.

        The salt is on disk before the commitment is sent, so that a crash in between does not cost the stake.
        """
        cid = self.store.put(aggregate.encode())
        salt = _salt(folder / f"salt-{aggregate.round}-{cid}")
        sealed = commitment_hash(
            chain_id=self.chain_id,
            proposer=aggregate.proposer,
            training_round_id=aggregate.round,
            aggregate_cid=cid,
            merkle_root=aggregate.merkle_root,
            gradient_ids=aggregate.ids,
            salt=salt,
        )
        intent = {"round": aggregate.round, "aggregate": cid}
        key = f"{self.chain_id}/aggregate/{aggregate.round}/{aggregate.proposer}/{cid}"
        commit = remes.MsgCommitAggregation(
            proposer=aggregate.proposer,
            commitment_hash=sealed,
            training_round_id=aggregate.round,
            participant_gradient_ids=tuple(aggregate.ids),
        )
        committed = self._send("commit_aggregation", key + "/commit", intent, commit, signer)
        commitment_id = decode(remes.MsgCommitAggregationResponse, committed.responses[0]).commitment_id
        reveal = remes.MsgRevealAggregation(
            proposer=aggregate.proposer,
            commitment_id=commitment_id,
            aggregated_gradient_ipfs_hash=cid,
            merkle_root=aggregate.merkle_root,
            participant_gradient_ids=tuple(aggregate.ids),
            training_round_id=aggregate.round,
            model_version=aggregate.next_manifest,
            salt=salt,
        )
        revealed = self._send("reveal_aggregation", f"{key}/reveal/{commitment_id}", intent, reveal, signer)
        return decode(remes.MsgRevealAggregationResponse, revealed.responses[0]).aggregation_id, revealed

    def challenge(self, evidence: Evidence, challenger: str, signer: Signer, bond: int) -> int:
        """Challenge an aggregation; returns the challenge id."""
        cid = self.store.put(evidence.encode())
        message = remes.MsgChallengeAggregation(
            challenger=challenger,
            aggregation_id=evidence.aggregation_id,
            reason=evidence.reason,
            evidence_ipfs_hash=cid,
            bond_amount=(Coin(denom=self.connection.chain.config.denom, amount=str(bond)),),
        )
        key = f"{self.chain_id}/challenge/{evidence.aggregation_id}/{challenger}"
        confirmed = self._send("challenge_aggregation", key, {"evidence": cid}, message, signer)
        return decode(remes.MsgChallengeAggregationResponse, confirmed.responses[0]).challenge_id

    def resolve(
        self, challenge_id: int, resolver: str, signer: Signer, lie: Evidence | None, accused: Evidence
    ) -> None:
        """Say what executing the evidence showed."""
        message = remes.MsgResolveChallenge(
            resolver=resolver,
            challenge_id=challenge_id,
            fraud_detected=lie is not None,
            resolution_reason=(lie or accused).resolution,
        )
        key = f"{self.chain_id}/resolve/{challenge_id}"
        self._send("resolve_challenge", key, {"challenge": challenge_id}, message, signer)

    def _send(self, kind: str, key: str, intent: dict[str, Any], message: Message, signer: Signer) -> Confirmed:
        return self.connection.chain.execute(
            kind, intent, [message], signer, network=self.connection.network, key=key, once=True
        )


def _salt(path: Path) -> str:
    if not path.exists():
        atomic_write(path, secrets.token_hex(16).encode(), mode=PRIVATE)
    return path.read_text()
