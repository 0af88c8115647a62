"""The script that makes the base: what it trains is what the exported base computes, and it learns."""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np  # noqa: TID253 - tests of arithmetic
import pytest
import torch  # noqa: TID253 - tests of arithmetic

from r3cli.storage.cid import cid_of
from r3cli.train import pretrain
from r3cli.train.backbone import Backbone
from r3cli.train.config import LoraConfig, ModelConfig, OptimizerConfig
from r3cli.train.corpus import Corpus
from r3cli.train.exact.step import ExactTrainer
from r3cli.train.state import initial_adapter

TINY = ModelConfig(
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    intermediate_size=64,
    max_position_embeddings=16,
)
TEXT = b"it was the best of times, it was the worst of times. " * 100


@pytest.fixture(autouse=True)
def _small_and_uncompiled(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(shutil, "which", lambda _: None)  # compiling takes longer than the test
    monkeypatch.setattr(pretrain, "HELD_OUT_SEQUENCES", 32)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_what_is_exported_computes_what_was_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = Corpus.from_bytes(TEXT)
    monkeypatch.setattr(pretrain, "PEAK_RATE", 1e-2)
    backbone, bits = pretrain.pretrain(corpus, TINY, steps=60, seed=1)
    lora = LoraConfig(rank=1)
    sequences = corpus.validation_sequences(pretrain.HELD_OUT_SEQUENCES, 16)
    trainer = ExactTrainer(Backbone.decode(backbone.encode()), lora, OptimizerConfig())
    exact = trainer.evaluate(initial_adapter(TINY, lora, seed=1), sequences)
    assert exact == pytest.approx(bits, abs=0.03)
    assert bits < corpus.unigram_entropy()


def test_the_rate_rises_and_falls() -> None:
    rates = [pretrain.learning_rate(step / 1000) for step in range(1, 1001)]
    top = int(np.argmax(rates))
    assert rates[0] < rates[top] / 10
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert 0.95 < rates[top] / pretrain.PEAK_RATE <= 1
    assert rates[-1] == pytest.approx(pretrain.PEAK_RATE * pretrain.LAST_RATE)


def test_the_script_writes_a_base_and_its_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "prose.txt").write_bytes(TEXT)
    (tmp_path / "prose.sources").write_text("A Tale of Two Cities, public domain\n")
    monkeypatch.setattr(pretrain, "model_config", lambda _: TINY)
    out = tmp_path / "base.r3base"
    arguments = ["pretrain", "--corpus", str(tmp_path / "prose.txt"), "--out", str(out), "--steps", "2", "--seed", "5"]
    monkeypatch.setattr(sys, "argv", arguments)
    pretrain.main()
    card = json.loads((tmp_path / "base.json").read_bytes())
    assert Backbone.decode(out.read_bytes()).config == TINY
    assert card["cid"] == cid_of(out.read_bytes())
    assert card["corpus_cid"] == cid_of(TEXT)
    assert card["sources"] == ["A Tale of Two Cities, public domain"]
    assert (card["steps"], card["seed"], card["batch_size"]) == (2, 5, pretrain.BATCH)


def test_weights_are_ternary_in_the_forward_pass() -> None:
    torch.manual_seed(0)
    layer = pretrain.QuantisedLinear(8, 16)
    ternary, scale = layer.export()
    assert set(np.unique(ternary)) <= {-1, 0, 1}
    one = torch.eye(16)
    assert torch.allclose(layer(one).T, torch.from_numpy(ternary * scale).float(), atol=1e-6)
