"""`r3 train run`: rounds until enough are done, as miner, proposer and verifier in turn or as one of them.

The chain says where the run stands; the state folder only remembers. Killed at any point and started again, it finds
what was trained, sent, committed and revealed, and goes on from there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec

from r3cli.errors import (
    NotFound,
    RateLimited,
    Refused,
    ServerFault,
    StaleNode,
    TransactionFailed,
    Unreachable,
    VerificationFailed,
)
from r3cli.events import Report, event
from r3cli.locks import hold_lock
from r3cli.network.connect import LocalChoice, connect
from r3cli.paths import Paths
from r3cli.result import Data, Result
from r3cli.settings import Settings
from r3cli.signals import Stop, stop_on_signals
from r3cli.storage.base import ContentStore
from r3cli.storage.registry import open_store
from r3cli.train.process import prepare_process
from r3cli.train.rounds import play
from r3cli.train.rounds.audit import audit_behind
from r3cli.train.rounds.bench import Bench, Workshop, store_tensors
from r3cli.train.rounds.cast import cast_of, prepare_accounts
from r3cli.train.rounds.glance import remember_chain
from r3cli.train.rounds.local import LocalNetwork
from r3cli.train.rounds.manifest import require_terms
from r3cli.train.rounds.opening import first_manifest, is_asked_for, wanted_terms
from r3cli.train.rounds.prune import prune_states
from r3cli.train.rounds.record import Records, RoundShown
from r3cli.train.rounds.roles import Role, parse_role
from r3cli.train.rounds.window import OpenRound, Window, is_closed
from r3cli.train.selftest import require_exact
from r3cli.train.state import fresh_state
from r3cli.wallet.keys import open_signer
from r3cli.wallet.unlock import PassphraseSource

POLL_SECONDS = 0.5
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)  # seconds between tries while the chain is in trouble
RETRY_SECONDS = 5.0  # after another proposer's commitment: it may stay silent and expire


class FastShown(Data, frozen=True, kw_only=True):
    """What fast mode did: bf16 on this machine, no proof, nothing sent. The adapter is in the content store."""

    steps: int
    adapter_cid: str
    val_bpb_before: float
    val_bpb_after: float
    seconds: float


class TrainRun(Data, frozen=True, kw_only=True):
    """A run so far. `finished` says that `rounds_wanted` rounds are closed; bits per byte are of held-out text."""

    network: str
    chain_id: str
    state: str
    preset: str
    mode: str
    manifest: str
    base: str
    data: str
    finished: bool
    rounds_wanted: int
    unigram_bpb: float
    bigram_bpb: float
    rounds: list[RoundShown]
    fast: FastShown | None = None


@dataclass(frozen=True)
class RunOrder:
    """What a run is asked to do beside its settings. `minutes`: no round begins after so long."""

    role: str = Role.ALL
    minutes: float | None = None
    passphrase: PassphraseSource = field(default_factory=PassphraseSource)


@dataclass(frozen=True)
class _Plan:
    """What a run is to reach: so many closed rounds on these terms, by this time of the monotonic clock."""

    role: Role
    rounds: int
    miners: int
    wanted: dict[str, Any]
    ends: float | None

    @classmethod
    def of(cls, settings: Settings, role: Role, minutes: float | None) -> _Plan:
        ends = None if minutes is None else time.monotonic() + 60 * minutes
        train = settings.values.train
        return cls(role, train.rounds, train.miners, wanted_terms(settings), ends)


def run_training(settings: Settings, paths: Paths, order: RunOrder, report: Report) -> Result[TrainRun]:
    """Train until `train.rounds` rounds are closed (a total, over all runs on this chain)."""
    role = parse_role(order.role)
    prepare_process(settings.values.train.threads)
    choice: LocalChoice = "of-settings" if is_asked_for(settings, "train.seed") else "any"
    store = open_store(settings.values.storage, paths)
    with (
        _hold_roles(paths, role),
        stop_on_signals() as stop,
        connect(settings, paths, report, local_network=choice) as connection,
    ):
        window = Window(connection, store)
        _open_first_round(settings, window, store, report)
        workshop = Workshop(store, settings.values.train.micro_batch)
        if settings.values.train.mode == "fast":
            done = _run_fast(settings, paths, window, workshop, stop, report)
            return Result(done, warnings=("fast mode makes no proof: nothing was handed in",))
        require_exact()
        name = settings.values.wallet.name
        signer = open_signer(paths, name, order.passphrase) if name else None
        folder = paths.train / window.chain_id
        cast = cast_of(settings, connection, signer)
        stage = play.Stage(window, Records(folder / "rounds"), folder, cast, stop, report)
        prepare_accounts(stage.cast, window, connection)
        bench = _loop(_Plan.of(settings, role, order.minutes), stage, workshop)
        return Result(_shown(settings, paths, bench, stage.records.all()))


@contextmanager
def _hold_roles(paths: Paths, role: Role) -> Iterator[None]:
    """One run a role and state folder at a time: each role's records, checkpoints and marks have one writer."""
    parts = [part for part in (Role.MINER, Role.PROPOSER, Role.VERIFIER) if role in (Role.ALL, part)]
    with ExitStack() as stack:
        for part in parts:
            stack.enter_context(hold_lock(paths.state / "locks" / f"train-{part}.lock", f"r3 train run --role {role}"))
        yield


def _open_first_round(settings: Settings, window: Window, store: ContentStore, report: Report) -> None:
    if window.open_round() is None:
        local = LocalNetwork.behind(window.connection)
        if local is None:
            raise NotFound(
                f"network {settings.values.network} has no model to train",
                hint="try `--network local`, or `r3 config explain chain.endpoints`",
            )
        manifest = first_manifest(settings, window.chain_id, store, report)
        local.publish_model(store.put(manifest.encode()))


def _loop(plan: _Plan, stage: play.Stage, workshop: Workshop) -> Bench:
    """Turn after turn until enough rounds are closed. When the chain is in passing trouble, a turn is taken again."""
    pauses = iter(PAUSES)
    while True:
        try:
            bench, finished = _turn(plan, stage, workshop)
            pauses = iter(PAUSES)
        except (Unreachable, StaleNode, RateLimited, ServerFault) as error:
            pause = next(pauses, None)
            if pause is None:
                raise
            message = f"{error.message}; trying again in {pause:g} s"
            stage.report(event("train.retry", message, level="warning", error=error.name))
            _pause(stage.stop, pause)
            continue
        if finished:
            return bench


def _turn(plan: _Plan, stage: play.Stage, workshop: Workshop) -> tuple[Bench, bool]:
    """Audit what was revealed, then play the open round, unless all are closed or the time is over (True)."""
    if plan.role.verifies:
        audit_behind(stage, workshop)
    current = stage.window.open_round()
    assert current is not None, "the first round was opened above"  # noqa: S101 - states an invariant
    bench = workshop.open(current.manifest_cid, stage.window.seed(current.number))
    require_terms(bench.manifest, plan.wanted)
    _close_behind(stage, workshop, current)
    remember_chain(stage)
    out_of_time = plan.ends is not None and time.monotonic() >= plan.ends
    if current.number > plan.rounds or out_of_time:
        return bench, True
    _play(plan, stage, bench, current)
    prune_states(bench.store, stage.records, stage.folder, current.number)
    return bench, False


def _pause(stop: Stop, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        stop.raise_if_requested("stopped while the network was in trouble", "run the same command again to go on")
        time.sleep(0.1)


def _play(plan: _Plan, stage: play.Stage, bench: Bench, current: OpenRound) -> None:
    _check_stop(stage.stop, current.number)
    if plan.role.mines:
        play.mine(stage, bench)
    if plan.role.proposes:
        _propose(plan, stage, bench, current)
    else:
        _wait(stage, current, lambda: False)


def _propose(plan: _Plan, stage: play.Stage, bench: Bench, current: OpenRound) -> None:
    """Close the round, or see how somebody else does; a proposer by itself waits for the works of `--miners`."""

    def works() -> int:
        return len(stage.window.claims(current.number, bench.manifest.residuals_reset))

    if plan.role is not Role.ALL:
        _wait(stage, current, lambda: works() >= plan.miners)
    if stage.window.open_round() != current:
        return
    seen = works()
    try:
        proposed = play.propose(stage, bench)
    except TransactionFailed as error:
        if not is_closed(error):
            raise
        stage.report(event("train.committed", f"round {current.number} has another proposer", level="warning"))
        again = time.monotonic() + RETRY_SECONDS
        _wait(stage, current, lambda: time.monotonic() >= again)
        return
    if proposed is not None and stage.window.open_round() == current:
        raise Refused(f"round {current.number} was reopened, and the same aggregate was proposed for it before")
    if proposed is None and plan.role is Role.ALL:
        hint = f"r3 train verify {current.number}"
        raise VerificationFailed(f"round {current.number} has no work that verifies", hint=hint)
    if proposed is None:
        _wait(stage, current, lambda: works() > seen)


def _wait(stage: play.Stage, current: OpenRound, ready: Callable[[], bool]) -> None:
    """Wait until the round moves on or `ready()` holds; a stop request ends it."""
    stage.report(event("train.waiting", f"waiting for the others in round {current.number}", round=current.number))
    while not ready() and stage.window.open_round() == current:
        _check_stop(stage.stop, current.number)
        time.sleep(POLL_SECONDS)


def _check_stop(stop: Stop, number: int) -> None:
    stop.raise_if_requested(f"stopped while round {number} was open", "run the same command again to go on")


def _close_behind(stage: play.Stage, workshop: Workshop, current: OpenRound) -> None:
    """Complete the records of rounds that closed since, also those of a run that was killed."""
    for record in stage.records.all():
        if record.global_bpb_after is None and record.round < current.number:
            bench = workshop.open(stage.window.manifest_cid(record.round), stage.window.seed(record.round))
            closed = play.close(stage, bench, stage.window.manifest_cid(record.round + 1))
            if closed is not None:
                stage.report(
                    event(
                        "train.round",
                        f"round {closed.round} closed: global adapter at {closed.global_bpb_after:.3f} bits per byte",
                        round=closed.round,
                        digest=closed.digest,
                        global_bpb_after=closed.global_bpb_after,
                    )
                )


def _run_fast(
    settings: Settings, paths: Paths, window: Window, workshop: Workshop, stop: Stop, report: Report
) -> TrainRun:
    """All steps at once from the open round's adapter, on the data that the first development miner would draw."""
    current = window.open_round()
    assert current is not None, "the first round was opened before"  # noqa: S101 - states an invariant
    bench = workshop.open(current.manifest_cid, window.seed(current.number))
    require_terms(bench.manifest, wanted_terms(settings))
    began = time.monotonic()
    trainer = workshop.fast_trainer(bench.manifest)
    state, total = fresh_state(bench.adapter), settings.values.train.rounds * bench.manifest.steps
    sequences = bench.validation()
    before = trainer.evaluate(state.parameters, sequences)
    for number in range(1, total + 1):
        outcome = trainer.step(state, bench.tokens("fast", number))
        state = outcome.state
        loss = outcome.loss.bits_per_byte
        report(
            event(
                "train.step",
                f"step {number} of {total}: {loss:.3f} bits per byte",
                level="debug",
                done=number,
                total=total,
            )
        )
        stop.raise_if_requested(f"stopped after step {number}", "fast mode keeps no checkpoint; run it again")
    shown = FastShown(
        steps=total,
        adapter_cid=store_tensors(bench.store, dict(state.parameters)),
        val_bpb_before=round(before, 6),
        val_bpb_after=round(trainer.evaluate(state.parameters, sequences), 6),
        seconds=round(time.monotonic() - began, 3),
    )
    return msgspec.structs.replace(_shown(settings, paths, bench, []), fast=shown, mode="fast")


def _shown(settings: Settings, paths: Paths, bench: Bench, records: list[RoundShown]) -> TrainRun:
    manifest, wanted = bench.manifest, settings.values.train.rounds
    return TrainRun(
        network=settings.values.network,
        chain_id=manifest.chain_id,
        state=str(paths.state),
        preset=manifest.preset,
        mode="exact",
        manifest=bench.manifest_cid,
        base=manifest.base,
        data=manifest.data,
        finished=manifest.round > wanted,
        rounds_wanted=wanted,
        unigram_bpb=round(bench.corpus.unigram_entropy(), 4),
        bigram_bpb=round(bench.corpus.bigram_entropy(), 4),
        rounds=[record for record in records if record.round <= wanted],
    )
