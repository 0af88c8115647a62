"""The adapter against a node that loses replies, forgets, restarts and refuses."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from r3cli.chain.cosmos.adapter import CosmosChain
from r3cli.chain.cosmos.answers import ChainRefused, Meaning, Stage
from r3cli.chain.cosmos.client import CosmosClient
from r3cli.chain.cosmos.messages import Coin, MsgSend
from r3cli.chain.cosmos.outcome import Confirmed
from r3cli.chain.cosmos.plan import ChainConfig
from r3cli.chain.cosmos.tx import decode_tx
from r3cli.errors import (
    Busy,
    FeeTooHigh,
    InsufficientFunds,
    OutcomeUnknown,
    RateLimited,
    Unreachable,
    WrongChain,
)
from r3cli.journal import Journal, State
from r3cli.locks import hold_lock
from r3cli.paths import Paths, find_paths
from tests.chain.scripted import CutConnection, ScriptedChain, serve
from tests.chain.target import key

SIGNER = key(1)
CONFIG = ChainConfig(
    prefix="cosmos",
    denom="ucoin",
    gas_price=Decimal("0.01"),
    timeout_blocks=5,
    confirm_seconds=0.3,
    lock_wait_seconds=0,
)


class Bench:
    """A scripted chain with an adapter on it; `again` is the adapter of a new process."""

    def __init__(self, node: ScriptedChain, endpoint: str, paths: Paths) -> None:
        self.node, self.endpoint, self.paths = node, endpoint, paths
        self.journal = Journal(paths.journal)
        self.open = ExitStack()
        self.chain = self.again()

    def again(self, endpoint: str | None = None, **changes: Any) -> CosmosChain:
        config = msgspec.structs.replace(CONFIG, **changes)
        client = self.open.enter_context(CosmosClient([endpoint or self.endpoint], timeout=2))
        return CosmosChain(config, client, self.journal, self.paths)

    def send(self, amount: int = 1, *, chain: CosmosChain | None = None, **options: Any) -> Confirmed:
        chain = chain or self.chain
        coin = Coin(denom="ucoin", amount=str(amount))
        message = MsgSend(from_address=chain.address(SIGNER.public_key), to_address="cosmos1to", amount=(coin,))
        return chain.execute("transfer", {"amount": amount}, [message], SIGNER, network="test", **options)

    def state(self, entry_id: int = 1) -> State:
        return self.journal.get(entry_id).state


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    node = ScriptedChain()
    with serve(node) as endpoint:
        bench = Bench(node, endpoint, find_paths(tmp_path / "state"))
        with bench.open:
            yield bench


def test_a_transfer_is_planned_sent_and_confirmed(bench: Bench) -> None:
    confirmed = bench.send(5)
    assert confirmed.fresh
    assert (confirmed.height, confirmed.fee.base) == (11, 1200)  # 80000 gas x 1.5 x 0.01
    (raw,) = bench.node.broadcasts
    tx = decode_tx(raw)
    assert tx.body.timeout_height == 10 + CONFIG.timeout_blocks
    assert bench.state() is State.CONFIRMED
    (attempt,) = bench.journal.attempts(1)
    assert (attempt.raw, attempt.tx_hash, attempt.outcome) == (raw, confirmed.tx_hash, "included")


def test_the_same_intent_again_is_found_and_not_sent(bench: Bench) -> None:
    first = bench.send(5)
    second = bench.send(5, chain=bench.again())
    assert (second.tx_hash, second.fresh) == (first.tx_hash, False)
    assert len(bench.node.broadcasts) == 1
    assert bench.send(5, once=False).tx_hash != first.tx_hash  # a plain transfer that is over may be repeated


def test_a_plan_writes_nothing(bench: Bench) -> None:
    coin = Coin(denom="ucoin", amount="1")
    plan = bench.chain.plan([MsgSend(from_address="x", to_address="y", amount=(coin,))], SIGNER)
    assert (plan.gas_limit, plan.fee.base, plan.balance.base, plan.timeout_height) == (120_000, 1200, 10**12, 15)
    assert not bench.node.broadcasts
    assert not bench.journal.entries()


def test_a_fee_over_the_cap_is_refused_before_anything_is_signed(bench: Bench) -> None:
    with pytest.raises(FeeTooHigh):
        bench.send(max_fee=1199)
    with pytest.raises(FeeTooHigh):
        bench.send(chain=bench.again(max_fee=1199))
    assert not bench.node.broadcasts
    assert not bench.journal.entries(State.PLANNED, State.SENT, State.UNKNOWN)
    assert bench.send(chain=bench.again(max_fee=1), max_fee=1200).fresh


def test_too_little_money_is_told_before_anything_is_signed(bench: Bench) -> None:
    bench.node.balance = 1204
    with pytest.raises(InsufficientFunds, match="are missing"):
        bench.send(5)
    bench.node.balance = 1205
    bench.node.simulation_error = "spendable balance 0ucoin is smaller than 5ucoin: insufficient funds"
    with pytest.raises(InsufficientFunds):
        bench.send(5)
    assert not bench.node.broadcasts


def test_a_simulation_that_fails_saves_the_fee(bench: Bench) -> None:
    bench.node.simulation_error = (
        "failed to execute message; message index: 0: IPFS hash cannot be empty: invalid request"
    )
    with pytest.raises(ChainRefused, match="IPFS hash cannot be empty") as caught:
        bench.send()
    assert (caught.value.answer.stage, caught.value.meaning) == (Stage.SIMULATE, Meaning.REFUSED)
    assert not bench.node.broadcasts
    assert bench.state() is State.FAILED


def test_a_reply_lost_after_the_node_took_it_is_found(bench: Bench) -> None:
    bench.node.after_broadcast = _cut
    confirmed = bench.send()
    assert confirmed.fresh
    assert len(bench.node.broadcasts) == 1


def test_a_reply_lost_before_the_node_took_it_sends_the_same_bytes_again(bench: Bench) -> None:
    def lose_first(raw: bytes) -> None:
        if len(bench.node.broadcasts) == 1:
            raise CutConnection

    bench.node.on_broadcast = lose_first
    assert bench.send(chain=bench.again(confirm_seconds=5)).fresh
    assert len(bench.node.broadcasts) == 2
    assert len(set(bench.node.broadcasts)) == 1


def test_an_unknown_outcome_is_settled_once_the_chain_went_on(bench: Bench) -> None:
    bench.node.includes = False
    with pytest.raises(OutcomeUnknown) as caught:
        bench.send()
    assert caught.value.tx == bench.journal.attempts(1)[0].tx_hash
    assert bench.state() is State.UNKNOWN
    assert bench.again().settle(bench.journal.get(1)).state is State.UNKNOWN
    bench.node.include()
    settled = bench.again().settle(bench.journal.get(1))
    assert (settled.state, (settled.result or {})["height"]) == (State.CONFIRMED, 11)


def test_what_no_block_took_in_time_is_failed_and_may_be_sent_anew(bench: Bench) -> None:
    bench.node.includes = False
    with pytest.raises(OutcomeUnknown):
        bench.send()
    bench.node.forget()
    bench.node.height = 15  # the timeout height itself: it could stand in this very block
    assert bench.again().settle(bench.journal.get(1)).state is State.UNKNOWN
    bench.node.height = 17
    settled = bench.again().settle(bench.journal.get(1))
    assert (settled.state, bench.journal.attempts(1)[0].outcome) == (State.FAILED, "void")
    bench.node.includes = True
    assert bench.send().entry_id == 2


def test_an_open_intent_is_waited_for_and_not_signed_again(bench: Bench) -> None:
    bench.node.includes = False
    with pytest.raises(OutcomeUnknown):
        bench.send()
    bench.node.include()
    confirmed = bench.send(chain=bench.again())
    assert confirmed.entry_id == 1
    assert len(bench.journal.attempts(1)) == 1


def test_an_open_intent_whose_transaction_died_is_signed_again(bench: Bench) -> None:
    bench.node.includes = False
    with pytest.raises(OutcomeUnknown):
        bench.send()
    bench.node.forget()
    bench.node.height = 30
    bench.node.includes = True
    confirmed = bench.send(chain=bench.again())
    assert confirmed.entry_id == 1
    assert [attempt.outcome for attempt in bench.journal.attempts(1)] == ["void", "included"]


def test_known_bytes_are_waited_for(bench: Bench) -> None:
    def know(raw: bytes) -> tuple[int, str]:
        bench.node.include(raw)
        return 19, ""

    bench.node.on_broadcast = know
    assert bench.send().fresh


def test_wrong_sequence_after_a_restart_finds_the_paid_transaction(bench: Bench) -> None:
    """The node took the bytes, included them, restarted: the same bytes get 32 although they were paid."""

    def pay_and_deny(raw: bytes) -> tuple[int, str]:
        bench.node.include(raw)
        return 32, "account sequence mismatch, expected 1, got 0: incorrect account sequence"

    bench.node.on_broadcast = pay_and_deny
    assert bench.send().fresh
    assert len(bench.node.broadcasts) == 1


def test_wrong_sequence_is_signed_again_only_when_the_first_is_dead(bench: Bench) -> None:
    """A foreign transaction took the sequence between simulation and broadcast."""

    def foreign(raw: bytes) -> None:
        if len(bench.node.broadcasts) == 1:
            bench.node.sequence += 1
            bench.node.grows = True

    bench.node.on_broadcast = foreign
    confirmed = bench.send(chain=bench.again(confirm_seconds=10))
    assert [attempt.outcome for attempt in bench.journal.attempts(1)] == ["void", "included"]
    first, second = (decode_tx(raw) for raw in bench.node.broadcasts)
    assert bench.node.height > first.body.timeout_height
    assert second.tx_hash == confirmed.tx_hash


def test_wrong_sequence_stays_unknown_while_the_first_may_be_included(bench: Bench) -> None:
    def foreign(raw: bytes) -> None:
        bench.node.sequence += 1

    bench.node.on_broadcast = foreign
    with pytest.raises(OutcomeUnknown):
        bench.send()
    assert len(bench.node.broadcasts) == 1
    assert bench.state() is State.UNKNOWN


def test_a_refused_transaction_that_reaches_a_block_elsewhere_is_not_paid_twice(bench: Bench) -> None:
    bench.node.on_broadcast = lambda raw: (13, "insufficient fees; got: 1ucoin required: 2ucoin: insufficient fee")
    with pytest.raises(ChainRefused) as caught:
        bench.send()
    assert (caught.value.meaning, caught.value.answer.stage) == (Meaning.FEE_TOO_LOW, Stage.CHECK)
    assert bench.state() is State.FAILED
    bench.node.include(bench.node.broadcasts[0])
    bench.node.on_broadcast = None
    confirmed = bench.send()
    assert confirmed.entry_id == 1
    assert len(bench.node.broadcasts) == 1


def test_two_intents_never_share_their_bytes(bench: Bench) -> None:
    bench.node.on_broadcast = lambda raw: (13, "insufficient fee")
    for _ in range(2):  # same sequence, same height, same message
        with pytest.raises(ChainRefused):
            bench.send()
    assert len(set(bench.node.broadcasts)) == 2


def test_a_transaction_of_ours_in_the_mempool_counts(bench: Bench) -> None:
    bench.node.includes = False
    with pytest.raises(OutcomeUnknown):
        bench.send(1)
    with pytest.raises(OutcomeUnknown):
        bench.send(2)
    sequences = [decode_tx(raw).auth_info.signer_infos[0].sequence for raw in bench.node.broadcasts]
    assert sequences == [0, 1]


def test_included_with_an_error_is_a_failure_with_its_code(bench: Bench) -> None:
    bench.node.result = (1007, "remes", "IPFS hash cannot be empty: invalid request")
    with pytest.raises(ChainRefused, match="1007 of remes") as caught:
        bench.send()
    assert caught.value.answer.stage is Stage.INCLUDED
    assert caught.value.tx == bench.journal.attempts(1)[0].tx_hash
    assert bench.state() is State.FAILED
    assert (bench.journal.get(1).result or {})["code"] == 1007


def test_a_full_mempool_may_be_tried_again(bench: Bench) -> None:
    bench.node.on_broadcast = lambda raw: (20, "mempool is full")
    with pytest.raises(RateLimited):
        bench.send()
    assert bench.state() is State.FAILED


def test_nothing_was_sent_when_nobody_listens(bench: Bench) -> None:
    with serve(ScriptedChain()) as gone:
        chain = bench.again(gone)
        chain.client.head()
    with pytest.raises(Unreachable):
        bench.send(chain=chain)
    assert not bench.journal.entries(State.SENT, State.UNKNOWN)


def test_one_writer_per_account(bench: Bench) -> None:
    lock = bench.paths.state / "locks" / f"scripted-1-{bench.chain.address(SIGNER.public_key)}.lock"
    with hold_lock(lock, "another r3"), pytest.raises(Busy, match="another r3"):
        bench.send()
    assert not bench.node.broadcasts


def test_another_chain_does_not_settle_what_it_never_saw(bench: Bench) -> None:
    bench.node.includes = False
    with pytest.raises(OutcomeUnknown):
        bench.send()
    bench.node.chain_id, bench.node.height = "scripted-2", 1000
    with pytest.raises(WrongChain):
        bench.again().settle(bench.journal.get(1))
    with pytest.raises(WrongChain):
        bench.send(chain=bench.again())
    assert bench.state() is State.UNKNOWN


class Killed(BaseException):
    """Stands for kill -9: nothing of ours catches it."""


@pytest.mark.parametrize("place", ["before signing", "signed", "broadcast", "included"])
def test_killed_anywhere_the_next_run_pays_once(bench: Bench, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    def die(*_: object, **__: object) -> None:
        raise Killed

    def die_after(call: Any) -> Any:
        def wrapped(*arguments: Any, **options: Any) -> None:
            call(*arguments, **options)
            raise Killed

        return wrapped

    with monkeypatch.context() as patch:
        if place == "before signing":
            patch.setattr(bench.journal, "sending", die)
        elif place == "signed":
            patch.setattr(bench.journal, "sending", die_after(bench.journal.sending))
        elif place == "broadcast":
            patch.setattr(bench.chain.client, "broadcast", die_after(bench.chain.client.broadcast))
        else:
            patch.setattr(bench.journal, "confirm", die)
        with pytest.raises(Killed):
            bench.send(5)
    confirmed = bench.send(5, chain=bench.again(confirm_seconds=5))
    assert confirmed.entry_id == 1
    assert len(bench.node.blocks) == 1
    assert bench.node.sequence == 1
    assert bench.state() is State.CONFIRMED


def test_settling_what_was_never_sent(bench: Bench) -> None:
    account = bench.chain.address(SIGNER.public_key)
    entry = bench.journal.plan("transfer", "test", account, {})
    assert bench.chain.settle(entry).state is State.FAILED


def _cut() -> None:
    raise CutConnection


def test_two_processes_with_the_same_intent_pay_once(bench: Bench) -> None:
    pids = []
    for _ in range(2):
        pid = os.fork()
        if not pid:
            code = 1
            try:
                bench.send(9, chain=bench.again(lock_wait_seconds=20, confirm_seconds=10))
                code = 0
            finally:
                os._exit(code)
        pids.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0, 0]
    assert len(bench.node.blocks) == 1
