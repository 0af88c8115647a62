"""RMSNorm, forward and backward; its weight is frozen."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor  # noqa: TID253 - a leaf that exists to compute

from r3cli.train.exact.functions import reciprocal, square_root
from r3cli.train.exact.numbers import single
from r3cli.train.exact.sums import fixed_sum


@dataclass(frozen=True, eq=False)
class NormMemory:
    """What the backward pass needs: the normalised input, 1 / rms of each row, the weight."""

    normalized: Tensor
    inverse: Tensor
    weight: Tensor


def rms_norm(values: Tensor, weight: Tensor, epsilon: float) -> tuple[Tensor, NormMemory]:
    """RMSNorm: weight * values / sqrt(mean(values**2) + epsilon), over the last axis."""
    mean_square = fixed_sum(values * values).mul_(single(1.0 / values.shape[-1]))
    inverse = reciprocal(square_root(mean_square.add_(single(epsilon))))
    normalized = values * inverse
    return normalized * weight, NormMemory(normalized, inverse, weight)


def rms_norm_backward(gradient: Tensor, memory: NormMemory) -> Tensor:
    """The gradient of the input."""
    scaled = gradient * memory.weight
    share = fixed_sum(scaled * memory.normalized).mul_(single(1.0 / scaled.shape[-1]))
    return scaled.sub_(memory.normalized * share).mul_(memory.inverse)
