"""Files as trees of blocks: cutting them (`DagBuilder`) and putting them together again (`read_file`).

Cutting has one fixed shape, so that equal bytes have equal CIDs everywhere: pieces of 256 KiB, at most 174 links a
node, balanced, raw leaves in version 1 and UnixFS leaves in version 0. These are Kubo's
`chunker=size-262144&raw-leaves=true&cid-version=1`. Reading accepts any tree and hands on only verified bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO

from r3cli.errors import CidMismatch, Malformed, TooLarge
from r3cli.storage.multiformats import Cid, Codec, block_cid
from r3cli.storage.unixfs import FileNode, Link, decode_node, encode_node

CHUNK_BYTES = 256 << 10
BLOCK_LIMIT = 2 << 20  # bytes of one block, the most that IPFS peers exchange
MOST_LINKS = 174
MOST_LEVELS = 16

Keep = Callable[[Cid, bytes], None]
Fetch = Callable[[Cid], bytes]


class DagBuilder:
    """Takes a file's pieces in order; holds no more than one open node a level, whatever the file's size."""

    def __init__(self, version: int = 1, keep: Keep | None = None) -> None:
        self._version = version
        self._keep = keep
        self._levels: list[list[Link]] = [[]]

    def add(self, piece: bytes | memoryview) -> None:
        """The next piece: `CHUNK_BYTES` bytes, only the last one may be shorter."""
        if self._version == 0:
            block = encode_node(piece, ())
            self._append(0, self._link(block, Codec.DAG_PB, len(piece), len(block)))
        else:
            self._append(0, self._link(piece, Codec.RAW, len(piece), len(piece)))

    def finish(self) -> Cid:
        """Close the open nodes; the file's CID."""
        if not self._levels[0]:
            self.add(b"")
        level = 0
        while level < len(self._levels) - 1 or len(self._levels[level]) > 1:
            if self._levels[level]:
                self._close(level)
            level += 1
        return self._levels[level][0].cid

    def _append(self, level: int, link: Link) -> None:
        if level == len(self._levels):
            self._levels.append([])
        # A full node is closed by the link after it, because it may turn out to be the root.
        if len(self._levels[level]) == MOST_LINKS:
            self._close(level)
        self._levels[level].append(link)

    def _close(self, level: int) -> None:
        links = self._levels[level]
        block = encode_node(b"", links)
        size = sum(link.size for link in links)
        total = len(block) + sum(link.total for link in links)
        self._levels[level] = []
        self._append(level + 1, self._link(block, Codec.DAG_PB, size, total))

    def _link(self, block: bytes | memoryview, codec: Codec, size: int, total: int) -> Link:
        cid = block_cid(block, codec, self._version)
        if self._keep is not None:
            self._keep(cid, bytes(block))
        return Link(cid, size, total)


def pieces(content: bytes | BinaryIO) -> Iterator[bytes | memoryview]:
    """A file in pieces of `CHUNK_BYTES`; a stream may hand out its bytes in any portions."""
    if isinstance(content, bytes | bytearray | memoryview):
        view = memoryview(content)
        for start in range(0, len(view), CHUNK_BYTES):
            yield view[start : start + CHUNK_BYTES]
        return
    piece = bytearray()
    while portion := content.read(CHUNK_BYTES - len(piece)):
        piece += portion
        if len(piece) == CHUNK_BYTES:
            yield bytes(piece)
            piece.clear()
    if piece:
        yield bytes(piece)


def read_file(cid: Cid, fetch: Fetch, *, limit: int) -> Iterator[bytes]:
    """The file's verified bytes, block by block; raises `CidMismatch`, `Malformed` or `TooLarge`.

    `fetch` returns a block's bytes, unverified, or raises `ContentMissing`. The root's declared size is held against
    `limit` before anything else is fetched, and every node must bring exactly what was declared, so that no tree can
    cost more than its limit.
    """
    yield from _read(cid, fetch, None, limit, 0)


def file_blocks(cid: Cid, fetch: Fetch, *, limit: int) -> Iterator[Cid]:
    """The CIDs of all blocks of a file, its root first; fetches nodes, not raw leaves. Raises as `read_file`."""
    yield cid
    if cid.codec is Codec.RAW:
        return
    for link in _node(cid, fetch, None, limit, 0).links:
        yield from _parts(link, fetch, limit, 1)


def checked(cid: Cid, block: bytes) -> bytes:
    """The same bytes; raises `CidMismatch` when they are not what the CID names, `TooLarge` for no block at all."""
    if len(block) > BLOCK_LIMIT:
        raise TooLarge(f"a block of more than {BLOCK_LIMIT} bytes", target=str(cid))
    if not cid.names(block):
        raise CidMismatch(f"the bytes found under {cid} are not its bytes", target=str(cid))
    return block


def _read(cid: Cid, fetch: Fetch, declared: int | None, limit: int, level: int) -> Iterator[bytes]:
    if cid.codec is Codec.RAW:
        block = checked(cid, fetch(cid))
        _check_size(cid, len(block), declared, limit)
        if block:
            yield block
        return
    node = _node(cid, fetch, declared, limit, level)
    if node.data:
        yield node.data
    for link in node.links:
        yield from _read(link.cid, fetch, link.size, limit, level + 1)


def _parts(link: Link, fetch: Fetch, limit: int, level: int) -> Iterator[Cid]:
    yield link.cid
    if link.cid.codec is not Codec.RAW:
        for part in _node(link.cid, fetch, link.size, limit, level).links:
            yield from _parts(part, fetch, limit, level + 1)


def _node(cid: Cid, fetch: Fetch, declared: int | None, limit: int, level: int) -> FileNode:
    if level > MOST_LEVELS:
        raise Malformed("a file whose tree is too deep", target=str(cid))
    node = decode_node(checked(cid, fetch(cid)))
    # An empty part would let a small tree cost any number of fetches.
    if any(link.size == 0 for link in node.links):
        raise Malformed("a file node with an empty part", target=str(cid))
    _check_size(cid, node.size, declared, limit)
    return node


def _check_size(cid: Cid, size: int, declared: int | None, limit: int) -> None:
    if declared is None and size > limit:
        raise TooLarge(f"{cid} has {size} bytes, over the limit of {limit}", target=str(cid))
    if declared is not None and size != declared:
        raise Malformed(f"a part of {size} bytes where {declared} were declared", target=str(cid))
