"""`python -m r3cli.lab.serve`: one lab server, on a Unix socket or on loopback ports.

Started by `launch.py`, detached. Any number of servers may share a ledger; on a Unix socket the newest owns the name.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import uvicorn  # noqa: TID253 - this leaf exists to use it

from r3cli.errors import R3Error
from r3cli.files import private_dir
from r3cli.lab.app import Activity, make_app
from r3cli.lab.chain import Chain
from r3cli.lab.genesis import make_genesis
from r3cli.lab.ledger import LEDGER
from r3cli.lab.loopback import check_loopback
from r3cli.lab.trouble import CuttableProtocol

_MAX_SOCKET_PATH = 107  # bytes; the kernel's 108 with the final zero


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until stopped or until nobody uses it any more; returns the exit code."""
    options = _parse(arguments)
    try:
        chain = Chain(options.lab / LEDGER, make_genesis(options.seed, mode=options.mode))
        listeners = [_listen_unix(options.uds)] if options.uds else _listen_tcp(options.host, options.port)
    except R3Error as error:
        sys.stderr.write(f"{error.message}\n")
        return int(error.exit_code)
    asyncio.run(_serve(chain, listeners, options))
    return 0


async def _serve(chain: Chain, listeners: list[socket.socket], options: argparse.Namespace) -> None:
    activity = Activity()
    config = uvicorn.Config(
        lambda: None,
        http=CuttableProtocol,
        loop="asyncio",
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)

    def stop() -> None:
        server.should_exit = True

    config.app = make_app(chain, options.blocks, activity, stop=stop)
    watch = asyncio.create_task(_watch(server, activity, options)) if options.uds else None
    try:
        await server.serve(sockets=listeners)
    finally:
        if watch:
            watch.cancel()
            _unlink_own(options.uds, listeners[0])


async def _watch(server: uvicorn.Server, activity: Activity, options: argparse.Namespace) -> None:
    """Stop the server when its socket is another's now, or when it has lingered without users."""
    own = options.uds.stat().st_ino
    users = os.open(options.users, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    while not server.should_exit:
        await asyncio.sleep(min(1.0, options.linger / 4 + 0.05))
        if not options.uds.exists() or options.uds.stat().st_ino != own:
            server.should_exit = True
        elif activity.idle_seconds() >= options.linger and _nobody_uses(users):
            # The lock is kept until this process is gone: a newcomer waits for it, then starts the next server.
            server.should_exit = True


def _nobody_uses(users: int) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _listen_unix(path: Path) -> socket.socket:
    """A listening socket under `path`, whatever lay there; only its owner can connect."""
    private_dir(path.parent)
    if len(os.fsencode(path)) + 8 > _MAX_SOCKET_PATH:
        raise R3Error(f"{path} is too long for a Unix socket", hint="set XDG_RUNTIME_DIR to a shorter folder")
    temporary = path.with_name(f"{path.name}.{os.getpid() % 10_000_000}")
    temporary.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(temporary))
    temporary.chmod(0o600)
    listener.listen(128)
    temporary.rename(path)
    return listener


def _listen_tcp(host: str, ports: Sequence[int]) -> list[socket.socket]:
    """Sockets listening on a loopback address; raises `PublicBind` for any other."""
    check_loopback(host)
    return [_listen_on(host, port) for port in ports]


def _listen_on(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise R3Error(f"port {port} of {host} cannot be used: {error.strerror}", hint="give another --port") from error
    listener.listen(128)
    return listener


def _unlink_own(path: Path, listener: socket.socket) -> None:
    """Remove the socket's name when it is still this server's."""
    listener.close()
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        probe.connect(str(path))
    except OSError:
        path.unlink(missing_ok=True)
    finally:
        probe.close()


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="r3cli.lab.serve")
    parser.add_argument("--lab", type=Path, required=True, help="folder of the ledger")
    parser.add_argument("--blocks", type=Path, required=True, help="folder of the block store")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--mode", choices=("full", "published"), default="full")
    parser.add_argument("--uds", type=Path, help="Unix socket to listen on")
    parser.add_argument("--users", type=Path, help="lock file that users hold")
    parser.add_argument("--linger", type=float, default=30.0, help="seconds to stay without users")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, action="append", default=[], help="each port serves everything")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
