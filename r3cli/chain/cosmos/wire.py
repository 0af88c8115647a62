"""The protobuf wire format, strictly: varints and length-delimited fields, all that Cosmos messages use.

Two writers never differ (fields in order, defaults left out, shortest varints) and the reader is total: any bytes
give fields or `Malformed`, with memory bounded by the input.
"""

from __future__ import annotations

from collections.abc import Iterator

from r3cli.errors import Malformed, TooLarge

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
MAX_MESSAGE = 1 << 20  # bytes; CometBFT takes no transaction above 1 MiB by default
MAX_UINT64 = (1 << 64) - 1

_MAX_VARINT_BYTES = 10
_MAX_FIELD_NUMBER = (1 << 29) - 1
_FIXED_SIZES = {FIXED64: 8, FIXED32: 4}

Field = tuple[int, int, int | bytes]  # field number, wire type, value


def encode_varint(value: int) -> bytes:
    """An unsigned 64-bit integer, seven bits a byte, least significant first."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def encode_varint_field(number: int, value: int) -> bytes:
    """A varint with its tag; negative values as 64-bit two's complement."""
    return encode_varint(number << 3 | VARINT) + encode_varint(value & MAX_UINT64)


def encode_length_field(number: int, content: bytes) -> bytes:
    """A string, bytes, packed list or message with its tag and length."""
    return encode_varint(number << 3 | LENGTH) + encode_varint(len(content)) + content


def read_fields(content: bytes, *, limit: int = MAX_MESSAGE) -> Iterator[Field]:
    """The fields of a message in the order in which they stand."""
    if len(content) > limit:
        raise TooLarge(f"a protobuf message of {len(content)} bytes is larger than {limit}")
    place = 0
    while place < len(content):
        tag, place = read_varint(content, place)
        number, kind = tag >> 3, tag & 7
        if not 0 < number <= _MAX_FIELD_NUMBER:
            raise Malformed(f"protobuf: {number} is not a field number")
        if kind == VARINT:
            value, place = read_varint(content, place)
            yield number, kind, value
        else:
            size, place = _read_size(content, place, kind)
            if size > len(content) - place:
                raise Malformed(f"protobuf: field {number} ends after the message")
            yield number, kind, content[place : place + size]
            place += size


def read_varint(content: bytes, place: int) -> tuple[int, int]:
    """A varint at `place` and the place after it; refuses more than 64 bits and longer forms than needed."""
    value = 0
    for length in range(_MAX_VARINT_BYTES):
        if place + length >= len(content):
            raise Malformed("protobuf: a number is cut off")
        byte = content[place + length]
        value |= (byte & 0x7F) << 7 * length
        if byte < 0x80:
            if (length and not byte) or value > MAX_UINT64:
                break
            return value, place + length + 1
    raise Malformed("protobuf: a number is longer than its shortest form or than 64 bits")


def read_packed(content: bytes) -> Iterator[int]:
    """The varints of a packed list."""
    place = 0
    while place < len(content):
        value, place = read_varint(content, place)
        yield value


def _read_size(content: bytes, place: int, kind: int) -> tuple[int, int]:
    if kind == LENGTH:
        return read_varint(content, place)
    if kind in _FIXED_SIZES:
        return _FIXED_SIZES[kind], place
    raise Malformed(f"protobuf: wire type {kind} is not in use")
