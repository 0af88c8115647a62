"""Kernel locks (`flock`): freed by any death of their holder, and they say who holds them."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from r3cli.errors import Busy
from r3cli.files import private_dir


@contextmanager
def hold_lock(path: Path, purpose: str, *, wait_seconds: float = 0.0) -> Iterator[None]:
    """Hold an exclusive lock on `path`; raises `Busy`, naming the holder, when it is not free in time."""
    private_dir(path.parent)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _acquire(descriptor, path, purpose, wait_seconds)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, _holder(purpose), 0)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path, purpose: str, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= deadline:
                raise Busy(
                    f"{purpose}: locked by {_describe(descriptor)}",
                    hint="wait for it to end, or give --lock-wait SECONDS",
                    target=str(path),
                ) from error
            time.sleep(0.02)
        else:
            return


def _holder(purpose: str) -> bytes:
    since = datetime.now(UTC).isoformat(timespec="seconds")
    return json.dumps({"pid": os.getpid(), "purpose": purpose, "since": since}).encode()


def _describe(descriptor: int) -> str:
    try:
        holder = json.loads(os.pread(descriptor, 4096, 0))
        return f"process {holder['pid']} ({holder['purpose']}) since {holder['since']}"
    except (ValueError, KeyError, TypeError):
        return "another process"
