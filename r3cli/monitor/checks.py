"""What `r3 doctor` finds: one finding a thing that was looked at, with the command that repairs it."""

from __future__ import annotations

from typing import Literal

from r3cli.result import Data

State = Literal["ok", "warning", "fix"]


class Finding(Data, frozen=True, kw_only=True):
    """What was found about one thing; `command` repairs it."""

    name: str
    state: State
    detail: str
    command: str | None = None


def ok(name: str, detail: str) -> Finding:
    """Nothing to do."""
    return Finding(name=name, state="ok", detail=detail)


def warning(name: str, detail: str, command: str | None = None) -> Finding:
    """r3 works, but not as well as it could."""
    return Finding(name=name, state="warning", detail=detail, command=command)


def fix(name: str, detail: str, command: str | None = None) -> Finding:
    """Something will fail until this is repaired."""
    return Finding(name=name, state="fix", detail=detail, command=command)
