"""`r3 logs`: the events of a state folder, filtered, collapsed where they repeat, and followed."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

from r3cli.errors import Usage
from r3cli.events import Event, Level, read_events
from r3cli.result import Data

LEVELS: tuple[Level, ...] = get_args(Level)
REPEAT_REPORT = timedelta(minutes=1)

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(?:\d+[smhdw])+")


class LogLine(Data, frozen=True, kw_only=True):
    """One event. With `repeated` it stands for so many more of the line before it, `ts` being that of the last."""

    ts: str
    level: Level
    name: str
    message: str
    fields: dict[str, Any]
    repeated: int = 0


@dataclass(frozen=True)
class Filter:
    """Which events to show; `since` is a moment, `pattern` is searched in name and message."""

    since: datetime | None = None
    level: Level = "debug"
    pattern: re.Pattern[str] | None = None

    def accepts(self, happened: Event) -> bool:
        return (
            LEVELS.index(happened.level) >= LEVELS.index(self.level)
            and (self.since is None or _moment(happened.ts) >= self.since)
            and (self.pattern is None or self.pattern.search(f"{happened.name} {happened.message}") is not None)
        )


def make_filter(
    *, since: str | None = None, level: Level = "debug", pattern: str | None = None, now: datetime | None = None
) -> Filter:
    """A filter from what the operator typed; raises `Usage`."""
    try:
        compiled = None if pattern is None else re.compile(pattern)
    except re.error as error:
        raise Usage(f"--grep: {pattern!r} is not a regular expression: {error}") from error
    return Filter(None if since is None else parse_since(since, now or datetime.now(UTC)), level, compiled)


def parse_since(text: str, now: datetime) -> datetime:
    """A moment from a duration before `now` (`10m`, `1h30m`) or a time in RFC 3339; raises `Usage`."""
    if _DURATION.fullmatch(text):
        parts = re.findall(r"(\d+)([smhdw])", text)
        try:
            return now - timedelta(seconds=sum(int(count) * _UNITS[unit] for count, unit in parts))
        except (OverflowError, ValueError):
            return datetime.min.replace(tzinfo=UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Usage(
            f"--since: {text!r} is no duration and no time", hint="such as 10m, 1h30m, 2026-01-31T08:00Z"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def read_log(path: Path, chosen: Filter, *, last: int | None = None, collapse: bool = True) -> Iterator[LogLine]:
    """The events in a log, all or the last few."""
    events = (happened for _, happened in read_events(path) if chosen.accepts(happened))
    return _lines(events if last is None else deque(events, maxlen=last), collapse=collapse)


def follow_log(
    path: Path, chosen: Filter, wait: Callable[[], bool], *, last: int | None = None, collapse: bool = True
) -> Iterator[LogLine]:
    """The events in a log and then those to come. `wait` is called when there is no more; it ends all with False."""
    return _lines(_follow(path, chosen, wait, last), collapse=collapse)


def _follow(path: Path, chosen: Filter, wait: Callable[[], bool], last: int | None) -> Iterator[Event | None]:
    seen = _Reader(path)
    present = (happened for happened in seen.read() if chosen.accepts(happened))
    yield from present if last is None else deque(present, maxlen=last)
    while wait():
        yield from (happened for happened in seen.read() if chosen.accepts(happened))
        yield None


class _Reader:
    """Reads a log in pieces, each event once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def read(self) -> Iterator[Event]:
        """What came since the last call."""
        if self._path.exists() and self._path.stat().st_size < self._offset:
            self._offset = 0  # the file was replaced
        for offset, happened in read_events(self._path, offset=self._offset):
            self._offset = offset
            yield happened


def _lines(events: Iterable[Event | None], *, collapse: bool) -> Iterator[LogLine]:
    if collapse:
        return _collapsed(events)
    return (_line(happened) for happened in events if happened is not None)


def _collapsed(events: Iterable[Event | None]) -> Iterator[LogLine]:
    """A run of equal events as its first one and a count of the others. None marks a moment of silence."""
    shown: Event | None = None
    oldest: Event | None = None  # of the repetitions that were not told yet
    latest: Event | None = None
    repeated = 0
    for happened in events:
        if happened is not None and shown is not None and _same(shown, happened):
            oldest, latest, repeated = oldest or happened, happened, repeated + 1
            continue
        if oldest is not None and latest is not None and (happened is not None or _is_due(oldest)):
            yield _line(latest, repeated=repeated)
            oldest, latest, repeated = None, None, 0
        if happened is not None:
            shown = happened
            yield _line(happened)
    if latest is not None:
        yield _line(latest, repeated=repeated)


def _same(one: Event, other: Event) -> bool:
    return (one.level, one.name, one.message) == (other.level, other.name, other.message)


def _is_due(oldest: Event) -> bool:
    return datetime.now(UTC) - _moment(oldest.ts) >= REPEAT_REPORT


def _line(happened: Event, *, repeated: int = 0) -> LogLine:
    return LogLine(
        ts=happened.ts,
        level=happened.level,
        name=happened.name,
        message=happened.message,
        fields=happened.fields,
        repeated=repeated,
    )


def _moment(ts: str) -> datetime:
    try:
        moment = datetime.fromisoformat(ts)
    except ValueError:  # not of our writing
        return datetime.min.replace(tzinfo=UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
