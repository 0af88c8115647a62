"""CIDs are Kubo's, whatever the size, and only their canonical spelling is one."""

from __future__ import annotations

import base64
import io
import json
import tracemalloc
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r3cli.errors import Malformed
from r3cli.storage.cid import cid_of, parse_cid
from tests.storage.content import Dribble, make_content

FILES = json.loads((Path(__file__).parents[1] / "vectors/cids.json").read_text())["files"]


@pytest.mark.parametrize("vector", FILES, ids=lambda vector: str(vector["length"]))
def test_cids_are_those_of_kubo(vector: dict[str, str]) -> None:
    content = make_content(int(vector["length"]))
    assert cid_of(content) == vector["v1"]
    assert cid_of(content, version=0) == vector["v0"]
    assert cid_of(cast("BinaryIO", Dribble(content))) == vector["v1"]


def test_small_content_is_one_raw_block() -> None:
    assert cid_of(b"r3").startswith("bafkrei")


def test_a_stream_is_never_held_whole() -> None:
    class Zeros(io.RawIOBase):
        left = 64 << 20

        def read(self, size: int = -1, /) -> bytes:
            size = min(size, self.left)
            self.left -= size
            return bytes(size)

    tracemalloc.start()
    try:
        cid_of(cast("BinaryIO", Zeros()))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 << 20


@given(st.binary(min_size=32, max_size=32), st.sampled_from(["v0", "raw", "dag-pb"]))
def test_spelling_is_read_back(digest: bytes, kind: str) -> None:
    head = {"v0": b"", "raw": b"\x01\x55", "dag-pb": b"\x01\x70"}[kind] + b"\x12\x20"
    if kind == "v0":
        text = str(parse_cid(_base58(head + digest)))
        assert text.startswith("Qm")
    else:
        text = "b" + base64.b32encode(head + digest).decode().lower().rstrip("=")
    assert str(parse_cid(text)) == text
    assert parse_cid(text).digest == digest


@given(st.text(max_size=80))
def test_any_text_is_a_cid_or_malformed(text: str) -> None:
    with suppress(Malformed):
        assert str(parse_cid(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvykv",  # a bit set beyond the last byte
        "BAFKREIHDWDCEFGH4DQKJV67UZCMW7OJEE6XEDZDETOJUZJEVTENXQUVYKU",
        "bafyreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",  # dag-cbor
        "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQ0",  # 0 is no digit of base58
        "Qmzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",  # another hash than SHA-256, or too large
        "/ipfs/bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
        "--offline",
        "",
    ],
)
def test_other_spellings_are_refused(text: str) -> None:
    with pytest.raises(Malformed, match="is not a CID"):
        parse_cid(text)


def _base58(content: bytes) -> str:
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    number, text = int.from_bytes(content, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = alphabet[digit] + text
    return text
