"""What happens by itself at the end of each block: silent proposers are slashed, old aggregations are paid."""

from __future__ import annotations

import msgspec

from r3cli.lab.genesis import STAKES, TREASURY
from r3cli.lab.remes.disputes import slash
from r3cli.lab.remes.module import MINER_REWARD, PROPOSER_REWARD, Module
from r3cli.lab.remes.records import AggregationCommitment, AggregationRecord, ChallengeRecord, StoredGradient


def end_block(module: Module) -> None:
    """Close what this height closes."""
    _expire_commitments(module)
    _finalise(module)


def _expire_commitments(module: Module) -> None:
    for commitment in module.records.find(AggregationCommitment, status="live"):
        if module.height >= commitment.reveal_deadline_height:
            module.store(msgspec.structs.replace(commitment, status="expired"))
            subject = f"commitment {commitment.commitment_id}"
            module.burn(slash(module, commitment.proposer, subject=subject), out_of=STAKES, subject=subject)


def _finalise(module: Module) -> None:
    """Pay the aggregations whose challenge window has passed, oldest first.

    One that waits for its resolver holds back all that were built on it.
    """
    disputed = {challenge.aggregation_id for challenge in module.records.find(ChallengeRecord, status="open")}
    for aggregation in module.records.find(AggregationRecord, status="pending"):
        if aggregation.aggregation_id in disputed or module.height < aggregation.challenge_deadline_height:
            return
        module.store(msgspec.structs.replace(aggregation, status="final"))
        for identity in aggregation.participant_gradient_ids:
            gradient = module.records.get(StoredGradient, identity)
            if gradient is not None:
                module.store(msgspec.structs.replace(gradient, status="accepted"))
                _reward(module, gradient.miner, MINER_REWARD, aggregation, f"gradient {identity}")
        subject = f"aggregation {aggregation.aggregation_id}"
        _reward(module, aggregation.proposer, PROPOSER_REWARD, aggregation, subject)


def _reward(module: Module, recipient: str, amount: int, aggregation: AggregationRecord, subject: str) -> None:
    # Rewards come out of a treasury, so that the supply never grows; an empty one pays what it has.
    paid = min(amount, module.treasury())
    training_round = aggregation.training_round_id
    module.pay(recipient, paid, out_of=TREASURY, reason="reward", training_round=training_round, subject=subject)
