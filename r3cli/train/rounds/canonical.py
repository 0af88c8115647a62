"""One encoding for every document of a round: JSON with sorted keys, no spaces, and no floating-point numbers.

The same document is the same bytes everywhere, so its CID is its identity. Fractions travel as decimal strings.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from r3cli.errors import Malformed, TooLarge

DOCUMENT_LIMIT = 4 << 20  # bytes; the largest document, a list of leaves, takes about 100 bytes a step

_ENCODER = msgspec.json.Encoder(order="sorted")

T = TypeVar("T", bound="Document")


class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every document: unknown fields are refused, because they would change the CID unseen."""

    def encode(self) -> bytes:
        """The canonical bytes."""
        return _ENCODER.encode(self)


def decode_document(kind: type[T], content: bytes) -> T:
    """Read a document; raises `Malformed` unless the bytes are exactly what `encode` would write."""
    if len(content) > DOCUMENT_LIMIT:
        raise TooLarge(f"a {kind.__name__} of {len(content)} bytes is over the limit of {DOCUMENT_LIMIT}")
    try:
        document = msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Malformed(f"not a {kind.__name__}: {error}") from error
    if document.encode() != content:
        raise Malformed(f"a {kind.__name__} whose bytes are not in canonical order")
    return document
