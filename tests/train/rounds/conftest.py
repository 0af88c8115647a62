"""Tiny rounds: a door to a fresh network, and one to a copy of a network whose first round is closed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from r3cli.lab import operations
from r3cli.lab.launch import release_local
from r3cli.paths import find_paths
from tests.conftest import RunR3, r3_command

from .stand import STEPS, TINY, Door

OpenDoor = Callable[[str], Door]


@pytest.fixture
def tiny(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds of three steps of two sequences of sixteen bytes, on one thread."""
    for name, value in TINY.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def open_door(r3: RunR3, tiny: None, tmp_path: Path) -> Iterator[OpenDoor]:
    """Makes a door to a state folder of this name; its lab server ends with the test."""
    doors: list[Door] = []

    def make(name: str) -> Door:
        doors.append(Door(r3, tmp_path / name))
        return doors[-1]

    yield make
    for door in doors:
        operations.down(door.paths)
        release_local(door.paths)


@pytest.fixture
def door(open_door: OpenDoor) -> Door:
    """A fresh state folder."""
    return open_door("state")


@pytest.fixture(scope="session")
def closed_state(tmp_path_factory: pytest.TempPathFactory, runtime_base: Path) -> Path:
    """A state folder with one closed round of three miners; copy it before use."""
    folder = tmp_path_factory.mktemp("closed")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("R3_", "R3MES_"))}
    environment |= {**TINY, "HOME": str(folder), "XDG_RUNTIME_DIR": tempfile.mkdtemp(dir=runtime_base)}
    environment |= {f"XDG_{kind}_HOME": str(folder / kind) for kind in ("CONFIG", "STATE", "DATA", "CACHE")}
    state = folder / "state"
    run = ["train", "run", "--network", "local", "--rounds", "1", "--miners", "3", "--steps", str(STEPS)]
    for words in (run, ["lab", "down"]):
        command = [*r3_command(), *words, "--state", str(state)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
    return state


@pytest.fixture
def closed(closed_state: Path, open_door: OpenDoor) -> Door:
    """A door to a copy of the network with a closed round."""
    door = open_door("closed")
    shutil.copytree(closed_state, door.state)
    assert find_paths(door.state).journal.is_file()
    return door
