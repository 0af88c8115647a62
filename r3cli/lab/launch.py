"""Starting lab servers: on demand on a Unix socket for `local`, on loopback ports for `r3 lab up`."""

from __future__ import annotations

import fcntl
import os
import sys
import time
from pathlib import Path

import msgspec

from r3cli import layout
from r3cli.errors import NotFound, R3Error, Refused, TimedOut
from r3cli.files import atomic_write, private_dir
from r3cli.lab.genesis import Mode, local_chain_id
from r3cli.lab.talk import LabClient
from r3cli.locks import hold_lock
from r3cli.paths import Paths

LINGER = 30.0  # seconds that a server on demand outlives its last user
_START_SECONDS = 30.0
_MAX_SEED = (1 << 64) - 1

# Lock files that this process holds shared, by path: a server on demand stays while one of its users lives.
_leases: dict[Path, int] = {}


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """The server that `r3 lab up` started: what `down` needs to find it, and to know that it is ours."""

    endpoint: str
    storage: str
    pid: int
    seed: int
    mode: Mode


def ensure_local(
    paths: Paths, *, seed: int, mode: Mode = "full", lock_wait: float = 60.0, linger: float = LINGER
) -> str:
    """The endpoint of the local network's server, which is started when none answers.

    From the first call on, this process counts as a user of it until it ends. Raises `Refused` when the ledger is
    that of another seed or mode, `Busy` or `TimedOut` when the server does not come up.
    """
    check_seed(seed)
    private_dir(paths.runtime)
    private_dir(paths.lab)
    socket, users = paths.socket("lab"), paths.runtime / "lab.users"
    client = LabClient(f"unix://{socket}")
    with hold_lock(paths.lab / "launch.lock", "starting the local network", wait_seconds=lock_wait):
        _hold_lease(users)
        if not client.answers():
            arguments = ["--uds", str(socket), "--users", str(users), "--linger", str(linger)]
            _start(paths, client, seed, mode, arguments)
    _check_network(client, seed, mode)
    return client.endpoint


def release_local(paths: Paths) -> None:
    """This process no longer uses the local network's server."""
    lease = _leases.pop(paths.runtime / "lab.users", None)
    if lease is not None:
        os.close(lease)


def start_server(paths: Paths, *, seed: int, mode: Mode, host: str, chain_port: int, storage_port: int) -> Server:
    """Start a server on two loopback ports that stays until `stop_server`; the caller holds the launch lock."""
    check_seed(seed)
    private_dir(paths.lab)
    shown_host = f"[{host}]" if ":" in host else host
    client = LabClient(f"http://{shown_host}:{chain_port}")
    ports = ["--port", str(chain_port), "--port", str(storage_port)]
    pid = _start(paths, client, seed, mode, ["--host", host, *ports])
    _check_network(client, seed, mode)
    storage = f"http://{shown_host}:{storage_port}"
    server = Server(endpoint=client.endpoint, storage=storage, pid=pid, seed=seed, mode=mode)
    atomic_write(_server_file(paths), msgspec.json.encode(server), mode=0o600)
    return server


def find_server(paths: Paths) -> Server | None:
    """The server that `start_server` started, if it still runs and is the one that was started."""
    try:
        server = msgspec.json.decode(_server_file(paths).read_bytes(), type=Server)
        status = LabClient(server.endpoint, timeout=5.0).get("status")
    except (FileNotFoundError, msgspec.DecodeError, UnicodeError, R3Error):
        return None
    return server if status.get("pid") == server.pid else None


def stop_server(paths: Paths, client: LabClient) -> None:
    """Stop the server behind `client` and wait until it is gone; raises `TimedOut`."""
    client.post("stop")
    deadline = time.monotonic() + _START_SECONDS
    while client.answers():
        if time.monotonic() > deadline:
            raise TimedOut(f"the lab server at {client.endpoint} does not stop", target=client.endpoint)
        time.sleep(0.05)
    _server_file(paths).unlink(missing_ok=True)


def running_client(paths: Paths) -> LabClient:
    """A client of whatever lab server runs on this state folder; raises `NotFound`."""
    server = find_server(paths)
    candidates = [server.endpoint] if server else []
    for endpoint in (*candidates, f"unix://{paths.socket('lab')}"):
        client = LabClient(endpoint)
        if client.answers():
            return client
    raise NotFound(f"no lab server runs on {paths.state}", hint="start one with `r3 lab up`")


def check_seed(seed: int) -> None:
    """Raise `Refused` unless the seed is a u64."""
    if not 0 <= seed <= _MAX_SEED:
        raise Refused(f"{seed} is not a seed", hint=f"0 to {_MAX_SEED} are")


def _hold_lease(users: Path) -> None:
    if users in _leases:
        return
    descriptor = os.open(users, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_SH)  # waits for a server that is on its way out
    _leases[users] = descriptor


def _start(paths: Paths, client: LabClient, seed: int, mode: Mode, arguments: list[str]) -> int:
    log = paths.lab / "serve.log"
    command = [sys.executable, "-m", "r3cli.lab.serve", "--lab", str(paths.lab), "--blocks", str(paths.blocks)]
    command += ["--seed", str(seed), "--mode", mode, *arguments]
    pid = _spawn(command, log)
    deadline = time.monotonic() + _START_SECONDS
    while client.process() != pid:
        finished, _ = os.waitpid(pid, os.WNOHANG)
        if finished:
            raise Refused(f"the lab server did not start: {_last_line(log)}", hint=f"its log is {log}")
        if time.monotonic() > deadline:
            raise TimedOut(f"the lab server did not answer within {_START_SECONDS:.0f} s", hint=f"its log is {log}")
        time.sleep(0.01)
    return pid


def _spawn(command: list[str], log: Path) -> int:
    """Start a process of its own session, with nothing of ours but the log."""
    environment = dict(os.environ)
    # In a checkout the package may be importable from the current folder only.
    inherited = environment.get("PYTHONPATH", "")
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(layout.CHECKOUT), inherited)))
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log), append, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    return os.posix_spawn(command[0], command, environment, file_actions=actions, setsid=True)


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text(errors="replace").strip().splitlines()
    except FileNotFoundError:
        return "it said nothing"
    return lines[-1][:300] if lines else "it said nothing"


def _check_network(client: LabClient, seed: int, mode: Mode) -> None:
    status = client.get("status")
    if status["seed"] != seed or status["mode"] != mode:
        raise Refused(
            f"the local network here is {status['chain_id']} (seed {status['seed']}, mode {status['mode']}), "
            f"not {local_chain_id(seed)} (seed {seed}, mode {mode})",
            hint="give that seed, another --state folder, or run `r3 lab reset`",
        )


def _server_file(paths: Paths) -> Path:
    return paths.lab / "server.json"
