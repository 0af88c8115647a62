"""What a loss means: exact integer sums turned into numbers for people."""

from __future__ import annotations

import math
from dataclasses import dataclass

GRID = 2.0**36


@dataclass(frozen=True)
class LossSum:
    """A sum of cross entropies: `grid` in units of 2**-36 nats over `tokens` predictions."""

    grid: int
    tokens: int

    @property
    def nats_per_token(self) -> float:
        """The mean loss."""
        return self.grid / (GRID * self.tokens)

    @property
    def bits_per_byte(self) -> float:
        """The mean loss in bits, where a token is a byte."""
        return self.nats_per_token / math.log(2.0)

    def __add__(self, other: LossSum) -> LossSum:
        return LossSum(self.grid + other.grid, self.tokens + other.tokens)
