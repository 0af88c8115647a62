"""The update format of docs/payload.md once more, slowly and from the page: plain Python, exact fractions, no numpy."""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

CHUNK = 4096
LARGEST = Fraction(2) ** 20 - Fraction(2) ** -4  # the largest binary32 below 2^20
SMALLEST = Fraction(1, 2**126)


class Chunk(NamedTuple):
    """What one chunk sends: for each sent index whether it has the upper magnitude and whether it is negative."""

    step: int
    high: int
    low: int
    sent: list[tuple[int, bool, bool]]


def encode_plain(tensors: Mapping[str, tuple[tuple[int, ...], Sequence[float]]], density: Fraction) -> bytes:
    """The bytes for tensors given as shape and binary32 values."""
    vector = [value for name in sorted(tensors) for value in tensors[name][1]]
    shapes = {name: shape for name, (shape, _) in tensors.items()}
    return prefix_of(shapes, density) + planes_of(chunks_of(vector, density))


def encode_decoded(name: str, values: Sequence[int], mask: Sequence[bool], density: Fraction) -> bytes:
    """The bytes that stand for one tensor's decoded values, from what they say alone."""
    chunks = []
    for start in range(0, len(values), CHUNK):
        part = zip(values[start : start + CHUNK], mask[start : start + CHUNK], strict=True)
        chunks.append(_chunk_of({index: value for index, (value, sent) in enumerate(part) if sent}))
    return prefix_of({name: (len(values),)}, density) + planes_of(chunks)


def prefix_of(shapes: Mapping[str, tuple[int, ...]], density: Fraction) -> bytes:
    """The first 54 bytes."""
    table = b"r3/shapes/1" + struct.pack("<I", len(shapes))
    for name in sorted(shapes):
        table += struct.pack("<H", len(name.encode())) + name.encode() + struct.pack("<B", len(shapes[name]))
        table += b"".join(struct.pack("<Q", dimension) for dimension in shapes[name])
    length = sum(math.prod(shape) for shape in shapes.values())
    numbers = struct.pack("<IIQ", density.numerator, density.denominator, length)
    return b"r3up" + bytes((1, 12)) + numbers + hashlib.sha256(table).digest()


def decode_plain(chunks: Sequence[Chunk | None], length: int) -> list[int]:
    """What chunks stand for, in units of 2^-36."""
    grid = [0] * length
    for number, chunk in enumerate(chunks):
        for index, upper, negative in chunk.sent if chunk else []:
            magnitude = (chunk.high if upper else chunk.low) << chunk.step if chunk else 0
            grid[number * CHUNK + index] = -magnitude if negative else magnitude
    return grid


def chunks_of(vector: Sequence[float], density: Fraction) -> list[Chunk | None]:
    """Every chunk of a vector."""
    return [_compress_chunk(vector[start : start + CHUNK], density) for start in range(0, len(vector), CHUNK)]


def _magnitude(value: float) -> Fraction:
    exact = abs(Fraction(value))
    return Fraction(0) if exact < SMALLEST else min(exact, LARGEST)


def _exponent(value: Fraction) -> int:
    """floor(log2(value)) of a positive fraction."""
    exponent = value.numerator.bit_length() - value.denominator.bit_length()
    return exponent if value >= Fraction(2) ** exponent else exponent - 1


def _compress_chunk(values: Sequence[float], density: Fraction) -> Chunk | None:
    count = math.ceil(len(values) * density)
    magnitudes = [_magnitude(value) for value in values]
    chosen = sorted(sorted(range(len(values)), key=lambda index: (-magnitudes[index], index))[:count])
    top = max(magnitudes[index] for index in chosen)
    if top == 0:
        return None
    unit = Fraction(2) ** (_exponent(top) - 23)
    codes = {index: math.floor(magnitudes[index] / unit) for index in chosen}
    mean = Fraction(sum(codes.values()), count)
    upper = [index for index in chosen if codes[index] >= mean]
    lower = [index for index in chosen if codes[index] < mean]
    high_mean = Fraction(sum(codes[index] for index in upper), len(upper)) * unit * 2**36
    step = max(_exponent(high_mean) - 4, 0)
    if round(high_mean / 2**step) == 32:
        step += 1
    if step > 51:
        step, high = 51, 31
    else:
        high = round(high_mean / 2**step)  # Python rounds half to even
    low = 0
    if lower:
        low = round(Fraction(sum(codes[index] for index in lower), len(lower)) * unit * 2**36 / 2**step)
    if high == 0:
        return None
    if not lower or low >= high:
        upper, low = chosen, 0
    sent = []
    for index in chosen:
        is_upper = index in upper
        zero = not is_upper and low == 0
        sent.append((index, is_upper, math.copysign(1.0, values[index]) < 0 and not zero))
    return Chunk(step, high, low, sent)


def _chunk_of(values: Mapping[int, int]) -> Chunk | None:
    """The chunk that decodes to these values (units of 2^-36)."""
    if not values:
        return None
    largest = max(abs(value) for value in values.values())
    step = max(largest.bit_length() - 5, 0)
    others = {abs(value) for value in values.values()} - {largest}
    low = (others.pop() if others else 0) >> step
    sent = [(index, abs(value) == largest, value < 0) for index, value in sorted(values.items())]
    return Chunk(step, largest >> step, low, sent)


def planes_of(chunks: Sequence[Chunk | None]) -> bytes:
    """Everything after the prefix."""
    sending = [chunk for chunk in chunks if chunk]
    steps = "".join(f"{chunk.step + 1 if chunk else 0:06b}" for chunk in chunks)
    words = uppers = signs = remainders = quotients = ""
    for chunk in sending:
        gaps, before = [], -1
        for index, upper, negative in chunk.sent:
            gaps.append(index - before - 1)
            before = index
            uppers += str(int(upper))
            if upper or chunk.low:
                signs += str(int(negative))
        rice = min(range(13), key=lambda width: (sum(width + 1 + (gap >> width) for gap in gaps), width))
        words += f"{rice:04b}{chunk.high:05b}{chunk.low:05b}"
        for gap in gaps:
            remainders += f"{gap % 2**rice:0{rice}b}" if rice else ""
            quotients += "0" * (gap >> rice) + "1"
    return b"".join(_bytes(plane) for plane in (steps, words, uppers, signs, remainders, quotients))


def _bytes(bits: str) -> bytes:
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big") if bits else b""
