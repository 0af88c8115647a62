"""The update of a round as few canonical bytes: error feedback, top-k a chunk, two magnitudes, gap-coded positions.

    "r3up" | version u8 = 1 | log2 of the chunk length u8 = 12 | density: numerator u32, denominator u32 |
    length of the vector u64 | SHA-256 of names and shapes | planes of bits

Numbers are little-endian. docs/payload.md defines the planes and every rounding. One update has one encoding, the same
on any machine, and the decoder is total: any bytes give an update or `Malformed`, within memory that the expected
shapes bound.
"""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np  # noqa: TID253 - whole vectors at a time

from r3cli.errors import Malformed
from r3cli.kernels.codec_bits import PlaneReader, pack_numbers, pack_unary
from r3cli.kernels.codec_values import (
    CHUNK,
    CHUNK_BITS,
    GRID_BITS,
    LEAST_NORMAL,
    MAGNITUDE_BITS,
    MOST_MAGNITUDE,
    MOST_STEP,
    Sparse,
    densify,
    sent_counts,
    sparsify,
)
from r3cli.kernels.tensors import encode_tensors

MAGIC = b"r3up"
VERSION = 1
_PREFIX = struct.Struct("<4sBBIIQ32s")
_STEP_WIDTH = 6
_RICE_WIDTH = 4
_WORD_WIDTH = _RICE_WIDTH + 2 * MAGNITUDE_BITS

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Update:
    """A decoded update, its tensors joined in the order of their names.

    `grid` is int64 in units of 2^-36, zero where nothing was sent; `mask` says what was sent (a zero can be sent).
    """

    shapes: dict[str, tuple[int, ...]]
    density: Fraction
    grid: np.ndarray
    mask: np.ndarray

    def values(self) -> dict[str, np.ndarray]:
        """The tensors as float32; each value is exact."""
        return _split(_single(self.grid), self.shapes)


def encode_update(values: Mapping[str, np.ndarray], density: Fraction) -> bytes:
    """Compress tensors (float32, finite) at a density in (0, 1]; raises `Malformed`."""
    _check_density(density)
    shapes = {name: tensor.shape for name, tensor in values.items()}
    vector = _join(values)
    return _encode(sparsify(vector, density), shapes, len(vector), density)


def decode_update(content: bytes, shapes: Shapes) -> Update:
    """Read the update of tensors with these names and shapes; raises `Malformed`."""
    length, density = _read_prefix(content, shapes)
    sparse = _decode(PlaneReader(memoryview(content)[_PREFIX.size :]), length, density)
    mask = np.zeros(length, dtype=bool)
    mask[sparse.positions] = True
    return Update(dict(shapes), density, densify(sparse, length, density), mask)


def compress(
    delta: Mapping[str, np.ndarray], residual: Mapping[str, np.ndarray] | None, density: Fraction
) -> tuple[bytes, bytes]:
    """Compress `delta + residual`; the update's bytes and, as canonical tensors, the residual that is left.

    The sum and the difference `sum - decoded` are single binary32 operations. No residual is a residual of zeros.
    """
    _check_density(density)
    shapes = {name: tensor.shape for name, tensor in delta.items()}
    vector = _join(delta)
    before = np.zeros_like(vector) if residual is None else _join(residual)
    if residual is not None and {name: tensor.shape for name, tensor in residual.items()} != shapes:
        raise Malformed("a residual of other tensors than the update's")
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused by `sparsify`
        vector = vector + before
    sparse = sparsify(vector, density)
    after = vector - _single(densify(sparse, len(vector), density))
    return _encode(sparse, shapes, len(vector), density), encode_tensors(_split(after, shapes))


def _encode(sparse: Sparse, shapes: Shapes, length: int, density: Fraction) -> bytes:
    counts = sent_counts(length, density)[sparse.steps >= 0]
    gaps = _gaps(sparse, counts)
    rice = _rice_parameters(gaps, counts)
    widths = np.repeat(rice, counts)
    words = rice << 2 * MAGNITUDE_BITS | sparse.high << MAGNITUDE_BITS | sparse.low
    signed = sparse.negative[_is_signed(sparse.upper, sparse.low, counts)]
    prefix = _PREFIX.pack(
        MAGIC, VERSION, CHUNK_BITS, density.numerator, density.denominator, length, shapes_digest(shapes)
    )
    planes = (
        pack_numbers(sparse.steps + 1, _same(_STEP_WIDTH, len(sparse.steps))),
        pack_numbers(words, _same(_WORD_WIDTH, len(words))),
        np.packbits(sparse.upper).tobytes(),
        np.packbits(signed).tobytes(),
        pack_numbers(gaps & ((1 << widths) - 1), widths),
        pack_unary(gaps >> widths),
    )
    return prefix + b"".join(planes)


def _decode(planes: PlaneReader, length: int, density: Fraction) -> Sparse:
    counts = sent_counts(length, density)
    steps = planes.numbers(_same(_STEP_WIDTH, len(counts))) - 1
    if (steps > MOST_STEP).any():
        raise Malformed("a chunk with an impossible step")
    sending = steps >= 0
    counts = counts[sending]
    words = planes.numbers(_same(_WORD_WIDTH, len(counts)))
    low = words & MOST_MAGNITUDE
    high = words >> MAGNITUDE_BITS & MOST_MAGNITUDE
    rice = words >> 2 * MAGNITUDE_BITS
    sent = int(counts.sum())
    upper = planes.numbers(_same(1, sent)) == 1
    _check_magnitudes(steps[sending], high, low, upper, counts)
    signed = _is_signed(upper, low, counts)
    negative = np.zeros(sent, dtype=bool)
    negative[signed] = planes.numbers(_same(1, int(signed.sum()))) == 1
    widths = np.repeat(rice, counts)
    remainders = planes.numbers(widths)
    gaps = planes.unary(sent, length) << widths | remainders
    if (_rice_parameters(gaps, counts) != rice).any():
        raise Malformed("a chunk whose Rice parameter is not the best")
    return Sparse(steps, high, low, _positions(gaps, sending, counts, length), upper, negative)


def _gaps(sparse: Sparse, counts: np.ndarray) -> np.ndarray:
    """How many unsent coordinates lie before each sent one, counted from the one before or the chunk's start."""
    first = np.repeat(np.flatnonzero(sparse.steps >= 0) * CHUNK, counts)
    before = np.empty_like(sparse.positions)
    before[1:] = sparse.positions[:-1]
    if len(counts):
        starts = np.cumsum(counts) - counts
        before[starts] = first[starts] - 1
    return np.asarray(sparse.positions - before - 1)


def _positions(gaps: np.ndarray, sending: np.ndarray, counts: np.ndarray, length: int) -> np.ndarray:
    """The inverse of `_gaps`; raises `Malformed` for a position outside its chunk."""
    if not len(counts):
        return np.zeros(0, dtype=np.int64)
    first = np.flatnonzero(sending) * CHUNK
    ends = np.cumsum(counts)
    reached = np.cumsum(gaps + 1)
    before = np.concatenate(([0], reached[ends[:-1] - 1]))
    positions = reached - np.repeat(before - first, counts) - 1
    if (positions[ends - 1] >= np.minimum(first + CHUNK, length)).any():
        raise Malformed("a position outside its chunk")
    return np.asarray(positions)


def _rice_parameters(gaps: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """For each chunk the smallest parameter that gives the fewest bits."""
    if not len(counts):
        return np.zeros(0, dtype=np.int64)
    starts = np.cumsum(counts) - counts
    bits = [np.add.reduceat(gaps >> rice, starts) + counts * rice for rice in range(CHUNK_BITS + 1)]
    return np.asarray(np.argmin(bits, axis=0), dtype=np.int64)


def _is_signed(upper: np.ndarray, low: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Which of the sent coordinates carry a sign: all but zeros."""
    return np.asarray(upper | (np.repeat(low, counts) > 0))


def _check_magnitudes(
    steps: np.ndarray, high: np.ndarray, low: np.ndarray, upper: np.ndarray, counts: np.ndarray
) -> None:
    if not len(counts):
        return
    uppers = np.add.reduceat(upper.astype(np.int64), np.cumsum(counts) - counts)
    if ((high == 0) | (low >= high) | (uppers == 0) | ((uppers == counts) & (low > 0))).any():
        raise Malformed("a chunk whose two magnitudes are not in order, or of which one is not used")
    if ((high < LEAST_NORMAL) & (steps > 0)).any():
        raise Malformed("a chunk whose upper magnitude leaves its highest bit unused")


def _read_prefix(content: bytes, shapes: Shapes) -> tuple[int, Fraction]:
    if len(content) < _PREFIX.size:
        raise Malformed("an update that ends inside its prefix")
    magic, version, chunk_bits, numerator, denominator, length, digest = _PREFIX.unpack_from(content)
    if magic != MAGIC or version != VERSION or chunk_bits != CHUNK_BITS:
        raise Malformed("not an update of version 1 in chunks of 4096")
    if not 0 < numerator <= denominator or math.gcd(numerator, denominator) != 1:
        raise Malformed("an update whose density is not a fraction in (0, 1] in lowest terms")
    if digest != shapes_digest(shapes) or length != sum(math.prod(shape) for shape in shapes.values()):
        raise Malformed("an update of tensors with other names or shapes")
    return length, Fraction(numerator, denominator)


def shapes_digest(shapes: Shapes) -> bytes:
    """What names the tensors of an update: SHA-256 over the number of them, names and shapes, in order of names."""
    parts = [b"r3/shapes/1", struct.pack("<I", len(shapes))]
    for name in sorted(shapes):
        encoded, shape = name.encode(), shapes[name]
        parts.append(struct.pack(f"<H{len(encoded)}sB{len(shape)}Q", len(encoded), encoded, len(shape), *shape))
    return hashlib.sha256(b"".join(parts)).digest()


def _check_density(density: Fraction) -> None:
    if not 0 < density <= 1 or density.denominator >= 1 << 32:
        raise Malformed(f"a density of {density} is not in (0, 1]")


def _join(values: Mapping[str, np.ndarray]) -> np.ndarray:
    for name, tensor in values.items():
        if tensor.dtype != np.float32:
            raise Malformed(f"tensor {name[:80]!r} is {tensor.dtype}, an update is of float32")
    flat = [values[name].reshape(-1) for name in sorted(values)]
    return np.concatenate(flat) if flat else np.zeros(0, dtype=np.float32)


def _split(vector: np.ndarray, shapes: Shapes) -> dict[str, np.ndarray]:
    tensors, offset = {}, 0
    for name in sorted(shapes):
        size = math.prod(shapes[name])
        tensors[name] = vector[offset : offset + size].reshape(shapes[name])
        offset += size
    return tensors


def _single(grid: np.ndarray) -> np.ndarray:
    """Grid integers as float32: exact, because a value has at most 5 significant bits."""
    return (grid.astype(np.float64) * 2.0**-GRID_BITS).astype(np.float32)


def _same(width: int, count: int) -> np.ndarray:
    return np.full(count, width, dtype=np.int64)
