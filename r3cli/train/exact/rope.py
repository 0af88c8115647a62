"""Rotary position embedding; its table comes from decimal arithmetic, so that no libm has a say."""

from __future__ import annotations

import decimal
from decimal import Decimal
from functools import lru_cache

import torch  # noqa: TID253 - a leaf that exists to compute
from torch import Tensor  # noqa: TID253 - as above

DIGITS = 40


@lru_cache(maxsize=8)
def rope_table(length: int, head_dim: int, theta: float) -> tuple[Tensor, Tensor]:
    """Cosine and sine, each float32 (length, head_dim / 2): entry (t, i) turns by t * theta**(-2i / head_dim)."""
    with decimal.localcontext(decimal.Context(prec=DIGITS, rounding=decimal.ROUND_HALF_EVEN)):
        logarithm = Decimal(theta).ln()
        columns = [_turns(length, (logarithm * (-2 * i) / head_dim).exp()) for i in range(head_dim // 2)]
    cosine = torch.tensor([[float(c) for c, _ in column] for column in columns], dtype=torch.float64)
    sine = torch.tensor([[float(s) for _, s in column] for column in columns], dtype=torch.float64)
    return cosine.t().to(torch.float32).contiguous(), sine.t().to(torch.float32).contiguous()


def rotate(values: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Turn the pairs (i, i + head_dim / 2) of (..., T, heads, head_dim) by their position's angle."""
    first, second = values.chunk(2, dim=-1)
    cosine, sine = cosine[:, None, :], sine[:, None, :]
    return torch.cat([(first * cosine).sub_(second * sine), (second * cosine).add_(first * sine)], -1)


def rotate_back(gradient: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """The transposed rotation, which carries the gradient back."""
    return rotate(gradient, cosine, -sine)


def _turns(length: int, angle: Decimal) -> list[tuple[Decimal, Decimal]]:
    """Cosine and sine of 0, angle, 2 * angle, ... by the addition theorem from one Taylor series."""
    step_cosine, step_sine = _cosine_and_sine(angle)
    cosine, sine = Decimal(1), Decimal(0)
    turns = []
    for _ in range(length):
        turns.append((cosine, sine))
        cosine, sine = (
            cosine * step_cosine - sine * step_sine,
            cosine * step_sine + sine * step_cosine,
        )
    return turns


def _cosine_and_sine(angle: Decimal) -> tuple[Decimal, Decimal]:
    """The Taylor series for angles up to 1, until a term no longer counts."""
    cosine, sine, term, order = Decimal(0), Decimal(0), Decimal(1), 0
    while abs(term) > Decimal(10) ** -DIGITS:
        sign = -1 if order % 4 >= 2 else 1
        if order % 2:
            sine += sign * term
        else:
            cosine += sign * term
        order += 1
        term = term * angle / order
    return cosine, sine
