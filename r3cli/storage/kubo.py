"""A Kubo daemon as content store. Nothing that it says is believed: each CID is computed here as well.

Files are read block by block (`block/get`), not with `cat`: a block can be checked against its own CID the moment it
has arrived, whatever chunker made the file, while the stream of `cat` could only be checked at its end.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

import msgspec

from r3cli.errors import CidMismatch, ContentMissing, Malformed, TooLarge
from r3cli.storage.base import StoreStat
from r3cli.storage.cid import Cid, Codec, parse_cid
from r3cli.storage.dag import BLOCK_LIMIT, CHUNK_BYTES, DagBuilder, file_blocks, pieces, read_file
from r3cli.storage.kubo_rpc import ANSWER_LIMIT, KuboError, KuboRpc

SEARCH_SECONDS = 60.0  # how long a daemon may look for content among its peers
_NOT_PINNED = "not pinned"


class _Added(msgspec.Struct):
    cid: str = msgspec.field(name="Hash", default="")


class _Pins(msgspec.Struct):
    keys: dict[str, object] = msgspec.field(name="Keys", default_factory=dict)


class _RepoStat(msgspec.Struct):
    size: int = msgspec.field(name="RepoSize")
    capacity: int = msgspec.field(name="StorageMax")
    blocks: int = msgspec.field(name="NumObjects")


class _Version(msgspec.Struct):
    version: str = msgspec.field(name="Version")


class KuboStore:
    """A content store behind a daemon's RPC; `max_bytes` caps what one CID may bring."""

    def __init__(self, url: str, *, max_bytes: int = 1 << 50, timeout: float = SEARCH_SECONDS) -> None:
        self._rpc = KuboRpc(url, timeout=timeout)
        self._max_bytes = max_bytes
        self._patience = f"{max(timeout, 0.1):g}s"

    def close(self) -> None:
        self._rpc.close()

    def put(self, content: bytes | BinaryIO, *, version: int = 1) -> str:
        upload = _Upload(content, version, self._max_bytes)
        params = {
            "cid-version": str(version),
            "raw-leaves": str(version == 1).lower(),
            # The daemon's own defaults are a profile that its operator may have changed.
            "chunker": f"size-{CHUNK_BYTES}",
            "pin": "true",
            "progress": "false",
        }
        answer = self._rpc.call("add", params, limit=ANSWER_LIMIT, body=upload.body(), content_type=upload.content_type)
        added = self._rpc.decode((answer.strip().splitlines() or [b""])[-1], _Added)
        expected = str(upload.cid)
        if added.cid != expected:
            raise CidMismatch(f"{self._rpc.url} stored {added.cid[:80]!r} where {expected} was sent", target=expected)
        return expected

    def get(self, cid: str, *, limit: int) -> bytes:
        return b"".join(self.open(cid, limit=limit))

    def open(self, cid: str, *, limit: int) -> Iterator[bytes]:
        return read_file(parse_cid(cid), self._fetch, limit=min(limit, self._max_bytes))

    def has(self, cid: str) -> bool:
        try:
            for block in file_blocks(parse_cid(cid), self._fetch_here, limit=self._max_bytes):
                if block.codec is Codec.RAW:
                    self._rpc.call("block/stat", {"arg": str(block), "offline": "true"}, limit=ANSWER_LIMIT)
        except ContentMissing:
            return False
        return True

    def pin(self, cid: str) -> None:
        self._rpc.call("pin/add", {"arg": _spelled(cid), "timeout": self._patience}, limit=ANSWER_LIMIT)

    def unpin(self, cid: str) -> None:
        try:
            self._rpc.call("pin/rm", {"arg": _spelled(cid)}, limit=ANSWER_LIMIT)
        except KuboError as error:
            if _NOT_PINNED not in error.message:
                raise

    def remove(self, *cids: str) -> None:
        """Unpin files; the daemon gives their space back at its next collection."""
        for cid in cids:
            self.unpin(cid)

    def pins(self) -> list[str]:
        """The pinned files, sorted; what the daemon pins in other formats is passed over."""
        found = []
        for text in self._rpc.read("pin/ls", _Pins, type="recursive").keys:
            with suppress(Malformed):
                found.append(_spelled(text))
        return sorted(found)

    def stat(self) -> StoreStat:
        found = self._rpc.read("repo/stat", _RepoStat)
        return StoreStat(
            kind="kubo", place=self._rpc.url, blocks=found.blocks, bytes=found.size, capacity=found.capacity or None
        )

    def version(self) -> str:
        """The daemon's version, `0.39.0`."""
        return self._rpc.read("version", _Version).version

    def _fetch(self, cid: Cid) -> bytes:
        params = {"arg": str(cid), "timeout": self._patience}
        return self._rpc.call("block/get", params, limit=BLOCK_LIMIT)

    def _fetch_here(self, cid: Cid) -> bytes:
        return self._rpc.call("block/get", {"arg": str(cid), "offline": "true"}, limit=BLOCK_LIMIT)


class _Upload:
    """A multipart body (RFC 7578) of one file, whose CID is computed while it goes out."""

    def __init__(self, content: bytes | BinaryIO, version: int, max_bytes: int) -> None:
        self._content = content
        self._builder = DagBuilder(version)
        self._max_bytes = max_bytes
        self._boundary = secrets.token_hex(16)
        self.cid: Cid | None = None

    @property
    def content_type(self) -> str:
        return f"multipart/form-data; boundary={self._boundary}"

    def body(self) -> Iterator[bytes]:
        disposition = 'Content-Disposition: form-data; name="file"; filename="content"'
        yield f"--{self._boundary}\r\n{disposition}\r\nContent-Type: application/octet-stream\r\n\r\n".encode()
        size = 0
        for piece in pieces(self._content):
            size += len(piece)
            if size > self._max_bytes:
                raise TooLarge(f"more than {self._max_bytes} bytes for one CID")
            self._builder.add(piece)
            yield bytes(piece)
        self.cid = self._builder.finish()
        yield f"\r\n--{self._boundary}--\r\n".encode()


def _spelled(cid: str) -> str:
    """The same CID; raises `Malformed` before a daemon could take it for a path or a flag."""
    return str(parse_cid(cid))
