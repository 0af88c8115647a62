"""Rounds in mode `full`: windows, commit and reveal, rewards, slashing, rollback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from r3cli.chain.cosmos.message import Message
from r3cli.chain.cosmos.messages import Coin
from r3cli.lab.remes.module import CHALLENGE_BLOCKS, MINER_REWARD, PROPOSER_REWARD, REVEAL_BLOCKS
from r3cli.lab.remes.records import (
    AggregationCommitment,
    AggregationRecord,
    ChallengeRecord,
    GlobalModelState,
    NodeRegistration,
    Record,
    StoredGradient,
)
from r3cli.network.r3mes.messages import (
    MsgChallengeAggregation,
    MsgClaimTask,
    MsgResolveChallenge,
    MsgSubmitAggregation,
)
from r3cli.network.r3mes.schema import NodeType
from tests.lab.driver import FEE, STAKE, Actor, Network, commitment_to, gradient, register

PENALTY = int(STAKE) * 5 // 100
BOND = 10_000_000


@pytest.fixture
def network(tmp_path: Path) -> Network:
    return Network(tmp_path)


def statuses(network: Network, cls: type[Record]) -> list[str]:
    with network.chain.view().records() as records:
        return [str(record.status) for record in records.find(cls)]  # type: ignore[attr-defined]  # those asked have one


def model(network: Network) -> GlobalModelState:
    with network.chain.view().records() as records:
        found = records.get(GlobalModelState, 0)
    assert found is not None
    return found


def supply(network: Network) -> int:
    with network.chain.view().state() as state:
        return sum(amount for _, amount in state.supply())


def stake(network: Network, actor: Actor) -> int:
    with network.chain.view().records() as records:
        return int(records.find(NodeRegistration, owner=actor.address)[0].stake)


def refused(actor: Actor, message: Message) -> tuple[int, str]:
    result = actor.send(message)
    return result.code, result.codespace


def challenge(network: Network, aggregation_id: int) -> None:
    coins = (Coin(denom="uremes", amount=str(BOND)),)
    network.must(
        network.verifier,
        MsgChallengeAggregation(
            challenger=network.verifier.address,
            aggregation_id=aggregation_id,
            reason="wrong step",
            evidence_ipfs_hash="evidence",
            bond_amount=coins,
        ),
    )


def resolve(network: Network, challenge_id: int, reason: str, *, fraud: bool = True) -> None:
    network.must(
        network.resolver,
        MsgResolveChallenge(
            resolver=network.resolver.address,
            challenge_id=challenge_id,
            fraud_detected=fraud,
            resolution_reason=reason,
        ),
    )


def test_a_round_pays_when_its_challenge_window_has_passed(network: Network) -> None:
    ids = [network.submit(miner) for miner in network.miners]
    before = [miner.balance for miner in network.miners], network.proposer.balance, supply(network)
    network.aggregate(ids)
    assert (model(network).training_round_id, model(network).model_ipfs_hash) == (2, "manifest-2")
    network.chain.mine(CHALLENGE_BLOCKS - 1)
    assert statuses(network, AggregationRecord) == ["pending"]
    network.chain.mine()
    assert statuses(network, AggregationRecord) == ["final"]
    assert statuses(network, StoredGradient) == ["accepted", "accepted"]
    assert [miner.balance for miner in network.miners] == [balance + MINER_REWARD for balance in before[0]]
    assert network.proposer.balance == before[1] + PROPOSER_REWARD - 2 * FEE
    assert supply(network) == before[2]


@pytest.mark.parametrize(
    ("changes", "code", "codespace"),
    [
        ({"ipfs_hash": ""}, 1007, "remes"),
        ({"training_round_id": 2}, 1101, "remes"),
        ({"global_seed": 5}, 1104, "remes"),
    ],
)
def test_work_that_does_not_fit_the_round(network: Network, changes: dict[str, Any], code: int, codespace: str) -> None:
    miner = network.miners[0]
    assert refused(miner, gradient(miner, **changes)) == (code, codespace)


def test_one_work_a_miner_and_round_and_only_by_miners(network: Network) -> None:
    network.submit(network.miners[0])
    assert refused(network.miners[0], gradient(network.miners[0]))[0] == 1103
    assert refused(network.proposer, gradient(network.proposer))[0] == 1102
    assert refused(network.verifier, gradient(network.verifier))[0] == 1102


def test_a_commitment_closes_the_round(network: Network) -> None:
    reveal = network.commit([network.submit(network.miners[0])])
    assert refused(network.miners[1], gradient(network.miners[1]))[0] == 1106
    assert refused(network.proposer, commitment_to(reveal, network.chain.genesis.chain_id))[0] == 1106


@pytest.mark.parametrize("ids", [(), (1, 1), (2, 1), (1, 9)])
def test_participants_must_be_pending_work_in_order(network: Network, ids: tuple[int, ...]) -> None:
    reveal = network.commit([network.submit(miner) for miner in network.miners])
    network.must(network.proposer, reveal)
    for miner in network.miners:
        network.submit(miner, 2)
    again = msgspec.structs.replace(reveal, participant_gradient_ids=ids, training_round_id=2)
    assert refused(network.proposer, commitment_to(again, network.chain.genesis.chain_id))[0] == 1105


@pytest.mark.parametrize(
    "change",
    [
        {"salt": "other"},
        {"merkle_root": "00" * 32},
        {"aggregated_gradient_ipfs_hash": "other"},
        {"participant_gradient_ids": (1,)},
    ],
)
def test_what_is_revealed_must_be_what_was_committed(network: Network, change: dict[str, object]) -> None:
    reveal = network.commit([network.submit(miner) for miner in network.miners])
    assert refused(network.proposer, msgspec.structs.replace(reveal, **change))[0] == 1107
    network.must(network.proposer, reveal)


def test_only_the_proposer_opens_its_commitment(network: Network) -> None:
    reveal = network.commit([network.submit(network.miners[0])])
    stolen = msgspec.structs.replace(reveal, proposer=network.miners[1].address)
    assert refused(network.miners[1], stolen)[0] == 1108


def test_a_silent_proposer_is_slashed_and_the_round_reopens(network: Network) -> None:
    ids = [network.submit(network.miners[0])]
    before = supply(network)
    reveal = network.commit(ids)
    network.chain.mine(REVEAL_BLOCKS)
    assert statuses(network, AggregationCommitment) == ["expired"]
    assert stake(network, network.proposer) == int(STAKE) - PENALTY
    assert supply(network) == before - PENALTY
    assert refused(network.proposer, reveal)[0] == 1109
    network.submit(network.miners[1])
    network.aggregate(ids)


def test_a_lying_miner_and_its_proposer_are_slashed_and_the_chain_goes_back(network: Network) -> None:
    ids = [network.submit(miner) for miner in network.miners]
    network.aggregate(ids)
    later = network.submit(network.miners[0], 2)
    network.aggregate([later], 2)
    challenge(network, 1)
    network.chain.mine(CHALLENGE_BLOCKS)
    assert statuses(network, AggregationRecord) == ["pending", "pending"]  # rewards wait
    before, money = network.verifier.balance, supply(network)
    resolve(network, 1, f"gradient={ids[1]};wrong_step")
    assert network.verifier.balance == before + BOND + PENALTY
    assert supply(network) == money - PENALTY
    assert [stake(network, actor) for actor in (*network.miners, network.proposer)] == [
        int(STAKE),
        int(STAKE) - PENALTY,
        int(STAKE) - PENALTY,
    ]
    assert statuses(network, AggregationRecord) == ["rejected", "void"]
    assert statuses(network, StoredGradient) == ["pending", "slashed", "void"]
    assert statuses(network, ChallengeRecord) == ["upheld"]
    assert (model(network).training_round_id, model(network).model_ipfs_hash) == (1, "manifest-1")
    assert refused(network.miners[1], gradient(network.miners[1]))[0] == 1103  # no second chance in this round
    network.aggregate([ids[0]])
    assert network.submit(network.miners[0], 2) > later
    network.chain.mine(CHALLENGE_BLOCKS)
    assert statuses(network, AggregationRecord) == ["rejected", "void", "final"]


def test_a_rollback_of_a_later_round_keeps_the_earlier(network: Network) -> None:
    network.aggregate([network.submit(network.miners[0])])
    network.aggregate([network.submit(network.miners[0], 2)], 2)
    challenge(network, 2)
    resolve(network, 1, "proposer;wrong_aggregate")
    assert (model(network).training_round_id, model(network).model_ipfs_hash) == (2, "manifest-2")
    assert model(network).last_aggregation_id == 1
    assert stake(network, network.miners[0]) == int(STAKE)
    assert stake(network, network.proposer) == int(STAKE) - PENALTY


def test_a_false_alarm_costs_its_bond(network: Network) -> None:
    network.aggregate([network.submit(network.miners[0])])
    challenge(network, 1)
    before, money = network.verifier.balance, supply(network)
    resolve(network, 1, "nothing wrong", fraud=False)
    assert network.verifier.balance == before
    assert supply(network) == money - BOND
    assert statuses(network, ChallengeRecord) == ["rejected"]
    network.chain.mine(CHALLENGE_BLOCKS)
    assert statuses(network, AggregationRecord) == ["final"]


def test_who_may_challenge_and_resolve(network: Network) -> None:
    network.aggregate([network.submit(network.miners[0])])
    small = MsgChallengeAggregation(
        challenger=network.verifier.address,
        aggregation_id=1,
        evidence_ipfs_hash="evidence",
        bond_amount=(Coin(denom="uremes", amount=str(BOND - 1)),),
    )
    assert refused(network.verifier, small)[0] == 1111
    challenge(network, 1)
    resolution = MsgResolveChallenge(resolver=network.verifier.address, challenge_id=1, fraud_detected=True)
    assert refused(network.verifier, resolution)[0] == 1113
    vague = msgspec.structs.replace(resolution, resolver=network.resolver.address, resolution_reason="because")
    assert refused(network.resolver, vague)[0] == 1114
    network.aggregate([network.submit(network.miners[0], 2)], 2)
    network.chain.mine(CHALLENGE_BLOCKS)
    assert refused(network.verifier, msgspec.structs.replace(small, aggregation_id=2, bond_amount=()))[0] == 1112


def test_registration_locks_stake_and_never_releases_it(network: Network) -> None:
    miner = network.miners[0]
    assert refused(miner, register(miner, NodeType.MINING, stake="5"))[0] == 1110
    assert refused(miner, register(miner, NodeType.MINING, stake="1.5"))[0] == 1110
    before = miner.balance
    more = str(int(STAKE) + 7)
    network.must(miner, register(miner, NodeType.MINING, NodeType.PROPOSER, stake=more))
    assert miner.balance == before - 7 - FEE
    assert refused(miner, register(miner, NodeType.MINING))[0] == 1110


def test_what_the_lab_does_not_execute_is_refused(network: Network) -> None:
    miner = network.miners[0]
    assert refused(miner, MsgClaimTask(miner=miner.address))[0] == 1115
    assert refused(network.proposer, MsgSubmitAggregation(proposer=network.proposer.address))[0] == 1115
