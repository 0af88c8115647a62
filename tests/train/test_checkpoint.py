"""Checkpoints: what a crash, a truncation or another run's file may do, and may not."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r3cli.errors import BadContent, Usage
from r3cli.events import Event, silent
from r3cli.train.checkpoint import CheckpointFolder, _decode, _encode

WRITER = """
import sys
from pathlib import Path
from r3cli.events import silent
from r3cli.train.checkpoint import CheckpointFolder
folder = CheckpointFolder(Path(sys.argv[1]), "run")
latest = folder.load_latest(silent)
step = latest[0] + 1 if latest else 0
while True:
    folder.save(step, step.to_bytes(8, "big") * 20000)
    print(step, flush=True)
    step += 1
"""


def test_the_last_two_are_kept_and_the_newest_is_loaded(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path / "new", "run")
    assert folder.load_latest(silent) is None
    for step in range(5):
        folder.save(step, bytes([step]))
    assert folder.load_latest(silent) == (4, b"\x04")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "step-000000000003.checkpoint",
        "step-000000000004.checkpoint",
    ]


@pytest.mark.parametrize("damage", ["truncate", "flip", "empty", "extend", "rename"])
def test_a_damaged_one_falls_back_with_a_message(tmp_path: Path, damage: str) -> None:
    folder = CheckpointFolder(tmp_path, "run")
    folder.save(1, b"first")
    folder.save(2, b"second")
    newest = tmp_path / "step-000000000002.checkpoint"
    content = bytearray(newest.read_bytes())
    if damage == "truncate":
        newest.write_bytes(content[:-3])
    elif damage == "flip":
        content[-1] ^= 1
        newest.write_bytes(content)
    elif damage == "empty":
        newest.write_bytes(b"")
    elif damage == "extend":
        newest.write_bytes(content + b"more")
    else:
        newest.rename(tmp_path / "step-000000000009.checkpoint")
    events: list[Event] = []
    assert folder.load_latest(events.append) == (1, b"first")
    assert [event.name for event in events] == ["train.checkpoint_skipped"]
    assert events[0].level == "warning"


def test_another_runs_checkpoint_is_passed_over_and_left_alone(tmp_path: Path) -> None:
    CheckpointFolder(tmp_path, "other").save(9, b"theirs")
    CheckpointFolder(tmp_path, "other").save(8, b"theirs")
    folder = CheckpointFolder(tmp_path, "run")
    events: list[Event] = []
    assert folder.load_latest(events.append) is None
    assert "another run" in events[0].message
    folder.save(1, b"ours")
    assert folder.load_latest(silent) == (1, b"ours")
    assert CheckpointFolder(tmp_path, "other").load_latest(silent) == (9, b"theirs")


def test_what_a_killed_writer_left_is_swept(tmp_path: Path) -> None:
    left = tmp_path / ".step-000000000001.checkpoint.abc"
    left.write_bytes(b"half")
    CheckpointFolder(tmp_path, "run").save(2, b"whole")
    assert not left.exists()


def test_limits() -> None:
    with pytest.raises(Usage):
        CheckpointFolder(Path("unused"), "x" * 70_000)
    with pytest.raises(Usage):
        CheckpointFolder(Path("unused"), "run").save(-1, b"")


@given(st.text(max_size=50), st.integers(0, 10**12 - 1), st.binary(max_size=300))
def test_the_format_is_lossless(owner: str, step: int, content: bytes) -> None:
    assert _decode(_encode(owner, step, content)) == (owner, step, content)


@given(st.binary(max_size=120))
@settings(max_examples=300)
def test_any_bytes_are_refused_in_our_words(content: bytes) -> None:
    with pytest.raises(BadContent):
        _decode(b"r3ck\x01" + content)
    with pytest.raises(BadContent):
        _decode(content)


def test_kill_9_at_any_instant_leaves_a_good_checkpoint(tmp_path: Path) -> None:
    chance = random.Random(3)
    reached = -1
    for _ in range(4):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
        )
        assert writer.stdout is not None
        with writer.stdout:
            for _ in range(chance.randint(1, 6)):
                reached = int(writer.stdout.readline())
            time.sleep(chance.uniform(0.0, 0.01))
            os.kill(writer.pid, signal.SIGKILL)
            writer.wait()
        events: list[Event] = []
        latest = CheckpointFolder(tmp_path, "run").load_latest(events.append)
        assert latest is not None
        assert not events
        step, content = latest
        assert step >= reached
        assert content == step.to_bytes(8, "big") * 20000
