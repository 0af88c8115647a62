"""`r3 logs`: what happened, one event a line."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from r3cli.events import Level, event
from r3cli.monitor.logs import LogLine, follow_log, make_filter, read_log
from r3cli.paths import find_paths

from ._options import State, single_app
from ._output import emit_stream, session_of
from ._views import Styled

POLL_SECONDS = 0.2

app = single_app()
Lines = Annotated[int | None, typer.Option("--lines", "-n", min=1, metavar="N", help="The last N events only.")]
Since = Annotated[str | None, typer.Option("--since", metavar="WHEN", help="A duration (10m, 1h30m) or a time.")]
Grep = Annotated[str | None, typer.Option("--grep", metavar="REGEX", help="Only events whose text matches.")]


@app.command(
    examples=("r3 logs --since 10m", "r3 logs -f --level warning", "r3 logs --grep train --json | jq .message")
)
def logs(
    ctx: typer.Context,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what happens from now on.")] = False,
    since: Since = None,
    lines: Lines = None,
    level: Annotated[Level, typer.Option("--level", help="This level and those above it.")] = "debug",
    grep: Grep = None,
    state: State = None,
) -> None:
    """Show what happened, one event a line; repeated lines collapse. JSON output is NDJSON."""
    session = session_of(ctx)
    log = find_paths(state).events
    chosen = make_filter(since=since, level=level, pattern=grep)
    collapse = not session.is_machine
    if follow:
        emit_stream(ctx, follow_log(log, chosen, _wait, last=lines, collapse=collapse), _line, kind="event")
    if not log.exists():
        session.report(event("logs.none", f"nothing has happened yet in {log.parent}"))
    emit_stream(ctx, read_log(log, chosen, last=lines, collapse=collapse), _line, kind="event")


def _wait() -> bool:
    time.sleep(POLL_SECONDS)
    return True


def _line(line: LogLine) -> Styled | str:
    if line.repeated:
        return Styled(f"{line.ts}          (the same {line.repeated} more times until then)", "dim")
    fields = "".join(f" {name}={value}" for name, value in line.fields.items())
    text = f"{line.ts} {line.level:<7}  {line.name:<16} {line.message}{fields}"
    return Styled(text, "bad") if line.level == "error" else Styled(text, "warn") if line.level == "warning" else text
