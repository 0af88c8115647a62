"""Good and bad transactions get what a real `simd` (SDK 0.50.9) was seen to answer, gas included."""

from __future__ import annotations

import base64
import hashlib
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from r3cli.chain.cosmos.message import encode
from r3cli.chain.cosmos.messages import AnyMessage, TxBody, TxRaw
from r3cli.lab.chain import Chain
from r3cli.lab.genesis import development_address, make_genesis
from r3cli.lab.proto_json import show_time
from tests.lab.driver import SEED, Actor, deliver, open_chain

FUNDS = 1_000_000_000
SMALL = 1_000_000


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    # As on the simd whose gas was traced: short amounts and the prefix and denom of that chain.
    genesis = make_genesis(SEED, prefix="cosmos", denom="ucoin", chain_id="lab-1")
    names = {"miner-0": FUNDS, "miner-1": SMALL}
    funds = {development_address(SEED, name, prefix="cosmos"): amount for name, amount in names.items()}
    return open_chain(tmp_path, genesis=msgspec.structs.replace(genesis, funds=funds))


@pytest.fixture
def alice(chain: Chain) -> Actor:
    return Actor(chain, "miner-0")


@pytest.fixture
def bob(chain: Chain) -> Actor:
    return Actor(chain, "miner-1")


def test_a_transfer_costs_the_gas_that_simd_takes(alice: Actor, bob: Actor) -> None:
    first = deliver(alice.chain, alice.sign(alice.pay(bob.address, 5), gas=200_000, fee=200))
    again = deliver(alice.chain, alice.sign(alice.pay(bob.address, 5), gas=200_000, fee=200))
    # simd: 80446 and 67331; the fee collector is swept there each block, so its balance may have a digit less.
    assert (first.code, first.gas_used) == (0, 80446)
    assert again.gas_used == pytest.approx(67331, abs=40)
    assert first.data.hex() == "12260a242f636f736d6f732e62616e6b2e763162657461312e4d736753656e64526573706f6e7365"
    assert (alice.balance, bob.balance) == (FUNDS - 410, SMALL + 10)


def test_a_simulation_predicts_gas_and_leaves_no_trace(alice: Actor, bob: Actor) -> None:
    raw = alice.sign(alice.pay(bob.address, 5), gas=200_000, fee=200)
    simulated = alice.chain.simulate(raw)
    assert (simulated.code, alice.balance, alice.chain.view().height()) == (0, FUNDS, 1)
    assert deliver(alice.chain, raw).gas_used == simulated.gas_used


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"sequence": 1}, 32, "account sequence mismatch, expected 0, got 1: incorrect account sequence"),
        ({"fee": 1}, 13, "insufficient fees; got: 1ucoin required: 200ucoin: insufficient fee"),
        ({"gas": 20_000}, 11, "out of gas in location: WritePerByte; gasWanted: 20000, gasUsed: "),
        ({"gas": 100}, 11, "out of gas in location: Has; gasWanted: 100, gasUsed: 1000: out of gas"),
        ({"account_number": 77}, 4, "signature verification failed; please verify account number (0) and chain-id"),
        ({"chain_id": "other"}, 4, "signature verification failed; please verify account number (0) and chain-id"),
        ({"memo": "x" * 300}, 12, "maximum number of characters is 256 but received 300 characters: memo too large"),
        ({"fee": FUNDS * 2}, 5, "spendable balance 1000000000ucoin is smaller than 2000000000ucoin: insufficient"),
    ],
)
def test_check_tx_refuses_and_takes_nothing(
    alice: Actor, bob: Actor, changes: dict[str, object], code: int, words: str
) -> None:
    settings = {"gas": 200_000, "fee": 200, **changes}
    raw = alice.sign(alice.pay(bob.address, 5), **settings)  # type: ignore[arg-type]  # each by its own name
    for _ in range(2):  # what was refused is not remembered
        answer = alice.chain.broadcast(raw)
        assert (answer.code, answer.codespace) == (code, "sdk")
        assert answer.log.startswith(words)
    assert alice.balance == FUNDS
    assert alice.chain.view().height() == 1


def test_signature_and_fee_do_not_matter_in_a_simulation(alice: Actor, bob: Actor) -> None:
    wrong = alice.sign(alice.pay(bob.address, 5), gas=100, fee=1, account_number=77, chain_id="other")
    assert alice.chain.simulate(wrong).code == 0
    late = alice.sign(alice.pay(bob.address, 5), sequence=3)
    assert alice.chain.simulate(late).code == 32


def test_unknown_and_undecodable_transactions_are_parse_errors(alice: Actor) -> None:
    body = encode(TxBody(messages=(AnyMessage(type_url="/remes.remes.v1.MsgFoo"),)))
    raw = encode(TxRaw(body_bytes=body, signatures=(b"x",)))
    answer = alice.chain.broadcast(raw)
    assert (answer.code, answer.log) == (2, "unable to resolve type URL /remes.remes.v1.MsgFoo: tx parse error")
    assert alice.chain.broadcast(b"\x01\x02\x03").code == 2
    assert alice.chain.broadcast(encode(TxRaw())).code == 18


def test_a_failing_message_costs_its_fee_and_moves_the_sequence(alice: Actor, bob: Actor) -> None:
    failed = deliver(alice.chain, alice.sign(alice.pay(bob.address, FUNDS * 9), gas=200_000, fee=200))
    assert (failed.code, failed.codespace) == (5, "sdk")
    assert failed.log == (
        "failed to execute message; message index: 0: spendable balance 999999800ucoin is smaller than "
        "9000000000ucoin: insufficient funds"
    )
    assert (alice.balance, bob.balance) == (FUNDS - 200, SMALL)


def test_gas_that_ends_in_the_message_is_an_included_failure(alice: Actor, bob: Actor) -> None:
    deliver(alice.chain, alice.sign(alice.pay(bob.address, 1), gas=200_000, fee=200))
    failed = deliver(alice.chain, alice.sign(alice.pay(bob.address, 1), gas=65_000, fee=200))
    # On simd the meter stood at 65311.
    assert failed.code == 11
    assert failed.log.startswith("out of gas in location: WriteFlat; gasWanted: 65000, gasUsed: 653")


def test_the_same_bytes_are_remembered_until_the_node_forgets(alice: Actor, bob: Actor) -> None:
    raw = alice.sign(alice.pay(bob.address, 5))
    assert deliver(alice.chain, raw).code == 0
    assert (alice.chain.broadcast(raw).code, alice.chain.broadcast(raw).log) == (19, "")
    alice.chain.forget_mempool()
    assert alice.chain.broadcast(raw).code == 32
    assert bob.balance == SMALL + 5


def test_bytes_that_failed_in_a_block_are_not_remembered(alice: Actor, bob: Actor) -> None:
    raw = alice.sign(alice.pay(bob.address, FUNDS * 9))
    assert deliver(alice.chain, raw).code == 5
    assert alice.chain.broadcast(raw).code == 32


def test_timeout_height(alice: Actor, bob: Actor) -> None:
    alice.chain.mine(4)
    late = alice.chain.broadcast(alice.sign(alice.pay(bob.address, 5), timeout=4))
    assert (late.code, late.log) == (30, "block height: 5, timeout height: 4: tx timeout height")
    # The head passes CheckTx and fails in the block, without a fee: so does simd.
    at_head = deliver(alice.chain, alice.sign(alice.pay(bob.address, 5), timeout=5))
    assert (at_head.code, at_head.gas_used, alice.balance) == (30, 1000, FUNDS)
    assert deliver(alice.chain, alice.sign(alice.pay(bob.address, 5), timeout=7)).code == 0


def test_coins_must_be_positive_and_recipients_real(alice: Actor) -> None:
    zero = alice.send(alice.pay(alice.address, 0))
    assert (zero.code, zero.log) == (10, "failed to execute message; message index: 0: 0ucoin: invalid coins")
    nowhere = alice.send(alice.pay("cosmos1xxx", 1))
    assert nowhere.code == 7
    assert nowhere.log.endswith(": invalid address")
    collector = alice.chain.genesis.module_address("fee_collector")
    assert alice.send(alice.pay(collector, 1)).code == 4


def test_blocks_are_chained_and_their_times_are_logical(alice: Actor, bob: Actor) -> None:
    raw = alice.sign(alice.pay(bob.address, 5))
    deliver(alice.chain, raw)
    alice.chain.mine()
    view = alice.chain.view()
    blocks = [view.block(height) for height in range(1, 4)]
    assert [block.height for block in blocks if block] == [1, 2, 3]
    for before, after in pairwise(blocks):
        assert before is not None
        assert after is not None
        assert base64.b64decode(after.header["last_block_id"]["hash"]) == before.hash
        assert after.header["time"] == show_time(alice.chain.genesis.block_time(after.height))
    assert blocks[1] is not None
    assert blocks[1].txs == (raw,)
    found = view.transaction(hashlib.sha256(raw).digest())
    assert found is not None
    assert found.height == 2
