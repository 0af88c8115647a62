"""What every test stands on: a home of its own, no network but loopback, and the front door as a fixture."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from r3cli.__main__ import main
from tests.contract.documents import checked

pytest_plugins = ["tests.engines.fixtures"]

PROCESS_SECONDS = 120
_REDIRECTED = ("CONFIG", "STATE", "DATA", "CACHE")
_CLEARED = (
    *("CI", "NO_COLOR", "FORCE_COLOR", "CREDENTIALS_DIRECTORY", "STATE_DIRECTORY", "CONFIGURATION_DIRECTORY"),
    *("CACHE_DIRECTORY", "RUNTIME_DIRECTORY", "NOTIFY_SOCKET"),
)


def pytest_configure() -> None:
    """Ctrl-C reaches r3 also where the tests run in the background of a script, whose shell ignores it for them."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclass(frozen=True)
class Ran:
    """What one `r3 ...` did."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """The one document on stdout, which must be what its schema says."""
        return checked(json.loads(self.stdout))

    @property
    def data(self) -> Any:
        """The document's `data`."""
        return self.json["data"]

    @property
    def lines(self) -> list[Any]:
        """The documents of a stream (NDJSON)."""
        return [json.loads(line) for line in self.stdout.splitlines()]


# Called as r3("wallet", "show", "ops", "--json"); `stdin` is what it may read.
RunR3 = Callable[..., Ran]


@pytest.fixture(scope="session")
def runtime_base() -> Iterator[Path]:
    """A folder whose name is short enough for Unix sockets in it (108 bytes)."""
    base = Path(tempfile.mkdtemp(prefix="r3t-", dir="/tmp"))
    yield base
    shutil.rmtree(base, ignore_errors=True)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, runtime_base: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home; nothing of the real one, and no setting from the environment, reaches a test."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    for kind in _REDIRECTED:
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(folder / kind.lower()))
    monkeypatch.setenv("XDG_RUNTIME_DIR", tempfile.mkdtemp(dir=runtime_base))
    monkeypatch.setenv("TERM", "dumb")
    for name in [*_CLEARED, *(name for name in os.environ if name.startswith(("R3_", "R3MES_")))]:
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections leave this machine in no test."""
    connect, connect_ex, getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def checked_connect(self: socket.socket, address: Any) -> None:
        _refuse_foreign(self.family, address)
        connect(self, address)

    def checked_connect_ex(self: socket.socket, address: Any) -> int:
        _refuse_foreign(self.family, address)
        return connect_ex(self, address)

    def checked_getaddrinfo(host: Any, *args: Any, **settings: Any) -> Any:
        _refuse_foreign(socket.AF_INET, (host,))
        return getaddrinfo(host, *args, **settings)

    monkeypatch.setattr(socket.socket, "connect", checked_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", checked_connect_ex)
    monkeypatch.setattr(socket, "getaddrinfo", checked_getaddrinfo)


@pytest.fixture
def r3(monkeypatch: pytest.MonkeyPatch) -> RunR3:
    """Runs the real entry point in this process, without a terminal: `r3("wallet", "list", "--json")`."""

    def run(*argv: str | os.PathLike[str], stdin: str = "") -> Ran:
        streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2)]
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8"))
            patch.setattr(sys, "stdout", streams[0])
            patch.setattr(sys, "stderr", streams[1])
            with pytest.raises(SystemExit) as ended:
                main([os.fspath(word) for word in argv])
        texts = [stream.buffer.getvalue().decode() for stream in streams]
        return Ran(_exit_code(ended.value.code), *texts)

    return run


@pytest.fixture
def r3_process(tmp_path: Path) -> RunR3:
    """Runs `r3` as a process of its own; `stdin=None` closes its standard input."""

    def run(
        *argv: str | os.PathLike[str],
        stdin: str | None = "",
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float = PROCESS_SECONDS,
    ) -> Ran:
        command = [*r3_command(), *(os.fspath(word) for word in argv)]
        if stdin is None:
            command = ["/bin/sh", "-c", 'exec "$@" <&-', "sh", *command]
        done = subprocess.run(
            command,
            input=stdin or "",
            env={**os.environ, **(env or {})},
            cwd=cwd or tmp_path,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return run


def r3_command() -> Sequence[str]:
    """How a process starts `r3`, whether it is installed or a checkout."""
    return [sys.executable, "-m", "r3cli"]


def _exit_code(code: object) -> int:
    return code if isinstance(code, int) else 0 if code is None else 1


def _refuse_foreign(family: int, address: Any) -> None:
    if family not in (socket.AF_INET, socket.AF_INET6):
        return
    host = address[0].decode() if isinstance(address[0], bytes) else address[0]
    if host not in (None, "", "localhost", "::1", "0.0.0.0") and not host.startswith("127."):
        pytest.fail(f"a test tried to reach {host}")
