"""`r3 tx`: the journal of transactions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from r3cli.chain.transactions import (
    SettlementList,
    TxDetail,
    TxEntry,
    TxList,
    list_transactions,
    settle_transactions,
    show_transaction,
)
from r3cli.paths import find_paths

from ._options import Network, State, sub_app
from ._output import emit, session_of
from ._views import Fields, Style, Styled, Table, View

if TYPE_CHECKING:
    from r3cli.chain.cosmos.adapter import CosmosChain

app = sub_app(
    "What was meant, what was sent, and what became of it.",
    examples=("r3 tx list", "r3 tx settle", "r3 tx show 3 --json"),
)

_STYLES: dict[str, Style] = {"confirmed": "good", "failed": "bad", "unknown": "warn"}


@app.command("list", examples=("r3 tx list", "r3 tx list --open --json"))
def list_(
    ctx: typer.Context,
    only_open: Annotated[bool, typer.Option("--open", help="Only what is not known to be over.")] = False,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="The newest so many.")] = None,
    network: Network = None,
    state: State = None,
) -> None:
    """List the journal, oldest first."""
    emit(ctx, list_transactions(find_paths(state), open_only=only_open, network=network, limit=limit), _table)


@app.command(examples=("r3 tx show 3", "r3 tx show 8B37235FB80B1F6855013FF554B2BCB1EF8DECE24CBC2CB93F65C1E97C8A03A5"))
def show(
    ctx: typer.Context,
    entry: Annotated[str, typer.Argument(metavar="ID|HASH", help="An entry's number or a transaction's hash.")],
    state: State = None,
) -> None:
    """Show one entry with every transaction that was signed for it."""
    emit(ctx, show_transaction(find_paths(state), entry), _detail)


@app.command(examples=("r3 tx settle", "r3 tx settle 3"))
def settle(
    ctx: typer.Context,
    entries: Annotated[
        list[str] | None, typer.Argument(metavar="[ID|HASH]...", help="Every open one by default.")
    ] = None,
    state: State = None,
) -> None:
    """Find out what became of open entries; nothing is sent."""
    session = session_of(ctx)
    paths = find_paths(state)

    @contextmanager
    def connect_chain(network: str) -> Iterator[CosmosChain]:
        from r3cli.network.connect import connect

        settings = session.settings(paths, network=network)
        with connect(settings, paths, session.reporter(paths), local_network="there-is") as connection:
            yield connection.chain

    emit(ctx, settle_transactions(paths, entries or [], connect_chain), _settlements)


def _table(found: TxList) -> Table:
    rows = [
        (entry.id, _state(entry), entry.kind, entry.network, entry.tx_hash, entry.updated) for entry in found.entries
    ]
    ids = [str(entry.id) for entry in found.entries]
    return Table(("ID", "STATE", "KIND", "NETWORK", "TRANSACTION", "UPDATED"), rows, ids, empty="the journal is empty")


def _detail(found: TxDetail) -> list[View]:
    entry = found.entry
    fields = Fields(
        [
            ("entry", entry.id),
            ("state", _state(entry)),
            ("kind", entry.kind),
            ("network", entry.network),
            ("account", entry.account),
            *((f"intent: {name}", str(value)) for name, value in found.intent.items()),
            ("height", entry.height),
            ("detail", entry.detail),
            ("created", entry.created),
            ("updated", entry.updated),
        ],
        id=str(entry.id),
    )
    rows = [(sent.tx_hash, sent.outcome, sent.sequence, sent.timeout_height, sent.sent) for sent in found.attempts]
    columns = ("TRANSACTION", "OUTCOME", "SEQUENCE", "UNTIL BLOCK", "SENT")
    return [fields, Table(columns, rows, ids=[], empty="nothing was signed")]


def _settlements(found: SettlementList) -> Table:
    rows = [(one.entry.id, one.before, _state(one.entry), one.entry.tx_hash, one.entry.detail) for one in found.settled]
    ids = [str(one.entry.id) for one in found.settled]
    return Table(("ID", "WAS", "IS", "TRANSACTION", "DETAIL"), rows, ids, empty="nothing was open")


def _state(entry: TxEntry) -> Styled | str:
    style = _STYLES.get(entry.state)
    return Styled(entry.state, style) if style else entry.state
