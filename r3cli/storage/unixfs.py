"""UnixFS file nodes in dag-pb: the blocks above the leaves of a file that does not fit into one block.

    dag-pb node:  links (field 2: hash 1, name 2, total size 3) before data (field 1)
    UnixFS data:  type 1, bytes 2, file size 3, size of each link's part 4 (repeated, not packed)

Encoding writes exactly what Kubo writes. Decoding takes any file node, also one that was cut in other pieces, and is
total. Source: the IPLD dag-pb and UnixFS specifications.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from r3cli.errors import Malformed
from r3cli.storage.multiformats import Cid, cid_from_bytes

_VARINT, _BYTES = 0, 2  # wire types of protobuf
_RAW, _FILE = 0, 2  # UnixFS types that hold a file's bytes
_MOST_LINKS = 1 << 16


class Link(NamedTuple):
    """A part of a file: `size` bytes of content in a subtree whose blocks hold `total` bytes together."""

    cid: Cid
    size: int
    total: int


class FileNode(NamedTuple):
    """A file's own bytes, followed by those of its links."""

    data: bytes
    links: tuple[Link, ...]

    @property
    def size(self) -> int:
        return len(self.data) + sum(link.size for link in self.links)


def encode_node(data: bytes | memoryview, links: Sequence[Link]) -> bytes:
    """The block of a file node."""
    size = len(data) + sum(link.size for link in links)
    content = b"\x08" + _varint(_FILE)
    if len(data):
        content += _field(2, bytes(data))
    content += b"\x18" + _varint(size)
    content += b"".join(b"\x20" + _varint(link.size) for link in links)
    return b"".join(_field(2, _encode_link(link)) for link in links) + _field(1, content)


def decode_node(block: bytes) -> FileNode:
    """Read a file node; raises `Malformed` for anything else, a folder included."""
    hashes: list[tuple[Cid, int]] = []
    content: bytes | None = None
    for number, value in _fields(block):
        if number == 2 and isinstance(value, bytes):
            hashes.append(_decode_link(value))
        elif number == 1 and isinstance(value, bytes) and content is None:
            content = value
        else:
            raise Malformed("a dag-pb node with an unknown field")
        if len(hashes) > _MOST_LINKS:
            raise Malformed("a dag-pb node with too many links")
    if content is None:
        raise Malformed("a dag-pb node without UnixFS data")
    data, size, sizes = _decode_data(content)
    if len(sizes) != len(hashes):
        raise Malformed(f"a file node with {len(hashes)} links and {len(sizes)} sizes")
    links = tuple(Link(cid, part, total) for (cid, total), part in zip(hashes, sizes, strict=True))
    node = FileNode(data, links)
    if size is not None and size != node.size:
        raise Malformed("a file node whose parts do not add up to its size")
    return node


def _encode_link(link: Link) -> bytes:
    return _field(1, link.cid.to_bytes()) + _field(2, b"") + b"\x18" + _varint(link.total)


def _decode_link(content: bytes) -> tuple[Cid, int]:
    cid: Cid | None = None
    total = 0
    for number, value in _fields(content):
        if number == 1 and isinstance(value, bytes):
            cid = cid_from_bytes(value)
        elif number == 3 and isinstance(value, int):
            total = value
    if cid is None:
        raise Malformed("a dag-pb link without a CID")
    return cid, total


def _decode_data(content: bytes) -> tuple[bytes, int | None, list[int]]:
    kind: int | None = None
    data = b""
    size: int | None = None
    sizes: list[int] = []
    for number, value in _fields(content):
        if number == 1 and isinstance(value, int):
            kind = value
        elif number == 2 and isinstance(value, bytes):
            data = value
        elif number == 3 and isinstance(value, int):
            size = value
        elif number == 4 and isinstance(value, int):
            sizes.append(value)
        elif number == 4 and isinstance(value, bytes):
            sizes.extend(_packed(value))
    if kind not in (_RAW, _FILE):
        raise Malformed("a UnixFS node that is no file", hint="a CID of a folder was given; name a file's")
    return data, size, sizes


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _field(number: int, content: bytes) -> bytes:
    return bytes((number << 3 | _BYTES,)) + _varint(len(content)) + content


def _fields(content: bytes) -> Iterator[tuple[int, int | bytes]]:
    offset = 0
    while offset < len(content):
        key, offset = _read_varint(content, offset)
        value, offset = _read_varint(content, offset)
        if key & 7 == _VARINT:
            yield key >> 3, value
        elif key & 7 == _BYTES and value <= len(content) - offset:
            yield key >> 3, content[offset : offset + value]
            offset += value
        else:
            raise Malformed("a protobuf field that is cut or of an unknown kind")


def _packed(content: bytes) -> Iterator[int]:
    offset = 0
    while offset < len(content):
        value, offset = _read_varint(content, offset)
        yield value


def _read_varint(content: bytes, offset: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if offset >= len(content):
            break
        byte = content[offset]
        offset += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >> 64:
                break
            return value, offset
    raise Malformed("a protobuf number that is cut or too long")
