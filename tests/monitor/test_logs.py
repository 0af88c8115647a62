"""`r3 logs`: what is kept, filtered, collapsed and followed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from r3cli.errors import Usage
from r3cli.events import Event, EventLog, Level, event
from r3cli.monitor.logs import Filter, LogLine, follow_log, make_filter, parse_since, read_log
from r3cli.paths import find_paths
from tests.conftest import RunR3

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def at(seconds: int, message: str = "the same", *, level: Level = "info", name: str = "test.line") -> Event:
    ts = (NOW + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")
    return Event(ts=ts, level=level, name=name, message=message)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def write(log: Path, *events: Event) -> None:
    for happened in events:
        EventLog(log)(happened)


def told(lines: Iterable[LogLine]) -> list[tuple[str, int]]:
    return [(line.message, line.repeated) for line in lines]


@pytest.mark.parametrize(
    ("text", "before"),
    [("10m", 600), ("1h30m", 5400), ("0s", 0), ("2d", 172_800), ("1w", 604_800)],
)
def test_durations(text: str, before: int) -> None:
    assert parse_since(text, NOW) == NOW - timedelta(seconds=before)


def test_times() -> None:
    assert parse_since("2026-05-04T10:00Z", NOW) == NOW - timedelta(hours=2)
    assert parse_since("2026-05-04T12:00:00+02:00", NOW) == NOW - timedelta(hours=2)
    assert parse_since("2026-05-04T10:00", NOW) == NOW - timedelta(hours=2)
    assert parse_since("99999999999w", NOW) == datetime.min.replace(tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "m", "10", "10x", "-10m", "yesterday", "1.5h"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(Usage):
        parse_since(text, NOW)


def test_a_bad_expression_is_a_usage_error() -> None:
    with pytest.raises(Usage, match="regular expression"):
        make_filter(pattern="(")


def test_filters(log: Path) -> None:
    write(
        log, at(0, "old", level="error"), at(60, "quiet"), at(61, "loud", level="warning"), at(62, "x", name="net.down")
    )
    since = Filter(since=NOW + timedelta(seconds=60))
    assert told(read_log(log, since)) == [("quiet", 0), ("loud", 0), ("x", 0)]
    assert told(read_log(log, Filter(level="warning"))) == [("old", 0), ("loud", 0)]
    assert told(read_log(log, make_filter(pattern="^net|old"))) == [("old", 0), ("x", 0)]
    assert told(read_log(log, Filter(), last=2)) == [("loud", 0), ("x", 0)]


def test_repeated_lines_collapse(log: Path) -> None:
    write(log, at(0, "one"), *(at(second) for second in range(1, 241)), at(300, "two"), at(301, "two"))
    lines = list(read_log(log, Filter()))
    assert told(lines) == [("one", 0), ("the same", 0), ("the same", 239), ("two", 0), ("two", 1)]
    assert lines[2].ts == at(240).ts
    assert len(list(read_log(log, Filter(), collapse=False))) == 243


def test_following_shows_what_comes_and_tells_of_silence(log: Path) -> None:
    steps: Iterator[Callable[[], object]] = iter(
        [
            lambda: write(log, at(1, "second")),
            lambda: write(log, at(2, "second"), at(3, "second")),  # long ago: told in the next silence
            lambda: log.write_bytes(b""),  # the file was replaced
            lambda: write(log, at(4, "after")),
        ]
    )

    def wait() -> bool:
        step = next(steps, None)
        if step is not None:
            step()
        return step is not None

    write(log, at(0, "first"))
    assert told(follow_log(log, Filter(), wait)) == [("first", 0), ("second", 0), ("second", 2), ("after", 0)]


def test_following_waits_for_a_log_that_is_not_there_yet(log: Path) -> None:
    steps = iter([True, True, False])

    def wait() -> bool:
        write(log, at(0, "hello"))
        return next(steps)

    assert told(follow_log(log, Filter(), wait, collapse=False)) == [("hello", 0), ("hello", 0)]


def test_foreign_and_cut_lines_are_passed_over(log: Path) -> None:
    write(log, at(0, "good"))
    with log.open("ab") as stream:
        stream.write(b'not json\n{"ts": 5}\n\xff\xfe\n{"ts":"2026-05-04T12:00:00Z","level":"info","na')
    assert told(read_log(log, Filter())) == [("good", 0)]


def test_the_command_prints_ndjson_and_text(r3: RunR3) -> None:
    log = EventLog(find_paths().events)
    log(event("train.round", "round 1 done", round=1))
    log(event("net.down", "no answer", level="error"))
    log(event("net.down", "no answer", level="error"))
    ran = r3("logs", "--json")
    assert ran.exit_code == 0
    assert [(line["type"], line["seq"], line["message"]) for line in ran.lines] == [
        ("event", 0, "round 1 done"),
        ("event", 1, "no answer"),
        ("event", 2, "no answer"),
    ]
    assert ran.lines[0]["fields"] == {"round": 1}
    text = r3("logs").stdout.splitlines()
    assert len(text) == 3
    assert "the same 1 more" in text[2]
    assert r3("logs", "--level", "error", "-n", "1", "--json").lines[0]["message"] == "no answer"


def test_records_are_what_the_schema_says(r3: RunR3) -> None:
    import jsonschema

    EventLog(find_paths().events)(event("train.round", "round 1 done", round=1))
    schema = json.loads(r3("schema", "logs").stdout)
    (line,) = r3("logs", "--json").lines
    jsonschema.validate(line, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**line, "level": "loud"}, schema)


def test_a_state_without_a_log_is_said_on_stderr(r3: RunR3, tmp_path: Path) -> None:
    ran = r3("logs", "--state", tmp_path / "none")
    assert (ran.exit_code, ran.stdout) == (0, "")
    assert "nothing has happened yet" in ran.stderr
    assert not (tmp_path / "none").exists()


def test_control_characters_of_others_do_not_reach_the_terminal(r3: RunR3) -> None:
    EventLog(find_paths().events)(event("net.reply", "\x1b]0;owned\x07"))
    assert "\x1b" not in r3("logs").stdout
