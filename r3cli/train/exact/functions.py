"""exp, log, square root and reciprocal by fixed sequences of IEEE operations; no library function is used.

Libraries differ between instruction sets and vendors: `torch.sqrt` is one unit off for a sixth of all inputs
on some builds, and `127 / tensor` is a reciprocal and a product.
"""

from __future__ import annotations

import numpy as np  # noqa: TID253 - a leaf that exists to compute
import torch  # noqa: TID253 - as above
from torch import Tensor  # noqa: TID253 - as above

from r3cli.train.exact.numbers import power_of_two, single

# exp: argument reduction by ln 2 in two parts (the first exact when multiplied by a small integer) and the
# single precision polynomial of the Cephes library.
EXP_FLOOR = -80.0
LOG2_E = single(1.4426950408889634)
LN2_HIGH = 0.693359375
LN2_LOW = single(-2.12194440e-4)
EXP_COEFFICIENTS = tuple(
    single(coefficient)
    for coefficient in (
        1.9875691500e-4,
        1.3981999507e-3,
        8.3334519073e-3,
        4.1665795894e-2,
        1.6666665459e-1,
        5.0000001201e-1,
    )
)

LN2 = 0.6931471805599453
SQRT2 = 1.4142135623730951
LOG_TERMS = tuple(1.0 / odd for odd in range(23, 0, -2))
MANTISSA_MASK = (1 << 52) - 1
ONE_BITS = 1023 << 52


def exp(values: Tensor) -> Tensor:
    """Raise e to the power of float32 values that are at most 0.

    Below -80 the result is that of -80, about 1.8e-35: never a denormal.
    """
    values = values.clamp(min=EXP_FLOOR)
    twos = (values * LOG2_E).round_()
    rest = (values - twos * LN2_HIGH).sub_(twos * LN2_LOW)
    series = rest * EXP_COEFFICIENTS[0]
    for coefficient in EXP_COEFFICIENTS[1:]:
        series.add_(coefficient).mul_(rest)
    series.mul_(rest).add_(rest).add_(1.0)
    return series.mul_(power_of_two(twos.to(torch.int32)))


def log(values: Tensor) -> Tensor:
    """Natural logarithm of normal positive float32 values, as float64: exponent bits and an atanh series."""
    bits = values.double().view(torch.int64)
    twos = (bits >> 52) - 1023
    mantissa = ((bits & MANTISSA_MASK) | ONE_BITS).view(torch.float64)
    large = mantissa > SQRT2
    mantissa = torch.where(large, mantissa * 0.5, mantissa)
    twos = (twos + large.to(torch.int64)).double()
    ratio = (mantissa - 1.0) / (mantissa + 1.0)
    square = ratio * ratio
    series = torch.full_like(square, LOG_TERMS[0])
    for term in LOG_TERMS[1:-1]:
        series = series * square + term
    # The last term, 1, is kept apart: ratio + ratio * (square * series) loses no digit of the leading term.
    return twos * LN2 + (ratio + ratio * (square * series)) * 2.0


def square_root(values: Tensor) -> Tensor:
    """The correctly rounded float32 square root of values on the CPU.

    IEEE 754 fixes it and every processor has an instruction for it, which is what numpy uses. torch calls a vector
    library instead: one unit off for a sixth of all float32 inputs, and in float64, where that would not matter, about
    once in sixty fresh processes so far off that the self-test refused the machine.
    """
    return torch.from_numpy(np.asarray(np.sqrt(values.numpy())))


def reciprocal(values: Tensor) -> Tensor:
    """1 / values, one IEEE division."""
    return torch.ones_like(values) / values
