"""The payload: what a miner hands in for a round. Its CID is the identity of the work.

"r3pl" | version u8 = 1 | header length u32 BE | header (canonical JSON) | update (docs/payload.md)
"""

from __future__ import annotations

import struct
from typing import Annotated, NamedTuple

from msgspec import Meta

from r3cli.errors import Malformed
from r3cli.train.rounds.canonical import Document, decode_document
from r3cli.train.rounds.manifest import Cid, Count

MAGIC = b"r3pl"
VERSION = 1
PAYLOAD_LIMIT = 256 << 20  # bytes
_PREFIX = struct.Struct(">4sBI")

HexDigest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]


class Header(Document, frozen=True, kw_only=True, tag_field="format", tag="r3/payload/1"):
    """Who did which work.

    `claimed_loss` is in micro-nats per token. `residual_before` is null (zero) or the `residual_after` of the
    miner's last revealed payload, which `previous` names.
    """

    claimed_loss: Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
    leaves: Cid
    manifest: Cid
    miner: Annotated[str, Meta(min_length=8, max_length=128)]
    previous: Cid | None
    residual_after: Cid
    residual_before: Cid | None
    round: Count
    step_root: HexDigest
    steps: Count


class Payload(NamedTuple):
    """A decoded payload; `update` is still compressed."""

    header: Header
    update: bytes

    def encode(self) -> bytes:
        header = self.header.encode()
        return _PREFIX.pack(MAGIC, VERSION, len(header)) + header + self.update


def decode_payload(content: bytes) -> Payload:
    """Split a payload into header and update; raises `Malformed`. The update's own decoder is total too."""
    if len(content) < _PREFIX.size:
        raise Malformed("a payload that ends inside its prefix")
    magic, version, length = _PREFIX.unpack_from(content)
    if magic != MAGIC or version != VERSION:
        raise Malformed("not a payload of version 1")
    end = _PREFIX.size + length
    if end > len(content):
        raise Malformed("a payload that ends inside its header")
    return Payload(decode_document(Header, content[_PREFIX.size : end]), content[end:])
