"""The event log passes over what is no event, whatever bytes it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from r3cli.events import EventLog, event, read_events


@pytest.mark.parametrize("foreign", [b"\xff\xfe{}", b'{"\xff": 1}', b"not json", b"{}", b""])
def test_a_foreign_line_hides_no_other(tmp_path: Path, foreign: bytes) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log(event("first", "one"))
    with (tmp_path / "events.jsonl").open("ab") as stream:
        stream.write(foreign + b"\n")
    log(event("second", "two"))
    assert [found.name for _, found in read_events(tmp_path / "events.jsonl")] == ["first", "second"]
