"""Challenges: who lied pays, and the chain goes back to the round in which it happened."""

from __future__ import annotations

import re

import msgspec

from r3cli.lab.genesis import BONDS, STAKES
from r3cli.lab.remes.module import MIN_BOND, MIN_STAKE, SLASH_PERCENT, Module, refuse
from r3cli.lab.remes.records import (
    AggregationCommitment,
    AggregationRecord,
    ChallengeRecord,
    NodeRegistration,
    StoredGradient,
)
from r3cli.network.r3mes.messages import (
    MsgChallengeAggregation,
    MsgChallengeAggregationResponse,
    MsgResolveChallenge,
    MsgResolveChallengeResponse,
)
from r3cli.network.r3mes.schema import NodeStatus

_GUILTY_MINER = re.compile(r"gradient=(\d{1,18});.+", re.DOTALL)
_GUILTY_PROPOSER = re.compile(r"proposer;.+", re.DOTALL)
_MAX_BOND_DIGITS = 18


def challenge_aggregation(module: Module, message: MsgChallengeAggregation) -> MsgChallengeAggregationResponse:
    """Lock the bond; from now on the aggregation's rewards wait for the resolver."""
    aggregation = _aggregation(module, message.aggregation_id)
    if aggregation.status != "pending" or module.height > aggregation.challenge_deadline_height:
        text = f"aggregation {aggregation.aggregation_id} is {aggregation.status}"
        raise refuse("not open to challenge", f"{text}, deadline {aggregation.challenge_deadline_height}")
    if not message.evidence_ipfs_hash:
        raise refuse("invalid field", "a challenge needs evidence")
    bond = _read_bond(module, message)
    identity = module.records.next_id(ChallengeRecord)
    module.lock(message.challenger, bond, into=BONDS, reason="bond", subject=f"challenge {identity}")
    module.store(
        ChallengeRecord(
            challenge_id=identity,
            challenger=message.challenger,
            aggregation_id=aggregation.aggregation_id,
            reason=message.reason,
            evidence_ipfs_hash=message.evidence_ipfs_hash,
            status="open",
            created_at_height=module.height,
            bond_amount=str(bond),
        )
    )
    module.context.emit("remes_challenge", challenge_id=str(identity), challenger=message.challenger)
    return MsgChallengeAggregationResponse(challenge_id=identity)


def resolve_challenge(module: Module, message: MsgResolveChallenge) -> MsgResolveChallengeResponse:
    """The resolver's word: fraud slashes and rolls back, no fraud costs the challenger its bond."""
    if message.resolver != module.context.genesis.resolver:
        raise refuse("not the resolver", f"{message.resolver} may not resolve challenges")
    challenge = module.records.get(ChallengeRecord, message.challenge_id)
    if challenge is None or challenge.status != "open":
        raise refuse("not found", f"there is no open challenge {message.challenge_id}")
    aggregation = _aggregation(module, challenge.aggregation_id)
    if message.fraud_detected:
        _punish(module, challenge, aggregation, message.resolution_reason)
    else:
        module.burn(int(challenge.bond_amount), out_of=BONDS, subject=_name(challenge))
    _close(module, challenge, "upheld" if message.fraud_detected else "rejected", fraud=message.fraud_detected)
    if message.fraud_detected:
        _roll_back(module, aggregation)
    return MsgResolveChallengeResponse(resolved=True)


def slash(module: Module, address: str, *, subject: str) -> int:
    """Take the penalty from a node's locked stake and return it; the caller decides where it goes.

    A node whose stake has melted to half of the minimum is suspended until it registers with a full stake again:
    otherwise the penalty would soon be smaller than what a lie earns.
    """
    (node,) = module.records.find(NodeRegistration, owner=address)
    penalty = int(node.stake) * SLASH_PERCENT // 100
    left = int(node.stake) - penalty
    status = NodeStatus.ACTIVE if left >= MIN_STAKE // 2 else NodeStatus.SUSPENDED
    module.store(
        msgspec.structs.replace(node, stake=str(left), status=status, slashing_events=node.slashing_events + 1)
    )
    module.note_slash(address, penalty, subject=subject)
    return penalty


def _aggregation(module: Module, identity: int) -> AggregationRecord:
    aggregation = module.records.get(AggregationRecord, identity)
    if aggregation is None:
        raise refuse("not found", f"aggregation {identity}")
    return aggregation


def _read_bond(module: Module, message: MsgChallengeAggregation) -> int:
    denom = module.context.genesis.denom
    if len(message.bond_amount) != 1 or message.bond_amount[0].denom != denom:
        raise refuse("invalid bond", f"the bond must be one amount in {denom}")
    text = message.bond_amount[0].amount
    if not (text.isascii() and text.isdigit()) or len(text) > _MAX_BOND_DIGITS or int(text) < MIN_BOND:
        raise refuse("invalid bond", f"a bond of {text[:40]!r} is less than the minimum of {MIN_BOND}{denom}")
    return int(text)


def _punish(module: Module, challenge: ChallengeRecord, aggregation: AggregationRecord, reason: str) -> None:
    match = _GUILTY_MINER.fullmatch(reason)
    if not match and not _GUILTY_PROPOSER.fullmatch(reason):
        raise refuse("invalid resolution", "the reason must read gradient=ID;WHY or proposer;WHY")
    taken = slash(module, aggregation.proposer, subject=_name(challenge))
    if match:
        taken += _slash_miner(module, challenge, aggregation, int(match[1]))
    bounty = taken // 2
    for amount, source, why in ((int(challenge.bond_amount), BONDS, "bond_back"), (bounty, STAKES, "bounty")):
        module.pay(
            challenge.challenger,
            amount,
            out_of=source,
            reason=why,
            training_round=aggregation.training_round_id,
            subject=_name(challenge),
        )
    module.burn(taken - bounty, out_of=STAKES, subject=_name(challenge))


def _slash_miner(module: Module, challenge: ChallengeRecord, aggregation: AggregationRecord, identity: int) -> int:
    if identity not in aggregation.participant_gradient_ids:
        text = f"gradient {identity} is not part of aggregation {aggregation.aggregation_id}"
        raise refuse("invalid resolution", text)
    gradient = module.records.get(StoredGradient, identity)
    if gradient is None:
        raise refuse("not found", f"gradient {identity}")
    module.store(msgspec.structs.replace(gradient, status="slashed"))
    return slash(module, gradient.miner, subject=_name(challenge))


def _roll_back(module: Module, aggregation: AggregationRecord) -> None:
    """Reopen the aggregation's round on its own manifest; everything built on the lie is void."""
    training_round = aggregation.training_round_id
    manifest, before = _round_start(module, training_round)
    for later in module.records.find(AggregationRecord):
        if later.training_round_id >= training_round and later.status == "pending":
            status = "rejected" if later.aggregation_id == aggregation.aggregation_id else "void"
            module.store(msgspec.structs.replace(later, status=status))
            _release_challenges(module, later)
    for gradient in module.records.find(StoredGradient):
        if gradient.training_round_id > training_round and gradient.status == "pending":
            module.store(msgspec.structs.replace(gradient, status="void"))
    for commitment in module.records.find(AggregationCommitment, status="live"):
        module.store(msgspec.structs.replace(commitment, status="void"))
    module.open_round(manifest, training_round, before)


def _round_start(module: Module, training_round: int) -> tuple[str, int]:
    """The manifest that opened a round and the id of the aggregation that named it (0 for the first round)."""
    for opener in module.records.find(AggregationRecord, training_round=training_round - 1, newest_first=True):
        if opener.status in ("pending", "final"):
            return opener.model_version, opener.aggregation_id
    return module.first_manifest, 0


def _release_challenges(module: Module, aggregation: AggregationRecord) -> None:
    """Other challenges of an aggregation that is gone decide nothing any more: their bonds go back."""
    for challenge in module.records.find(ChallengeRecord, status="open"):
        if challenge.aggregation_id == aggregation.aggregation_id:
            module.pay(
                challenge.challenger,
                int(challenge.bond_amount),
                out_of=BONDS,
                reason="bond_back",
                training_round=aggregation.training_round_id,
                subject=_name(challenge),
            )
            _close(module, challenge, "void", fraud=False)


def _close(module: Module, challenge: ChallengeRecord, status: str, *, fraud: bool) -> None:
    module.store(
        msgspec.structs.replace(challenge, status=status, fraud_detected=fraud, resolution_height=module.height)
    )


def _name(challenge: ChallengeRecord) -> str:
    return f"challenge {challenge.challenge_id}"
