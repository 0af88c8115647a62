"""Content for tests, from its length alone."""

from __future__ import annotations

import hashlib
import io

CHUNK = 256 << 10


def make_content(length: int) -> bytes:
    """The bytes that `tests/vectors/cids.json` speaks of."""
    return hashlib.shake_128(f"r3/vector/{length}".encode()).digest(length)


class Dribble(io.RawIOBase):
    """A stream that hands out its bytes in odd portions and cannot be rewound."""

    def __init__(self, content: bytes, portion: int = 77_777) -> None:
        super().__init__()
        self._content = io.BytesIO(content)
        self._portion = portion

    def read(self, size: int = -1, /) -> bytes:
        return self._content.read(min(size, self._portion) if size >= 0 else self._portion)
