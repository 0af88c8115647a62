"""Challenges: what a verifier found wrong with a revealed aggregation, as evidence that others can execute."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from r3cli.errors import CidMismatch, ContentMissing, Malformed, TooLarge
from r3cli.events import Report, event, silent
from r3cli.storage.base import ContentStore
from r3cli.train.rounds.aggregate import Aggregate, Revealed, build_aggregate, read_aggregate
from r3cli.train.rounds.bench import Bench
from r3cli.train.rounds.canonical import DOCUMENT_LIMIT, Document, decode_document
from r3cli.train.rounds.verify import Claim, Reason, Verdict, verify_work


class Evidence(Document, frozen=True, kw_only=True, tag_field="format", tag="r3/evidence/1"):
    """What to execute to see the lie. Without a gradient id it is the proposer's."""

    aggregation_id: int
    explanation: str
    gradient_id: int | None
    reason: str
    step: int | None

    @property
    def resolution(self) -> str:
        """How a resolver names the guilty to the chain."""
        return f"proposer;{self.reason}" if self.gradient_id is None else f"gradient={self.gradient_id};{self.reason}"


def decode_evidence(content: bytes) -> Evidence:
    """Read evidence; raises `Malformed`."""
    return decode_document(Evidence, content)


def read_evidence(store: ContentStore, cid: str) -> Evidence:
    """Evidence by CID; raises `ContentMissing` or `Malformed`."""
    return decode_evidence(store.get(cid, limit=DOCUMENT_LIMIT))


def examine(
    bench: Bench,
    revealed: Revealed,
    claims: Sequence[Claim],
    *,
    choose_step: Callable[[int], int] | None,
    report: Report = silent,
) -> tuple[Evidence | None, list[Verdict]]:
    """Check a revealed aggregation: each participant's work, then the proposer's own.

    `claims` is every work of the round that the chain holds. `choose_step` picks the step of each participant's work
    that is executed (None: all of them). Work that was left out is executed in full: one good step does not make it
    good, and accusing its proposer wrongly costs the bond. Returns the first lie found, and a verdict a work.
    """
    identity = revealed.aggregation_id
    try:
        aggregate = read_aggregate(bench.store, revealed.aggregate_cid)
    except (Malformed, TooLarge) as error:
        return _proposers(identity, Reason.WRONG_AGGREGATE, error.message), []
    included = [claim for claim in claims if claim.gradient_id in aggregate.ids]
    verdicts = judge(bench, included, choose_step=choose_step, report=report)
    for gradient_id in aggregate.ids:
        if gradient_id not in {claim.gradient_id for claim in included}:
            return _proposers(identity, Reason.WRONG_AGGREGATE, f"work {gradient_id} is not of this round"), []
        verdict = verdicts.get(gradient_id)
        if verdict is not None and not verdict.ok:
            return _miners(identity, verdict), list(verdicts.values())
    excused = {exclusion.gradient_id for exclusion in aggregate.excluded if exclusion.reason == ContentMissing.name}
    left_out = [claim for claim in claims if claim.gradient_id not in {*aggregate.ids, *excused}]
    verdicts |= judge(bench, left_out, choose_step=None, report=report)
    lie = (
        _misquoted(identity, aggregate, included)
        or _omitted(identity, left_out, verdicts)
        or proposers_lie(bench, revealed)
    )
    return lie, list(verdicts.values())


def judge(
    bench: Bench,
    claims: Sequence[Claim],
    *,
    choose_step: Callable[[int], int] | None,
    report: Report = silent,
) -> dict[int, Verdict]:
    """A verdict for each work by gradient id; one whose content nobody serves undamaged gets none."""
    verdicts: dict[int, Verdict] = {}
    for claim in claims:
        step = choose_step(bench.manifest.steps) if choose_step else None
        try:
            verdict = verify_work(bench, claim, step=step, report=report)
        except (ContentMissing, CidMismatch) as error:  # lost, or damaged on the way to us: not the miner's lie
            report(event("verify.missing", f"work {claim.gradient_id}: {error.message}", level="warning"))
            continue
        verdicts[claim.gradient_id] = verdict
        message = f"work {claim.gradient_id} of {claim.miner}: {verdict.explanation}"
        report(event("verify.work", message, level="detail" if verdict.ok else "warning", ok=verdict.ok))
    return verdicts


def confirm_evidence(
    bench: Bench, evidence: Evidence, revealed: Revealed, claims: Sequence[Claim], report: Report = silent
) -> Evidence | None:
    """The resolver's side: execute what the evidence points at, in full. Returns the lie, or None if there is none."""
    if evidence.gradient_id is None:
        found, _ = examine(bench, revealed, claims, choose_step=None, report=report)
        return found
    for claim in (claim for claim in claims if claim.gradient_id == evidence.gradient_id):
        verdict = verify_work(bench, claim, report=report)
        if not verdict.ok:
            return _miners(evidence.aggregation_id, verdict)
    return None


def proposers_lie(bench: Bench, revealed: Revealed) -> Evidence | None:
    """What is wrong with an aggregate by itself.

    Its adapter and next manifest must follow from its payloads, and what the proposer told the chain from it.
    """
    aggregation_id = revealed.aggregation_id
    try:
        aggregate = read_aggregate(bench.store, revealed.aggregate_cid)
        expected = build_aggregate(
            bench.store,
            bench.manifest,
            bench.manifest_cid,
            bench.adapter,
            proposer=aggregate.proposer,
            participants=aggregate.participants,
            excluded=aggregate.excluded,
        )
    except (Malformed, TooLarge) as error:
        return _proposers(aggregation_id, Reason.WRONG_AGGREGATE, error.message)
    if expected != aggregate:
        return _proposers(aggregation_id, Reason.WRONG_AGGREGATE, "the merged adapter or the next manifest differs")
    shown = (aggregate.proposer, aggregate.merkle_root, tuple(aggregate.ids), aggregate.next_manifest)
    told = (revealed.proposer, revealed.merkle_root, revealed.gradient_ids, revealed.next_manifest)
    if any(word not in (None, fact) for word, fact in zip(told, shown, strict=True)):
        return _proposers(aggregation_id, Reason.WRONG_AGGREGATE, "the chain was told other things than the aggregate")
    return None


def _misquoted(aggregation_id: int, aggregate: Aggregate, included: Sequence[Claim]) -> Evidence | None:
    """Work that stands in the aggregate otherwise than on the chain."""
    quoted = {participant.gradient_id: participant for participant in aggregate.participants}
    for claim in included:
        participant = quoted[claim.gradient_id]
        said = (participant.miner, participant.payload, participant.step_root)
        if said != (claim.miner, claim.payload_cid, claim.gradient_hash):
            return _proposers(aggregation_id, Reason.WRONG_AGGREGATE, f"work {claim.gradient_id} is misquoted")
    return None


def _omitted(aggregation_id: int, left_out: Sequence[Claim], verdicts: dict[int, Verdict]) -> Evidence | None:
    """Work that was left out although it verifies; without its content nothing is known."""
    for claim in left_out:
        verdict = verdicts.get(claim.gradient_id)
        if verdict is not None and verdict.ok:
            explanation = f"work {claim.gradient_id} was left out although it verifies"
            return _proposers(aggregation_id, Reason.OMITTED_WORK, explanation)
    return None


def _miners(aggregation_id: int, verdict: Verdict) -> Evidence:
    return Evidence(
        aggregation_id=aggregation_id,
        explanation=verdict.explanation,
        gradient_id=verdict.gradient_id,
        reason=str(verdict.reason),
        step=verdict.first_bad_step,
    )


def _proposers(aggregation_id: int, reason: Reason, explanation: str) -> Evidence:
    return Evidence(aggregation_id=aggregation_id, explanation=explanation, gradient_id=None, reason=reason, step=None)
