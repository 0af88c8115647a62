"""The chain as rounds see it: which round is open, what was handed in, and the transactions of each role.

Every transaction has an idempotency key made of chain, round and sender, so that a run that was killed finds what it
sent before instead of sending it again.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from r3cli.chain.cosmos.answers import ChainRefused
from r3cli.chain.cosmos.message import Message, decode
from r3cli.chain.cosmos.messages import Coin, unpack
from r3cli.chain.cosmos.node import Included
from r3cli.chain.cosmos.outcome import Confirmed, read_outcome
from r3cli.chain.cosmos.tx import decode_tx, tx_hash
from r3cli.errors import BadContent, ContentMissing, NotFound, TransactionFailed
from r3cli.files import PRIVATE, atomic_write
from r3cli.journal import Entry, State
from r3cli.network.connect import Connection
from r3cli.network.r3mes import messages as remes
from r3cli.network.r3mes.commitment import commitment_hash
from r3cli.network.r3mes.schema import NodeStatus, NodeType
from r3cli.storage.base import ContentStore
from r3cli.train.rounds.aggregate import Aggregate, Revealed, read_aggregate
from r3cli.train.rounds.challenge import Evidence
from r3cli.train.rounds.mine import Work
from r3cli.train.rounds.verify import Claim
from r3cli.wallet.signer import Signer

NO_WORK = ("slashed", "void")  # statuses of gradients that count no more
OVERTURNED = ("rejected", "void")  # statuses of aggregations that a challenge undid
CLOSED = ("round not open", "round already committed")  # how the module ends its refusal of what comes too late


class OpenRound(msgspec.Struct, frozen=True, kw_only=True):
    """The round that takes work now."""

    number: int
    manifest_cid: str
    last_aggregation: int


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
        before = self.revealed(number - 1)
        if before is not None and before.next_manifest is not None:
            return before.next_manifest  # the chain's word; the round's own aggregate could name another
        revealed = self.revealed(number)
        if current is None or revealed is None:
            raise NotFound(f"round {number} is not on chain {self.chain_id}", hint="r3 status", target=str(number))
        return read_aggregate(self.store, revealed.aggregate_cid).manifest

    def revealed(self, number: int) -> Revealed | None:
        """The newest revealed aggregation of a round that no challenge undid."""
        current = self.open_round()
        if current is None:
            return None
        newest_first = range(current.last_aggregation, 0, -1)
        found = (self.aggregation(aggregation_id) for aggregation_id in newest_first)
        return next((revealed for revealed in found if revealed is not None and revealed.round == number), None)

    def aggregation(self, aggregation_id: int) -> Revealed | None:
        """A revealed aggregation by its id, unless a challenge undid it."""
        found = self.connection.queries.aggregation(aggregation_id)
        if found is None or found.status in OVERTURNED:
            return None
        return Revealed(
            aggregation_id=aggregation_id,
            round=found.training_round_id,
            proposer=found.proposer,
            aggregate_cid=found.aggregated_gradient_ipfs_hash,
            merkle_root=found.merkle_root,
            gradient_ids=found.participant_gradient_ids or None,
            next_manifest=found.model_version or None,
            height=found.submitted_at_height,
        )

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
        """Register as miner, validator and proposer unless that is done; a suspended node fills up its stake."""
        found = self.connection.queries.node_registration(address)
        if found is not None and found.status != f"NODE_STATUS_{NodeStatus.SUSPENDED.name}":
            return
        locked = found.stake if found else "0"
        roles = (NodeType.MINING, NodeType.VALIDATOR, NodeType.PROPOSER)
        message = remes.MsgRegisterNode(node_address=address, node_type=roles[0], stake=str(stake), roles=roles)
        self._send(
            "register_node", f"{self.chain_id}/register/{address}/{locked}-{stake}", {"stake": stake}, message, signer
        )

    def submit(self, work: Work, signer: Signer) -> tuple[int, Confirmed]:
        """Hand in a work; returns its gradient id and the transaction.

        Its manifest is part of what makes it one: a round that was undone and reopened on another is other work.
        """
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
        key = f"{self.chain_id}/gradient/{header.round}/{header.manifest}/{work.miner}"
        confirmed = self._send("submit_gradient", key, intent, message, signer)
        return decode(remes.MsgSubmitGradientResponse, confirmed.responses[0]).stored_gradient_id, confirmed

    def unrevealed(self, number: int, proposer: str, folder: Path) -> Aggregate | None:
        """The aggregate of a round that an earlier run committed to and that can still be revealed."""
        try:
            cid = _proposal(folder, number).read_text()
            aggregate = read_aggregate(self.store, cid)
        except (FileNotFoundError, ContentMissing, BadContent):
            return None
        _, commit = self._last_commit(self._aggregate_key(aggregate, cid))
        stands = commit is not None and commit.state is not State.FAILED and not self._is_over(commit)
        return aggregate if stands and aggregate.proposer == proposer else None

    def commit_and_reveal(self, aggregate: Aggregate, signer: Signer, folder: Path) -> tuple[int, Confirmed]:
        """Commit to an aggregate, then reveal it; returns the aggregation id and the revealing transaction.

        The salt, and which aggregate it is, are on disk before the commitment is sent, so that a crash in between
        does not cost the stake.
        """
        cid = self.store.put(aggregate.encode())
        salt = _salt(folder / f"salt-{aggregate.round}-{cid}")
        atomic_write(_proposal(folder, aggregate.round), cid.encode())
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
        key = self._aggregate_key(aggregate, cid)
        commit = remes.MsgCommitAggregation(
            proposer=aggregate.proposer,
            commitment_hash=sealed,
            training_round_id=aggregate.round,
            participant_gradient_ids=tuple(aggregate.ids),
        )
        commitment_id = self._commit(key, intent, commit, signer)
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
        revealed = self._send("reveal_aggregation", _reveal_key(key, commitment_id), intent, reveal, signer)
        return decode(remes.MsgRevealAggregationResponse, revealed.responses[0]).aggregation_id, revealed

    def _commit(self, key: str, intent: dict[str, Any], commit: Message, signer: Signer) -> int:
        """The id of a commitment that can be revealed: an earlier run's, or a new one when that one's time is over."""
        attempt, earlier = self._last_commit(key)
        if earlier is not None and self._is_over(earlier):
            attempt += 1
        committed = self._send("commit_aggregation", f"{key}/commit/{attempt}", intent, commit, signer)
        return decode(remes.MsgCommitAggregationResponse, committed.responses[0]).commitment_id

    def _last_commit(self, key: str) -> tuple[int, Entry | None]:
        """The number of the last commitment to an aggregate (1 when there is none), and its journal entry."""
        last: Entry | None = None
        for attempt in count(1):
            found = self.connection.journal.find(f"{key}/commit/{attempt}")
            if found is None:
                break
            last = found
        return max(attempt - 1, 1), last

    def _is_over(self, commit: Entry) -> bool:
        """Whether a commitment's deadline has passed without its reveal."""
        if commit.state is not State.CONFIRMED:
            return False
        (response,) = read_outcome(commit, self.connection.chain.config).responses
        answer = decode(remes.MsgCommitAggregationResponse, response)
        reveal = self.connection.journal.find(_reveal_key(commit.key.rpartition("/commit/")[0], answer.commitment_id))
        if reveal is not None and reveal.state is State.CONFIRMED:
            return False
        # A reveal goes into the next block at the earliest.
        return self.connection.chain.client.head().height >= answer.reveal_deadline_height

    def _aggregate_key(self, aggregate: Aggregate, cid: str) -> str:
        return f"{self.chain_id}/aggregate/{aggregate.round}/{aggregate.proposer}/{cid}"

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


def is_closed(error: TransactionFailed) -> bool:
    """Whether the chain refused because the round takes this no more: the work came too late."""
    return isinstance(error, ChainRefused) and error.answer.log.endswith(CLOSED)


def _reveal_key(key: str, commitment_id: int) -> str:
    return f"{key}/reveal/{commitment_id}"


def _proposal(folder: Path, number: int) -> Path:
    return folder / f"proposal-{number}"


def _salt(path: Path) -> str:
    if not path.exists():
        atomic_write(path, secrets.token_hex(16).encode(), mode=PRIVATE)
    return path.read_text()
