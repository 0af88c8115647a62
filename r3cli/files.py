"""Writing and reading files so that a crash, a full disk or a careless mode loses nothing."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from r3cli.errors import DiskFull, NotFound, R3Error, Refused, TooLarge, UnsafePermissions

PRIVATE = 0o600
SHARED = 0o644


def private_dir(path: Path) -> Path:
    """Make a folder that only its owner can enter, and return it; refuses one that belongs to someone else."""
    with disk_errors(path):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.stat().st_uid != os.getuid():
            raise UnsafePermissions(
                f"{path} belongs to another user", hint=f"remove it or choose another folder: {path}"
            )
    return path


@contextmanager
def atomic_writer(path: Path, *, mode: int = SHARED) -> Iterator[BinaryIO]:
    """A file that appears under its name whole and synced, or not at all.

    A symbolic link is followed; the mode of an existing file is kept.
    """
    target = path.resolve()
    with disk_errors(path):
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            mode = stat.S_IMODE(target.stat().st_mode)
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                os.fchmod(stream.fileno(), mode)
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        sync_dir(target.parent)


def atomic_write(path: Path, content: bytes, *, mode: int = SHARED) -> None:
    """Replace a file's content in one step."""
    with atomic_writer(path, mode=mode) as stream:
        stream.write(content)


def create_private(path: Path, content: bytes) -> None:
    """Create a secret file (0600) that must not exist yet; raises `FileExistsError` without touching it.

    The name is linked only when the content is whole and synced, so that a crash leaves no half of a key.
    """
    with disk_errors(path):
        private_dir(path.parent)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                os.fchmod(stream.fileno(), PRIVATE)
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            os.link(name, path)
        finally:
            Path(name).unlink(missing_ok=True)
        sync_dir(path.parent)


def read_private(path: Path, *, limit: int = 1 << 20) -> bytes:
    """The bytes of a secret file; refuses one that others can read or that another user owns."""
    try:
        with path.open("rb") as stream:
            status = os.fstat(stream.fileno())
            if stat.S_ISREG(status.st_mode):
                _check_private(path, status)
            content = stream.read(limit + 1)
    except FileNotFoundError as error:
        raise NotFound(f"{path} does not exist", target=str(path)) from error
    except IsADirectoryError as error:
        raise NotFound(f"{path} is a folder, not a file", target=str(path)) from error
    except PermissionError as error:
        raise UnsafePermissions(f"{path} cannot be read by this user", target=str(path)) from error
    if len(content) > limit:
        raise TooLarge(f"{path} is larger than {limit} bytes", target=str(path))
    return content


def sync_dir(path: Path) -> None:
    """Make a rename or link in this folder survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's words about disks into ours."""
    try:
        yield
    except FileExistsError:
        raise
    except OSError as error:
        raise _translate(error, path) from error


def _translate(error: OSError, path: Path) -> R3Error:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(f"no space left for {path}", hint="free some space and run the same command again")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return Refused(f"{path} may not be written by this user", target=str(path))
    return R3Error(f"{path}: {error.strerror or error}", target=str(path))


def _check_private(path: Path, status: os.stat_result) -> None:
    if status.st_uid not in (os.getuid(), 0):
        raise UnsafePermissions(f"{path} belongs to another user", target=str(path))
    if status.st_mode & 0o077:
        raise UnsafePermissions(f"{path} can be read by others", hint=f"chmod 600 {path}", target=str(path))
