"""What a model, an adapter and an optimiser are: sizes and rates, checked when they are made.

Field names are those of `BitNetConfig` in transformers, so that a configuration can travel between the two.
"""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from r3cli.errors import Usage

LinearName = Literal["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]

ATTENTION_LINEARS: tuple[LinearName, ...] = ("q_proj", "k_proj", "v_proj", "o_proj")
FEED_FORWARD_LINEARS: tuple[LinearName, ...] = ("gate_proj", "up_proj", "down_proj")
ALL_LINEARS: tuple[LinearName, ...] = (*ATTENTION_LINEARS, *FEED_FORWARD_LINEARS)

# Contraction length up to which 15-bit codes times ternary weights stay inside int32 (16319 * K < 2**31).
LARGEST_WIDTH = 131_072
LARGEST_VOCABULARY = 1 << 18
LARGEST_CONTEXT = 1 << 17


class ModelConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sizes of a BitNet b1.58 decoder; raises `Usage` when they do not fit together."""

    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    intermediate_size: int
    vocab_size: int = 256
    rms_norm_eps: float = 1e-5
    rope_theta: float = 10000.0
    max_position_embeddings: int = 2048
    tie_word_embeddings: bool = True
    hidden_act: Literal["relu2"] = "relu2"

    def __post_init__(self) -> None:
        _in_range("hidden_size", self.hidden_size, LARGEST_WIDTH)
        _in_range("num_hidden_layers", self.num_hidden_layers, 1024)
        _in_range("num_attention_heads", self.num_attention_heads, self.hidden_size)
        _in_range("num_key_value_heads", self.num_key_value_heads, self.num_attention_heads)
        _in_range("intermediate_size", self.intermediate_size, LARGEST_WIDTH)
        _in_range("vocab_size", self.vocab_size, LARGEST_VOCABULARY)
        _in_range("max_position_embeddings", self.max_position_embeddings, LARGEST_CONTEXT)
        if self.hidden_size % (2 * self.num_attention_heads):
            raise Usage("hidden_size must be an even multiple of num_attention_heads")
        if self.num_attention_heads % self.num_key_value_heads:
            raise Usage("num_attention_heads must be a multiple of num_key_value_heads")
        if not 1e-12 <= self.rms_norm_eps <= 1e-2:
            raise Usage("rms_norm_eps must lie between 1e-12 and 0.01")
        if not 1.0 < self.rope_theta <= 1e9:
            raise Usage("rope_theta must lie above 1 and not above 1e9")

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.hidden_size // self.num_attention_heads

    @property
    def group_size(self) -> int:
        """How many query heads share one key and value head."""
        return self.num_attention_heads // self.num_key_value_heads


class LoraConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The low-rank adapter that trains: output = base + (alpha / rank) * B (A x)."""

    rank: int = 8
    alpha: float = 16.0
    targets: tuple[LinearName, ...] = ALL_LINEARS

    def __post_init__(self) -> None:
        _in_range("lora rank", self.rank, 256)
        if not 2.0**-10 <= self.alpha <= 2.0**10:
            raise Usage("lora alpha must lie between 1/1024 and 1024")
        if not self.targets:
            raise Usage("lora targets must name at least one linear layer")
        if len(set(self.targets)) != len(self.targets):
            raise Usage("lora targets must not repeat")

    @property
    def scaling(self) -> float:
        """Factor on the low-rank branch."""
        return self.alpha / self.rank


class OptimizerConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """AdamW with one global clip.

    The bounds keep every product of the update a normal float32 number, so that hardware which flushes
    denormals computes the same bits.
    """

    learning_rate: float = 3e-3
    beta1: float = 0.9
    beta2: float = 0.99
    epsilon: float = 1e-8
    weight_decay: float = 0.0
    clip_norm: float = 1.0

    def __post_init__(self) -> None:
        _between("learning_rate", self.learning_rate, 1e-7, 1.0)
        _between("beta1", self.beta1, 0.0, 0.9999)
        _between("beta2", self.beta2, 0.0, 0.99999)
        _between("epsilon", self.epsilon, 1e-12, 1e-2)
        _between("weight_decay", self.weight_decay, 0.0, 1.0)
        _between("clip_norm", self.clip_norm, 1e-6, 1e6)


def linear_shapes(config: ModelConfig) -> dict[str, tuple[int, int]]:
    """Shape (out, in) of each ternary matrix by its parameter name, in layer order."""
    hidden, narrow, wide = config.hidden_size, config.num_key_value_heads * config.head_dim, config.intermediate_size
    within_layer = {
        "self_attn.q_proj": (hidden, hidden),
        "self_attn.k_proj": (narrow, hidden),
        "self_attn.v_proj": (narrow, hidden),
        "self_attn.o_proj": (hidden, hidden),
        "mlp.gate_proj": (wide, hidden),
        "mlp.up_proj": (wide, hidden),
        "mlp.down_proj": (hidden, wide),
    }
    return {
        f"model.layers.{layer}.{name}": shape
        for layer in range(config.num_hidden_layers)
        for name, shape in within_layer.items()
    }


def norm_shapes(config: ModelConfig) -> dict[str, tuple[int]]:
    """Shape of each RMSNorm weight by its parameter name, in layer order."""
    within_layer = {
        "input_layernorm": config.hidden_size,
        "self_attn.attn_sub_norm": config.hidden_size,
        "post_attention_layernorm": config.hidden_size,
        "mlp.ffn_sub_norm": config.intermediate_size,
    }
    shapes = {
        f"model.layers.{layer}.{name}": (width,)
        for layer in range(config.num_hidden_layers)
        for name, width in within_layer.items()
    }
    return {**shapes, "model.norm": (config.hidden_size,)}


def lora_shapes(config: ModelConfig, lora: LoraConfig) -> dict[str, tuple[int, int]]:
    """Shape of each trainable matrix: `NAME.lora_A` is (rank, in), `NAME.lora_B` is (out, rank)."""
    shapes: dict[str, tuple[int, int]] = {}
    for name, (outputs, inputs) in linear_shapes(config).items():
        if name.rsplit(".", 1)[1] in lora.targets:
            shapes[f"{name}.lora_A"] = (lora.rank, inputs)
            shapes[f"{name}.lora_B"] = (outputs, lora.rank)
    return shapes


def _in_range(name: str, value: int, largest: int) -> None:
    if not 1 <= value <= largest:
        raise Usage(f"{name} must lie between 1 and {largest}, not {value}")


def _between(name: str, value: float, low: float, high: float) -> None:
    if not (math.isfinite(value) and low <= value <= high):
        raise Usage(f"{name} must lie between {low} and {high}, not {value}")
