"""Sums of floats that do not depend on their order: onto a fixed grid first, then exactly."""

from __future__ import annotations

import torch  # noqa: TID253 - a leaf that exists to compute
from torch import Tensor  # noqa: TID253 - as above

from r3cli.errors import NotFinite, Usage
from r3cli.train.exact.numbers import exponent, largest_magnitude, power_of_two
from r3cli.train.exact.oracle import oracle_active

SUM_BITS = 24
LONGEST_SUM = 2**29  # codes below 2**24 each: the total stays below 2**53
GRID_BITS = 36
# One sequence adds at most 2**17 (2**53 on the grid) to a gradient or a loss, so 1023 of them cannot leave int64.
GRID_LIMIT = 2.0**53
MOST_SEQUENCES = 1023


def fixed_sum(values: Tensor, axis: int = -1) -> Tensor:
    """Sum along `axis` (kept) on the 24-bit power-of-two grid of each row's largest magnitude."""
    magnitude = largest_magnitude(values, axis)
    if not bool(torch.isfinite(magnitude).all()):
        raise NotFinite("the model left the range of float32", hint="lower the learning rate or check the base model")
    exponents = exponent(magnitude)
    codes = (values * power_of_two(SUM_BITS - exponents)).round_()
    return (_exact_sum(codes, axis) * power_of_two(exponents - SUM_BITS).double()).to(torch.float32)


def unit_sum(values: Tensor) -> Tensor:
    """Sum along the last axis (kept) of values in [0, 1], on the grid 2**-24."""
    return (_exact_sum((values * 2.0**SUM_BITS).round_(), -1) * 2.0**-SUM_BITS).to(torch.float32)


def to_grid(codes: Tensor, scale: Tensor | float = 1.0) -> Tensor:
    """Put codes * scale onto the int64 grid 2**-36, half to even; beyond +-2**17 it saturates.

    `scale` is a power of two, so that in float64 nothing is rounded but the result.
    """
    steps = codes.double() * (scale * 2.0**GRID_BITS)
    return steps.round_().clamp_(-GRID_LIMIT, GRID_LIMIT).to(torch.int64)


def from_grid(codes: Tensor) -> Tensor:
    """An int64 sum on the grid as float32: to float64 first (one rounding above 2**53), then to float32."""
    return (codes.double() * 2.0**-GRID_BITS).to(torch.float32)


def _exact_sum(codes: Tensor, axis: int) -> Tensor:
    """Exact sum of whole numbers below 2**24 in magnitude (or equal to it), as float64."""
    if codes.shape[axis] > LONGEST_SUM:
        raise Usage(f"a sum of {codes.shape[axis]} terms could leave float64")
    if oracle_active():
        return codes.to(torch.int64).sum(axis, keepdim=True).double()
    return codes.sum(axis, keepdim=True, dtype=torch.float64)
