"""Planes of bits: numbers of given widths and unary numbers, whole arrays at a time.

Bits run from the most significant one of each byte. Every plane begins at a byte and is filled up with zero bits, which
the reader checks, so that one sequence of numbers has one encoding.
"""

from __future__ import annotations

import numpy as np  # noqa: TID253 - bits of whole arrays

from r3cli.errors import Malformed


def pack_numbers(values: np.ndarray, widths: np.ndarray) -> bytes:
    """Each value (int64) in as many bits as `widths` (int64) says; a width of 0 takes no bit."""
    ends = np.cumsum(widths)
    bits = np.zeros(int(ends[-1]) if len(ends) else 0, dtype=np.uint8)
    for place in range(int(widths.max(initial=0))):
        wide = widths > place
        bits[ends[wide] - 1 - place] = (values[wide] >> place) & 1
    return np.packbits(bits).tobytes()


def pack_unary(values: np.ndarray) -> bytes:
    """Each value as that many zeros and a one."""
    ends = np.cumsum(values + 1)
    bits = np.zeros(int(ends[-1]) if len(ends) else 0, dtype=np.uint8)
    bits[ends - 1] = 1
    return np.packbits(bits).tobytes()


class PlaneReader:
    """Takes planes from the front of some bytes; raises `Malformed` where they end early or are not canonical."""

    def __init__(self, content: bytes | memoryview) -> None:
        self._rest = np.frombuffer(content, dtype=np.uint8)

    def numbers(self, widths: np.ndarray) -> np.ndarray:
        """The numbers (int64) that `pack_numbers` wrote with these widths."""
        ends = np.cumsum(widths)
        bits = self._bits(int(ends[-1]) if len(ends) else 0)
        values = np.zeros(len(widths), dtype=np.int64)
        for place in range(int(widths.max(initial=0))):
            wide = widths > place
            values[wide] |= bits[ends[wide] - 1 - place].astype(np.int64) << place
        return values

    def unary(self, count: int, most: int) -> np.ndarray:
        """The last plane: `count` unary numbers (int64) whose sum is at most `most`."""
        if len(self._rest) * 8 > count + most + 7:
            raise Malformed("more bits than the numbers of this plane can take")
        bits = np.unpackbits(self._rest)
        ends = np.flatnonzero(bits)
        used = int(ends[-1]) + 1 if len(ends) else 0
        if len(ends) != count or len(bits) - used > 7:
            raise Malformed(f"{len(ends)} unary numbers where {count} are due, or bytes after the last")
        return np.diff(ends, prepend=-1) - 1

    def _bits(self, count: int) -> np.ndarray:
        length = (count + 7) // 8
        if length > len(self._rest):
            raise Malformed("an update that ends too early")
        bits = np.unpackbits(self._rest[:length])
        self._rest = self._rest[length:]
        if bits[count:].any():
            raise Malformed("bits that are set where a plane is only filled up")
        return bits[:count]
