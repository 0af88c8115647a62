"""The backbone's canonical bytes: one encoding, a total decoder."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np  # noqa: TID253 - arrays under test
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r3cli.errors import BadContent, Malformed
from r3cli.kernels.tensors import decode_tensors, encode_tensors
from r3cli.train.backbone import Backbone, pack_ternary, random_backbone, round_to_bfloat16, unpack_ternary
from r3cli.train.config import ModelConfig

CONFIG = ModelConfig(
    hidden_size=12,
    num_hidden_layers=2,
    num_attention_heads=3,
    num_key_value_heads=1,
    intermediate_size=10,
    vocab_size=7,
)
UNTIED = ModelConfig(
    hidden_size=8,
    num_hidden_layers=1,
    num_attention_heads=2,
    num_key_value_heads=2,
    intermediate_size=9,
    vocab_size=5,
    tie_word_embeddings=False,
)


@pytest.mark.parametrize("config", [CONFIG, UNTIED])
def test_encoding_is_lossless_and_canonical(config: ModelConfig) -> None:
    backbone = random_backbone(config, 5)
    content = backbone.encode()
    again = Backbone.decode(content)
    assert again.config == config
    assert again.encode() == content
    for name, matrix in backbone.ternary.items():
        assert np.array_equal(again.ternary[name], matrix)
        assert again.scale[name] == backbone.scale[name]
    assert np.array_equal(again.head_weight, backbone.head_weight)
    assert again.parameters == backbone.parameters


def test_a_random_backbone_is_a_constant() -> None:
    """The bytes of a (config, seed) are the same on every machine and in every version."""
    assert hashlib.sha256(random_backbone(CONFIG, 5).encode()).hexdigest() == EXPECTED
    assert random_backbone(CONFIG, 6).encode() != random_backbone(CONFIG, 5).encode()


EXPECTED = "05be6b48cf4838835ba7bda4e2d7dbf17f5675f4819452f8d8ec00abee0b80b9"


@given(st.binary(max_size=200))
def test_any_bytes_are_a_backbone_or_refused(content: bytes) -> None:
    with pytest.raises(BadContent):
        Backbone.decode(content)


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_a_damaged_backbone_is_refused_or_another_canonical_one(data: st.DataObject) -> None:
    content = bytearray(random_backbone(UNTIED, 5).encode())
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] ^= 1 << data.draw(st.integers(0, 7))
    try:
        backbone = Backbone.decode(bytes(content))
    except BadContent:
        return
    assert backbone.encode() == bytes(content)


def _config(text: bytes) -> Any:
    return np.frombuffer(text, dtype=np.uint8)


@pytest.mark.parametrize(
    "change",
    [
        {"config": _config(b"{}")},
        {"config": _config(b"\xff")},
        {"config": None},
        {"scales": np.zeros(14, dtype=np.float32)},
        {"scales": np.full(14, np.nan, dtype=np.float32)},
        {"model.norm": np.full(12, np.inf, dtype=np.float32)},
        {"model.norm": np.ones(12)},
        {"model.norm": None},
        {"model.layers.0.self_attn.q_proj.packed": np.full(36, 255, dtype=np.uint8)},
        {"lm_head": np.zeros((7, 12), dtype=np.uint16)},
        {"more": np.zeros(1, dtype=np.uint8)},
    ],
)
def test_wrong_tensors_are_refused(change: dict[str, Any]) -> None:
    tensors = {**decode_tensors(random_backbone(CONFIG, 5).encode()), **change}
    with pytest.raises(Malformed):
        Backbone.decode(encode_tensors({name: tensor for name, tensor in tensors.items() if tensor is not None}))


def test_a_configuration_with_spaces_is_not_canonical() -> None:
    tensors = decode_tensors(random_backbone(CONFIG, 5).encode())
    tensors["config"] = _config(tensors["config"].tobytes().replace(b":", b": ", 1))
    with pytest.raises(Malformed, match="canonical"):
        Backbone.decode(encode_tensors(tensors))


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32))
def test_packing_is_lossless(rows: int, columns: int, seed: int) -> None:
    matrix = np.random.default_rng(seed).integers(-1, 2, (rows, columns)).astype(np.int8)
    packed = pack_ternary(matrix)
    assert packed.size == -(-rows * columns // 4)
    assert np.array_equal(unpack_ternary(packed, (rows, columns)), matrix)


def test_filled_padding_is_refused() -> None:
    packed = pack_ternary(np.zeros((1, 3), dtype=np.int8))
    with pytest.raises(Malformed):
        unpack_ternary(packed | np.uint8(64), (1, 3))


def test_bfloat16_rounds_half_to_even() -> None:
    values = np.array([1.0, 1 + 2**-8, 1 + 3 * 2**-8, -(1 + 2**-8 + 2**-20), 3.0e-41], dtype=np.float32)
    expected = [1.0, 1.0, 1 + 2**-6, -(1 + 2**-7)]
    assert round_to_bfloat16(values)[:4].tolist() == expected


def test_an_embedding_beyond_bfloat16_is_refused() -> None:
    good = random_backbone(CONFIG, 5)
    with pytest.raises(Malformed, match="bfloat16"):
        Backbone(
            config=CONFIG,
            ternary=good.ternary,
            scale=good.scale,
            embedding=good.embedding + np.float32(2.0**-20),
            norms=good.norms,
        )
