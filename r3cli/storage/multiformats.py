"""Content identifiers as text and bytes: CIDv0 (`Qm...`) and CIDv1 in base32 (`b...`), SHA-256 only.

Only the canonical spelling of a CID is accepted, because texts that differ would name the same content. Sources: the
CID and multibase specifications; dag-pb has the code 0x70, raw bytes 0x55, SHA-256 0x12 with 32 bytes.
"""

from __future__ import annotations

import base64
import hashlib
from enum import IntEnum
from typing import NamedTuple

from r3cli.errors import Malformed

_SHA256 = bytes((0x12, 32))  # multihash prefix: the function's code and the digest's length
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_V0_CHARACTERS = 46
_V1_CHARACTERS = 59


class Codec(IntEnum):
    """How a block's bytes are to be read."""

    RAW = 0x55
    DAG_PB = 0x70


class Cid(NamedTuple):
    """One block's identity. Version 0 is always dag-pb."""

    version: int
    codec: Codec
    digest: bytes

    def __str__(self) -> str:
        if self.version == 0:
            return _base58(self.to_bytes())
        return "b" + base64.b32encode(self.to_bytes()).decode().lower().rstrip("=")

    def to_bytes(self) -> bytes:
        """The binary form that stands in links."""
        if self.version == 0:
            return _SHA256 + self.digest
        return bytes((1, self.codec)) + _SHA256 + self.digest

    def names(self, block: bytes | memoryview) -> bool:
        """Whether these are the bytes that this CID stands for."""
        return hashlib.sha256(block).digest() == self.digest


def block_cid(block: bytes | memoryview, codec: Codec, version: int = 1) -> Cid:
    """The CID of one block."""
    return Cid(version, codec, hashlib.sha256(block).digest())


def parse_cid(text: str) -> Cid:
    """Read a CID; raises `Malformed` for anything but a canonical CIDv0 or base32 CIDv1 of SHA-256."""
    try:
        if text.startswith("Qm") and len(text) == _V0_CHARACTERS:
            found = cid_from_bytes(_unbase58(text))
        elif text.startswith("b") and len(text) == _V1_CHARACTERS:
            found = cid_from_bytes(base64.b32decode(text[1:].upper() + "======"))
        else:
            raise ValueError(text)
        if str(found) != text:
            raise ValueError(text)
    except (ValueError, OverflowError, Malformed):
        raise Malformed(
            f"{text[:80]!r} is not a CID",
            hint="a CID begins with Qm (46 characters) or bafk, bafy (59 characters, lower case) and is of SHA-256",
        ) from None
    return found


def cid_from_bytes(content: bytes) -> Cid:
    """Read the binary form; raises `Malformed`."""
    if len(content) == 34 and content[:2] == _SHA256:
        return Cid(0, Codec.DAG_PB, content[2:])
    if len(content) == 36 and content[0] == 1 and content[1] in tuple(Codec) and content[2:4] == _SHA256:
        return Cid(1, Codec(content[1]), content[4:])
    raise Malformed("a CID of another version, codec or hash than version 0 or 1, raw or dag-pb, SHA-256")


def _base58(content: bytes) -> str:
    number = int.from_bytes(content, "big")
    digits = ""
    while number:
        number, digit = divmod(number, 58)
        digits = _BASE58[digit] + digits
    return digits  # no leading zero byte can occur: a multihash begins with 0x12


def _unbase58(text: str) -> bytes:
    number = 0
    for character in text:
        number = number * 58 + _BASE58.index(character)
    return number.to_bytes(34, "big")
