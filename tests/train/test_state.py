"""The training state's canonical bytes: what a leaf of the step tree names."""

from __future__ import annotations

from typing import Any

import numpy as np  # noqa: TID253 - arrays under test
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r3cli.errors import BadContent, Malformed
from r3cli.kernels.tensors import decode_tensors, encode_tensors
from r3cli.train.config import LoraConfig, ModelConfig
from r3cli.train.state import (
    TrainState,
    adapter_of,
    decode_adapter,
    encode_adapter,
    fresh_state,
    initial_adapter,
    initial_state,
)

CONFIG = ModelConfig(
    hidden_size=8, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=1, intermediate_size=6, vocab_size=5
)
LORA = LoraConfig(rank=2, targets=("q_proj", "down_proj"))
NAME = "model.layers.0.self_attn.q_proj.lora_A"


def test_encoding_is_lossless_and_canonical() -> None:
    state = initial_state(CONFIG, LORA, 1)
    state = TrainState(17, state.parameters, state.parameters, state.second_moment)
    again = TrainState.decode(state.encode(), CONFIG, LORA)
    assert again.step == 17
    assert again.encode() == state.encode()
    assert np.array_equal(again.first_moment[NAME], state.parameters[NAME])


def test_an_adapter_travels_alone() -> None:
    adapter = initial_adapter(CONFIG, LORA, 1)
    content = encode_adapter(adapter)
    assert encode_adapter(decode_adapter(content, CONFIG, LORA)) == content
    assert fresh_state(decode_adapter(content, CONFIG, LORA)).encode() == initial_state(CONFIG, LORA, 1).encode()
    assert encode_adapter(adapter_of(initial_state(CONFIG, LORA, 1))) == content


def test_a_fresh_adapter_changes_nothing_and_depends_on_the_seed() -> None:
    adapter = initial_adapter(CONFIG, LORA, 1)
    assert all(not array.any() for name, array in adapter.items() if name.endswith("lora_B"))
    assert all(array.any() for name, array in adapter.items() if name.endswith("lora_A"))
    assert (initial_adapter(CONFIG, LORA, 2)[NAME] != adapter[NAME]).any()


def test_a_fresh_state_has_no_tiny_values() -> None:
    adapter = dict(initial_adapter(CONFIG, LORA, 1))
    adapter[NAME] = adapter[NAME] * np.float32(0.0)
    adapter[NAME][0, :3] = [-0.0, 1e-40, -(2.0**-101)]
    parameters = fresh_state(adapter).parameters[NAME]
    assert not parameters.view(np.uint32).any()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("step", None),
        ("step", np.array(-1, dtype=np.int64)),
        ("step", np.array([1], dtype=np.int64)),
        ("step", np.array(1, dtype=np.int32)),
        (f"parameters/{NAME}", None),
        (f"parameters/{NAME}", np.zeros((2, 9), dtype=np.float32)),
        (f"parameters/{NAME}", np.zeros((2, 8))),
        (f"parameters/{NAME}", np.full((2, 8), np.nan, dtype=np.float32)),
        (f"parameters/{NAME}", np.full((2, 8), np.inf, dtype=np.float32)),
        (f"parameters/{NAME}", np.full((2, 8), -0.0, dtype=np.float32)),
        (f"first_moment/{NAME}", np.full((2, 8), 1e-41, dtype=np.float32)),
        (f"second_moment/{NAME}", np.full((2, 8), -1.0, dtype=np.float32)),
        ("parameters/other", np.zeros(1, dtype=np.float32)),
    ],
)
def test_what_no_step_could_have_made_is_refused(name: str, value: Any) -> None:
    tensors = {**decode_tensors(initial_state(CONFIG, LORA, 1).encode()), name: value}
    with pytest.raises(Malformed):
        TrainState.decode(encode_tensors({n: t for n, t in tensors.items() if t is not None}), CONFIG, LORA)


def test_a_state_of_other_sizes_is_refused() -> None:
    content = initial_state(CONFIG, LORA, 1).encode()
    with pytest.raises(Malformed):
        TrainState.decode(content, CONFIG, LoraConfig(rank=3, targets=LORA.targets))
    with pytest.raises(Malformed):
        decode_adapter(content, CONFIG, LORA)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_damaged_state_is_refused_or_another_canonical_one(data: st.DataObject) -> None:
    content = bytearray(initial_state(CONFIG, LORA, 1).encode())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        state = TrainState.decode(bytes(content), CONFIG, LORA)
    except BadContent:
        return
    assert state.encode() == bytes(content)
