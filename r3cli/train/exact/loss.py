"""The head and its cross entropy, in sum form: logits, loss on the int64 grid, gradient of the hidden state."""

from __future__ import annotations

from dataclasses import dataclass

import torch  # noqa: TID253 - a leaf that exists to compute
from torch import Tensor  # noqa: TID253 - as above

from r3cli.train.exact.functions import exp, log
from r3cli.train.exact.matmul import RightOperand, left_operand, multiply, right_operand
from r3cli.train.exact.numbers import PAIR, RIGHT_PAIR, quantize
from r3cli.train.exact.sums import to_grid, unit_sum


@dataclass(frozen=True, eq=False)
class Head:
    """The frozen output matrix (vocab, hidden) as 14-bit codes with one power-of-two scale."""

    forward: RightOperand  # (hidden, vocab)
    backward: RightOperand  # (vocab, hidden)
    scale: float


@dataclass(frozen=True, eq=False)
class LossMemory:
    """What the backward pass needs: softmax numerators, their sums, the right answers."""

    weights: Tensor  # (S, T, vocab)
    totals: Tensor  # (S, T, 1)
    targets: Tensor  # (S, T, 1)


def freeze_head(matrix: Tensor) -> Head:
    """Quantise the head once."""
    coded = quantize(matrix, RIGHT_PAIR, (0, 1))
    forward, backward = right_operand(coded.codes.t(), RIGHT_PAIR), right_operand(coded.codes, RIGHT_PAIR)
    return Head(forward, backward, float(coded.scale))


def logits(hidden: Tensor, head: Head) -> Tensor:
    """Logits (S, T, vocab) of hidden states (S, T, hidden), which are quantised to 15 bits a token."""
    coded = quantize(hidden, PAIR)
    product = multiply(left_operand(coded), head.forward).view(*hidden.shape[:-1], -1)
    return product.mul_(coded.scale * head.scale)


def cross_entropy(scores: Tensor, targets: Tensor) -> tuple[Tensor, LossMemory]:
    """Loss of each sequence (S) in nats on the int64 grid 2**-36, summed over its tokens. Overwrites `scores`."""
    relative = scores.sub_(scores.amax(-1, keepdim=True))
    weights = exp(relative)
    totals = unit_sum(weights)
    chosen = targets.unsqueeze(-1)
    losses = log(totals).sub_(relative.gather(-1, chosen).double())
    return to_grid(losses).sum((1, 2)), LossMemory(weights, totals, chosen)


def cross_entropy_backward(head: Head, memory: LossMemory) -> Tensor:
    """The gradient (S, T, hidden) of the hidden state: (softmax - one_hot) times the head.

    15 bits a token: on an 8-bit grid the entry near -1 would wipe out all the others.
    """
    difference = memory.weights / memory.totals
    difference.scatter_add_(-1, memory.targets, torch.full_like(memory.totals, -1.0))
    coded = quantize(difference, PAIR)
    product = multiply(left_operand(coded), head.backward).view(*difference.shape[:-1], -1)
    return product.mul_(coded.scale * head.scale)
