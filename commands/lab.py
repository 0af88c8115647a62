"""`r3 lab`: the local network as servers that one can look at and disturb."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from r3cli.lab import operations
from r3cli.lab.faults import DEFAULT_SECONDS, MEANINGS, NAMES, Fault
from r3cli.lab.operations import LabFaults, LabGrant, LabReset, LabStatus, LabStopped
from r3cli.paths import find_paths

from ._options import Confirm, State, sub_app
from ._output import emit, session_of
from ._prompts import confirm_name
from ._views import Cell, Fields, Lines, Table

app = sub_app(
    "The local network: servers on loopback ports, faults, faucet.",
    examples=("r3 lab up", "r3 lab fault lost-reply --count 1", "r3 lab faucet remes1... 5remes", "r3 lab down"),
)

Port = Annotated[int | None, typer.Option(min=0, max=65535, help="Port; 0 for any free one.")]


@app.command(examples=("r3 lab up", "r3 lab up --port 0 --storage-port 0 --state ./run"))
def up(
    ctx: typer.Context,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Seed of the network.")] = None,
    mode: Annotated[Literal["full", "published"] | None, typer.Option("--mode", help="How its chain behaves.")] = None,
    host: Annotated[str | None, typer.Option("--host", help="Loopback address.")] = None,
    port: Port = None,
    storage_port: Port = None,
    state: State = None,
) -> None:
    """Start the servers, or show those that run."""
    paths = find_paths(state)
    given = {"train.seed": seed, "lab.mode": mode, "lab.host": host}
    given |= {"lab.chain_port": port, "lab.storage_port": storage_port}
    values = session_of(ctx).settings(paths, flags={key: v for key, v in given.items() if v is not None}).values
    lab = values.lab
    ports = {"chain_port": lab.chain_port, "storage_port": lab.storage_port}
    emit(ctx, operations.up(paths, seed=values.train.seed, mode=lab.mode, host=lab.host, **ports), _status)


@app.command(examples=("r3 lab down",))
def down(ctx: typer.Context, state: State = None) -> None:
    """Stop the servers; the ledger stays."""
    emit(ctx, operations.down(find_paths(state)), _stopped)


@app.command(examples=("r3 lab status --json",))
def status(ctx: typer.Context, state: State = None) -> None:
    """Show the running network: chain, height, open round, faults."""
    emit(ctx, operations.status(find_paths(state)), _status)


@app.command(
    examples=("r3 lab fault lost-reply --count 1", "r3 lab fault slow --seconds 3", "r3 lab fault stale --off")
)
def fault(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help=", ".join(NAMES))],
    count: Annotated[int | None, typer.Option("--count", min=1, help="How many times; until switched off.")] = None,
    seconds: Annotated[float, typer.Option("--seconds", min=0, help="For slow: how long.")] = DEFAULT_SECONDS,
    off: Annotated[bool, typer.Option("--off", help="End it.")] = False,
    state: State = None,
) -> None:
    """Make a trouble happen, or end it."""
    emit(ctx, operations.fault(find_paths(state), name, count=count, seconds=seconds, off=off), _faults)


@app.command(examples=("r3 lab faucet remes1... ", "r3 lab faucet remes1... 2.5remes"))
def faucet(
    ctx: typer.Context,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="Who gets it.")],
    given: Annotated[str, typer.Argument(metavar="[AMOUNT]", help="How much.")] = operations.DEFAULT_GRANT,
    state: State = None,
) -> None:
    """Give money that exists on this network only."""
    emit(ctx, operations.faucet(find_paths(state), address, given), _grant)


@app.command(examples=("r3 lab reset --state ./run",))
def reset(ctx: typer.Context, confirm: Confirm = None, state: State = None) -> None:
    """Stop the servers and remove the ledger; blocks, wallets and training stay."""
    paths = find_paths(state)
    name = operations.name_to_confirm(paths)
    confirm_name(ctx, name, given=confirm, what="the lab network")
    emit(ctx, operations.reset(paths, confirm=name), _removed)


def _status(found: LabStatus) -> Fields:
    rows: list[tuple[str, Cell]] = [
        ("chain", found.endpoint),
        ("storage", found.storage),
        ("chain id", found.chain_id),
        ("mode", found.mode),
        ("seed", found.seed),
        ("height", found.height),
        ("open round", found.round),
        ("manifest", found.manifest_cid),
        ("faults", ", ".join(_describe(one) for one in found.faults) or "none"),
        ("process", found.pid),
        ("ledger", found.ledger),
    ]
    return Fields(rows, id=found.endpoint)


def _stopped(found: LabStopped) -> Lines:
    return Lines([f"stopped {endpoint}" for endpoint in found.stopped] or ["nothing was running"], ids=found.stopped)


def _faults(found: LabFaults) -> Table:
    rows = [
        (one.name, "until off" if one.remaining is None else one.remaining, MEANINGS[one.name]) for one in found.faults
    ]
    return Table(("FAULT", "TIMES", "WHAT HAPPENS"), rows, empty="no faults")


def _grant(found: LabGrant) -> Fields:
    rows = [
        ("address", found.address),
        ("given", f"{found.given.decimal} {found.given.unit}"),
        ("balance", f"{found.balance.decimal} {found.balance.unit}"),
    ]
    return Fields(rows, id=found.address)


def _removed(found: LabReset) -> Lines:
    return Lines([f"{found.chain_id} is gone", *found.removed], ids=found.removed)


def _describe(one: Fault) -> str:
    return one.name if one.remaining is None else f"{one.name} ({one.remaining} more)"
