"""A real Kubo daemon, offline, in a repository of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.engines.missing import ENVIRON
from tests.engines.process import daemon, get_json, wait_until


@dataclass(frozen=True)
class Kubo:
    """A running daemon. `url` is the root of its RPC (POST only)."""

    url: str
    repository: Path
    process: int


@contextmanager
def run_kubo(binary: Path, folder: Path) -> Iterator[Kubo]:
    """Start a daemon with a fresh repository in `folder`; it is stopped when the block ends."""
    repository = folder / "ipfs"
    log = folder / "ipfs.log"
    environ = {"IPFS_PATH": str(repository), "HOME": str(folder)}
    subprocess.run(
        [binary, "init", "--profile=test,randomports"], env={**ENVIRON, **environ}, check=True, capture_output=True
    )
    with daemon([str(binary), "daemon", "--offline"], log, environ) as process:
        wait_until(lambda: _port(repository) is not None, process, log)
        port = _port(repository)
        yield Kubo(url=f"http://127.0.0.1:{port}", repository=repository, process=process.pid)


def _port(repository: Path) -> int | None:
    """The RPC's port once it answers; the daemon writes its multiaddress into a file."""
    try:
        address = (repository / "api").read_text()
    except FileNotFoundError:
        return None
    port = int(address.strip().rpartition("/")[2] or 0)
    return port if port and get_json(port, "/api/v0/version", method="POST") else None
