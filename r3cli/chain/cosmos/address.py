"""Account addresses: bech32 (BIP 173) over RIPEMD-160(SHA-256(compressed public key))."""

from __future__ import annotations

import hashlib

from r3cli.chain.cosmos.ripemd160 import ripemd160
from r3cli.errors import Malformed, Usage

_CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_VALUES = {character: value for value, character in enumerate(_CHARSET)}
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_MAX_LENGTH = 90
_CHECKSUM_LENGTH = 6
_PAYLOAD_LENGTHS = (20, 32)  # accounts; module and contract accounts


def encode_address(public_key: bytes, prefix: str) -> str:
    """The address of a compressed secp256k1 public key (33 bytes) on the chain with this prefix."""
    return encode_bech32(prefix, ripemd160(hashlib.sha256(public_key).digest()))


def decode_address(text: str) -> tuple[str, bytes]:
    """Prefix and payload (20 or 32 bytes) of an address; raises `Malformed` for any other text."""
    prefix, payload = _decode_bech32(text)
    if len(payload) not in _PAYLOAD_LENGTHS:
        raise Malformed(f"{text!r} is not an account address: {len(payload)} bytes instead of 20 or 32")
    return prefix, payload


def require_address(text: str, prefix: str) -> str:
    """An address that somebody typed, in canonical form; raises `Usage` when it is not one of this chain."""
    try:
        found, payload = decode_address(text)
    except Malformed as error:
        raise Usage(error.message, hint=f"an address here looks like {prefix}1...") from error
    if found != prefix:
        raise Usage(
            f"{text!r} is an address of another chain ({found})", hint=f"an address here looks like {prefix}1..."
        )
    return encode_bech32(prefix, payload)


def encode_bech32(prefix: str, payload: bytes) -> str:
    """Bech32 text of any payload."""
    values = _regroup(payload, 8, 5)
    polynomial = _polymod(_expand(prefix) + values + [0] * _CHECKSUM_LENGTH) ^ 1
    checksum = [(polynomial >> 5 * (5 - place)) & 31 for place in range(_CHECKSUM_LENGTH)]
    return prefix + "1" + "".join(_CHARSET[value] for value in values + checksum)


def _decode_bech32(text: str) -> tuple[str, bytes]:
    shown = repr(text[:_MAX_LENGTH])
    if len(text) > _MAX_LENGTH or not all(33 <= ord(character) <= 126 for character in text):
        raise Malformed(f"{shown} is not an address")
    if text not in (text.lower(), text.upper()):
        raise Malformed(f"{shown} is not an address: it mixes upper and lower case")
    prefix, separator, data = text.lower().rpartition("1")
    if not separator or not prefix or len(data) < _CHECKSUM_LENGTH or not all(symbol in _VALUES for symbol in data):
        raise Malformed(f"{shown} is not an address")
    values = [_VALUES[symbol] for symbol in data]
    if _polymod(_expand(prefix) + values) != 1:
        raise Malformed(f"{shown} is not an address: the checksum does not match, so it is mistyped")
    return prefix, _join(values[:-_CHECKSUM_LENGTH], shown)


def _join(values: list[int], shown: str) -> bytes:
    payload = bytes(_regroup(bytes(values), 5, 8)[: len(values) * 5 // 8])
    if _regroup(payload, 8, 5) != values:
        raise Malformed(f"{shown} is not an address: its padding is wrong")
    return payload


def _regroup(values: bytes, width: int, new_width: int) -> list[int]:
    """The same bits in groups of another width, the last group padded with zero bits."""
    groups, buffer, bits = [], 0, 0
    for value in values:
        buffer, bits = (buffer << width) | value, bits + width
        while bits >= new_width:
            bits -= new_width
            groups.append((buffer >> bits) & ((1 << new_width) - 1))
        buffer &= (1 << bits) - 1
    if bits:
        groups.append(buffer << (new_width - bits))
    return groups


def _polymod(values: list[int]) -> int:
    checksum = 1
    for value in values:
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value
        for place, generator in enumerate(_GENERATORS):
            checksum ^= generator if (top >> place) & 1 else 0
    return checksum


def _expand(prefix: str) -> list[int]:
    return [ord(character) >> 5 for character in prefix] + [0] + [ord(character) & 31 for character in prefix]
