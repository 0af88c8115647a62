"""Named tensors as canonical bytes: the same tensors are the same bytes everywhere, so their CID is their identity.

    "r3tn" | version u8 = 1 | count u32 | for each, in order of its name in UTF-8:
        name length u16 | name | dtype u8 | dimensions u8 | each dimension u64 | data, C order

All numbers are little-endian. There is no padding and no trailing byte, so exactly one byte string stands for a set of
tensors. The decoder is total: any bytes give tensors, `Malformed` or `TooLarge`.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping

import numpy as np  # noqa: TID253 - a leaf that exists to hold arrays
from numpy.typing import NDArray  # noqa: TID253 - the types of the arrays it holds

from r3cli.errors import Malformed, TooLarge, Usage

MAGIC = b"r3tn"
VERSION = 1
MOST_DIMENSIONS = 8
_DTYPES = {1: "<f4", 2: "<f8", 3: "|i1", 4: "|u1", 5: "<i4", 6: "<i8", 7: "<u2"}
_TAGS = {np.dtype(name): tag for tag, name in _DTYPES.items()}
_PREFIX = struct.Struct("<4sBI")

Tensors = dict[str, NDArray[np.generic]]


def encode_tensors(tensors: Mapping[str, NDArray[np.generic]]) -> bytes:
    """The canonical bytes; raises `Usage` for a dtype, name or rank that the format does not hold."""
    parts = [_PREFIX.pack(MAGIC, VERSION, len(tensors))]
    for name in sorted(tensors, key=str.encode):
        tensor = tensors[name]
        encoded = name.encode()
        tag = _TAGS.get(tensor.dtype)
        if tag is None or len(encoded) > 0xFFFF or tensor.ndim > MOST_DIMENSIONS:
            raise Usage(f"tensor {name[:80]!r} ({tensor.dtype}, {tensor.ndim} dimensions) has no canonical form")
        parts.append(struct.pack("<H", len(encoded)) + encoded + bytes((tag, tensor.ndim)))
        parts.append(struct.pack(f"<{tensor.ndim}Q", *tensor.shape))
        parts.append(np.ascontiguousarray(tensor).tobytes())
    return b"".join(parts)


def decode_tensors(content: bytes, *, limit: int = 1 << 31) -> Tensors:
    """Tensors from canonical bytes (read-only arrays over a copy of nothing); `limit` caps the bytes accepted."""
    if len(content) > limit:
        raise TooLarge(f"{len(content)} bytes of tensors are over the limit of {limit}")
    reader = _Reader(content)
    magic, version, count = _PREFIX.unpack(reader.take(_PREFIX.size))
    if magic != MAGIC or version != VERSION:
        raise Malformed("not a container of tensors of version 1")
    tensors: Tensors = {}
    before: bytes | None = None
    for _ in range(count):
        name = reader.take(*struct.unpack("<H", reader.take(2)))
        if before is not None and name <= before:
            raise Malformed("tensors that are not in order of their names")
        before = name
        tensors[_text(name)] = reader.tensor()
    if reader.rest:
        raise Malformed(f"{reader.rest} bytes after the last tensor")
    return tensors


class _Reader:
    """Takes bytes from the front and never more than there are."""

    def __init__(self, content: bytes) -> None:
        self._content = memoryview(content)
        self._offset = 0

    @property
    def rest(self) -> int:
        return len(self._content) - self._offset

    def take(self, length: int) -> bytes:
        return bytes(self._view(length))

    def tensor(self) -> NDArray[np.generic]:
        tag, rank = self.take(2)
        if tag not in _DTYPES or rank > MOST_DIMENSIONS:
            raise Malformed(f"a tensor of dtype {tag} with {rank} dimensions")
        dtype = np.dtype(_DTYPES[tag])
        shape = struct.unpack(f"<{rank}Q", self.take(8 * rank))
        # Beside a dimension of zero the others take no bytes, so they need a bound of their own.
        if math.prod(max(dimension, 1) for dimension in shape) > 1 << 48:
            raise Malformed("a tensor with impossible dimensions")
        size = dtype.itemsize * math.prod(shape)
        return np.frombuffer(self._view(size), dtype=dtype).reshape(shape)

    def _view(self, length: int) -> memoryview:
        if length > self.rest:
            raise Malformed("tensors that end too early")
        start = self._offset
        self._offset += length
        return self._content[start : self._offset]


def _text(name: bytes) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError as error:
        raise Malformed("a tensor whose name is not UTF-8") from error
