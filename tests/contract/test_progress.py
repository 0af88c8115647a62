"""What operations tell while they run: a live line at a terminal, seldom lines elsewhere, nothing with -q."""

from __future__ import annotations

import io
from typing import Any

import pytest

from r3cli.events import Event, event
from tests.contract.documents import frame

CLEAR = "\r\x1b[2K"


class Terminal(io.StringIO):
    """A stream that says it is one."""

    def isatty(self) -> bool:
        return True


def progress(stream: io.StringIO, **how: Any) -> Any:
    return frame("_progress").Progress(stream, **{"quiet": False, "verbosity": 0, "color": stream.isatty(), **how})


def step(done: int, total: int = 10) -> Event:
    return event("test.step", "training", level="debug", done=done, total=total)


def test_a_terminal_has_one_live_line() -> None:
    stream = Terminal()
    report = progress(stream)
    report(step(1))
    report(step(10))
    report(event("test.done", "round 1 done"))
    assert stream.getvalue().startswith(CLEAR)
    assert "10/10 training" in stream.getvalue()
    assert stream.getvalue().endswith(f"{CLEAR}round 1 done\n")


def test_elsewhere_progress_is_told_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 1.0, 29.0, 31.0, 32.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    stream = io.StringIO()
    report = progress(stream)
    for done in range(5):
        report(step(done))
    assert stream.getvalue() == "training (3/10)\n"


def test_quiet_tells_errors_only() -> None:
    stream = io.StringIO()
    report = progress(stream, quiet=True)
    for level in ("info", "warning", "error"):
        report(event("test.said", level, level=level))
    report(step(1))
    assert stream.getvalue() == "error: error\n"


def test_verbosity_shows_details() -> None:
    said = event("test.said", "looking", level="debug", path="/x")
    for verbosity, text in ((0, ""), (1, "looking\n"), (2, "looking path=/x\n")):
        stream = io.StringIO()
        progress(stream, verbosity=verbosity)(said)
        assert stream.getvalue() == text


def test_totals_that_are_no_numbers_do_no_harm() -> None:
    stream = Terminal()
    progress(stream)(event("test.step", "counting", level="debug", done=3, total=None))
    assert "counting" in stream.getvalue()
