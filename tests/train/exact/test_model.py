"""The whole network: equal to transformers' BitNet, causal, with gradients that autograd agrees with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np  # noqa: TID253 - tests of arithmetic
import pytest
import torch  # noqa: TID253 - tests of arithmetic
from transformers import BitNetConfig, BitNetForCausalLM  # noqa: TID253 - the counterpart
from transformers.integrations import bitnet  # noqa: TID253 - the counterpart

from r3cli.errors import NotFinite, Usage
from r3cli.train import fast
from r3cli.train.backbone import Backbone, random_backbone
from r3cli.train.config import ALL_LINEARS, LoraConfig, ModelConfig, OptimizerConfig
from r3cli.train.exact import attention, linear
from r3cli.train.exact.mode import exact_arithmetic
from r3cli.train.exact.model import ExactModel
from r3cli.train.exact.numbers import PAIR, quantize
from r3cli.train.exact.oracle import use_oracle
from r3cli.train.exact.random import philox_key, philox_uniform
from r3cli.train.exact.step import ExactTrainer
from r3cli.train.state import fresh_state, initial_adapter, initial_state

SMALL = ModelConfig(
    hidden_size=96,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    intermediate_size=160,
    max_position_embeddings=64,
)
LORA = LoraConfig(rank=4, alpha=8.0)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def tokens(sequences: int, length: int, seed: int = 0, vocabulary: int = 256) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, vocabulary, (sequences, length + 1))


def busy_adapter(config: ModelConfig, lora: LoraConfig) -> dict[str, np.ndarray]:
    """An adapter whose B is not zero, so that every gradient has something to do."""
    return {
        name: array if name.endswith("A") else philox_uniform(philox_key(5, name), array.shape, 0.05)
        for name, array in initial_adapter(config, lora, 3).items()
    }


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """15 bits wherever the arithmetic has 8, so that what is left is the algebra."""
    monkeypatch.setattr(linear, "BYTE", PAIR)
    monkeypatch.setattr(attention, "BYTE", PAIR)
    monkeypatch.setattr(attention, "LONGEST_BYTE_CONTEXT", 0)


@pytest.mark.parametrize("tied", [True, False])
def test_logits_are_those_of_transformers(tied: bool) -> None:
    """Root mean square within 3 % of the spread of the logits: r3 has 8-bit q, k, v, probabilities besides."""
    ours, theirs = _both_logits(tied)
    assert float((ours - theirs).square().mean().sqrt() / theirs.std()) < 0.03
    assert float((ours.argmax(-1) == theirs.argmax(-1)).float().mean()) > 0.95


@pytest.mark.usefixtures("wide")
def test_logits_are_those_of_transformers_but_for_the_formats(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within 0.2 % when neither side puts activations on a coarse grid: the architectures are the same."""
    monkeypatch.setattr(linear, "quantize_activations", lambda values: quantize(values, PAIR))
    monkeypatch.setattr(bitnet.ActQuant, "apply", lambda values: values)
    ours, theirs = _both_logits(tied=True)
    assert float((ours - theirs).abs().max() / theirs.std()) < 0.002


def test_a_prefix_computes_the_same_bits() -> None:
    model = ExactModel(random_backbone(SMALL, 1), LORA)
    inputs = torch.from_numpy(tokens(2, 48)[:, :-1])
    adapter = {name: torch.from_numpy(array) for name, array in busy_adapter(SMALL, LORA).items()}
    with exact_arithmetic():
        adapters = model.prepare(adapter)
        whole = model.logits(inputs, adapters)
        assert torch.equal(model.logits(inputs[:1, :17], adapters), whole[:1, :17])


HEADS = [(4, 4), (4, 2), (4, 1), (6, 2), (12, 4), (8, 1)]


@pytest.mark.parametrize(("heads", "key_heads"), HEADS)
@pytest.mark.usefixtures("wide")
def test_gradients_are_those_of_autograd(heads: int, key_heads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The algebra of the backward pass, for every size of head group, with no activation on a coarse grid."""
    monkeypatch.setattr(linear, "quantize_activations", lambda values: quantize(values, PAIR))
    monkeypatch.setattr(fast, "_fake_quantize", lambda values: values)
    for name, got, expected in _both_gradients(heads, key_heads):
        assert _cosine(got, expected) > 0.9999, name
        assert np.linalg.norm(got) == pytest.approx(np.linalg.norm(expected), rel=0.003), name


@pytest.mark.parametrize(("heads", "key_heads"), HEADS)
def test_gradients_in_the_real_formats_point_the_same_way(heads: int, key_heads: int) -> None:
    pairs = [(got.ravel(), expected.ravel()) for _, got, expected in _both_gradients(heads, key_heads)]
    got, expected = (np.concatenate(side) for side in zip(*pairs, strict=True))
    assert _cosine(got, expected) > 0.97


def test_a_whole_step_equals_its_integer_oracle() -> None:
    trainer = ExactTrainer(random_backbone(SMALL, 3), LORA, OptimizerConfig())
    state = fresh_state(busy_adapter(SMALL, LORA))
    fast = trainer.step(state, tokens(3, 20))
    with use_oracle():
        slow = trainer.step(state, tokens(3, 20))
    assert fast.state.encode() == slow.state.encode()
    assert fast.loss == slow.loss


@pytest.mark.parametrize(
    "targets", [("q_proj",), ("v_proj", "k_proj"), ("o_proj", "down_proj"), ("up_proj",), ALL_LINEARS]
)
def test_only_targets_train(targets: tuple[str, ...]) -> None:
    lora = LoraConfig(rank=3, alpha=3.0, targets=targets)  # type: ignore[arg-type]  # literals, from the parameters
    trainer = ExactTrainer(random_backbone(SMALL, 4), lora, OptimizerConfig())
    state = initial_state(SMALL, lora, 4)
    after = trainer.step(trainer.step(state, tokens(2, 16)).state, tokens(2, 16)).state
    assert {name.split(".")[-2] for name in after.parameters} == set(targets)
    assert all((after.parameters[name] != state.parameters[name]).any() for name in state.parameters)


def test_a_step_does_not_touch_what_it_was_given() -> None:
    trainer = ExactTrainer(random_backbone(SMALL, 4), LORA, OptimizerConfig())
    state, batch = initial_state(SMALL, LORA, 4), tokens(2, 16)
    before, batch_before = state.encode(), batch.copy()
    trainer.step(state, batch)
    assert state.encode() == before
    assert np.array_equal(batch, batch_before)


def test_training_learns() -> None:
    trainer = ExactTrainer(random_backbone(SMALL, 4), LORA, OptimizerConfig(learning_rate=1e-2))
    state, batch = initial_state(SMALL, LORA, 4), tokens(4, 32, vocabulary=8)
    before = trainer.evaluate(state.parameters, batch)
    for _ in range(12):
        state = trainer.step(state, batch).state
    assert trainer.evaluate(state.parameters, batch) < before - 1.0


def test_evaluation_is_the_loss_of_the_step_and_has_no_batch() -> None:
    trainer = ExactTrainer(random_backbone(SMALL, 4), LORA, OptimizerConfig())
    state, batch = initial_state(SMALL, LORA, 4), tokens(11, 16)
    whole = trainer.loss(state.parameters, batch)
    assert trainer.step(state, batch).loss == whole
    parts = [trainer.loss(state.parameters, batch[:4]), trainer.loss(state.parameters, batch[4:])]
    assert parts[0] + parts[1] == whole


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((0, 9), dtype=np.int64),
        np.zeros((2, 1), dtype=np.int64),
        np.zeros((1, 66), dtype=np.int64),
        np.full((1, 9), 256),
        np.full((1, 9), -1),
        np.zeros((1, 9), dtype=np.int32),
        np.zeros(9, dtype=np.int64),
        np.zeros((1024, 2), dtype=np.int64),
    ],
)
def test_bad_batches_are_refused(bad: np.ndarray) -> None:
    trainer = ExactTrainer(random_backbone(SMALL, 4), LORA, OptimizerConfig())
    with pytest.raises(Usage):
        trainer.step(initial_state(SMALL, LORA, 4), bad)


@pytest.mark.parametrize("size", [2.0**59, -(2.0**59)])
def test_a_hostile_adapter_is_an_error_not_a_result(size: float) -> None:
    trainer = ExactTrainer(random_backbone(SMALL, 4), LORA, OptimizerConfig())
    adapter = {name: np.full_like(array, size) for name, array in initial_adapter(SMALL, LORA, 4).items()}
    with pytest.raises(NotFinite):
        trainer.step(fresh_state(adapter), tokens(2, 16))


def _both_gradients(heads: int, key_heads: int) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Gradients of every trainable matrix, exact and by autograd in float32 (the first moment, with beta1 = 0)."""
    config = ModelConfig(**{**_fields(SMALL), "num_attention_heads": heads, "num_key_value_heads": key_heads})
    backbone, batch = random_backbone(config, 2), tokens(3, 32)
    state = fresh_state(busy_adapter(config, LORA))
    optimizer = OptimizerConfig(beta1=0.0, clip_norm=1e6)
    exact = ExactTrainer(backbone, LORA, optimizer).step(state, batch)
    twin = fast.FastTrainer(backbone, LORA, optimizer, precision="float32").step(state, batch)
    assert exact.loss.bits_per_byte == pytest.approx(twin.loss.bits_per_byte, abs=0.01)
    return [(name, exact.state.first_moment[name], twin.state.first_moment[name]) for name in state.parameters]


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float((a * b).sum() / np.sqrt((a**2).sum() * (b**2).sum()))


def _both_logits(tied: bool) -> tuple[torch.Tensor, torch.Tensor]:
    config = ModelConfig(**{**_fields(SMALL), "tie_word_embeddings": tied, "rope_theta": 5000.0})
    backbone = random_backbone(config, 11)
    inputs = tokens(3, 40)[:, :-1]
    model = ExactModel(backbone, LORA)
    with exact_arithmetic():
        ours = model.logits(torch.from_numpy(inputs), model.prepare({}))
    return ours, _transformers_logits(backbone, inputs)


def _fields(config: ModelConfig) -> dict[str, Any]:
    return {name: getattr(config, name) for name in config.__struct_fields__}


def _transformers_logits(backbone: Backbone, inputs: np.ndarray) -> torch.Tensor:
    """Logits of `BitNetForCausalLM` with offline-quantised `AutoBitLinear` layers, which multiply by the scale."""
    config = backbone.config
    fields = {name: value for name, value in _fields(config).items() if name != "rope_theta"}
    rope = {"rope_type": "default", "rope_theta": config.rope_theta}
    model = BitNetForCausalLM(BitNetConfig(**fields, rope_parameters=rope, bos_token_id=None, eos_token_id=None))
    for name, matrix in backbone.ternary.items():
        layer = bitnet.AutoBitLinear(matrix.shape[1], matrix.shape[0], bias=False)
        layer.load_state_dict(
            {"weight": torch.tensor(matrix).float(), "weight_scale": torch.tensor([backbone.scale[name]])}
        )
        model.set_submodule(name, layer)
    weights = {f"{name}.weight": torch.tensor(norm) for name, norm in backbone.norms.items()}
    weights["model.embed_tokens.weight"] = torch.tensor(backbone.embedding)
    weights["lm_head.weight"] = torch.tensor(backbone.head_weight)
    missing, unexpected = model.load_state_dict(weights, strict=False)
    assert not unexpected
    assert all(name.endswith(("proj.weight", "weight_scale")) for name in missing), missing
    # transformers compiles its quantiser; a test has no minute to spare for that.
    with torch.compiler.set_stance("force_eager"), torch.no_grad():
        model.train(mode=False)
        logits: torch.Tensor = model(torch.from_numpy(inputs)).logits
    return logits
