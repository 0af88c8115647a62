"""One global clip and AdamW, each operation rounded on its own, the norm from an exact integer sum."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch  # noqa: TID253 - a leaf that exists to compute
from torch import Tensor  # noqa: TID253 - as above

from r3cli.train.config import OptimizerConfig
from r3cli.train.exact.functions import square_root
from r3cli.train.exact.numbers import exponent, power_of_two, single
from r3cli.train.exact.sums import from_grid

NORM_BITS = 20
# Squares of 20-bit codes below 2**40, at most 2**23 of them: the sum of one tensor stays below 2**63.
MOST_ELEMENTS = 2**23
# Moments that decay would end as denormals, which some hardware flushes; they are zero well before.
FLUSH_BELOW = 2.0**-100

Tensors = Mapping[str, Tensor]


@dataclass(frozen=True, eq=False)
class Moments:
    """Parameters with AdamW's two moments, all float32 and by the same names."""

    parameters: dict[str, Tensor]
    first: dict[str, Tensor]
    second: dict[str, Tensor]


def mean_gradients(sums: Tensors, tokens: int) -> dict[str, Tensor]:
    """Finished int64 sums on the grid as float32 gradients of the mean loss per token."""
    return {name: from_grid(total).mul_(single(1.0 / tokens)) for name, total in sums.items()}


def global_norm(gradients: Tensors) -> float:
    """The Euclidean norm over all tensors: 20-bit codes on one grid, an exact integer sum, one square root."""
    largest = torch.stack([gradient.abs().amax() for gradient in gradients.values()]).amax()
    shared = exponent(largest)
    up = power_of_two(NORM_BITS - shared)
    total = sum(_sum_of_squares(gradient * up) for gradient in gradients.values())
    return math.ldexp(math.sqrt(float(total)), int(shared) - NORM_BITS)


def adamw(state: Moments, gradients: Tensors, config: OptimizerConfig, *, step: int) -> Moments:
    """The state after step number `step` (the first is 1), from gradients of the mean loss; clips them first."""
    norm = global_norm(gradients)
    clip = single(config.clip_norm / norm) if norm > config.clip_norm else 1.0
    rates = _rates(config, step)
    after = Moments({}, {}, {})
    for name, parameter in state.parameters.items():
        gradient = gradients[name] * clip
        first = (state.first[name] * rates.beta1).add_(gradient * rates.one_minus_beta1)
        second = (state.second[name] * rates.beta2).add_((gradient * gradient).mul_(rates.one_minus_beta2))
        first, second = flush(first), flush(second)
        denominator = square_root(second).mul_(rates.root_correction).add_(rates.epsilon)
        update = (first * rates.step_size).div_(denominator)
        after.parameters[name] = flush((parameter * rates.decay).sub_(update))
        after.first[name] = first
        after.second[name] = second
    return after


def flush(values: Tensor) -> Tensor:
    """Values below 2**-100 in magnitude become +0."""
    return torch.where(values.abs() < FLUSH_BELOW, 0.0, values)


@dataclass(frozen=True)
class _Rates:
    """The scalars of one step, each computed in float64 and rounded once to float32."""

    beta1: float
    one_minus_beta1: float
    beta2: float
    one_minus_beta2: float
    step_size: float
    root_correction: float
    epsilon: float
    decay: float


def _rates(config: OptimizerConfig, step: int) -> _Rates:
    correction1 = 1.0 - power_product(config.beta1, step)
    correction2 = 1.0 - power_product(config.beta2, step)
    return _Rates(
        beta1=single(config.beta1),
        one_minus_beta1=single(1.0 - config.beta1),
        beta2=single(config.beta2),
        one_minus_beta2=single(1.0 - config.beta2),
        step_size=single(config.learning_rate / correction1),
        root_correction=single(1.0 / math.sqrt(correction2)),
        epsilon=single(config.epsilon),
        decay=single(1.0 - config.learning_rate * config.weight_decay),
    )


def power_product(base: float, times: int) -> float:
    """The product base * base * ..., one float64 rounding each: `**` goes through libm and may differ."""
    product = 1.0
    for _ in range(times):
        product *= base
    return product


def _sum_of_squares(scaled: Tensor) -> int:
    codes = scaled.round_().to(torch.int64).flatten()
    return sum([int((part * part).sum()) for part in torch.split(codes, MOST_ELEMENTS)])
