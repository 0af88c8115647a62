"""Causal attention with grouped query heads, forward and backward, in exact integer products.

Shapes: S sequences, K key heads, G query heads per key head, T tokens, d head width. The query heads of one
group are stacked as rows, (S * K, G * T, d), so that the sum over a group is part of an exact integer sum and
has no order. A scale that lies on the contraction axis is folded into the other operand before that one is
quantised: V's token scale into P, K's into dS for dQ, Q's into dS for dK. So no token sees a later one, and a
prefix computes the same bits as the whole.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch  # noqa: TID253 - a leaf that exists to compute
from torch import Tensor  # noqa: TID253 - as above

from r3cli.train.exact.functions import exp
from r3cli.train.exact.matmul import multiply_carried
from r3cli.train.exact.numbers import BYTE, PAIR, Quantized, Width, quantize, single
from r3cli.train.exact.sums import fixed_sum, unit_sum

# Beyond this length a row of 8-bit probabilities would lose its tail.
LONGEST_BYTE_CONTEXT = 1024
MASKED = -1e9


@dataclass(frozen=True, eq=False)
class AttentionMemory:
    """What the backward pass needs: the quantised inputs and the probabilities."""

    query: Quantized
    key: Quantized
    value: Quantized
    probabilities: Tensor  # (S * K, G, T, T)


def attend(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, AttentionMemory]:
    """Outputs (S, T, K * G, d) for query (S, T, K * G, d) and key, value (S, T, K, d)."""
    sequences, length, heads, _ = query.shape
    key_heads = key.shape[2]
    group = heads // key_heads
    width = attention_width(length)
    q = quantize(_stack(query, key_heads), BYTE)
    k = quantize(_stack(key, key_heads), BYTE)
    v = quantize(_stack(value, key_heads), width)
    probabilities = _probabilities(q, k, group)
    weighted = probabilities * _row(v.scale).unsqueeze(1)
    p = quantize(weighted.view(sequences * key_heads, group * length, length), width)
    output = multiply_carried(p.codes, width, v.codes, width).mul_(p.scale)
    return _unstack(output, sequences, key_heads, group), AttentionMemory(q, k, v, probabilities)


def attend_backward(gradient: Tensor, memory: AttentionMemory) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of query, key and value, shaped like them."""
    sequences, length, _, head_dim = gradient.shape
    q, k, probabilities = memory.query, memory.key, memory.probabilities
    key_heads, group = probabilities.shape[0] // sequences, probabilities.shape[1]
    width = attention_width(length)
    stacked = _stack(gradient, key_heads)

    flow = _score_gradient(stacked, memory, single(1.0 / math.sqrt(head_dim)))
    toward_query = quantize(flow * _row(k.scale), width)
    query_gradient = multiply_carried(toward_query.codes, width, k.codes, BYTE).mul_(toward_query.scale)
    toward_key = quantize(flow.mul_(q.scale), width, -2)
    key_gradient = multiply_carried(toward_key.codes.transpose(1, 2), width, q.codes, BYTE)
    key_gradient.mul_(toward_key.scale.transpose(1, 2))

    seen = quantize(probabilities.view(flow.shape), width, -2)
    wanted = quantize(stacked, width, -2)
    value_gradient = multiply_carried(seen.codes.transpose(1, 2), width, wanted.codes, width)
    value_gradient.mul_(seen.scale.transpose(1, 2)).mul_(wanted.scale)
    return (
        _unstack(query_gradient, sequences, key_heads, group),
        _unstack(key_gradient, sequences, key_heads, 1),
        _unstack(value_gradient, sequences, key_heads, 1),
    )


def attention_width(length: int) -> Width:
    """8 bits for values, probabilities and their gradients up to 1024 tokens, 15 bits beyond."""
    return BYTE if length <= LONGEST_BYTE_CONTEXT else PAIR


def _probabilities(q: Quantized, k: Quantized, group: int) -> Tensor:
    """The causal softmax (S * K, G, T, T) of the scaled scores."""
    blocks, rows, head_dim = q.codes.shape
    length = rows // group
    scores = multiply_carried(q.codes, BYTE, k.codes.transpose(1, 2), BYTE)
    scores.mul_(q.scale * single(1.0 / math.sqrt(head_dim))).mul_(_row(k.scale))
    scores = scores.view(blocks, group, length, length)
    future = _future(length)
    scores.masked_fill_(future, MASKED)
    weights = exp(scores.sub_(scores.amax(-1, keepdim=True))).masked_fill_(future, 0.0)
    return weights.div_(unit_sum(weights))


def _score_gradient(stacked: Tensor, memory: AttentionMemory, scaling: float) -> Tensor:
    """The gradient (S * K, G * T, T) of the unscaled scores: p * (dP - sum(p * dP)) / sqrt(d)."""
    v, probabilities = memory.value, memory.probabilities
    coded = quantize(stacked, v.width)
    flow = multiply_carried(coded.codes, v.width, v.codes.transpose(1, 2), v.width)
    flow.mul_(coded.scale * scaling).mul_(_row(v.scale))
    probabilities = probabilities.view(flow.shape)
    flow.mul_(probabilities)
    return flow.sub_(probabilities * fixed_sum(flow))


def _stack(values: Tensor, key_heads: int) -> Tensor:
    """(S, T, K * G, d) as (S * K, G * T, d): the query heads of a group under one another."""
    sequences, length, heads, head_dim = values.shape
    split = values.view(sequences, length, key_heads, heads // key_heads, head_dim)
    return split.permute(0, 2, 3, 1, 4).reshape(sequences * key_heads, -1, head_dim)


def _unstack(values: Tensor, sequences: int, key_heads: int, group: int) -> Tensor:
    """(S * K, G * T, d) back as (S, T, K * G, d)."""
    head_dim = values.shape[-1]
    split = values.view(sequences, key_heads, group, -1, head_dim)
    return split.permute(0, 3, 1, 2, 4).reshape(sequences, -1, key_heads * group, head_dim)


def _row(scale: Tensor) -> Tensor:
    """Token scales (blocks, T, 1) as a row (blocks, 1, T)."""
    return scale.transpose(1, 2)


@lru_cache(maxsize=8)
def _future(length: int) -> Tensor:
    """True where a key lies after the query."""
    return torch.ones(length, length, dtype=torch.bool).triu(1)
