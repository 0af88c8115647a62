"""What happens while an operation runs: structured events, for the terminal and for `r3 logs`.

Operations take a `report` and call it; they never print. The same events go, one JSON object a line, into the
event log of the state folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from r3cli.clock import timestamp

Level = Literal["debug", "detail", "info", "warning", "error"]


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened. `name` is stable and dotted (`train.step`); `fields` are plain JSON values.

    Progress is a `debug` event whose fields hold `done` and `total`; a `detail` is for the log and for `-v`.
    """

    ts: str
    level: Level
    name: str
    message: str
    fields: dict[str, Any] = {}


Report = Callable[[Event], None]


def event(name: str, message: str, *, level: Level = "info", **fields: Any) -> Event:
    """An event of this moment."""
    return Event(ts=timestamp(), level=level, name=name, message=message, fields=fields)


def silent(_: Event) -> None:
    """The reporter of those who do not listen."""


def tee(*reports: Report) -> Report:
    """A reporter that tells several."""

    def tell(happened: Event) -> None:
        for report in reports:
            report(happened)

    return tell


class EventLog:
    """Appends events to a file, one line each, whole lines even with several writers.

    Progress events (`debug` level) are for the eye only and are not kept.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, happened: Event) -> None:
        if happened.level == "debug":
            return
        line = msgspec.json.encode(happened) + b"\n"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)


def read_events(path: Path, *, offset: int = 0) -> Iterator[tuple[int, Event]]:
    """Events from a log with the offset after each; a line that is cut or foreign is passed over."""
    try:
        stream = path.open("rb")
    except FileNotFoundError:
        return
    with stream:
        stream.seek(offset)
        for line in stream:
            if not line.endswith(b"\n"):
                return
            offset += len(line)
            try:
                yield offset, msgspec.json.decode(line, type=Event)
            except (msgspec.DecodeError, UnicodeError):
                continue
