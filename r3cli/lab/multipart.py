"""Reading the files of a `multipart/form-data` body (RFC 7578) as they arrive, with bounded memory."""

from __future__ import annotations

import re
import tempfile
from collections.abc import AsyncIterator
from typing import BinaryIO, NamedTuple, cast

from r3cli.errors import Malformed, TooLarge

_MAX_HEADERS = 8 << 10  # bytes of one part's headers
_MEMORY = 8 << 20  # bytes of a file that are kept in memory; the rest goes to the disk
_BOUNDARY = re.compile(r'multipart/form-data\s*;.*?boundary=("?)([^";,]{1,70})\1', re.IGNORECASE)
_FILENAME = re.compile(rb'filename="([^"\r\n]*)"', re.IGNORECASE)


class Part(NamedTuple):
    """A part that has arrived whole; `content` stands at its beginning, and its reader closes it."""

    filename: str
    content: BinaryIO


async def read_parts(content_type: str, chunks: AsyncIterator[bytes], *, limit: int) -> AsyncIterator[Part]:
    """The parts of a body in order; raises `Malformed` for another kind of body, `TooLarge` beyond `limit` bytes."""
    match = _BOUNDARY.search(content_type)
    if not match:
        raise Malformed("the body is not multipart/form-data")
    reader = _Reader(chunks, limit)
    delimiter = b"--" + match[2].encode("latin-1")
    await reader.skip_past(delimiter)
    while await reader.take(2) == b"\r\n":
        headers = await reader.read_until(b"\r\n\r\n", most=_MAX_HEADERS)
        found = _FILENAME.search(headers)
        content = cast("BinaryIO", tempfile.SpooledTemporaryFile(max_size=_MEMORY))  # noqa: SIM115 - the reader closes
        await reader.copy_until(b"\r\n" + delimiter, content)
        content.seek(0)
        yield Part(found[1].decode(errors="replace") if found else "", content)


class _Reader:
    """Bytes from a stream, up to delimiters that may be cut by its chunks."""

    def __init__(self, chunks: AsyncIterator[bytes], limit: int) -> None:
        self._chunks = chunks
        self._left = limit
        self._buffer = bytearray()

    async def take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            await self._fill()
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    async def read_until(self, mark: bytes, *, most: int) -> bytes:
        while (place := self._buffer.find(mark)) < 0:
            if len(self._buffer) > most:
                raise TooLarge("the headers of a part are too long")
            await self._fill()
        found = bytes(self._buffer[:place])
        del self._buffer[: place + len(mark)]
        return found

    async def skip_past(self, mark: bytes) -> None:
        await self.read_until(mark, most=_MAX_HEADERS)

    async def copy_until(self, mark: bytes, target: BinaryIO) -> None:
        while (place := self._buffer.find(mark)) < 0:
            safe = max(0, len(self._buffer) - len(mark) + 1)  # the mark may have begun in the rest
            target.write(self._buffer[:safe])
            del self._buffer[:safe]
            await self._fill()
        target.write(self._buffer[:place])
        del self._buffer[: place + len(mark)]

    async def _fill(self) -> None:
        chunk = await anext(self._chunks, b"")
        while not chunk:
            # An empty chunk may come before the end; the end raises.
            try:
                chunk = await anext(self._chunks)
            except StopAsyncIteration:
                raise Malformed("the body ends inside a part") from None
        self._left -= len(chunk)
        if self._left < 0:
            raise TooLarge("the body is too large")
        self._buffer += chunk
