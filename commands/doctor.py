"""`r3 doctor`: is this machine ready?"""

from __future__ import annotations

import typer

from r3cli.monitor.doctor import Diagnosis, examine
from r3cli.paths import find_paths

from ._options import State, single_app
from ._output import emit, session_of
from ._views import Lines, Style, Styled, Table, View

app = single_app()

_STYLES: dict[str, Style] = {"ok": "good", "warning": "warn", "fix": "bad"}


@app.command(examples=("r3 doctor", "r3 doctor --state ./run --json"))
def doctor(ctx: typer.Context, state: State = None) -> None:
    """Check this machine and r3's folders; exit 3 when something must be fixed, with the command that does it."""
    emit(ctx, examine(find_paths(state), report=session_of(ctx).report), _findings)


def _findings(data: Diagnosis) -> list[View]:
    rows = [(Styled(each.state, _STYLES[each.state]), each.name, each.detail) for each in data.findings]
    views: list[View] = [Table(("", "checked", "found"), rows, [each.name for each in data.findings])]
    cures = [f"  {each.command}" for each in data.findings if each.command is not None]
    return [*views, Lines(["To do:", *cures])] if cures else views
