"""What ships: the trained base and the demo's text are what docs/base.md says, and the base knows prose, not code."""

from pathlib import Path

import numpy as np  # noqa: TID253 - tests of arithmetic
import pytest

from r3cli.storage.cid import cid_of
from r3cli.train.backbone import Backbone
from r3cli.train.config import LoraConfig, OptimizerConfig
from r3cli.train.corpus import Corpus, demo_corpus
from r3cli.train.exact.step import ExactTrainer
from r3cli.train.presets import ASSETS, base_card
from r3cli.train.state import initial_adapter

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "base.md"
HELD_OUT_PROSE = TESTS / "vectors" / "held_out_prose.txt"  # from the end of the base's corpus, never trained on


def bits_per_byte(sequences: np.ndarray) -> float:
    """Of the base with an adapter that does nothing yet."""
    backbone = Backbone.decode((ASSETS / "nano.r3base").read_bytes())
    lora = LoraConfig(rank=1)
    trainer = ExactTrainer(backbone, lora, OptimizerConfig())
    return trainer.evaluate(initial_adapter(backbone.config, lora, seed=1), sequences)


def test_the_base_is_small_and_the_one_that_is_published() -> None:
    content = (ASSETS / "nano.r3base").read_bytes()
    card = base_card("nano")
    assert len(content) <= 1_000_000
    assert Backbone.decode(content).encode() == content
    assert cid_of(content) == card.cid
    page = PAGE.read_text(encoding="utf-8")
    for fact in (card.cid, card.corpus_cid, f"{card.corpus_bytes:,}", f"{card.bits_per_byte:.3f}", *card.sources):
        assert fact in page


def test_the_demo_text_is_the_one_that_is_published_with_its_licence() -> None:
    corpus = demo_corpus()
    page = PAGE.read_text(encoding="utf-8")
    assert 200_000 <= len(corpus.text) <= 500_000
    for fact in (
        corpus.cid,
        f"{len(corpus.text):,}",
        f"{corpus.unigram_entropy():.3f}",
        f"{corpus.bigram_entropy():.3f}",
    ):
        assert fact in page
    assert "PYTHON SOFTWARE FOUNDATION LICENSE" in (ASSETS / "demo.LICENSE").read_text(encoding="utf-8")
    assert "demo.LICENSE" in (ASSETS / "NOTICE").read_text(encoding="utf-8")


def test_the_base_predicts_prose_that_it_never_saw() -> None:
    prose = Corpus.from_bytes(HELD_OUT_PROSE.read_bytes())
    rows = len(prose.text) // 129
    bits = bits_per_byte(prose.text[: rows * 129].reshape(rows, 129).astype(np.int64))
    assert bits < 2.6
    assert bits < prose.unigram_entropy() - 1.5


def test_the_base_has_not_seen_the_demo_text() -> None:
    demo = demo_corpus()
    assert bits_per_byte(demo.validation_sequences(16, 128)) > demo.unigram_entropy()


@pytest.mark.parametrize("name", ["demo.txt", "nano.r3base", "nano.json", "demo.LICENSE", "NOTICE"])
def test_every_asset_is_there(name: str) -> None:
    assert (ASSETS / name).stat().st_size > 0
