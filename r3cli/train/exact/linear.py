"""Ternary linear layers with a LoRA branch, forward and backward.

Layers that read the same input (q, k and v; gate and up) are one `Projection`: the activations are quantised
once and one integer matmul serves all. Per layer, with x quantised per token to codes and scale s:

    h = A x          y = (W codes) * (s * scale) + (alpha / r) * B h

Weight gradients: **the sequence is the atom**. The token scale of the wide operand is folded into the rank-r
operand, that one is requantised with one power-of-two scale per sequence, the integer product of each
sequence goes to the int64 grid 2**-36, and across sequences only int64 addition happens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch  # noqa: TID253 - a leaf that exists to compute
from torch import Tensor  # noqa: TID253 - as above

from r3cli.train.exact.matmul import (
    LeftOperand,
    RightOperand,
    left_operand,
    multiply,
    multiply_carried,
    right_operand,
    ternary_operand,
)
from r3cli.train.exact.numbers import BYTE, RIGHT_PAIR, Quantized, quantize, quantize_activations, single
from r3cli.train.exact.sums import to_grid

Gradients = dict[str, Tensor]


@dataclass(frozen=True, eq=False)
class FrozenLinear:
    """One ternary matrix, ready for both directions."""

    name: str
    outputs: int
    backward: RightOperand  # (out, in): gradient of the output times this
    scale: float


@dataclass(frozen=True, eq=False)
class LoraPair:
    """The two trainable matrices of one layer as codes of this step."""

    a_codes: Tensor  # (r, in)
    a_scale: float
    b_codes: Tensor  # (out, r)
    b_scale: float  # with alpha / r in it
    b_backward: RightOperand  # (out, r)


@dataclass(frozen=True, eq=False)
class Projection:
    """Frozen layers that read the same input: their matrices joined along the outputs."""

    layers: tuple[FrozenLinear, ...]
    forward: RightOperand  # (in, all outputs)


@dataclass(frozen=True, eq=False)
class Adapter:
    """The LoRA side of a projection for one step; layers without LoRA are absent from `pairs`."""

    pairs: Mapping[str, LoraPair]
    forward: RightOperand | None  # (in, layers * r): all A, transposed and joined
    column_scale: Tensor  # (layers * r)
    rank: int
    scaling: float


@dataclass(frozen=True, eq=False)
class ProjectionMemory:
    """What the backward pass needs of one forward pass."""

    activations: Quantized  # (S, T, in)
    hidden: Mapping[str, Quantized]  # A x, (tokens, r), of each layer with LoRA


def freeze(names: Sequence[str], matrices: Mapping[str, Tensor], scales: Mapping[str, float]) -> Projection:
    """Join ternary int8 matrices (out, in) that read the same input."""
    layers = tuple(
        FrozenLinear(name, matrices[name].shape[0], ternary_operand(matrices[name]), scales[name]) for name in names
    )
    forward = ternary_operand(torch.cat([matrices[name] for name in names], 0).t())
    return Projection(layers, forward)


def prepare_adapter(projection: Projection, trainable: Mapping[str, Tensor], rank: int, scaling: float) -> Adapter:
    """Quantise the LoRA matrices of a projection, once per step: 14 bits, one power-of-two scale a matrix."""
    pairs: dict[str, LoraPair] = {}
    columns: list[Tensor] = []
    a_scales: list[Tensor] = []
    for layer in projection.layers:
        if f"{layer.name}.lora_A" not in trainable:
            continue
        a = quantize(trainable[f"{layer.name}.lora_A"], RIGHT_PAIR, (0, 1))
        b = quantize(trainable[f"{layer.name}.lora_B"], RIGHT_PAIR, (0, 1))
        pairs[layer.name] = LoraPair(
            a_codes=a.codes,
            a_scale=float(a.scale),
            b_codes=b.codes,
            b_scale=single(float(b.scale) * single(scaling)),
            b_backward=right_operand(b.codes, RIGHT_PAIR),
        )
        columns.append(a.codes.t())
        a_scales.append(a.scale.view(1).expand(rank))
    joined = right_operand(torch.cat(columns, 1), RIGHT_PAIR) if columns else None
    column_scale = torch.cat(a_scales) if a_scales else torch.empty(0)
    return Adapter(pairs, joined, column_scale, rank, single(scaling))


def project(values: Tensor, projection: Projection, adapter: Adapter) -> tuple[list[Tensor], ProjectionMemory]:
    """Outputs (S, T, out) of each layer for an input (S, T, in)."""
    activations = quantize_activations(values)
    left = left_operand(activations)
    token_scale = activations.scale.view(-1, 1)
    joined = multiply(left, projection.forward)
    hidden = _low_rank_inputs(left, token_scale, adapter)
    outputs = []
    for layer, product in zip(projection.layers, _split(joined, projection), strict=True):
        output = product * (token_scale * layer.scale)
        if layer.name in hidden:
            output.add_(_low_rank_output(hidden[layer.name], adapter.pairs[layer.name]))
        outputs.append(output.view(*values.shape[:-1], -1))
    return outputs, ProjectionMemory(activations, hidden)


def project_backward(
    gradients: Sequence[Tensor],
    projection: Projection,
    adapter: Adapter,
    memory: ProjectionMemory,
    into: Gradients,
) -> Tensor:
    """The gradient (S, T, in) of the input; the gradients of A and B are added to `into` on the grid.

    The layers' shares are added in their order, from the first: ((q + k) + v).
    """
    shares = []
    for layer, gradient in zip(projection.layers, gradients, strict=True):
        coded = quantize(gradient, BYTE)
        left = left_operand(coded)
        share = multiply(left, layer.backward).mul_(coded.scale.view(-1, 1) * layer.scale)
        if layer.name in adapter.pairs:
            share.add_(_pair_backward(layer.name, coded, left, adapter, memory, into))
        shares.append(share)
    total, *rest = shares
    for share in rest:
        total.add_(share)
    return total.view(memory.activations.codes.shape)


def sequence_gradient(wide: Tensor, skinny: Tensor) -> Tensor:
    """Sum over tokens of wide (S, T, n) codes times skinny (S, T, r) values, as int64 (n, r) on the grid.

    Rounded once per sequence; the sum over sequences is integer addition.
    """
    coded = quantize(skinny, BYTE, (1, 2))
    products = multiply_carried(wide.transpose(1, 2), BYTE, coded.codes, BYTE)
    return to_grid(products, coded.scale).sum(0)


def _split(joined: Tensor, projection: Projection) -> tuple[Tensor, ...]:
    return torch.split(joined, [layer.outputs for layer in projection.layers], dim=1)


def _low_rank_inputs(left: LeftOperand, token_scale: Tensor, adapter: Adapter) -> dict[str, Quantized]:
    """A x of each layer as 8-bit codes (tokens, r) with a scale per token; all in one product."""
    if adapter.forward is None:
        return {}
    hidden = multiply(left, adapter.forward).mul_(token_scale).mul_(adapter.column_scale)
    coded = quantize(hidden.view(hidden.shape[0], -1, adapter.rank), BYTE)
    return {
        name: Quantized(coded.codes[:, slot], coded.scale[:, slot], BYTE) for slot, name in enumerate(adapter.pairs)
    }


def _low_rank_output(hidden: Quantized, pair: LoraPair) -> Tensor:
    """(alpha / r) B h, (tokens, out)."""
    product = multiply_carried(hidden.codes, BYTE, pair.b_codes.t(), RIGHT_PAIR)
    return product.mul_(hidden.scale * pair.b_scale)


def _pair_backward(
    name: str,
    coded: Quantized,
    left: LeftOperand,
    adapter: Adapter,
    memory: ProjectionMemory,
    into: Gradients,
) -> Tensor:
    """The LoRA branch's share (tokens, in) of the input gradient; adds the gradients of A and B."""
    pair, hidden, activations = adapter.pairs[name], memory.hidden[name], memory.activations
    token_scale = coded.scale.view(-1, 1)
    inner = multiply(left, pair.b_backward).mul_(token_scale * pair.b_scale)
    inner_coded = quantize(inner, BYTE)
    share = multiply_carried(inner_coded.codes, BYTE, pair.a_codes, RIGHT_PAIR)
    share.mul_(inner_coded.scale * pair.a_scale)

    by_sequence = (*activations.codes.shape[:2], -1)
    b_side = (hidden.codes * hidden.scale).mul_(token_scale * adapter.scaling).view(by_sequence)
    a_side = inner.view(by_sequence) * activations.scale
    into[f"{name}.lora_B"] += sequence_gradient(coded.codes, b_side)
    into[f"{name}.lora_A"] += sequence_gradient(activations.codes, a_side).t()
    return share
