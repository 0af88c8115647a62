"""Good and bad transactions with the answers of SDK 0.50: code, codespace, stage and HTTP status.

One class of tests, run unchanged against the real chain (`test_bank_simd.py`) and the lab's node (`test_bank_lab.py`);
each of them only has to provide the fixture `target`.
"""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest

from r3cli.chain.cosmos.messages import Coin, MsgSend
from r3cli.network.r3mes.schema import R3mesMessage
from tests.chain.target import Target, key

RICH = 10**17


class MsgNobodyKnows(R3mesMessage, frozen=True, kw_only=True):
    """A message that no chain has."""


class BankSuite:
    """The contract of a Cosmos node."""

    def test_a_good_transfer_is_accepted_and_included(self, target: Target) -> None:
        recipient = target.address(key(21))
        before = target.balance(recipient)
        number, sequence = target.numbers()
        tx = target.send(5, to=recipient)
        simulated = target.simulate(tx.raw)
        assert simulated.status == 200
        assert 20_000 < int(simulated.body["gas_info"]["gas_used"]) < 200_000
        sent = target.broadcast(tx.raw)
        assert (sent.status, sent.outcome, sent.log) == (200, (0, ""), "")
        assert sent.body["tx_response"]["txhash"] == tx.tx_hash
        included = target.included(tx.tx_hash)
        response = included.body["tx_response"]
        assert included.outcome == (0, "")
        assert int(response["height"]) > 0
        assert response["gas_wanted"] == "200000"
        assert 20_000 < int(response["gas_used"]) < 200_000
        assert bytes.fromhex(response["data"]) == b"\x12\x26\x0a\x24/cosmos.bank.v1beta1.MsgSendResponse"
        assert target.balance(recipient) == before + 5
        assert target.numbers() == (number, sequence + 1)

    @pytest.mark.parametrize("offset", [1, 7])
    def test_a_sequence_that_is_too_high(self, target: Target, offset: int) -> None:
        _, sequence = target.numbers()
        tx = target.send(sequence_offset=offset)
        text = f"account sequence mismatch, expected {sequence}, got {sequence + offset}: incorrect account sequence"
        sent = target.broadcast(tx.raw)
        assert (sent.status, sent.outcome, sent.log) == (200, (32, "sdk"), text)
        _refused_by_simulation(target, tx.raw, re.escape(text))

    def test_a_sequence_that_is_too_low(self, target: Target) -> None:
        target.included(_accepted(target))
        _, sequence = target.numbers()
        tx = target.send(77, sequence_offset=-1)
        text = f"account sequence mismatch, expected {sequence}, got {sequence - 1}: incorrect account sequence"
        sent = target.broadcast(tx.raw)
        assert (sent.status, sent.outcome, sent.log) == (200, (32, "sdk"), text)
        _refused_by_simulation(target, tx.raw, re.escape(text))

    def test_the_same_bytes_twice_are_known_before_and_after_inclusion(self, target: Target) -> None:
        tx = target.send(3)
        assert target.broadcast(tx.raw).outcome == (0, "")
        again = target.broadcast(tx.raw)
        assert (again.status, again.outcome, again.log) == (200, (19, "sdk"), "")
        target.included(tx.tx_hash)
        later = target.broadcast(tx.raw)
        assert (later.status, later.outcome, later.log) == (200, (19, "sdk"), "")

    def test_after_a_restart_paid_bytes_answer_as_a_wrong_sequence(self, target: Target) -> None:
        tx = target.send(4)
        assert target.broadcast(tx.raw).outcome == (0, "")
        target.included(tx.tx_hash)
        target.restart()
        _, sequence = target.numbers()
        again = target.broadcast(tx.raw)
        assert again.outcome == (32, "sdk")
        assert f"expected {sequence}, got {sequence - 1}" in again.log
        assert target.tx(tx.tx_hash).outcome == (0, "")

    @pytest.mark.parametrize("changes", [{"number_offset": 1}, {"chain_id": "another"}])
    def test_a_signature_that_does_not_hold(self, target: Target, changes: dict[str, Any]) -> None:
        tx = target.send(**changes)
        sent = target.broadcast(tx.raw)
        assert (sent.status, sent.outcome) == (200, (4, "sdk"))
        number, _ = target.numbers()
        assert sent.log.startswith(
            f"signature verification failed; please verify account number ({number}) and chain-id ({target.chain_id})"
        )
        # Simulation does not look at signatures.
        assert target.simulate(tx.raw).status == 200

    def test_a_key_that_is_not_the_accounts(self, target: Target) -> None:
        sent = target.broadcast(target.send(signer=key(9)).raw)
        assert (sent.status, sent.outcome) == (200, (8, "sdk"))
        payer = target.address(target.funded)
        assert sent.log == f"pubKey does not match signer address {payer} with signer index: 0: invalid pubkey"

    def test_a_fee_under_the_minimum(self, target: Target) -> None:
        sent = target.broadcast(target.send(fee=1).raw)
        assert (sent.status, sent.outcome) == (200, (13, "sdk"))
        assert sent.log == f"insufficient fees; got: 1{target.denom} required: 200{target.denom}: insufficient fee"

    def test_gas_that_does_not_reach_for_the_ante_handler(self, target: Target) -> None:
        sent = target.broadcast(target.send(gas=20_000).raw)
        assert (sent.status, sent.outcome) == (200, (11, "sdk"))
        assert re.fullmatch(r"out of gas in location: \w+; gasWanted: 20000, gasUsed: \d+: out of gas", sent.log)

    def test_gas_that_does_not_reach_for_the_message_costs_the_fee(self, target: Target) -> None:
        payer = target.address(target.funded)
        before = target.balance(payer)
        _, sequence = target.numbers()
        gas = int(target.simulate(target.send().raw).body["gas_info"]["gas_used"]) - 5_000
        tx = target.send(gas=gas)
        assert target.broadcast(tx.raw).outcome == (0, "")
        included = target.included(tx.tx_hash)
        assert included.outcome == (11, "sdk")
        assert re.match(rf"out of gas in location: \w+; gasWanted: {gas}, gasUsed: \d+", included.log)
        assert target.balance(payer) == before - 500
        assert target.numbers()[1] == sequence + 1

    def test_too_little_money_costs_the_fee(self, target: Target) -> None:
        payer = target.address(target.funded)
        before = target.balance(payer)
        tx = target.send(RICH)
        _refused_by_simulation(target, tx.raw, r"spendable balance \d+\w+ is smaller than \d+\w+: insufficient funds")
        assert target.broadcast(tx.raw).outcome == (0, "")
        included = target.included(tx.tx_hash)
        assert included.outcome == (5, "sdk")
        assert included.log.startswith("failed to execute message; message index: 0: spendable balance ")
        assert included.log.endswith("insufficient funds")
        assert target.balance(payer) == before - 500

    def test_a_fee_that_nobody_can_pay(self, target: Target) -> None:
        sent = target.broadcast(target.send(fee=RICH).raw)
        assert (sent.status, sent.outcome) == (200, (5, "sdk"))
        assert "insufficient funds" in sent.log

    def test_a_message_that_no_chain_has(self, target: Target) -> None:
        tx = target.sign([MsgNobodyKnows()])
        text = f"unable to resolve type URL {MsgNobodyKnows.url()}: tx parse error"
        sent = target.broadcast(tx.raw)
        assert (sent.status, sent.outcome, sent.log) == (200, (2, "sdk"), text)
        _refused_by_simulation(target, tx.raw, re.escape(text))

    @pytest.mark.parametrize("raw", [b"\xff\xff", b"\x0a"])
    def test_bytes_that_are_no_transaction(self, target: Target, raw: bytes) -> None:
        sent = target.broadcast(raw)
        assert (sent.status, sent.outcome) == (200, (2, "sdk"))
        assert sent.log.endswith("tx parse error")
        _refused_by_simulation(target, raw, "tx parse error")

    def test_a_timeout_height_that_has_passed(self, target: Target) -> None:
        target.included(_accepted(target))
        tx = target.send(timeout_height=1)
        sent = target.broadcast(tx.raw)
        assert (sent.status, sent.outcome) == (200, (30, "sdk"))
        assert re.fullmatch(r"block height: \d+, timeout height: 1: tx timeout height", sent.log)
        _refused_by_simulation(target, tx.raw, "tx timeout height")

    def test_an_account_that_pays_before_it_exists(self, target: Target) -> None:
        stranger = key(33)
        message = MsgSend(
            from_address=target.address(stranger),
            to_address=target.address(key(2)),
            amount=(Coin(denom=target.denom, amount="1"),),
        )
        tx = target.sign([message], signer=stranger)
        sent = target.broadcast(tx.raw)
        assert (sent.status, sent.outcome) == (200, (9, "sdk"))
        assert sent.log.endswith("does not exist: unknown address")
        _refused_by_simulation(target, tx.raw, "does not exist: unknown address")

    def test_what_is_not_known(self, target: Target) -> None:
        unknown = target.tx("AB" * 32)
        assert (unknown.status, unknown.body["code"]) == (404, 5)
        assert unknown.body["message"].startswith("tx not found")
        nobody = target.account(target.address(key(34)))
        assert (nobody.status, nobody.body["code"]) == (404, 5)
        assert nobody.body["message"] == f"account {target.address(key(34))} not found"
        assert target.balance(target.address(key(34))) == 0
        future = target.get(f"/cosmos/base/tendermint/v1beta1/blocks/{target.height() + 1_000_000}")
        assert (future.status, future.body["code"]) == (400, 3)
        assert target.get("/cosmos/nothing").status == 501

    def test_a_transaction_stays_in_its_block(self, target: Target) -> None:
        tx = target.send(6)
        target.broadcast(tx.raw)
        height = target.included(tx.tx_hash).body["tx_response"]["height"]
        block = target.get(f"/cosmos/base/tendermint/v1beta1/blocks/{height}").body["block"]
        assert base64.b64encode(tx.raw).decode() in block["data"]["txs"]
        assert block["header"]["chain_id"] == target.chain_id


def _accepted(target: Target) -> str:
    """The hash of a transfer that was just handed in."""
    tx = target.send(1)
    assert target.broadcast(tx.raw).outcome == (0, "")
    return tx.tx_hash


def _refused_by_simulation(target: Target, raw: bytes, pattern: str) -> None:
    refused = target.simulate(raw)
    assert (refused.status, refused.body["code"]) == (500, 2)
    assert re.search(pattern, refused.body["message"])
