"""What content is called: `cid_of` computes the CID that IPFS gives the same bytes, without a daemon."""

from __future__ import annotations

from typing import BinaryIO

from r3cli.storage.dag import DagBuilder, pieces
from r3cli.storage.multiformats import Cid, Codec, block_cid, parse_cid

__all__ = ["Cid", "Codec", "block_cid", "cid_of", "parse_cid"]


def cid_of(content: bytes | BinaryIO, version: int = 1) -> str:
    """The CID of a file, read once and never held whole. Up to 256 KiB, version 1 is one raw block (`bafkrei...`)."""
    builder = DagBuilder(version)
    for piece in pieces(content):
        builder.add(piece)
    return str(builder.finish())
