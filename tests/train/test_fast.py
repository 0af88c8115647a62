"""Fast mode learns, and exact mode loses nothing against its float32 twin."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np  # noqa: TID253 - tests of arithmetic
import pytest
import torch  # noqa: TID253 - tests of arithmetic

from r3cli.errors import NotFinite, Usage
from r3cli.train.backbone import random_backbone
from r3cli.train.config import LoraConfig, ModelConfig, OptimizerConfig
from r3cli.train.evaluate import LossSum
from r3cli.train.exact.step import ExactTrainer
from r3cli.train.fast import FastTrainer
from r3cli.train.presets import ASSETS, load_base
from r3cli.train.state import TrainState, initial_state

SMALL = ModelConfig(
    hidden_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, intermediate_size=96
)
LORA = LoraConfig(rank=4)
TOLERANCE = 0.01  # bits per byte


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def text_windows(count: int, length: int, seed: int) -> np.ndarray:
    text = np.frombuffer((ASSETS / "demo.txt").read_bytes(), dtype=np.uint8)
    starts = np.random.default_rng(seed).integers(0, len(text) - length - 1, count)
    return np.stack([text[start : start + length + 1] for start in starts]).astype(np.int64)


def ending(trainer: ExactTrainer | FastTrainer, state: TrainState, batches: np.ndarray, *, every: int) -> float:
    """Bits per byte on held-out windows, averaged over the second half of the run.

    One point of a run at a constant rate is noise of 0.01 to 0.02 (a perturbation of one part in a million moves it
    by as much); the average of several is not.
    """
    points = []
    for index, batch in enumerate(batches, start=1):
        state = trainer.step(state, batch).state
        if index % every == 0 and index > len(batches) // 2:
            points.append(trainer.evaluate(state.parameters, text_windows(64, batches.shape[-1] - 1, seed=99)))
    return sum(points) / len(points)


def gap(*, steps: int, sequences: int, length: int, every: int) -> tuple[float, float]:
    """How far exact mode ends from its twin, and how far it came, adapting the nano base to the demo's text."""
    backbone, lora = load_base("nano").backbone, LoraConfig()
    batches = text_windows(steps * sequences, length, seed=1).reshape(steps, sequences, length + 1)
    state = initial_state(backbone.config, lora, 1)
    exact = ExactTrainer(backbone, lora, OptimizerConfig())
    twin = FastTrainer(backbone, lora, OptimizerConfig(), precision="float32")
    before = exact.evaluate(state.parameters, text_windows(64, length, seed=99))
    after = ending(exact, state, batches, every=every)
    return after - ending(twin, state, batches, every=every), before - after


def test_exact_mode_ends_where_its_twin_ends() -> None:
    difference, gained = gap(steps=12, sequences=4, length=64, every=4)
    assert abs(difference) < TOLERANCE
    assert gained > 0.5


@pytest.mark.slow
def test_exact_mode_ends_where_its_twin_ends_after_a_whole_demo() -> None:
    difference, gained = gap(steps=150, sequences=8, length=128, every=10)
    assert abs(difference) < TOLERANCE
    assert gained > 1.5


@pytest.mark.parametrize("precision", ["bfloat16", "float32"])
def test_fast_mode_learns(precision: str) -> None:
    trainer = FastTrainer(
        random_backbone(SMALL, 1),
        LORA,
        OptimizerConfig(learning_rate=1e-2),
        precision=precision,  # type: ignore[arg-type]  # one of its literals, from the parameters
    )
    state = initial_state(SMALL, LORA, 1)
    batch = text_windows(4, 24, seed=3)
    before = trainer.evaluate(state.parameters, batch)
    for _ in range(10):
        outcome = trainer.step(state, batch)
        state = outcome.state
    assert trainer.evaluate(state.parameters, batch) < before - 0.5
    assert TrainState.decode(state.encode(), SMALL, LORA).step == 10
    assert outcome.loss.tokens == 4 * 24


def test_fast_mode_refuses_bad_batches_and_infinite_losses() -> None:
    trainer = FastTrainer(random_backbone(SMALL, 1), LORA, OptimizerConfig())
    state = initial_state(SMALL, LORA, 1)
    with pytest.raises(Usage):
        trainer.step(state, np.full((1, 5), 300))
    huge = {name: np.full_like(array, 1e30) for name, array in state.parameters.items()}
    with pytest.raises(NotFinite, match="finite"):
        trainer.step(TrainState(0, huge, state.first_moment, state.second_moment), text_windows(1, 8, seed=1))


def test_a_loss_sum_speaks_to_people() -> None:
    one_bit = LossSum(round(math.log(2) * 2**36 * 10), 10)
    assert one_bit.bits_per_byte == pytest.approx(1.0, abs=1e-9)
    assert (one_bit + one_bit).nats_per_token == pytest.approx(math.log(2))
