"""BitNet b1.58 with LoRA: forward, loss and hand-written backward over a batch of sequences.

The order of every addition of floats is written here and nowhere else: residuals are `x + branch`, gradients
that meet are added as (gate + up) and ((q + k) + v). Autograd has no part in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np  # noqa: TID253 - a leaf that exists to compute
import torch  # noqa: TID253 - a leaf that exists to compute
from torch import Tensor  # noqa: TID253 - as above

from r3cli.train.backbone import Backbone
from r3cli.train.config import LoraConfig, lora_shapes
from r3cli.train.exact.attention import AttentionMemory, attend, attend_backward
from r3cli.train.exact.linear import (
    Adapter,
    Gradients,
    Projection,
    ProjectionMemory,
    freeze,
    prepare_adapter,
    project,
    project_backward,
)
from r3cli.train.exact.loss import Head, LossMemory, cross_entropy, cross_entropy_backward, freeze_head, logits
from r3cli.train.exact.norm import NormMemory, rms_norm, rms_norm_backward
from r3cli.train.exact.rope import rope_table, rotate, rotate_back

PROJECTIONS = {
    "attention_in": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    "attention_out": ("self_attn.o_proj",),
    "feed_forward_in": ("mlp.gate_proj", "mlp.up_proj"),
    "feed_forward_out": ("mlp.down_proj",),
}


@dataclass(frozen=True, eq=False)
class Layer:
    """The frozen parts of one decoder layer: projections by the names above, norm weights by HF's names."""

    projections: Mapping[str, Projection]
    norms: Mapping[str, Tensor]


@dataclass(frozen=True, eq=False)
class AttentionBlockMemory:
    """One attention block's forward pass."""

    norm: NormMemory
    inward: ProjectionMemory
    attention: AttentionMemory
    sub_norm: NormMemory
    outward: ProjectionMemory


@dataclass(frozen=True, eq=False)
class FeedForwardMemory:
    """One feed-forward block's forward pass: `positive` is max(gate, 0), `squared` its square."""

    norm: NormMemory
    inward: ProjectionMemory
    positive: Tensor
    squared: Tensor
    up: Tensor
    sub_norm: NormMemory
    outward: ProjectionMemory


LayerAdapters = list[dict[str, Adapter]]
LayerMemory = tuple[AttentionBlockMemory, FeedForwardMemory]


class ExactModel:
    """A frozen backbone ready for exact arithmetic."""

    def __init__(self, backbone: Backbone, lora: LoraConfig) -> None:
        self.config = backbone.config
        self.lora = lora
        self.embedding = torch.tensor(backbone.embedding)
        self.final_norm = torch.tensor(backbone.norms["model.norm"])
        self.head: Head = freeze_head(torch.tensor(backbone.head_weight))
        self.layers = [_freeze_layer(backbone, index) for index in range(self.config.num_hidden_layers)]

    def prepare(self, trainable: Mapping[str, Tensor]) -> LayerAdapters:
        """Quantise the adapter, once per step."""
        rank, scaling = self.lora.rank, self.lora.scaling
        return [
            {name: prepare_adapter(part, trainable, rank, scaling) for name, part in layer.projections.items()}
            for layer in self.layers
        ]

    def zero_gradients(self) -> Gradients:
        """Empty int64 accumulators on the grid 2**-36."""
        return {
            name: torch.zeros(shape, dtype=torch.int64) for name, shape in lora_shapes(self.config, self.lora).items()
        }

    def logits(self, inputs: Tensor, adapters: LayerAdapters) -> Tensor:
        """Logits (S, T, vocab) for tokens (S, T)."""
        hidden, _, _ = self._forward(inputs, adapters)
        return logits(hidden, self.head)

    def losses(self, tokens: Tensor, adapters: LayerAdapters) -> Tensor:
        """Loss of each sequence of tokens (S, T + 1), int64 (S) on the grid, summed over its T predictions."""
        return cross_entropy(self.logits(tokens[:, :-1], adapters), tokens[:, 1:])[0]

    def accumulate(self, tokens: Tensor, adapters: LayerAdapters, into: Gradients) -> Tensor:
        """The same losses; the gradients of their sum are added to `into`."""
        hidden, final, memories = self._forward(tokens[:, :-1], adapters)
        losses, loss_memory = cross_entropy(logits(hidden, self.head), tokens[:, 1:])
        self._backward(final, memories, loss_memory, adapters, into)
        return losses

    def _forward(self, inputs: Tensor, adapters: LayerAdapters) -> tuple[Tensor, NormMemory, list[LayerMemory]]:
        table = rope_table(inputs.shape[1], self.config.head_dim, self.config.rope_theta)
        hidden = self.embedding[inputs]
        memories: list[LayerMemory] = []
        for layer, adapter in zip(self.layers, adapters, strict=True):
            attended, attention_memory = self._attention(hidden, layer, adapter, table)
            hidden = attended.add_(hidden)
            fed, feed_memory = self._feed_forward(hidden, layer, adapter)
            hidden = fed.add_(hidden)
            memories.append((attention_memory, feed_memory))
        normalized, final = rms_norm(hidden, self.final_norm, self.config.rms_norm_eps)
        return normalized, final, memories

    def _backward(
        self,
        final: NormMemory,
        memories: list[LayerMemory],
        loss_memory: LossMemory,
        adapters: LayerAdapters,
        into: Gradients,
    ) -> None:
        length = loss_memory.targets.shape[1]
        table = rope_table(length, self.config.head_dim, self.config.rope_theta)
        gradient = rms_norm_backward(cross_entropy_backward(self.head, loss_memory), final)
        for layer, adapter, (attention_memory, feed_memory) in reversed(
            list(zip(self.layers, adapters, memories, strict=True))
        ):
            gradient = gradient + self._feed_forward_backward(gradient, layer, adapter, feed_memory, into)
            gradient = gradient + self._attention_backward(gradient, layer, adapter, attention_memory, table, into)

    def _attention(
        self, hidden: Tensor, layer: Layer, adapter: dict[str, Adapter], table: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, AttentionBlockMemory]:
        epsilon = self.config.rms_norm_eps
        normalized, norm = rms_norm(hidden, layer.norms["input_layernorm"], epsilon)
        (q, k, v), inward = project(normalized, layer.projections["attention_in"], adapter["attention_in"])
        mixed, attention = attend(rotate(self._heads(q), *table), rotate(self._heads(k), *table), self._heads(v))
        scaled, sub_norm = rms_norm(mixed.flatten(2), layer.norms["self_attn.attn_sub_norm"], epsilon)
        (output,), outward = project(scaled, layer.projections["attention_out"], adapter["attention_out"])
        return output, AttentionBlockMemory(norm, inward, attention, sub_norm, outward)

    def _attention_backward(
        self,
        gradient: Tensor,
        layer: Layer,
        adapter: dict[str, Adapter],
        memory: AttentionBlockMemory,
        table: tuple[Tensor, Tensor],
        into: Gradients,
    ) -> Tensor:
        name = "attention_out"
        inner = project_backward([gradient], layer.projections[name], adapter[name], memory.outward, into)
        mixed = self._heads(rms_norm_backward(inner, memory.sub_norm))
        q, k, v = attend_backward(mixed, memory.attention)
        parts = [rotate_back(q, *table).flatten(2), rotate_back(k, *table).flatten(2), v.flatten(2)]
        name = "attention_in"
        inner = project_backward(parts, layer.projections[name], adapter[name], memory.inward, into)
        return rms_norm_backward(inner, memory.norm)

    def _feed_forward(
        self, hidden: Tensor, layer: Layer, adapter: dict[str, Adapter]
    ) -> tuple[Tensor, FeedForwardMemory]:
        epsilon = self.config.rms_norm_eps
        normalized, norm = rms_norm(hidden, layer.norms["post_attention_layernorm"], epsilon)
        (gate, up), inward = project(normalized, layer.projections["feed_forward_in"], adapter["feed_forward_in"])
        positive = gate.clamp_(min=0.0)
        squared = positive * positive
        scaled, sub_norm = rms_norm(squared * up, layer.norms["mlp.ffn_sub_norm"], epsilon)
        (output,), outward = project(scaled, layer.projections["feed_forward_out"], adapter["feed_forward_out"])
        return output, FeedForwardMemory(norm, inward, positive, squared, up, sub_norm, outward)

    def _feed_forward_backward(
        self,
        gradient: Tensor,
        layer: Layer,
        adapter: dict[str, Adapter],
        memory: FeedForwardMemory,
        into: Gradients,
    ) -> Tensor:
        name = "feed_forward_out"
        inner = project_backward([gradient], layer.projections[name], adapter[name], memory.outward, into)
        inner = rms_norm_backward(inner, memory.sub_norm)
        # d(relu(gate)**2 * up): 2 * relu(gate) is relu(gate) + relu(gate), exact.
        gate = (inner * memory.up).mul_(memory.positive + memory.positive)
        up = inner.mul_(memory.squared)
        name = "feed_forward_in"
        inner = project_backward([gate, up], layer.projections[name], adapter[name], memory.inward, into)
        return rms_norm_backward(inner, memory.norm)

    def _heads(self, values: Tensor) -> Tensor:
        return values.view(*values.shape[:2], -1, self.config.head_dim)


def _freeze_layer(backbone: Backbone, index: int) -> Layer:
    prefix = f"model.layers.{index}."
    matrices = {
        name: torch.tensor(np.asarray(matrix)) for name, matrix in backbone.ternary.items() if name.startswith(prefix)
    }
    projections = {
        part: freeze([prefix + name for name in names], matrices, backbone.scale) for part, names in PROJECTIONS.items()
    }
    norms = {
        name.removeprefix(prefix): torch.tensor(norm)
        for name, norm in backbone.norms.items()
        if name.startswith(prefix)
    }
    return Layer(projections, norms)
