"""The lab's answers have the form of a real node's, and its gas is the real gas."""

from __future__ import annotations

import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from r3cli.chain.cosmos.headers import data_hash, encode_result, header_hash, results_hash
from tests.chain.target import Reply, Target, key
from tests.engines.simd import Simd
from tests.lab.conftest import FUNDS

pytestmark = pytest.mark.engine("simd")

TENDERMINT = "/cosmos/base/tendermint/v1beta1"

# Where the two have different things to say: peers, build details, validators' signatures, the block's luck.
IGNORED = {"txs", "build_deps", "default_node_info", "signatures", "evidence", "msg_responses"}


@pytest.fixture(scope="module")
def real(simd: Simd) -> Iterator[Target]:
    target = Target(simd.rest, simd.chain_id, simd.prefix, simd.denom, key(8), simd.restart)
    simd.fund(target.address(target.funded), FUNDS)
    yield target
    target.http.close()


def shape(value: Any) -> Any:
    """The form of a JSON document: names and kinds, without the values."""
    if isinstance(value, dict):
        return {name: shape(item) for name, item in value.items() if name not in IGNORED}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def broadcast(target: Target) -> tuple[Reply, Reply]:
    """The answers to a good transfer: of CheckTx, and when it is in a block."""
    tx = target.send(5)
    sent = target.broadcast(tx.raw)
    assert sent.outcome == (0, "")
    return sent, target.included(tx.tx_hash)


ASKED: dict[str, Callable[[Target], Reply]] = {
    "account": lambda t: t.account(t.address(t.funded)),
    "no account": lambda t: t.account(t.address(key(40))),
    "no address": lambda t: t.account("nobody"),
    "balances": lambda t: t.get(f"/cosmos/bank/v1beta1/balances/{t.address(t.funded)}"),
    "no balances": lambda t: t.get(f"/cosmos/bank/v1beta1/balances/{t.address(key(40))}"),
    "balance": lambda t: t.get(f"/cosmos/bank/v1beta1/balances/{t.address(t.funded)}/by_denom?denom={t.denom}"),
    "supply": lambda t: t.get("/cosmos/bank/v1beta1/supply"),
    "node config": lambda t: t.get("/cosmos/base/node/v1beta1/config"),
    "syncing": lambda t: t.get(f"{TENDERMINT}/syncing"),
    "latest": lambda t: t.get(f"{TENDERMINT}/blocks/latest"),
    "block": lambda t: t.get(f"{TENDERMINT}/blocks/1"),
    "no block": lambda t: t.get(f"{TENDERMINT}/blocks/99999999"),
    "block zero": lambda t: t.get(f"{TENDERMINT}/blocks/0"),
    "odd block": lambda t: t.get(f"{TENDERMINT}/blocks/abc"),
    "no transaction": lambda t: t.tx("AB" * 32),
    "odd hash": lambda t: t.tx("ZZ" * 32),
    "nothing": lambda t: t.get("/cosmos/nothing"),
    "broadcast": lambda t: broadcast(t)[0],
    "bad broadcast": lambda t: t.broadcast(t.send(fee=1).raw),
    "no bytes": lambda t: t.broadcast(b""),
    "simulate": lambda t: t.simulate(t.send().raw),
    "bad simulation": lambda t: t.simulate(t.send(10**17).raw),
    "simulate nothing": lambda t: t.simulate(b""),
    "included": lambda t: broadcast(t)[1],
}


@pytest.mark.parametrize("asked", list(ASKED))
def test_answers_have_the_same_form(lab_target: Target, real: Target, asked: str) -> None:
    ours, theirs = ASKED[asked](lab_target), ASKED[asked](real)
    assert ours.status == theirs.status
    assert shape(ours.body) == shape(theirs.body)
    assert ours.body.get("code") == theirs.body.get("code")


def test_gas_is_the_real_gas(lab_target: Target, real: Target) -> None:
    used = [int(broadcast(target)[1].body["tx_response"]["gas_used"]) for target in (lab_target, real)]
    # Addresses, denominations and balances differ by some digits between the two chains.
    assert used[0] == pytest.approx(used[1], rel=0.02)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.69, 0.75, 0.9, 0.99])
def test_too_little_gas_fails_at_the_same_place(lab_target: Target, real: Target, share: float) -> None:
    found = []
    for target in (lab_target, real):
        enough = int(target.simulate(target.send().raw).body["gas_info"]["gas_used"])
        tx = target.send(gas=int(enough * share))
        answer = target.broadcast(tx.raw)
        stage = "check" if answer.outcome[0] else "included"
        if stage == "included":
            answer = target.included(tx.tx_hash)
        found.append((stage, answer.outcome))
    assert found[0] == found[1]
    assert found[0][1] == (11, "sdk")


def test_events_are_the_same(lab_target: Target, real: Target) -> None:
    listed = []
    for target in (lab_target, real):
        events = broadcast(target)[1].body["tx_response"]["events"]
        listed.append([(event["type"], [pair["key"] for pair in event["attributes"]]) for event in events])
    assert listed[0] == listed[1]


@pytest.mark.parametrize("which", ["lab", "simd"])
def test_headers_prove_inclusion_and_result(lab_target: Target, real: Target, which: str) -> None:
    target = lab_target if which == "lab" else real
    response = broadcast(target)[1].body["tx_response"]
    height = int(response["height"])
    answer = target.get(f"{TENDERMINT}/blocks/{height}").body
    txs = [b64decode(raw) for raw in answer["block"]["data"]["txs"]]
    assert header_hash(answer["block"]["header"]) == b64decode(answer["block_id"]["hash"])
    assert data_hash(txs) == b64decode(answer["block"]["header"]["data_hash"])
    while (after := target.get(f"{TENDERMINT}/blocks/{height + 1}")).status != 200:
        target.height()
        time.sleep(0.1)
    covered = encode_result(
        response["code"], bytes.fromhex(response["data"]), int(response["gas_wanted"]), int(response["gas_used"])
    )
    assert results_hash([covered]) == b64decode(after.body["block"]["header"]["last_results_hash"])
