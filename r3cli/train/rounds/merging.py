"""`r3 train aggregate`: the proposer's side of one round, by itself."""

from __future__ import annotations

from r3cli.errors import NotFound, VerificationFailed
from r3cli.events import Report
from r3cli.network.connect import connect
from r3cli.paths import Paths
from r3cli.result import Data, Result
from r3cli.settings import Settings
from r3cli.signals import stop_on_signals
from r3cli.storage.registry import open_store
from r3cli.train.process import prepare_process
from r3cli.train.rounds import play
from r3cli.train.rounds.aggregate import Exclusion, Participant, read_aggregate
from r3cli.train.rounds.bench import Workshop
from r3cli.train.rounds.cast import cast_of, prepare_accounts
from r3cli.train.rounds.challenge import proposers_lie
from r3cli.train.rounds.record import Records
from r3cli.train.rounds.window import Window


class AggregateShown(Data, frozen=True, kw_only=True):
    """A round's aggregate. `state`: `revealed` by this call, or `recomputed`: it was closed, and every bit agrees."""

    round: int
    state: str
    aggregation_id: int
    aggregate_cid: str
    adapter_cid: str
    next_manifest_cid: str
    merkle_root: str
    seed_merkle_root: str
    participants: list[Participant]
    excluded: list[Exclusion]


def aggregate_round(settings: Settings, paths: Paths, number: int, report: Report) -> Result[AggregateShown]:
    """The proposer's side of the open round, or a closed round's aggregate made again and compared.

    Raises `VerificationFailed` when a closed aggregate does not follow from its payloads.
    """
    prepare_process(settings.values.train.threads)
    store = open_store(settings.values.storage, paths)
    with stop_on_signals() as stop, connect(settings, paths, report, local_network="there-is") as connection:
        window = Window(connection, store)
        bench = Workshop(store, settings.values.train.micro_batch).open(
            window.manifest_cid(number), window.seed(number)
        )
        state = "recomputed"
        if window.revealed(number) is None:
            folder = paths.train / window.chain_id
            cast = cast_of(settings, connection, None)
            prepare_accounts(cast, window, connection)
            stage = play.Stage(window, Records(folder / "rounds"), folder, cast, stop, report)
            if play.propose(stage, bench) is None:
                raise NotFound(f"round {number} has no work that verifies", target=str(number))
            state = "revealed"
        revealed = window.revealed(number)
        assert revealed is not None, "it was there or was just revealed"  # noqa: S101 - states an invariant
        lie = proposers_lie(bench, revealed)
        if lie is not None:
            raise VerificationFailed(f"round {number}: {lie.explanation}", target=revealed.aggregate_cid)
        aggregate = read_aggregate(store, revealed.aggregate_cid)
    return Result(
        AggregateShown(
            round=number,
            state=state,
            aggregation_id=revealed.aggregation_id,
            aggregate_cid=revealed.aggregate_cid,
            adapter_cid=aggregate.adapter,
            next_manifest_cid=aggregate.next_manifest,
            merkle_root=aggregate.merkle_root,
            seed_merkle_root=aggregate.seed_merkle_root,
            participants=aggregate.participants,
            excluded=aggregate.excluded,
        )
    )
