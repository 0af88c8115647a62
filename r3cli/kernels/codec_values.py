"""Which coordinates of an update are sent, and as what, by integers and comparisons of bit patterns only.

A chunk's k largest magnitudes are sent (of equal ones those with the lowest index), each as a sign and one of two
magnitudes `m x 2^(step - 36)` with m in 1..31 (or 0 for the lower one). The definition in prose is docs/payload.md.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

import numpy as np  # noqa: TID253 - whole vectors at a time

from r3cli.errors import Malformed

CHUNK_BITS = 12
CHUNK = 1 << CHUNK_BITS
GRID_BITS = 36  # decoded values are integers in units of 2^-36
MAGNITUDE_BITS = 5
MOST_MAGNITUDE = (1 << MAGNITUDE_BITS) - 1
LEAST_NORMAL = 1 << MAGNITUDE_BITS - 1  # of the upper magnitude, unless the step is the grid's own
MOST_STEP = 51  # 31 x 2^(51 - 36) is below 2^20
_INFINITY = 0x7F800000
_SMALLEST = 0x00800000  # bit pattern of 2^-126: what is below counts as zero
_LARGEST = 0x497FFFFF  # bit pattern of the largest binary32 below 2^20: what is above counts as this
_UNIT = 150  # a 24-bit significand with biased exponent e is an integer in units of 2^(e - 150)
_MOST_SHIFT = 40  # beyond it every mean of 24-bit numbers rounds to 0


class Sparse(NamedTuple):
    """A compressed vector.

    `steps` has an entry a chunk (-1: nothing is sent), `high` and `low` one for each chunk that sends, the rest one for
    each coordinate sent: its position (ascending), whether it has the upper magnitude, whether it is negative (never
    for a zero).
    """

    steps: np.ndarray
    high: np.ndarray
    low: np.ndarray
    positions: np.ndarray
    upper: np.ndarray
    negative: np.ndarray


class _Magnitudes(NamedTuple):
    steps: np.ndarray
    high: np.ndarray
    low: np.ndarray
    upper: np.ndarray


def sent_counts(length: int, density: Fraction) -> np.ndarray:
    """How many coordinates each chunk of a vector sends when it sends any (int64): ceil(its length x density)."""
    whole, rest = divmod(length, CHUNK)
    sizes = [CHUNK] * whole + [rest] * (rest > 0)
    return np.array([-(-size * density.numerator // density.denominator) for size in sizes], dtype=np.int64)


def sparsify(vector: np.ndarray, density: Fraction) -> Sparse:
    """Select and quantise a vector (float32); raises `Malformed` for values that are not finite."""
    patterns = _patterns(vector)
    counts = sent_counts(len(vector), density)
    positions = _largest(patterns, counts)
    magnitudes = _two_magnitudes(patterns[positions], counts)
    sending = magnitudes.high > 0
    sent = np.repeat(sending, counts)
    positions, upper = positions[sent], magnitudes.upper[sent]
    high, low = magnitudes.high[sending], magnitudes.low[sending]
    zero = ~upper & (np.repeat(low, counts[sending]) == 0)
    return Sparse(
        steps=np.where(sending, magnitudes.steps, -1),
        high=high,
        low=low,
        positions=positions,
        upper=upper,
        negative=np.signbit(vector[positions]) & ~zero,
    )


def densify(sparse: Sparse, length: int, density: Fraction) -> np.ndarray:
    """The decoded vector in units of 2^-36 (int64), zero where nothing was sent."""
    sending = sparse.steps >= 0
    counts = sent_counts(length, density)[sending]
    steps = np.repeat(sparse.steps[sending], counts)
    values = np.where(sparse.upper, np.repeat(sparse.high, counts), np.repeat(sparse.low, counts)) << steps
    grid = np.zeros(length, dtype=np.int64)
    grid[sparse.positions] = np.where(sparse.negative, -values, values)
    return grid


def _patterns(vector: np.ndarray) -> np.ndarray:
    """Magnitudes as bit patterns, which are ordered as the magnitudes are; subnormals flushed, large ones clamped."""
    patterns = (np.ascontiguousarray(vector).view(np.uint32) & np.uint32(0x7FFFFFFF)).astype(np.int64)
    if int(patterns.max(initial=0)) >= _INFINITY:
        raise Malformed("an update with a value that is not a finite number")
    return np.where(patterns < _SMALLEST, 0, np.minimum(patterns, _LARGEST))


def _largest(patterns: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The positions, ascending, of each chunk's largest magnitudes; of equal ones those with the lowest index."""
    # No two keys of a chunk are equal, so that any partition algorithm finds the same set.
    keys = patterns << CHUNK_BITS | (CHUNK - 1 - np.arange(len(patterns)) % CHUNK)
    chosen = np.zeros(len(keys), dtype=bool)
    whole = len(keys) // CHUNK * CHUNK
    if whole:
        chosen[:whole] = _chosen(keys[:whole].reshape(-1, CHUNK), int(counts[0])).reshape(-1)
    if whole < len(keys):
        chosen[whole:] = _chosen(keys[whole:].reshape(1, -1), int(counts[-1])).reshape(-1)
    return np.flatnonzero(chosen)


def _chosen(keys: np.ndarray, count: int) -> np.ndarray:
    place = keys.shape[1] - count
    return np.asarray(keys >= np.partition(keys, place, axis=1)[:, place : place + 1])


def _two_magnitudes(patterns: np.ndarray, counts: np.ndarray) -> _Magnitudes:
    """Split each chunk's selected magnitudes at their mean; the means of both halves, rounded to few bits."""
    if not len(counts):
        nothing = np.zeros(0, dtype=np.int64)
        return _Magnitudes(nothing, nothing, nothing, nothing > 0)
    starts = np.cumsum(counts) - counts
    exponents = patterns >> 23
    top = np.maximum.reduceat(exponents, starts)
    significands = np.where(exponents > 0, patterns & 0x7FFFFF | 0x800000, 0)
    codes = significands >> np.minimum(np.repeat(top, counts) - exponents, 31)
    total = np.add.reduceat(codes, starts)
    upper = codes * np.repeat(counts, counts) >= np.repeat(total, counts)
    high_count = np.add.reduceat(upper.astype(np.int64), starts)
    high_sum = np.add.reduceat(np.where(upper, codes, 0), starts)
    steps, shift, high = _upper_magnitude(top, high_sum, high_count)
    low_count = counts - high_count
    low = _round_half_even(total - high_sum, np.maximum(low_count, 1) << shift)
    # Two magnitudes that round to one are one: all of the chunk is then in the upper half.
    one = (low_count == 0) | (low >= high)
    return _Magnitudes(steps, high, np.where(one, 0, low), upper | np.repeat(one, counts))


def _upper_magnitude(
    top: np.ndarray, high_sum: np.ndarray, high_count: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Step, shift from the codes' unit to the step's, and magnitude, normally 16..31 (in a chunk of zeros 0)."""
    logarithm = sum(((high_count << bit) <= high_sum).astype(np.int64) for bit in range(1, 25))
    base = top - _UNIT + GRID_BITS  # the codes' unit is 2^base on the grid
    shift = np.clip(np.maximum(logarithm - (MAGNITUDE_BITS - 1), -base), 0, _MOST_SHIFT)
    high = _round_half_even(high_sum, high_count << shift)
    shift = shift + (high > MOST_MAGNITUDE)
    high = _round_half_even(high_sum, high_count << shift)
    steps = np.maximum(base + shift, 0)
    over = steps > MOST_STEP
    return np.where(over, MOST_STEP, steps), shift - over, np.where(over, MOST_MAGNITUDE, high)


def _round_half_even(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    quotient, rest = np.divmod(numerator, denominator)
    up = (2 * rest > denominator) | ((2 * rest == denominator) & (quotient % 2 == 1))
    return np.asarray(quotient + up, dtype=np.int64)
