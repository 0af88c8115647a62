"""`r3 status`: wallets, network, rounds, last accepted work, balance."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from r3cli.errors import Usage
from r3cli.monitor.status import show_status
from r3cli.paths import find_paths

from ._options import Network, State, single_app
from ._output import emit, emit_screens, session_of
from ._views import Cell, Fields, Lines, Style, Styled, Table, View

if TYPE_CHECKING:
    from r3cli.money import Amount
    from r3cli.monitor.seen import JournalSeen, StatusShown, WorkSeen
    from r3cli.result import Result

WATCH_SECONDS = 2.0
SHOWN_ROUNDS = 12
CURVE_WIDTH = 24
UNKNOWN = Styled("unknown", "dim")

app = single_app()
Seconds = Annotated[float | None, typer.Argument(metavar="[SECONDS]", min=0.1, help="Of --watch: how often; 2.")]

_STYLES: dict[str, Style] = {
    "accepted": "good",
    "confirmed": "good",
    "pending": "warn",
    "slashed": "bad",
    "void": "bad",
}


@app.command(examples=("r3 status", "r3 status --live --json | jq .data.accounts", "r3 status --watch 5"))
def status(
    ctx: typer.Context,
    seconds: Seconds = None,
    watch: Annotated[bool, typer.Option("--watch", help="Show it again and again; JSON output is NDJSON.")] = False,
    live: Annotated[bool, typer.Option("--live", help="Ask the chain now, not only this machine's files.")] = False,
    network: Network = None,
    state: State = None,
) -> None:
    """Show wallets, network, rounds, the last accepted work and its age, the loss curve, balances."""
    session, paths = session_of(ctx), find_paths(state)
    if seconds is not None and not watch:
        raise Usage("SECONDS belongs to --watch", hint=f"r3 status --watch {seconds:g}")
    settings = session.settings(paths, network=network)

    def look() -> Result[StatusShown]:
        return show_status(settings, paths, live=live, report=session.report)

    if watch:
        emit_screens(ctx, _again_and_again(look, seconds or WATCH_SECONDS), _screen, kind="snapshot")
    emit(ctx, look(), _views)


def _again_and_again(look: Callable[[], Result[StatusShown]], seconds: float) -> Iterator[StatusShown]:
    while True:
        yield look().data
        time.sleep(seconds)


def _screen(shown: StatusShown) -> list[View]:
    """One turn of `--watch`: what could not be read stands in it, as nothing else would tell."""
    return [*_views(shown), *([Lines([Styled(text, "bad") for text in shown.trouble])] if shown.trouble else ())]


def _views(shown: StatusShown) -> list[View]:
    views: list[View] = [_summary(shown)]
    if shown.rounds:
        views.append(_curve(shown))
    if shown.accounts:
        rows = [(account.label, account.address or UNKNOWN, _money(account.balance)) for account in shown.accounts]
        views.append(Table(("account", "address", "balance"), rows, ids=()))
    return views


def _summary(shown: StatusShown) -> Fields:
    chain = shown.chain
    rows: list[tuple[str, Cell]] = [
        ("network", shown.network),
        ("chain", _known(shown.chain_id)),
        ("height", f"{chain.height}, read {_ago(chain.age_seconds)}" if chain else UNKNOWN),
        ("open round", _known(chain.open_round if chain else None)),
        ("closed rounds", _known(shown.closed_rounds)),
        *_last_work(shown.last_work),
        ("journal", _journal(shown.journal)),
    ]
    if not shown.accounts:
        rows.append(("wallets", Styled("none: r3 wallet create NAME", "dim")))
    return Fields(rows, id=shown.chain_id)


def _last_work(work: WorkSeen | None) -> list[tuple[str, Cell]]:
    if work is None:
        return [("last accepted work", UNKNOWN)]
    when = "at an unknown time" if work.age_seconds is None else _ago(work.age_seconds)
    return [
        ("last accepted work", f"round {work.round}, {when}, {work.status or 'status unknown'}"),
        ("  digest", work.digest),
        ("  transaction", f"{work.tx} {work.outcome}"),
    ]


def _journal(journal: JournalSeen | None) -> Cell:
    if journal is None:
        return UNKNOWN
    if not journal.open:
        return "every outcome is known"
    return Styled(f"{journal.open} open, {journal.unknown} of them unknown: {journal.hint}", "warn")


def _curve(shown: StatusShown) -> Table:
    """The newest rounds with a bar for the global adapter; of an open round for the miner's own."""
    top = max(seen.val_bpb_before for seen in shown.rounds)
    rows: list[tuple[Cell, ...]] = []
    for seen in shown.rounds[-SHOWN_ROUNDS:]:
        reached = seen.val_bpb_after if seen.global_bpb_after is None else seen.global_bpb_after
        rows.append(
            (
                seen.round,
                f"{seen.val_bpb_before:.3f}",
                f"{seen.val_bpb_after:.3f}",
                UNKNOWN if seen.global_bpb_after is None else f"{seen.global_bpb_after:.3f}",
                Styled(seen.status, _STYLES.get(seen.status, "dim")) if seen.status else UNKNOWN,
                ("#" if seen.closed else ".") * max(1, round(CURVE_WIDTH * reached / top)) if top > 0 else "",
            )
        )
    return Table(("round", "before", "after", "global", "work", "bits per byte"), rows, ids=())


def _money(balance: Amount | None) -> Cell:
    return UNKNOWN if balance is None else f"{balance.decimal} {balance.unit}"


def _known(value: str | int | None) -> Cell:
    return UNKNOWN if value is None else value


def _ago(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"
