"""The order of data: inside the training part, repeatable anywhere, and nobody else's."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np  # noqa: TID253 - sequences are arrays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from r3cli.errors import Usage
from r3cli.train.corpus import Corpus
from r3cli.train.data import draw, position

VECTORS = Path(__file__).parents[1] / "vectors" / "draw_positions.json"
U64 = st.integers(0, (1 << 64) - 1)
TERMS: dict[str, Any] = {
    "global_seed": 7,
    "round_number": 3,
    "miner": "remes1qyqszqgpqyqszqgpqyqszqgpqyqszqgpjnp7du",
    "step": 5,
    "batch_size": 16,
    "sequence_length": 32,
}


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    """20000 bytes in which a byte tells which part it belongs to."""
    size, held_out = 20_000, 4096
    training = np.random.Generator(np.random.Philox(key=1)).integers(0, 200, size - held_out, dtype=np.uint8)
    return Corpus.from_bytes(training.tobytes() + b"\xff" * held_out)


@given(st.integers(1, 1 << 40), U64, U64, U64, U64, st.text(max_size=80))
def test_a_position_lies_in_its_range(
    places: int, seed: int, round_number: int, step: int, index: int, miner: str
) -> None:
    assert 0 <= position(places, seed, round_number, step, index, miner=miner) < places


def test_a_position_is_what_the_page_says() -> None:
    message = b"r3/draw/1" + bytes.fromhex("000000000000000700000000000000030000000000000005000000000000000200000003")
    digest = hashlib.sha256(message + b"abc").digest()
    expected = int.from_bytes(digest[:16], "big") * 1_000_003 // 2**128
    assert position(1_000_003, 7, 3, 5, 2, miner="abc") == expected


@pytest.mark.parametrize(
    "case", json.loads(VECTORS.read_text(encoding="utf-8")), ids=lambda case: str(case["position"])
)
def test_positions_equal_the_published_vectors(case: dict[str, Any]) -> None:
    numbers = (case["places"], case["global_seed"], case["round"], case["step"], case["index"])
    assert position(*numbers, miner=case["miner"]) == case["position"]


def test_positions_are_spread_evenly() -> None:
    counts = np.bincount([position(10, 1, 1, 1, index, miner="m") for index in range(5000)], minlength=10)
    # Chi-square with nine degrees of freedom; the hash is fixed, so this cannot flicker.
    assert ((counts - 500) ** 2 / 500).sum() < 27.9


@given(U64, U64, U64, st.text(max_size=20))
def test_training_never_sees_the_held_out_part(
    corpus: Corpus, seed: int, round_number: int, step: int, miner: str
) -> None:
    terms = {**TERMS, "global_seed": seed, "round_number": round_number, "step": step, "miner": miner}
    batch = draw(corpus, **terms)
    assert batch.shape == (16, 33)
    assert batch.dtype == np.int64
    assert batch.max() < 200
    assert np.array_equal(batch, draw(corpus, **terms))


def test_the_last_place_of_the_training_part_can_be_drawn() -> None:
    corpus = Corpus.from_bytes(bytes(range(40)))
    drawn = {int(row[0]) for step in range(40) for row in draw(corpus, **{**TERMS, "step": step, "sequence_length": 9})}
    assert drawn == set(range(30 - 9))


@pytest.mark.parametrize(
    "other",
    [{"global_seed": 8}, {"round_number": 4}, {"miner": "remes1other"}, {"step": 6}],
    ids=lambda o: next(iter(o)),
)
def test_each_term_changes_the_draw(corpus: Corpus, other: dict[str, Any]) -> None:
    assert not np.array_equal(draw(corpus, **TERMS), draw(corpus, **{**TERMS, **other}))


def test_the_first_sequences_do_not_depend_on_the_batch_size(corpus: Corpus) -> None:
    larger = draw(corpus, **{**TERMS, "batch_size": 20})
    assert np.array_equal(larger[:16], draw(corpus, **TERMS))


def test_a_text_that_is_too_short_says_how_long_it_must_be() -> None:
    with pytest.raises(Usage, match=r"100 bytes.*need 132 at least"):
        draw(Corpus.from_bytes(b"x" * 100), **TERMS)
