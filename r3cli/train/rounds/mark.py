"""How far something is done: one number in a file, whole or not there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from r3cli.files import atomic_write


@dataclass(frozen=True)
class Mark:
    """Everything up to the number is done; a file that is absent or foreign counts as nothing done."""

    path: Path

    def read(self) -> int:
        try:
            return int(self.path.read_text())
        except (FileNotFoundError, ValueError):
            return 0

    def write(self, number: int) -> None:
        atomic_write(self.path, str(number).encode())
