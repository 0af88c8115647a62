"""r3 as an operator gets it: the wheel with its core dependencies in a virtual environment of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from r3cli.layout import CHECKOUT


@dataclass(frozen=True)
class Installed:
    """An installation. Sizes are bytes on disk, of the bare environment with pip and of what r3 added to it."""

    python: Path
    r3: Path
    bare_bytes: int
    added_bytes: int


def install(folder: Path) -> Installed:
    """Build the wheel and install it; pip compiles what it installs, so that no run does."""
    environment = folder / "venv"
    python = environment / "bin/python"
    _run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "dist"))
    (wheel,) = (folder / "dist").glob("*.whl")
    _run(sys.executable, "-m", "venv", str(environment))
    bare = _size(environment)
    _run(str(python), "-m", "pip", "install", "--quiet", "--constraint", str(CHECKOUT / "constraints.txt"), str(wheel))
    return Installed(python, environment / "bin/r3", bare, _size(environment) - bare)


def _run(*command: str) -> None:
    subprocess.run(command, cwd=CHECKOUT, check=True, stdout=subprocess.DEVNULL)


def _size(folder: Path) -> int:
    return sum(512 * os.lstat(Path(place) / name).st_blocks for place, _, names in os.walk(folder) for name in names)
