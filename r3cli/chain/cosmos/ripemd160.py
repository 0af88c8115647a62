"""RIPEMD-160 by OpenSSL where it offers it, else in plain Python (builds without the legacy digests exist)."""

from __future__ import annotations

import hashlib
import struct

_MASK = 0xFFFFFFFF
_START = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0)

Line = tuple[str, str, tuple[int, ...], tuple[int, ...]]

# The two lines of the definition: message word and rotation of each of the 80 steps as hex digits, and for each
# of the five rounds its constant and its boolean function (an index into `_mix`).
_LEFT: Line = (
    "0123456789abcdef74d1a6f3c0952eb83ae49f812706db5c19ba08c4d37fe56240597c2ae138b6fd",
    "befc5879bdef6798768db97f7cf9b7dcbd67e9dfe8d65c75bcefef989e56865c9f5b68dc5cdeb856",
    (0x00000000, 0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xA953FD4E),
    (0, 1, 2, 3, 4),
)
_RIGHT: Line = (
    "5e7092b4d6f81a3c6b370d5aef8c4912f5137e69b8c2a04d86413bf05c2d97aecfa4158762de039b",
    "899bdff5778beec69df7c89b77c76fdb97fb866ecd5edd75f58bee6e69c9c5f885c9c5e68d65fdbb",
    (0x50A28BE6, 0x5C4DD124, 0x6D703EF3, 0x7A6D76E9, 0x00000000),
    (4, 3, 2, 1, 0),
)


def ripemd160(content: bytes) -> bytes:
    """The 20-byte digest."""
    try:
        return hashlib.new("ripemd160", content, usedforsecurity=False).digest()
    except ValueError:
        return plain_ripemd160(content)


def plain_ripemd160(content: bytes) -> bytes:
    """The 20-byte digest, without OpenSSL."""
    padding = b"\x80" + bytes((55 - len(content)) % 64) + struct.pack("<Q", 8 * len(content))
    padded = content + padding
    state = _START
    for start in range(0, len(padded), 64):
        words = struct.unpack("<16I", padded[start : start + 64])
        left, right = _run(_LEFT, words, state), _run(_RIGHT, words, state)
        state = (
            (state[1] + left[2] + right[3]) & _MASK,
            (state[2] + left[3] + right[4]) & _MASK,
            (state[3] + left[4] + right[0]) & _MASK,
            (state[4] + left[0] + right[1]) & _MASK,
            (state[0] + left[1] + right[2]) & _MASK,
        )
    return struct.pack("<5I", *state)


def _run(line: Line, words: tuple[int, ...], state: tuple[int, int, int, int, int]) -> tuple[int, ...]:
    order, turns, constants, functions = line
    a, b, c, d, e = state
    for step in range(80):
        stage = step // 16
        total = a + _mix(functions[stage], b, c, d) + words[int(order[step], 16)] + constants[stage]
        turned = (_rotate(total & _MASK, int(turns[step], 16)) + e) & _MASK
        a, b, c, d, e = e, turned, b, _rotate(c, 10), d
    return a, b, c, d, e


def _mix(function: int, x: int, y: int, z: int) -> int:
    mixed = (x ^ y ^ z, (x & y) | (~x & z), (x | ~y) ^ z, (x & z) | (y & ~z), x ^ (y | ~z))
    return mixed[function] & _MASK


def _rotate(word: int, places: int) -> int:
    return ((word << places) | (word >> (32 - places))) & _MASK
