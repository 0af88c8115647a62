"""Block headers of CometBFT and what they prove: which transactions a block holds, and with what result.

A header's hash is a Merkle root over its fields; `data_hash` is one over the transactions of its own block, and
`last_results_hash` one over the results of the block before. The tree is that of RFC 6962. Formats: CometBFT 0.38,
`types/block.go` and `crypto/merkle`.
"""

from __future__ import annotations

import base64
import binascii
import calendar
import hashlib
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from r3cli.chain.cosmos.wire import encode_length_field, encode_varint_field
from r3cli.errors import Malformed

_HASHES_AFTER_LAST_BLOCK = (
    "last_commit_hash",
    "data_hash",
    "validators_hash",
    "next_validators_hash",
    "consensus_hash",
    "app_hash",
    "last_results_hash",
    "evidence_hash",
    "proposer_address",
)
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z")


def header_hash(header: Mapping[str, Any]) -> bytes:
    """The hash of a header as the REST gateway shows it (`block.header`); raises `Malformed`."""
    try:
        return merkle_root(_fields(header))
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise Malformed("this is not a block header") from error


def data_hash(transactions: Sequence[bytes]) -> bytes:
    """The `data_hash` of a block that holds these transactions in this order."""
    return merkle_root([hashlib.sha256(raw).digest() for raw in transactions])


def results_hash(results: Sequence[bytes]) -> bytes:
    """The `last_results_hash` in the header after a block with these results (each from `encode_result`)."""
    return merkle_root(results)


def encode_result(code: int, data: bytes, gas_wanted: int, gas_used: int) -> bytes:
    """The part of a transaction's result that consensus covers: the log and the events are not in it."""
    encoded = encode_varint_field(1, code) if code else b""
    encoded += encode_length_field(2, data) if data else b""
    encoded += encode_varint_field(5, gas_wanted) if gas_wanted else b""
    return encoded + (encode_varint_field(6, gas_used) if gas_used else b"")


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """The RFC 6962 root: leaf = SHA-256(0x00 || leaf), node = SHA-256(0x01 || left || right), empty = SHA-256()."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + merkle_root(leaves[:split]) + merkle_root(leaves[split:])).digest()


def _fields(header: Mapping[str, Any]) -> list[bytes]:
    version, last = header["version"], header["last_block_id"]
    parts = last["part_set_header"]
    part_set = _number(1, int(parts["total"])) + _content(2, _decode(parts["hash"]))
    return [
        _number(1, int(version["block"])) + _number(2, int(version["app"])),
        _content(1, header["chain_id"].encode()),
        _number(1, int(header["height"])),
        _timestamp(header["time"]),
        _content(1, _decode(last["hash"])) + encode_length_field(2, part_set),
        *(_content(1, _decode(header[name])) for name in _HASHES_AFTER_LAST_BLOCK),
    ]


def _number(field: int, value: int) -> bytes:
    return encode_varint_field(field, value) if value else b""


def _content(field: int, value: bytes) -> bytes:
    return encode_length_field(field, value) if value else b""


def _timestamp(text: str) -> bytes:
    match = _TIME.fullmatch(text)
    if not match:
        raise ValueError(text)
    seconds = calendar.timegm(time.strptime(match[1], "%Y-%m-%dT%H:%M:%S"))
    return _number(1, seconds) + _number(2, int((match[2] or "").ljust(9, "0")))


def _decode(text: str | None) -> bytes:
    try:
        return base64.b64decode(text or "", validate=True)
    except binascii.Error as error:
        raise ValueError(text) from error
