"""One round from the inside: mine, check, propose, audit. `run` calls these in order until the rounds are done."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from r3cli.clock import timestamp
from r3cli.errors import CidMismatch, ContentMissing, TransactionFailed
from r3cli.events import Report, event
from r3cli.signals import Stop
from r3cli.train.checkpoint import CheckpointFolder
from r3cli.train.rounds.aggregate import Aggregate, Exclusion, Participant, Revealed, build_aggregate
from r3cli.train.rounds.bench import Bench, load_tensors
from r3cli.train.rounds.challenge import confirm_evidence, examine, judge, read_evidence
from r3cli.train.rounds.manifest import read_manifest
from r3cli.train.rounds.mine import Work, mine_round
from r3cli.train.rounds.record import MinerShown, Records, RoundShown, TxShown, round_of
from r3cli.train.rounds.roles import Actor, Cast
from r3cli.train.rounds.verify import Claim, Verdict, random_step
from r3cli.train.rounds.window import Window, is_closed

CHALLENGE_BOND = 10_000_000  # base units: the lab's minimum of 10 remes


@dataclass(frozen=True)
class Stage:
    """Where a round is played: chain, folders, cast, and whom to tell."""

    window: Window
    records: Records
    folder: Path
    cast: Cast
    stop: Stop
    report: Report


def mine(stage: Stage, bench: Bench) -> RoundShown:
    """Every miner's work of a round, handed in once each. What came too late stays without a transaction."""
    number = bench.manifest.round
    known = stage.records.load(number)
    # A round that a challenge undid may open again on another manifest: what was done for the first is void.
    rows = known.miners if known and known.manifest == bench.manifest_cid else []
    done = {miner.miner: miner for miner in rows if miner.tx is not None}
    shown: list[MinerShown] = []
    for actor in stage.cast.miners:
        row = done.get(actor.address) or _work(stage, bench, actor)
        shown.append(row)
        stage.records.save(round_of(number, bench.manifest_cid, shown))
    return round_of(number, bench.manifest_cid, shown)


def propose(stage: Stage, bench: Bench) -> int | None:
    """Check what was handed in by one drawn step each, merge what is good, commit and reveal.

    None when nothing is good. Raises `TransactionFailed` when somebody else has committed to the round.
    """
    number, proposer = bench.manifest.round, stage.cast.proposer
    aggregate = stage.window.unrevealed(number, proposer.address, stage.folder)
    if aggregate is None or aggregate.manifest != bench.manifest_cid:
        aggregate = _merge_good(stage, bench)
    if aggregate is None:
        stage.report(event("train.nothing_good", f"round {number} has no work that verifies", level="warning"))
        return None
    aggregation_id, _ = stage.window.commit_and_reveal(aggregate, proposer.signer, stage.folder)
    works = f"{len(aggregate.participants)} of {len(aggregate.participants) + len(aggregate.excluded)} works"
    message = f"round {number}: {works} verified by one drawn step each, merged, revealed"
    stage.report(event("train.revealed", message, round=number, aggregation=aggregation_id))
    return aggregation_id


def audit(stage: Stage, bench: Bench, revealed: Revealed) -> int | None:
    """The verifier's turn: execute one drawn step of each work and the whole aggregation; challenge a lie."""
    claims = stage.window.claims(bench.manifest.round, bench.manifest.residuals_reset)
    try:
        lie, verdicts = examine(bench, revealed, claims, choose_step=random_step, report=stage.report)
    except (ContentMissing, CidMismatch) as error:
        message = f"aggregation {revealed.aggregation_id} cannot be checked: {error.message}"
        stage.report(event("train.unchecked", message, level="warning"))
        return None
    _note_checks(stage.records, bench.manifest.round, {verdict.gradient_id: verdict for verdict in verdicts})
    if lie is None:
        return None
    stage.report(event("train.challenge", f"aggregation {revealed.aggregation_id}: {lie.explanation}", level="warning"))
    verifier = stage.cast.verifier
    return stage.window.challenge(lie, verifier.address, verifier.signer, CHALLENGE_BOND)


def resolve(stage: Stage, bench: Bench, revealed: Revealed, challenge_id: int, evidence_cid: str) -> bool:
    """The lab's resolver: execute the evidence with the verifier's own code and tell the chain. True: a lie."""
    resolver = stage.cast.resolver
    assert resolver is not None, "only the local network has a resolver of ours"  # noqa: S101 - states a precondition
    accused = read_evidence(bench.store, evidence_cid)
    claims = stage.window.claims(bench.manifest.round, bench.manifest.residuals_reset)
    lie = confirm_evidence(bench, accused, revealed, claims, stage.report)
    stage.window.resolve(challenge_id, resolver.address, resolver.signer, lie, accused)
    return lie is not None


def close(stage: Stage, bench: Bench, next_manifest_cid: str) -> RoundShown | None:
    """Complete a round's record with what its aggregation brought."""
    record = stage.records.load(bench.manifest.round)
    if record is None or record.global_bpb_after is not None:
        return record
    following = read_manifest(bench.store, next_manifest_cid)
    revealed = stage.window.revealed(bench.manifest.round)
    record = msgspec.structs.replace(
        record,
        global_bpb_after=round(bench.bits_per_byte(load_tensors(bench.store, following.adapter)), 6),
        aggregation_id=revealed.aggregation_id if revealed else None,
        finished_at=timestamp(precision="seconds"),
    )
    stage.records.save(record)
    return record


def _work(stage: Stage, bench: Bench, actor: Actor) -> MinerShown:
    number = bench.manifest.round
    began = time.monotonic()
    checkpoints = CheckpointFolder(
        stage.folder / "checkpoints" / f"{number}-{actor.address}", owner=f"{bench.manifest_cid}/{actor.address}"
    )
    previous = stage.window.previous_payload(actor.address, number, bench.manifest.residuals_reset)
    work = mine_round(bench, actor.address, previous, checkpoints, stage.stop, stage.report)
    before, after = bench.bits_before, bench.bits_per_byte(work.adapter)
    gradient_id, tx = _hand_in(stage, work, actor, f"{before:.3f} -> {after:.3f} bits per byte")
    return MinerShown(
        miner=actor.address,
        digest=work.header.step_root,
        payload_cid=work.payload_cid,
        payload_bytes=work.payload_bytes,
        dense_bytes=_dense_bytes(work),
        claimed_loss=work.header.claimed_loss,
        val_bpb_before=round(before, 6),
        val_bpb_after=round(after, 6),
        seconds=round(time.monotonic() - began, 3),
        gradient_id=gradient_id,
        tx=tx,
    )


def _hand_in(stage: Stage, work: Work, actor: Actor, progress: str) -> tuple[int | None, TxShown | None]:
    """The gradient's id and transaction; neither when the round closed before the work was done."""
    number = work.header.round
    try:
        gradient_id, confirmed = stage.window.submit(work, actor.signer)
    except TransactionFailed as error:
        if not is_closed(error):
            raise
        stage.report(event("train.too_late", f"round {number} closed before this work was handed in", level="warning"))
        return None, None
    stage.report(
        event(
            "train.submitted",
            f"round {number}: {progress}, {work.payload_bytes} bytes handed in",
            round=number,
            miner=actor.address,
            digest=work.header.step_root,
            payload=work.payload_cid,
            tx=confirmed.tx_hash,
        )
    )
    return gradient_id, TxShown(hash=confirmed.tx_hash, outcome="confirmed")


def _merge_good(stage: Stage, bench: Bench) -> Aggregate | None:
    claims, verdicts = _judge_all(stage, bench)
    good = [claim for claim in claims if claim.gradient_id in verdicts and verdicts[claim.gradient_id].ok]
    _note_checks(stage.records, bench.manifest.round, verdicts)
    if not good:
        return None
    return build_aggregate(
        bench.store,
        bench.manifest,
        bench.manifest_cid,
        bench.adapter,
        proposer=stage.cast.proposer.address,
        participants=[_participant(claim) for claim in good],
        excluded=[_exclusion(claim, verdicts.get(claim.gradient_id)) for claim in claims if claim not in good],
    )


def _judge_all(stage: Stage, bench: Bench) -> tuple[list[Claim], dict[int, Verdict]]:
    """Every work of the round with its verdict, also what was handed in while the others were being checked."""
    verdicts: dict[int, Verdict] = {}
    judged: set[int] = set()
    while True:
        claims = stage.window.claims(bench.manifest.round, bench.manifest.residuals_reset)
        fresh = [claim for claim in claims if claim.gradient_id not in judged]
        if not fresh:
            return claims, verdicts
        verdicts |= judge(bench, fresh, choose_step=random_step, report=stage.report)
        judged |= {claim.gradient_id for claim in fresh}


def _dense_bytes(work: Work) -> int:
    return 2 * sum(tensor.size for tensor in work.adapter.values())


def _participant(claim: Claim) -> Participant:
    return Participant(
        gradient_id=claim.gradient_id, miner=claim.miner, payload=claim.payload_cid, step_root=claim.gradient_hash
    )


def _exclusion(claim: Claim, verdict: Verdict | None) -> Exclusion:
    if verdict is None:
        return Exclusion(gradient_id=claim.gradient_id, reason=ContentMissing.name)
    return Exclusion(gradient_id=claim.gradient_id, reason=str(verdict.reason), step=verdict.first_bad_step)


def _note_checks(records: Records, number: int, verdicts: dict[int, Verdict]) -> None:
    record = records.load(number)
    if record is None:
        return
    miners: Sequence[MinerShown] = [
        msgspec.structs.replace(miner, checked_step=verdicts[miner.gradient_id].steps_checked[0])
        if miner.gradient_id in verdicts
        else miner
        for miner in record.miners
    ]
    records.save(msgspec.structs.replace(record, miners=list(miners)))
