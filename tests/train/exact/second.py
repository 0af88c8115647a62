"""A second implementation of the exact primitives: Python integers, fractions and single numpy operations, row by row.

It shares no code with r3 and none of torch's kernels. A digest that is equal everywhere can still be wrong
everywhere; this is what would notice.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np  # noqa: TID253 - tests of arithmetic

Row = Any  # one row of numpy float32
F = np.float32


def exponent(magnitude: float) -> int:
    """The smallest e with magnitude < 2**e, within +-90."""
    if magnitude == 0.0:
        return -90
    mantissa, e = math.frexp(magnitude)
    assert 0.5 <= mantissa < 1.0
    return max(-90, min(90, e))


def round_half_even(value: Fraction) -> int:
    return round(value)


def quantize(row: Row, bits: int, largest: int) -> tuple[list[int], Fraction]:
    """Codes and scale of one group on its power-of-two grid, in rational arithmetic."""
    e = exponent(max(abs(float(x)) for x in row))
    scale = Fraction(2) ** (e - (bits - 1))
    codes = [max(-largest, min(largest, round_half_even(Fraction(float(x)) / scale))) for x in row]
    return codes, scale


def quantize_activations(row: Row) -> tuple[list[int], F]:
    magnitude = F(max(np.abs(row).max(), F(1e-5)))
    scale = F(magnitude * F(1 / 127))
    return [int(np.rint(F(x / scale))) for x in row], scale


def fixed_sum(row: Row) -> F:
    e = exponent(max(abs(float(x)) for x in row))
    unit = Fraction(2) ** (e - 24)
    total = sum(round_half_even(Fraction(float(x)) / unit) for x in row)
    return F(float(total * unit))


def unit_sum(row: Row) -> F:
    return F(float(Fraction(sum(round_half_even(Fraction(float(x)) * 2**24) for x in row), 2**24)))


def square_root(value: F) -> F:
    """Correctly rounded: the candidate whose midpoints enclose the value."""
    root = F(np.sqrt(np.float64(value)))
    for candidate in (np.nextafter(root, F(0)), root, np.nextafter(root, F(np.inf))):
        low = (Fraction(float(np.nextafter(candidate, F(0)))) + Fraction(float(candidate))) / 2
        high = (Fraction(float(np.nextafter(candidate, F(np.inf)))) + Fraction(float(candidate))) / 2
        if low**2 <= Fraction(float(value)) <= high**2:
            return F(candidate)
    raise AssertionError(value)


def exp(value: F) -> F:
    value = max(value, F(-80))
    twos = F(np.rint(F(value * F(1.4426950408889634))))
    rest = F(F(value - F(twos * F(0.693359375))) - F(twos * F(-2.12194440e-4)))
    series = F(rest * F(1.9875691500e-4))
    for coefficient in (1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1):
        series = F(F(series + F(coefficient)) * rest)
    series = F(F(F(series * rest) + rest) + F(1))
    return F(math.ldexp(float(series), int(twos)))


def log(value: F) -> float:
    mantissa, twos = math.frexp(float(value))
    mantissa, twos = mantissa * 2, twos - 1
    if mantissa > 1.4142135623730951:
        mantissa, twos = mantissa / 2, twos + 1
    ratio = (mantissa - 1.0) / (mantissa + 1.0)
    square = ratio * ratio
    series = 1.0 / 23
    for odd in range(21, 1, -2):
        series = series * square + 1.0 / odd
    return twos * 0.6931471805599453 + (ratio + ratio * (square * series)) * 2.0


def softmax(row: Row) -> Row:
    """The causal softmax of a row whose future is cut off already."""
    top = row.max()
    weights = [exp(F(x - top)) for x in row]
    total = unit_sum(weights)
    return np.array([F(w / total) for w in weights])


def rms_norm(row: Row, weight: Row, epsilon: float) -> Row:
    mean_square = F(fixed_sum([F(x * x) for x in row]) * F(1 / len(row)))
    inverse = F(F(1) / square_root(F(mean_square + F(epsilon))))
    return np.array([F(F(x * inverse) * w) for x, w in zip(row, weight, strict=True)])


def cross_entropy(row: Row, target: int) -> int:
    """Nats on the grid 2**-36."""
    relative = [F(x - row.max()) for x in row]
    total = unit_sum([exp(x) for x in relative])
    return round_half_even(Fraction(log(total) - float(relative[target])) * 2**36)


def global_norm(gradients: list[Row]) -> float:
    flat = [float(x) for gradient in gradients for x in gradient.flat]
    e = exponent(max(abs(x) for x in flat))
    total = sum(round_half_even(Fraction(x) * Fraction(2) ** (20 - e)) ** 2 for x in flat)
    return math.sqrt(float(total)) * 2.0 ** (e - 20)


def adamw(parameter: F, first: F, second: F, gradient: F, *, clip: float, step: int, config: Any) -> tuple[F, F, F]:
    """One number through one step."""
    power1 = power2 = 1.0
    for _ in range(step):
        power1, power2 = power1 * config.beta1, power2 * config.beta2
    gradient = F(gradient * F(clip))
    first = _flush(F(F(first * F(config.beta1)) + F(gradient * F(1.0 - config.beta1))))
    second = _flush(F(F(second * F(config.beta2)) + F(F(gradient * gradient) * F(1.0 - config.beta2))))
    root = (
        F(F(square_root(second) * F(1.0 / math.sqrt(1.0 - power2))) + F(config.epsilon))
        if second
        else F(config.epsilon)
    )
    update = F(F(first * F(config.learning_rate / (1.0 - power1))) / root)
    decayed = F(parameter * F(1.0 - config.learning_rate * config.weight_decay))
    return _flush(F(decayed - update)), first, second


def _flush(value: F) -> F:
    return F(0) if abs(value) < F(2.0**-100) else value
