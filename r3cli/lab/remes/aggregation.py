"""Commit and reveal: a proposer binds itself to an aggregate, opens it, and thereby opens the next round."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from r3cli.lab.remes.module import CHALLENGE_BLOCKS, REVEAL_BLOCKS, Module, refuse
from r3cli.lab.remes.records import AggregationCommitment, AggregationRecord, StoredGradient
from r3cli.lab.remes.work import check_round_open
from r3cli.network.r3mes.commitment import commitment_hash
from r3cli.network.r3mes.messages import (
    MsgCommitAggregation,
    MsgCommitAggregationResponse,
    MsgRevealAggregation,
    MsgRevealAggregationResponse,
)
from r3cli.network.r3mes.schema import NodeType

_HASH = re.compile(r"[0-9a-f]{64}")


def commit_aggregation(module: Module, message: MsgCommitAggregation) -> MsgCommitAggregationResponse:
    """Close the open round for submissions and wait for the reveal."""
    module.node(message.proposer, NodeType.PROPOSER)
    check_round_open(module, message.training_round_id)
    if not _HASH.fullmatch(message.commitment_hash):
        raise refuse("invalid field", "commitment_hash is not 64 lower-case hex digits")
    _check_participants(module, message.participant_gradient_ids, message.training_round_id)
    commitment = AggregationCommitment(
        commitment_id=module.records.next_id(AggregationCommitment),
        proposer=message.proposer,
        commitment_hash=message.commitment_hash,
        training_round_id=message.training_round_id,
        participant_gradient_ids=message.participant_gradient_ids,
        committed_at_height=module.height,
        reveal_deadline_height=module.height + REVEAL_BLOCKS,
        status="live",
    )
    module.store(commitment)
    module.context.emit("remes_commitment", commitment_id=str(commitment.commitment_id), proposer=message.proposer)
    return MsgCommitAggregationResponse(
        commitment_id=commitment.commitment_id, reveal_deadline_height=commitment.reveal_deadline_height
    )


def reveal_aggregation(module: Module, message: MsgRevealAggregation) -> MsgRevealAggregationResponse:
    """Open a commitment: `model_version` is the manifest of the round that opens, the aggregate can be challenged."""
    commitment = _live_commitment(module, message)
    _check_opening(module, commitment, message)
    aggregation = AggregationRecord(
        aggregation_id=module.records.next_id(AggregationRecord),
        proposer=message.proposer,
        aggregated_gradient_ipfs_hash=message.aggregated_gradient_ipfs_hash,
        merkle_root=message.merkle_root,
        participant_gradient_ids=message.participant_gradient_ids,
        training_round_id=message.training_round_id,
        model_version=message.model_version,
        submitted_at_height=module.height,
        status="pending",
        challenge_deadline_height=module.height + CHALLENGE_BLOCKS,
    )
    module.store(aggregation)
    module.store(
        msgspec.structs.replace(commitment, status="revealed", revealed_aggregation_id=aggregation.aggregation_id)
    )
    module.open_round(message.model_version, message.training_round_id + 1, aggregation.aggregation_id)
    module.context.emit("remes_aggregation", aggregation_id=str(aggregation.aggregation_id), proposer=message.proposer)
    return MsgRevealAggregationResponse(aggregation_id=aggregation.aggregation_id, commitment_verified=True)


def _check_participants(module: Module, ids: Sequence[int], training_round: int) -> None:
    if not ids or list(ids) != sorted(set(ids)):
        raise refuse("invalid participants", "gradient ids must be strictly increasing and at least one")
    miners: set[str] = set()
    for identity in ids:
        gradient = module.records.get(StoredGradient, identity)
        if gradient is None or gradient.training_round_id != training_round or gradient.status != "pending":
            raise refuse("invalid participants", f"gradient {identity} is not pending in round {training_round}")
        if gradient.miner in miners:
            raise refuse("invalid participants", f"{gradient.miner} stands there twice")
        miners.add(gradient.miner)


def _live_commitment(module: Module, message: MsgRevealAggregation) -> AggregationCommitment:
    commitment = module.records.get(AggregationCommitment, message.commitment_id)
    if commitment is None:
        raise refuse("not found", f"commitment {message.commitment_id}")
    if commitment.proposer != message.proposer:
        raise refuse("not the proposer", f"commitment {message.commitment_id} is {commitment.proposer}'s")
    if commitment.status != "live" or module.height > commitment.reveal_deadline_height:
        text = f"commitment {message.commitment_id} is {commitment.status}, its deadline was"
        raise refuse("deadline passed", f"{text} {commitment.reveal_deadline_height}")
    return commitment


def _check_opening(module: Module, commitment: AggregationCommitment, message: MsgRevealAggregation) -> None:
    if not message.model_version or not message.aggregated_gradient_ipfs_hash:
        raise refuse("invalid field", "the aggregate and the next manifest must be named")
    same = (
        message.training_round_id == commitment.training_round_id
        and message.participant_gradient_ids == commitment.participant_gradient_ids
    )
    opened = commitment_hash(
        chain_id=module.context.genesis.chain_id,
        proposer=message.proposer,
        training_round_id=message.training_round_id,
        aggregate_cid=message.aggregated_gradient_ipfs_hash,
        merkle_root=message.merkle_root,
        gradient_ids=message.participant_gradient_ids,
        salt=message.salt,
    )
    if not same or opened != commitment.commitment_hash:
        raise refuse("commitment mismatch", f"what is revealed is not what commitment {commitment.commitment_id} holds")
