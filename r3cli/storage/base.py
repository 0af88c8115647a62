"""What every content store offers, whether it is a folder or a daemon."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Protocol

from r3cli.result import Data


class StoreStat(Data, frozen=True, kw_only=True):
    """How full a store is. `bytes` counts what its blocks occupy, `capacity` is None where only the disk limits."""

    kind: str
    place: str
    blocks: int
    bytes: int
    capacity: int | None = None


class ContentStore(Protocol):
    """Keeps files by CID. What comes back has been checked against its CID, or did not come back.

    `cid` is a canonical CIDv0 or CIDv1 (`Malformed` otherwise). Every reader raises `ContentMissing` when nobody has
    the content, `CidMismatch` for damaged bytes, `TooLarge` beyond its limit, and a daemon's client `Unreachable` too.
    """

    def put(self, content: bytes | BinaryIO) -> str:
        """Keep a file and pin it; its CIDv1. A stream is read once and never held whole."""

    def get(self, cid: str, *, limit: int) -> bytes:
        """A file of at most `limit` bytes, whole."""

    def open(self, cid: str, *, limit: int) -> Iterator[bytes]:
        """A file in verified pieces, each handed on as soon as it was checked."""

    def has(self, cid: str) -> bool:
        """Whether the whole file is kept here, so that reading it needs nobody else."""

    def pin(self, cid: str) -> None:
        """Protect a file from being collected."""

    def unpin(self, cid: str) -> None:
        """Let a file be collected; one that is not pinned is left as it is."""

    def remove(self, *cids: str) -> None:
        """Unpin files and give their space back where no other file shares it; absent ones are no error."""

    def pins(self) -> list[str]:
        """The pinned files, sorted."""

    def stat(self) -> StoreStat:
        """How full the store is."""

    def close(self) -> None:
        """End its connections, if it has any."""
