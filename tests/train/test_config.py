"""Sizes and rates that fit together, and those that do not."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from r3cli.errors import Usage
from r3cli.train.config import LoraConfig, ModelConfig, OptimizerConfig, linear_shapes, lora_shapes, norm_shapes

GOOD: dict[str, Any] = {
    "hidden_size": 256,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 768,
}


def test_shapes_follow_the_names_of_transformers() -> None:
    config = ModelConfig(**GOOD)
    shapes = linear_shapes(config)
    assert len(shapes) == 28
    assert shapes["model.layers.3.self_attn.k_proj"] == (128, 256)
    assert shapes["model.layers.0.mlp.down_proj"] == (256, 768)
    assert norm_shapes(config)["model.layers.0.mlp.ffn_sub_norm"] == (768,)
    assert (config.head_dim, config.group_size) == (64, 2)
    adapter = lora_shapes(config, LoraConfig(rank=8, targets=("down_proj",)))
    assert adapter["model.layers.0.mlp.down_proj.lora_A"] == (8, 768)
    assert adapter["model.layers.0.mlp.down_proj.lora_B"] == (256, 8)
    assert len(adapter) == 8


@pytest.mark.parametrize(
    "change",
    [
        {"hidden_size": 0},
        {"hidden_size": 255},
        {"hidden_size": 1 << 20},
        {"num_attention_heads": 3},
        {"num_attention_heads": 256},
        {"num_key_value_heads": 3},
        {"num_key_value_heads": 8},
        {"vocab_size": 0},
        {"rms_norm_eps": 0.0},
        {"rms_norm_eps": float("nan")},
        {"rope_theta": 1.0},
        {"rope_theta": float("inf")},
        {"max_position_embeddings": 1 << 40},
    ],
)
def test_sizes_that_do_not_fit_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Usage):
        ModelConfig(**{**GOOD, **change})


@pytest.mark.parametrize(
    "change", [{"rank": 0}, {"rank": 257}, {"alpha": 0.0}, {"targets": ()}, {"targets": ("q_proj", "q_proj")}]
)
def test_bad_adapters_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Usage):
        LoraConfig(**change)


@pytest.mark.parametrize(
    "change",
    [
        {"learning_rate": 1e-9},
        {"beta1": 1.0},
        {"beta2": -0.1},
        {"epsilon": 0.0},
        {"weight_decay": float("nan")},
        {"clip_norm": 0.0},
    ],
)
def test_bad_rates_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Usage):
        OptimizerConfig(**change)


def test_unknown_fields_are_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**GOOD, "dropout": 0.1}, ModelConfig)
