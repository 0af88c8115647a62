"""Where r3 keeps its files (XDG base directories; systemd's own variables win)."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Paths:
    """The folders of one r3. None is created until something is written.

    `state` holds what belongs to a run and must move together: journal, ledger of the local network, blocks,
    checkpoints, logs. `data` holds what outlives any run: wallets.
    """

    config: Path
    state: Path
    data: Path
    cache: Path
    runtime: Path

    @property
    def journal(self) -> Path:
        return self.state / "journal.db"

    @property
    def events(self) -> Path:
        return self.state / "events.jsonl"

    @property
    def blocks(self) -> Path:
        return self.state / "blocks"

    @property
    def lab(self) -> Path:
        return self.state / "lab"

    @property
    def train(self) -> Path:
        return self.state / "train"

    @property
    def wallets(self) -> Path:
        return self.data / "wallets"

    @property
    def tracebacks(self) -> Path:
        return self.state / "tracebacks"

    def socket(self, name: str) -> Path:
        """A Unix socket's path, short enough for the kernel (108 bytes) whatever the state folder is called."""
        return self.runtime / f"{name}.sock"


def find_paths(state: Path | None = None) -> Paths:
    """The folders in force; `state` (the `--state` option) moves everything that belongs to a run."""
    home = Path(os.environ.get("HOME") or Path.home())
    state_dir = (state or _folder("STATE_DIRECTORY", "XDG_STATE_HOME", home / ".local/state")).absolute()
    return Paths(
        config=_folder("CONFIGURATION_DIRECTORY", "XDG_CONFIG_HOME", home / ".config"),
        state=state_dir,
        data=_folder("", "XDG_DATA_HOME", home / ".local/share"),
        cache=_folder("CACHE_DIRECTORY", "XDG_CACHE_HOME", home / ".cache"),
        runtime=_runtime() / hashlib.sha256(os.fsencode(state_dir)).hexdigest()[:12],
    )


def _folder(systemd: str, xdg: str, fallback: Path) -> Path:
    granted = os.environ.get(systemd, "").split(":")[0] if systemd else ""
    if granted:
        return Path(granted)
    base = os.environ.get(xdg, "")
    # The XDG specification: a relative path is invalid and must be ignored.
    return (Path(base) if base.startswith("/") else fallback) / "r3"


def _runtime() -> Path:
    for variable in ("RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"):
        value = os.environ.get(variable, "").split(":")[0]
        if value.startswith("/") and len(value) < 60:
            return Path(value) if variable == "RUNTIME_DIRECTORY" else Path(value) / "r3"
    temporary = tempfile.gettempdir()
    # A test runner's deep TMPDIR would push a socket's path over the kernel's limit.
    return Path(temporary if len(temporary) < 60 else "/tmp") / f"r3-{os.getuid()}"  # noqa: S108 - private_dir checks it
