"""The local block store: one file a block, named by its digest, so that equal pieces of different files are kept once.

    blocks/ab/ab12...   a block; its name is the hash of its bytes, therefore it needs no other checksum
    pins/CID            a pinned file: the digests of all its blocks, 32 bytes each
    part/               blocks being written; whatever a crash leaves here is garbage
    lock                shared by writers, held alone by whoever deletes

Blocks are synced before the pin that promises them, once a file. A block that a power cut has damaged is noticed when
it is read, and written anew when the same content is put again.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from r3cli.errors import CidMismatch, ContentMissing, Malformed, TooLarge
from r3cli.files import atomic_write, disk_errors, sync_dir
from r3cli.storage.base import StoreStat
from r3cli.storage.cid import Cid, parse_cid
from r3cli.storage.dag import BLOCK_LIMIT, DagBuilder, file_blocks, pieces, read_file

_DIGEST = 32
_CURE = "put the same content again, or fetch it from a peer: damaged blocks are then replaced"


class BlockStore:
    """A content store in a folder; any number of processes may share it."""

    def __init__(self, folder: Path, *, max_bytes: int = 1 << 50) -> None:
        self.folder = folder
        self._max_bytes = max_bytes

    def put(self, content: bytes | BinaryIO, *, version: int = 1) -> str:
        with self._lock(fcntl.LOCK_SH):
            writing = _Writing(self)
            builder = DagBuilder(version, writing.keep)
            size = 0
            for piece in pieces(content):
                size += len(piece)
                if size > self._max_bytes:
                    raise TooLarge(f"more than {self._max_bytes} bytes for one CID")
                builder.add(piece)
            cid = str(builder.finish())
            writing.sync()
            self._write_pin(cid, writing.digests)
        return cid

    def get(self, cid: str, *, limit: int) -> bytes:
        return b"".join(self.open(cid, limit=limit))

    def open(self, cid: str, *, limit: int) -> Iterator[bytes]:
        return read_file(parse_cid(cid), self._read_checked, limit=min(limit, self._max_bytes))

    def block(self, cid: str) -> bytes:
        """One verified block, the way IPFS peers exchange them."""
        return self._read_checked(parse_cid(cid))

    def put_block(self, block: bytes, cid: str) -> None:
        """Keep one block, unpinned, under the CID that it must have; raises `CidMismatch`."""
        if len(block) > BLOCK_LIMIT:
            raise TooLarge(f"a block of more than {BLOCK_LIMIT} bytes", target=cid)
        parsed = parse_cid(cid)
        if not parsed.names(block):
            raise CidMismatch(f"the bytes given for {cid} are not its bytes", target=cid)
        with self._lock(fcntl.LOCK_SH):
            writing = _Writing(self)
            writing.keep(parsed, block)
            writing.sync()

    def has(self, cid: str) -> bool:
        try:
            return all(self._path(block.digest).exists() for block in self._blocks(parse_cid(cid)))
        except (ContentMissing, CidMismatch):
            return False

    def pin(self, cid: str) -> None:
        with self._lock(fcntl.LOCK_SH):
            digests = [block.digest for block in self._blocks(parse_cid(cid))]
            for digest in digests:
                if not self._path(digest).exists():
                    raise _missing(cid)
            self._write_pin(cid, digests)

    def unpin(self, cid: str) -> None:
        parse_cid(cid)
        with disk_errors(self.folder):
            (self.folder / "pins" / cid).unlink(missing_ok=True)

    def remove(self, *cids: str) -> None:
        with self._lock(fcntl.LOCK_EX):
            unwanted: set[bytes] = set()
            for cid in cids:
                unwanted.update(self._digests_of(cid))
                self.unpin(cid)
            self._delete(unwanted - self._pinned())

    def collect(self) -> int:
        """Delete every block that no pinned file needs, and what crashes left; returns how many blocks went."""
        with self._lock(fcntl.LOCK_EX):
            for leftover in (*self._files("part"), *self._files("pins", hidden=True)):
                leftover.unlink(missing_ok=True)
            unwanted = {bytes.fromhex(path.name) for path in self._files("blocks/*")} - self._pinned()
            self._delete(unwanted)
            return len(unwanted)

    def pins(self) -> list[str]:
        return sorted(path.name for path in self._files("pins"))

    def stat(self) -> StoreStat:
        sizes = [path.stat().st_size for path in self._files("blocks/*")]
        return StoreStat(kind="blocks", place=str(self.folder), blocks=len(sizes), bytes=sum(sizes))

    def close(self) -> None:
        """Nothing is kept open between calls."""

    def _path(self, digest: bytes) -> Path:
        name = digest.hex()
        return self.folder / "blocks" / name[:2] / name

    def _read(self, cid: Cid) -> bytes:
        with disk_errors(self.folder):
            try:
                with self._path(cid.digest).open("rb") as stream:
                    return stream.read(BLOCK_LIMIT + 1)
            except FileNotFoundError:
                raise _missing(str(cid)) from None

    def _read_checked(self, cid: Cid) -> bytes:
        block = self._read(cid)
        if not cid.names(block):
            path = self._path(cid.digest)
            raise CidMismatch(f"{path} is damaged: its bytes are not those of {cid}", hint=_CURE, target=str(cid))
        return block

    def _blocks(self, cid: Cid) -> Iterator[Cid]:
        return file_blocks(cid, self._read_checked, limit=self._max_bytes)

    def _digests_of(self, cid: str) -> set[bytes]:
        """The blocks of a file that is being removed, as far as they can still be found out."""
        pin = self.folder / "pins" / cid
        digests = {parse_cid(cid).digest}
        if pin.exists():
            return digests | _split(pin.read_bytes())
        with suppress(ContentMissing, CidMismatch, Malformed):  # what cannot be found now, `collect` finds
            digests.update(block.digest for block in self._blocks(parse_cid(cid)))
        return digests

    def _pinned(self) -> set[bytes]:
        return {digest for pin in self._files("pins") for digest in _split(pin.read_bytes())}

    def _write_pin(self, cid: str, digests: list[bytes]) -> None:
        atomic_write(self.folder / "pins" / cid, b"".join(digests))

    def _delete(self, digests: set[bytes]) -> None:
        with disk_errors(self.folder):
            for digest in digests:
                self._path(digest).unlink(missing_ok=True)

    def _files(self, folders: str, *, hidden: bool = False) -> Iterator[Path]:
        """The files in some of our folders; hidden ones are pins that were being written."""
        for path in self.folder.glob(f"{folders}/*"):
            if path.name.startswith(".") == hidden and path.is_file():
                yield path

    @contextmanager
    def _lock(self, kind: int) -> Iterator[None]:
        """Writers share the lock, so that a block which they found present is not deleted under them."""
        with disk_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, kind)
            yield
        finally:
            os.close(descriptor)


class _Writing:
    """The blocks of one file on their way to the disk."""

    def __init__(self, store: BlockStore) -> None:
        self._store = store
        self._new: list[Path] = []
        self.digests: list[bytes] = []

    def keep(self, cid: Cid, block: bytes) -> None:
        self.digests.append(cid.digest)
        path = self._store._path(cid.digest)  # noqa: SLF001 - one idea in two classes
        if not _holds(path, block):
            with disk_errors(self._store.folder):
                self._write(path, block)
            self._new.append(path)

    def sync(self) -> None:
        """Bring all new blocks and their names to the disk."""
        with disk_errors(self._store.folder):
            for path in self._new:
                descriptor = os.open(path, os.O_RDONLY)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
            for folder in {path.parent for path in self._new}:
                sync_dir(folder)

    def _write(self, path: Path, block: bytes) -> None:
        part = self._store.folder / "part"
        part.mkdir(exist_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=part)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                os.fchmod(stream.fileno(), 0o644)
                stream.write(block)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def _holds(path: Path, block: bytes) -> bool:
    """Whether the file already has exactly these bytes; a damaged one is to be written anew."""
    try:
        return path.stat().st_size == len(block) and path.read_bytes() == block
    except FileNotFoundError:
        return False


def _split(digests: bytes) -> set[bytes]:
    return {digests[start : start + _DIGEST] for start in range(0, len(digests), _DIGEST)}


def _missing(cid: str) -> ContentMissing:
    return ContentMissing(f"{cid} is not in the local store", target=cid)
