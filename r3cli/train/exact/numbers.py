"""Codes and scales: how a float tensor becomes small integers, with every rounding fixed.

Codes are whole numbers carried in float32 (exact below 2^24); a scale is float32. `x` is close to
`codes * scale`. Wide codes are split into balanced base-128 digits for int8 matmuls.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import torch  # noqa: TID253 - a leaf that exists to compute
from torch import Tensor  # noqa: TID253 - as above

# Exponents stay so far from the ends of float32 that 2**e, 2**-e and a code times either are normal numbers.
EXPONENT_LIMIT = 90
ACTIVATION_FLOOR = 1e-5
DIGIT_BASE = 128


@dataclass(frozen=True)
class Width:
    """A set of codes: those whose magnitude is at most `largest`, written with `digits` base-128 digits."""

    bits: int
    largest: int
    digits: int


BYTE = Width(bits=8, largest=127, digits=1)
PAIR = Width(bits=15, largest=127 * 128 + 63, digits=2)
# Every digit within +-64: the only widths that may stand on the right of `torch._int_mm` (see `matmul`).
RIGHT_PAIR = Width(bits=14, largest=64 * 128 + 63, digits=2)
TERNARY = Width(bits=2, largest=1, digits=1)


@dataclass(frozen=True, eq=False)
class Quantized:
    """Codes with the scale that they share along the axes it was made for."""

    codes: Tensor
    scale: Tensor
    width: Width


def single(value: float) -> float:
    """`value` rounded once to float32: a scalar that no library rounds in its own way."""
    rounded: float = struct.unpack("<f", struct.pack("<f", value))[0]
    return rounded


def exponent(magnitude: Tensor) -> Tensor:
    """The smallest int32 e with magnitude < 2**e, within +-90; `magnitude` is float32 and not negative."""
    return ((magnitude.view(torch.int32) >> 23) - 126).clamp_(-EXPONENT_LIMIT, EXPONENT_LIMIT)


def power_of_two(exponents: Tensor) -> Tensor:
    """2**e as float32, for int32 exponents from -126 to 127."""
    return ((exponents + 127) << 23).view(torch.float32)


def largest_magnitude(values: Tensor, axes: int | tuple[int, ...] = -1) -> Tensor:
    """The largest |value| along `axes` (kept); two plain reductions are faster than one over a copy of |values|."""
    return torch.maximum(values.amax(axes, keepdim=True), -values.amin(axes, keepdim=True))


def quantize(values: Tensor, width: Width, axes: int | tuple[int, ...] = -1) -> Quantized:
    """Codes on the power-of-two grid of the largest magnitude along `axes`, rounded half to even and clamped."""
    magnitude = largest_magnitude(values, axes)
    exponents = exponent(magnitude)
    places = width.bits - 1
    codes = values * power_of_two(places - exponents)
    codes.round_().clamp_(-width.largest, width.largest)
    return Quantized(codes, power_of_two(exponents - places), width)


def quantize_activations(values: Tensor) -> Quantized:
    """8-bit codes by the largest magnitude of each row, as BitNet b1.58 has it: scale = amax / 127.

    The one formula of r3: scale = max(amax, 1e-5) * (1/127), codes = rint(values / scale), each operation
    rounded on its own. No clamp is needed: |values| / scale is at most 127 * (1 + 2**-22).
    """
    magnitude = largest_magnitude(values).clamp_(min=single(ACTIVATION_FLOOR))
    scale = magnitude.mul_(single(1.0 / BYTE.largest))
    codes = values / scale
    return Quantized(codes.round_(), scale, BYTE)


def digits(codes: Tensor, width: Width) -> list[Tensor]:
    """Balanced base-128 digits as int8, most significant first."""
    if width.digits == 1:
        return [codes.to(torch.int8)]
    high = (codes * (1.0 / DIGIT_BASE)).round_()
    low = codes - high * DIGIT_BASE
    return [high.to(torch.int8), low.to(torch.int8)]
