"""Verification: execute a miner's work again and compare, or name what differs and where.

Everything but the steps is always checked: the payload, that it belongs to this manifest, round and miner, the
leaves against their root, leaf 0 against the manifest, the residual's link, the update against the states, the
claimed loss. Then all steps are executed, or one that the verifier drew after the work was on chain. Content that
nobody serves raises `ContentMissing`: that is neither good work nor fraud.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from enum import StrEnum
from fractions import Fraction

import msgspec
import numpy as np  # noqa: TID253 - compares tensors

from r3cli.errors import ContentMissing, Malformed, TooLarge
from r3cli.events import Report, event, silent
from r3cli.kernels.codec import compress
from r3cli.result import Data
from r3cli.storage.base import ContentStore
from r3cli.storage.cid import cid_of
from r3cli.train.rounds.bench import TENSORS_LIMIT, Bench, load_tensors
from r3cli.train.rounds.canonical import DOCUMENT_LIMIT
from r3cli.train.rounds.leaves import LeafList, decode_leaves
from r3cli.train.rounds.payload import PAYLOAD_LIMIT, Header, Payload, decode_payload
from r3cli.train.state import TrainState


class Reason(StrEnum):
    """What is wrong with a piece of work. The enumeration may grow."""

    MALFORMED_PAYLOAD = "malformed_payload"
    WRONG_MANIFEST = "wrong_manifest"
    WRONG_ROUND = "wrong_round"
    WRONG_ROOT = "wrong_root"
    WRONG_LEAVES = "wrong_leaves"
    POISONED_START = "poisoned_start"
    SKIPPED_STEP = "skipped_step"
    STEP_MISMATCH = "step_mismatch"
    WRONG_LOSS = "wrong_loss"
    INVENTED_RESIDUAL = "invented_residual"
    FORGED_UPDATE = "forged_update"
    RELABELLED_COPY = "relabelled_copy"
    WRONG_AGGREGATE = "wrong_aggregate"
    OMITTED_WORK = "omitted_work"


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What the chain says about a piece of work.

    `previous` is the miner's last revealed payload since residuals were reset (None: there is none), `others` the
    addresses of the round's other miners.
    """

    gradient_id: int
    miner: str
    round: int
    payload_cid: str
    gradient_hash: str
    claimed_loss: str
    height: int = 0
    previous: str | None = None
    others: tuple[str, ...] = ()


class Verdict(Data, frozen=True, kw_only=True):
    """The outcome of a verification.

    `first_bad_step` counts from 1; 0 is the start. `catch_probability` is the chance that a single bad step would
    have been caught by what was executed, as a decimal string.
    """

    ok: bool
    gradient_id: int
    round: int
    miner: str
    payload_cid: str
    digest: str | None
    steps: int
    steps_checked: list[int]
    catch_probability: str
    reason: Reason | None = None
    first_bad_step: int | None = None
    explanation: str = "every bit agrees"


class _Lie(Exception):
    def __init__(self, reason: Reason, explanation: str, step: int | None = None) -> None:
        super().__init__(explanation)
        self.reason = reason
        self.explanation = explanation
        self.step = step


def verify_work(bench: Bench, claim: Claim, *, step: int | None = None, report: Report = silent) -> Verdict:
    """Check a claim: every step, or only `step` (drawn by `random_step` after the work was on chain)."""
    steps = bench.manifest.steps
    checked = list(range(1, steps + 1)) if step is None else [step]
    digest: str | None = None
    lie: _Lie | None = None
    try:
        payload = _read_payload(bench, claim)
        digest = payload.header.step_root
        _check_work(bench, claim, payload, checked, report)
    except _Lie as found:
        lie = found
    return Verdict(
        ok=lie is None,
        gradient_id=claim.gradient_id,
        round=claim.round,
        miner=claim.miner,
        payload_cid=claim.payload_cid,
        digest=digest,
        steps=steps,
        steps_checked=checked,
        catch_probability=catch_probability(len(checked), steps),
        reason=lie.reason if lie else None,
        first_bad_step=lie.step if lie else None,
        explanation=lie.explanation if lie else "every bit agrees",
    )


def random_step(steps: int) -> int:
    """A step that no miner could foresee."""
    return secrets.randbelow(steps) + 1


def catch_probability(checked: int, steps: int) -> str:
    """The chance that one bad step is among the checked ones, to four places."""
    return f"{float(Fraction(checked, steps)):.4f}"


def read_header(store: ContentStore, payload_cid: str) -> Header:
    """The header of a payload; raises `ContentMissing` or `Malformed`."""
    return decode_payload(store.get(payload_cid, limit=PAYLOAD_LIMIT)).header


def _read_payload(bench: Bench, claim: Claim) -> Payload:
    try:
        return decode_payload(bench.store.get(claim.payload_cid, limit=PAYLOAD_LIMIT))
    except (Malformed, TooLarge) as error:
        raise _Lie(Reason.MALFORMED_PAYLOAD, error.message) from error


def _check_work(bench: Bench, claim: Claim, payload: Payload, checked: Sequence[int], report: Report) -> None:
    header = payload.header
    _check_identity(bench, claim, header)
    leaves = _read_leaves(bench, claim, header)
    residual = _check_residual_link(bench, claim, header)
    start = bench.start()
    if leaves.leaves[0] != start.leaf:
        raise _Lie(Reason.POISONED_START, "leaf 0 is not the manifest's adapter with a fresh optimiser", 0)
    if len(checked) == header.steps:
        final = _execute_all(bench, claim, leaves, start.state, report)
    else:
        for number in checked:
            _execute_one(bench, claim, leaves, number, _claimed_state(bench, leaves, number - 1))
        final = _claimed_state(bench, leaves, header.steps)
    _check_update(bench, payload, final, residual)
    if header.claimed_loss != leaves.claimed_loss(bench.tokens_per_step):
        raise _Lie(
            Reason.WRONG_LOSS, f"the leaves give {leaves.claimed_loss(bench.tokens_per_step)} micro-nats a token"
        )
    if claim.claimed_loss != str(header.claimed_loss):
        raise _Lie(Reason.WRONG_LOSS, f"the chain was told {claim.claimed_loss}, the payload {header.claimed_loss}")


def _check_identity(bench: Bench, claim: Claim, header: Header) -> None:
    if header.round != claim.round or header.round != bench.manifest.round:
        raise _Lie(Reason.WRONG_ROUND, f"the payload is of round {header.round}")
    if header.manifest != bench.manifest_cid:
        raise _Lie(Reason.WRONG_MANIFEST, f"the payload is of manifest {header.manifest}")
    if header.miner != claim.miner:
        raise _Lie(Reason.RELABELLED_COPY, f"the payload names {header.miner} as its miner")
    if header.step_root != claim.gradient_hash:
        raise _Lie(Reason.WRONG_ROOT, "the chain holds another step root than the payload")
    if header.steps != bench.manifest.steps:
        raise _Lie(Reason.SKIPPED_STEP, f"{header.steps} steps instead of {bench.manifest.steps}")


def _read_leaves(bench: Bench, claim: Claim, header: Header) -> LeafList:
    del claim
    try:
        leaves = decode_leaves(bench.store.get(header.leaves, limit=DOCUMENT_LIMIT))
    except (Malformed, TooLarge) as error:
        raise _Lie(Reason.WRONG_LEAVES, error.message) from error
    if leaves.root != header.step_root:
        raise _Lie(Reason.WRONG_LEAVES, "the leaves do not have the step root that the payload names")
    if len(leaves.leaves) != header.steps + 1:
        raise _Lie(Reason.SKIPPED_STEP, f"{len(leaves.leaves) - 1} leaves for {header.steps} steps", len(leaves.leaves))
    return leaves


def _check_residual_link(bench: Bench, claim: Claim, header: Header) -> dict[str, np.ndarray] | None:
    if header.residual_before is None:
        if header.previous is not None:
            raise _Lie(Reason.INVENTED_RESIDUAL, "a previous payload is named without a residual")
        return None
    if header.previous != claim.previous or claim.previous is None:
        raise _Lie(Reason.INVENTED_RESIDUAL, "the residual does not come from the miner's last revealed payload")
    expected = read_header(bench.store, claim.previous).residual_after
    if header.residual_before != expected:
        raise _Lie(Reason.INVENTED_RESIDUAL, f"the last revealed payload left {expected}")
    try:
        return load_tensors(bench.store, header.residual_before)
    except (Malformed, TooLarge) as error:
        raise _Lie(Reason.INVENTED_RESIDUAL, error.message) from error


def _execute_all(bench: Bench, claim: Claim, leaves: LeafList, state: TrainState, report: Report) -> TrainState:
    total = bench.manifest.steps
    for number in range(1, total + 1):
        state = _execute_one(bench, claim, leaves, number, state)
        report(event("verify.step", f"step {number} of {total} agrees", level="debug", done=number, total=total))
    return state


def _execute_one(bench: Bench, claim: Claim, leaves: LeafList, number: int, before: TrainState) -> TrainState:
    executed = bench.step(before, claim.miner, number)
    claimed = leaves.leaves[number]
    if executed.leaf == claimed:
        return executed.state
    if executed.leaf.state == claimed.state:
        raise _Lie(Reason.WRONG_LOSS, f"step {number} has loss {executed.leaf.loss}, not {claimed.loss}", number)
    raise _diagnose(bench, claim, leaves, number, before)


def _diagnose(bench: Bench, claim: Claim, leaves: LeafList, number: int, before: TrainState) -> _Lie:
    """Why a step's state differs: skipped, another miner's, or simply other arithmetic."""
    claimed = leaves.leaves[number].state
    if claimed == leaves.leaves[number - 1].state:
        return _Lie(Reason.SKIPPED_STEP, f"step {number} left the state as it was", number)
    if number < bench.manifest.steps and bench.step(before, claim.miner, number + 1).leaf.state == claimed:
        return _Lie(Reason.SKIPPED_STEP, f"step {number} was left out: the next step's data were used", number)
    for other in claim.others:
        if bench.step(before, other, number).leaf.state == claimed:
            return _Lie(Reason.RELABELLED_COPY, f"step {number} is the work of {other}", number)
    return _Lie(Reason.STEP_MISMATCH, f"step {number} gives another state", number)


def _claimed_state(bench: Bench, leaves: LeafList, number: int) -> TrainState:
    try:
        return bench.restore(bench.store.get(leaves.leaves[number].state, limit=TENSORS_LIMIT))
    except ContentMissing as error:
        raise ContentMissing(
            f"the state after step {number} is served by nobody: {error.message}",
            hint="verify every step: that needs no stored state, and states of old rounds are forgotten",
            target=error.target,
        ) from error
    except (Malformed, TooLarge) as error:
        raise _Lie(
            Reason.STEP_MISMATCH, f"the state after step {number} is malformed: {error.message}", number
        ) from error


def _check_update(bench: Bench, payload: Payload, final: TrainState, residual: dict[str, np.ndarray] | None) -> None:
    try:
        update, after = compress(bench.delta(final), residual, bench.manifest.density_fraction)
    except Malformed as error:
        raise _Lie(Reason.FORGED_UPDATE, f"states and residual make no update: {error.message}") from error
    if update != payload.update:
        raise _Lie(Reason.FORGED_UPDATE, "the update is not what the states 0 and H compress to")
    if cid_of(after) != payload.header.residual_after:
        raise _Lie(Reason.INVENTED_RESIDUAL, "the residual after this round is not what compression leaves")
