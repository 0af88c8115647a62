"""Reading trees of blocks: what strangers send is verified, bounded, and never handed on otherwise."""

from __future__ import annotations

from contextlib import suppress
from typing import BinaryIO, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r3cli.errors import BadContent, CidMismatch, ContentMissing, Malformed, TooLarge
from r3cli.storage.cid import Cid, Codec, block_cid
from r3cli.storage.dag import BLOCK_LIMIT, DagBuilder, file_blocks, pieces, read_file
from r3cli.storage.unixfs import Link, decode_node, encode_node
from tests.storage.content import CHUNK, Dribble, make_content


class Shelf(dict[Cid, bytes]):
    """Blocks by CID; `fetched` counts."""

    fetched = 0

    def fetch(self, cid: Cid) -> bytes:
        self.fetched += 1
        if cid not in self:
            raise ContentMissing(str(cid))
        return self[cid]

    def keep(self, block: bytes, codec: Codec = Codec.DAG_PB) -> Cid:
        cid = block_cid(block, codec)
        self[cid] = block
        return cid


def _shelve(content: bytes, version: int = 1) -> tuple[Shelf, Cid]:
    shelf = Shelf()
    builder = DagBuilder(version, shelf.__setitem__)
    for piece in pieces(content):
        builder.add(piece)
    return shelf, builder.finish()


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("length", [0, 1, CHUNK, CHUNK + 1, 174 * CHUNK + 5])
def test_what_was_cut_is_put_together(length: int, version: int) -> None:
    content = make_content(length)
    shelf, root = _shelve(content, version)
    assert b"".join(read_file(root, shelf.fetch, limit=length)) == content
    assert set(file_blocks(root, shelf.fetch, limit=length)) == set(shelf)


@given(st.integers(1, 3 * CHUNK), st.integers(1, CHUNK * 2))
@settings(max_examples=20, deadline=None)
def test_portions_of_a_stream_do_not_matter(length: int, portion: int) -> None:
    content = bytes(length)
    stream = cast("BinaryIO", Dribble(content, portion))
    assert [bytes(piece) for piece in pieces(stream)] == [bytes(piece) for piece in pieces(content)]


def test_other_trees_are_read_too() -> None:
    shelf = Shelf()
    leaves = [shelf.keep(b"unbalanced", Codec.RAW), shelf.keep(encode_node(b" and ", ()))]
    inner = shelf.keep(encode_node(b"", [Link(leaves[0], 10, 10), Link(leaves[1], 5, 20)]))
    last = shelf.keep(b"mixed", Codec.RAW)
    root = shelf.keep(encode_node(b">", [Link(inner, 15, 60), Link(last, 5, 5)]))
    assert b"".join(read_file(root, shelf.fetch, limit=100)) == b">unbalanced and mixed"


def test_no_unverified_byte_is_handed_on() -> None:
    shelf, root = _shelve(make_content(3 * CHUNK))
    third = list(file_blocks(root, shelf.fetch, limit=1 << 30))[3]
    shelf[third] = b"\0" * CHUNK
    stream = read_file(root, shelf.fetch, limit=1 << 30)
    assert next(stream) + next(stream) == make_content(3 * CHUNK)[: 2 * CHUNK]
    with pytest.raises(CidMismatch):
        next(stream)


def test_a_declared_size_over_the_limit_costs_one_fetch() -> None:
    shelf, root = _shelve(make_content(3 * CHUNK))
    with pytest.raises(TooLarge, match="over the limit"):
        list(read_file(root, shelf.fetch, limit=3 * CHUNK - 1))
    assert shelf.fetched == 1


def test_sizes_that_lie_are_noticed() -> None:
    shelf = Shelf()
    leaf = shelf.keep(b"0123456789", Codec.RAW)
    root = shelf.keep(encode_node(b"", [Link(leaf, 1, 10)] * 9))
    with pytest.raises(Malformed, match="declared"):
        list(read_file(root, shelf.fetch, limit=9))
    inner = shelf.keep(encode_node(b"", [Link(leaf, 10, 10)] * 2))
    outer = shelf.keep(encode_node(b"", [Link(inner, 10, 10)]))
    with pytest.raises(Malformed, match="declared"):
        list(file_blocks(outer, shelf.fetch, limit=10))


def test_a_tree_that_multiplies_emptiness_is_refused() -> None:
    shelf = Shelf()
    cid = shelf.keep(b"", Codec.RAW)
    for _ in range(12):
        cid = shelf.keep(encode_node(b"", [Link(cid, 0, 0)] * 100))
    with pytest.raises(Malformed, match="empty part"):
        list(read_file(cid, shelf.fetch, limit=1000))
    assert shelf.fetched == 1


def test_a_tree_that_is_too_deep_is_refused() -> None:
    shelf = Shelf()
    cid = shelf.keep(b"x", Codec.RAW)
    for _ in range(40):
        cid = shelf.keep(encode_node(b"", [Link(cid, 1, 1)]))
    with pytest.raises(Malformed, match="too deep"):
        list(read_file(cid, shelf.fetch, limit=1000))


def test_a_huge_block_is_refused_even_when_its_hash_agrees() -> None:
    shelf = Shelf()
    cid = shelf.keep(bytes(BLOCK_LIMIT + 1), Codec.RAW)
    with pytest.raises(TooLarge):
        list(read_file(cid, shelf.fetch, limit=1 << 30))


def test_a_folder_is_no_file() -> None:
    folder = bytes.fromhex("0a020801")  # an empty UnixFS directory
    with pytest.raises(Malformed, match="no file"):
        decode_node(folder)


@given(st.binary(max_size=400))
def test_any_bytes_are_a_node_or_malformed(block: bytes) -> None:
    with suppress(Malformed):
        decode_node(block)


@given(st.data())
@settings(max_examples=200)
def test_a_mutated_node_is_a_node_or_malformed(data: st.DataObject) -> None:
    leaf = block_cid(b"leaf", Codec.RAW)
    block = bytearray(encode_node(b"own", [Link(leaf, 4, 4), Link(leaf, 300, 300)]))
    for _ in range(data.draw(st.integers(1, 3))):
        block[data.draw(st.integers(0, len(block) - 1))] = data.draw(st.integers(0, 255))
    shelf = Shelf({leaf: b"leaf"})
    with suppress(BadContent, ContentMissing):
        list(read_file(shelf.keep(bytes(block)), shelf.fetch, limit=1000))
