"""Mode `published`: the chain as it was observed, faults included (networks/r3mes.md 1.3, 1.4, 1.7)."""

from __future__ import annotations

from pathlib import Path

import pytest

from r3cli.chain.cosmos.message import decode
from r3cli.chain.cosmos.messages import TxMsgData
from r3cli.lab.remes.records import NodeRegistration, StoredGradient
from r3cli.network.r3mes.messages import MsgClaimTask, MsgSubmitGradientResponse
from r3cli.network.r3mes.schema import NodeType
from tests.lab.driver import Actor, gradient, open_chain, register


@pytest.fixture
def miner(tmp_path: Path) -> Actor:
    return Actor(open_chain(tmp_path, "published"), "miner-0")


def test_work_is_stored_without_any_check_but_one(miner: Actor) -> None:
    for _ in range(2):  # no duplicate check
        result = miner.send(gradient(miner, 7, global_seed=3, claimed_loss="9"))
        assert result.code == 0
        (response,) = decode(TxMsgData, result.data).msg_responses
        assert decode(MsgSubmitGradientResponse, response.value).stored_gradient_id == 0
    with miner.chain.view().records() as records:
        stored = records.find(StoredGradient)
    assert [work.id for work in stored] == [0, 1]
    assert (stored[0].ipfs_hash, stored[0].training_round_id) == ("payload", 7)
    assert (stored[0].global_seed, stored[0].claimed_loss, stored[0].status) == (0, "", "")
    assert stored[0].submitted_at_height == 0
    empty = miner.send(gradient(miner, 7, ipfs_hash=""))
    assert (empty.code, empty.codespace) == (1007, "remes")
    assert empty.log.endswith("IPFS hash cannot be empty: invalid request")


def test_a_round_in_the_trap_range_fails(miner: Actor) -> None:
    trapped = miner.send(gradient(miner, 1_000_000_000))
    assert (trapped.code, trapped.codespace) == (1, "undefined")
    assert "failed to get trap job" in trapped.log
    assert trapped.log.endswith("collections: not found")


def test_registration_keeps_three_fields_and_locks_nothing(miner: Actor) -> None:
    before = miner.balance
    result = miner.send(register(miner, NodeType.MINING, stake="lots"))
    assert result.code == 0
    assert before - miner.balance == 1000  # the fee
    with miner.chain.view().records() as records:
        (node,) = records.find(NodeRegistration)
    assert (node.stake, node.roles, node.node_type) == ("lots", (), NodeType.MINING)


def test_other_messages_succeed_and_do_nothing(miner: Actor) -> None:
    assert miner.send(MsgClaimTask(miner=miner.address, pool_id=3)).code == 0
