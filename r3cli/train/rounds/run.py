"""`r3 train run`: rounds until enough are done, as miner, proposer and verifier in turn or as one of them.

The chain says where the run stands; the state folder only remembers. Killed at any point and started again, it finds
what was trained, sent, committed and revealed, and goes on from there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from r3cli.errors import InsufficientFunds, NotFound, Refused
from r3cli.events import Report, event
from r3cli.locks import hold_lock
from r3cli.network.connect import Connection, connect
from r3cli.paths import Paths
from r3cli.result import Data, Result
from r3cli.settings import Settings
from r3cli.signals import Stop, stop_on_signals
from r3cli.storage.base import ContentStore
from r3cli.storage.registry import open_store
from r3cli.train.rounds import play
from r3cli.train.rounds.bench import Bench, Workshop
from r3cli.train.rounds.local import LocalNetwork
from r3cli.train.rounds.manifest import require_terms
from r3cli.train.rounds.opening import first_manifest, wanted_terms
from r3cli.train.rounds.prune import prune_states
from r3cli.train.rounds.record import Records, RoundShown
from r3cli.train.rounds.roles import Actor, Cast, Role
from r3cli.train.rounds.window import OpenRound, Window
from r3cli.train.selftest import require_exact
from r3cli.wallet.signer import Signer

STAKE = 1_000_000_000  # base units: the schema's minimum of 1000 remes
POLL_SECONDS = 0.5


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


@dataclass(frozen=True)
class Plan:
    """What a run is asked to do. `minutes` ends it after the round in which that time has passed."""

    rounds: int
    miners: int = 1
    minutes: float | None = None
    role: Role = Role.ALL
    wallet: Signer | None = None


def run_rounds(settings: Settings, paths: Paths, plan: Plan, report: Report) -> Result[TrainRun]:
    """Train until `plan.rounds` rounds are closed (a total, over all runs on this chain)."""
    require_exact()
    store = open_store(settings.values.storage, paths)
    with (
        hold_lock(paths.runtime / f"train-{plan.role}.lock", f"r3 train run --role {plan.role}"),
        stop_on_signals() as stop,
        connect(settings, paths, report) as connection,
    ):
        window = Window(connection, store)
        _open_first_round(settings, window, store, report)
        cast = _cast(settings, connection, plan)
        folder = paths.train / window.chain_id
        stage = play.Stage(window, Records(folder / "rounds"), folder, cast, stop, report)
        _prepare_accounts(stage, connection)
        bench = _loop(settings, stage, Workshop(store, settings.values.train.micro_batch), plan)
        return Result(_shown(settings, paths, stage, bench, plan))


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


def _cast(settings: Settings, connection: Connection, plan: Plan) -> Cast:
    own = [Actor.of(plan.wallet, settings.values.chain.prefix)] if plan.wallet else []
    local = LocalNetwork.behind(connection)
    if local is None:
        if not own:
            raise Refused(f"network {settings.values.network} needs a wallet", hint="--wallet NAME")
        return Cast(miners=own, proposer=own[0], verifier=own[0], resolver=None)
    return Cast(
        miners=own + [local.developer(f"miner-{index}") for index in range(plan.miners - len(own))],
        proposer=local.developer("proposer"),
        verifier=local.developer("verifier"),
        resolver=local.developer("resolver"),
    )


def _prepare_accounts(stage: play.Stage, connection: Connection) -> None:
    """Every account has its stake; on the local network the faucet pays for it."""
    for actor in stage.cast.everyone():
        balance = connection.chain.balance(actor.address).base
        if balance < STAKE and connection.queries.node_registration(actor.address) is None:
            local = LocalNetwork.behind(connection)
            if local is None:
                raise InsufficientFunds(
                    f"{actor.address} has {balance} base units and registering takes {STAKE}", target=actor.address
                )
            local.give(actor.address, 2 * STAKE)
        stage.window.register(actor.signer, actor.address, STAKE)


def _loop(settings: Settings, stage: play.Stage, workshop: Workshop, plan: Plan) -> Bench:
    began = time.monotonic()
    wanted = wanted_terms(settings)
    while True:
        current = stage.window.open_round()
        assert current is not None, "the first round was opened above"  # noqa: S101 - states an invariant
        bench = workshop.open(current.manifest_cid, stage.window.seed(current.number))
        require_terms(bench.manifest, wanted)
        _close_behind(stage, workshop, current)
        if current.number > plan.rounds or _out_of_time(plan, began):
            return bench
        _play(stage, bench, plan.role, current)
        prune_states(bench.store, stage.records, stage.folder, current.number)


def _play(stage: play.Stage, bench: Bench, role: Role, current: OpenRound) -> None:
    if role.mines:
        play.mine(stage, bench)
    if role.proposes:
        if role is not Role.ALL:
            _wait(stage, current, lambda: bool(stage.window.claims(current.number, bench.manifest.residuals_reset)))
        play.propose(stage, bench)
    else:
        _wait(stage, current, lambda: False)
    revealed = stage.window.revealed(current.number)
    if role.verifies and revealed is not None and play.audit(stage, bench, revealed) is not None:
        _resolve_open(stage, bench)


def _resolve_open(stage: play.Stage, bench: Bench) -> None:
    """On the local network nobody else resolves: this machine does, under the resolver's own key."""
    local = LocalNetwork.behind(stage.window.connection)
    if local is None:
        return
    for challenge in local.open_challenges():
        revealed = stage.window.revealed(bench.manifest.round)
        if revealed is not None and revealed.aggregation_id == challenge.aggregation_id:
            play.resolve(stage, bench, revealed, challenge.challenge_id, challenge.evidence_cid)


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


def _out_of_time(plan: Plan, began: float) -> bool:
    return plan.minutes is not None and time.monotonic() - began >= 60 * plan.minutes


def _shown(settings: Settings, paths: Paths, stage: play.Stage, bench: Bench, plan: Plan) -> TrainRun:
    manifest = bench.manifest
    rounds = [record for record in stage.records.all() if record.round <= plan.rounds]
    return TrainRun(
        network=settings.values.network,
        chain_id=manifest.chain_id,
        state=str(paths.state),
        preset=manifest.preset,
        mode="exact",
        manifest=bench.manifest_cid,
        base=manifest.base,
        data=manifest.data,
        finished=manifest.round > plan.rounds,
        rounds_wanted=plan.rounds,
        unigram_bpb=round(bench.corpus.unigram_entropy(), 4),
        bigram_bpb=round(bench.corpus.bigram_entropy(), 4),
        rounds=rounds,
    )
