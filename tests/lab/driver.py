"""Accounts that sign and send to a chain in this process."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from r3cli.chain.cosmos.address import encode_address
from r3cli.chain.cosmos.message import Message
from r3cli.chain.cosmos.messages import Coin, Fee, MsgSend
from r3cli.chain.cosmos.tx import sign_tx
from r3cli.lab.chain import Chain
from r3cli.lab.execution import TxResult
from r3cli.lab.genesis import Genesis, Mode, development_key, make_genesis
from r3cli.lab.remes.records import StoredGradient
from r3cli.network.r3mes.commitment import commitment_hash
from r3cli.network.r3mes.messages import (
    MsgCommitAggregation,
    MsgRegisterNode,
    MsgRevealAggregation,
    MsgSubmitGradient,
)
from r3cli.network.r3mes.schema import NodeType
from r3cli.wallet.signer import LocalSigner

SEED = 11
STAKE = str(1000 * 1_000_000)
FEE = 1000


def open_chain(folder: Path, mode: Mode = "full", genesis: Genesis | None = None) -> Chain:
    return Chain(folder / "ledger.db", genesis or make_genesis(SEED, mode=mode))


class Actor:
    """A development account of a chain."""

    def __init__(self, chain: Chain, name: str) -> None:
        self.chain = chain
        self.signer = LocalSigner(development_key(chain.genesis.seed, name))
        self.address = encode_address(self.signer.public_key, chain.genesis.prefix)

    @property
    def balance(self) -> int:
        with self.chain.view().state() as state:
            return state.balance(self.address, self.chain.genesis.denom)

    def sign(
        self,
        *messages: Message,
        gas: int = 1_000_000,
        fee: int = FEE,
        timeout: int = 0,
        sequence: int | None = None,
        account_number: int | None = None,
        chain_id: str = "",
        memo: str = "",
    ) -> bytes:
        with self.chain.view().state() as state:
            account = state.account(self.address)
        assert account is not None
        return sign_tx(
            messages,
            self.signer,
            chain_id=chain_id or self.chain.genesis.chain_id,
            account_number=account.number if account_number is None else account_number,
            sequence=account.sequence if sequence is None else sequence,
            fee=Fee(amount=(Coin(denom=self.chain.genesis.denom, amount=str(fee)),), gas_limit=gas),
            timeout_height=timeout,
            memo=memo,
        ).raw

    def send(self, *messages: Message) -> TxResult:
        """Broadcast and return the result in the block; CheckTx must accept."""
        return deliver(self.chain, self.sign(*messages))

    def pay(self, recipient: str, amount: int) -> MsgSend:
        coins = (Coin(denom=self.chain.genesis.denom, amount=str(amount)),)
        return MsgSend(from_address=self.address, to_address=recipient, amount=coins)


def deliver(chain: Chain, raw: bytes) -> TxResult:
    checked = chain.broadcast(raw)
    assert checked.code == 0, checked.log
    found = chain.view().transaction(hashlib.sha256(raw).digest())
    assert found is not None
    return found.result


class Network:
    """A lab network with two miners and a proposer, ready for rounds."""

    def __init__(self, folder: Path) -> None:
        self.chain = open_chain(folder)
        self.miners = [Actor(self.chain, f"miner-{index}") for index in range(2)]
        self.proposer = Actor(self.chain, "proposer")
        self.verifier = Actor(self.chain, "verifier")
        self.resolver = Actor(self.chain, "resolver")
        self.chain.intervene(lambda module: module.publish_model("manifest-1"))
        for miner in self.miners:
            self.must(miner, register(miner, NodeType.MINING))
        self.must(self.proposer, register(self.proposer, NodeType.PROPOSER))

    def must(self, actor: Actor, message: Message) -> TxResult:
        result = actor.send(message)
        assert result.code == 0, result.log
        return result

    def submit(self, miner: Actor, training_round: int = 1) -> int:
        """Hand in work and return its id."""
        self.must(miner, gradient(miner, training_round))
        with self.chain.view().records() as records:
            return records.find(StoredGradient, owner=miner.address, newest_first=True)[0].id

    def commit(self, ids: Sequence[int], training_round: int = 1) -> MsgRevealAggregation:
        """Commit to an aggregate of these works; returns what opens it."""
        with self.chain.view().state() as state:
            (last,) = state.connection.execute("SELECT max(id) FROM record WHERE kind = 'commitment'").fetchone()
        reveal = MsgRevealAggregation(
            proposer=self.proposer.address,
            commitment_id=(last or 0) + 1,
            aggregated_gradient_ipfs_hash=f"aggregate-{training_round}",
            merkle_root="ab" * 32,
            participant_gradient_ids=tuple(ids),
            training_round_id=training_round,
            model_version=f"manifest-{training_round + 1}",
            salt="salt",
        )
        self.must(self.proposer, commitment_to(reveal, self.chain.genesis.chain_id))
        return reveal

    def aggregate(self, ids: Sequence[int], training_round: int = 1) -> None:
        self.must(self.proposer, self.commit(ids, training_round))


def register(actor: Actor, *roles: NodeType, stake: str = STAKE) -> MsgRegisterNode:
    return MsgRegisterNode(node_address=actor.address, node_type=roles[0], roles=roles, stake=stake)


def gradient(miner: Actor, training_round: int = 1, **changes: Any) -> MsgSubmitGradient:
    message = MsgSubmitGradient(
        miner=miner.address,
        ipfs_hash="payload",
        training_round_id=training_round,
        gradient_hash="cd" * 32,
        global_seed=miner.chain.genesis.round_seed(training_round),
        claimed_loss="123",
    )
    return msgspec.structs.replace(message, **changes)


def commitment_to(reveal: MsgRevealAggregation, chain_id: str) -> MsgCommitAggregation:
    return MsgCommitAggregation(
        proposer=reveal.proposer,
        commitment_hash=commitment_hash(
            chain_id=chain_id,
            proposer=reveal.proposer,
            training_round_id=reveal.training_round_id,
            aggregate_cid=reveal.aggregated_gradient_ipfs_hash,
            merkle_root=reveal.merkle_root,
            gradient_ids=reveal.participant_gradient_ids,
            salt=reveal.salt,
        ),
        training_round_id=reveal.training_round_id,
        participant_gradient_ids=reveal.participant_gradient_ids,
    )
