"""The gradient codec: a plain twin agrees bit for bit, an update has one encoding, any bytes are decoded or refused."""

from __future__ import annotations

import math
import struct
import tracemalloc
from fractions import Fraction
from typing import Any

import numpy as np  # noqa: TID253 - arrays are what is tested
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from r3cli.errors import Malformed
from r3cli.kernels.codec import compress, decode_update, encode_update
from r3cli.kernels.tensors import decode_tensors
from r3cli.storage.cid import cid_of
from tests.kernels.plain_codec import chunks_of, decode_plain, encode_decoded, encode_plain
from tests.kernels.vectors import VECTORS, vector_tensors

CHUNK = 4096
EXTREME = [0.0, -0.0, 1.0, -1.0, 3.4e38, -3.4e38, 1e-45, 1.1e-38, -1.2e-38, 2.0**-37, 2.0**-36, 1.5 * 2.0**-36, 2.0**20]

densities = st.builds(lambda part, whole: Fraction(min(part, whole), whole), st.integers(1, 70), st.integers(1, 70))
anything = st.floats(width=32, allow_nan=False, allow_infinity=False) | st.sampled_from(
    [float(np.float32(value)) for value in EXTREME]
)
alike = st.sampled_from([0.5, -0.5, 0.25, -0.25, 0.75, 0.0])  # many ties
small = st.floats(-1.0, 1.0, width=32)


def vectors(most: int = 300) -> st.SearchStrategy[np.ndarray]:
    lengths = st.integers(0, most)
    return st.one_of(*(hnp.arrays(np.float32, lengths, elements=source) for source in (anything, alike, small)))


@given(vectors(), densities)
@settings(deadline=None, max_examples=300)
def test_the_plain_twin_writes_the_same_bytes(vector: np.ndarray, density: Fraction) -> None:
    content = encode_update({"w": vector}, density)
    assert content == encode_plain({"w": (vector.shape, [float(value) for value in vector])}, density)
    update = decode_update(content, {"w": vector.shape})
    assert update.grid.tolist() == decode_plain(chunks_of([float(value) for value in vector], density), len(vector))


@pytest.mark.parametrize("density", [Fraction(1, 64), Fraction(1, 8), Fraction(1)])
@pytest.mark.parametrize("length", [CHUNK - 1, CHUNK, 2 * CHUNK + 77])
def test_the_twin_agrees_over_several_chunks(length: int, density: Fraction) -> None:
    generator = np.random.Generator(np.random.Philox(length))
    vector = (generator.integers(-1000, 1000, length) / 1024.0).astype(np.float32)  # with ties
    vector[:50] = 0.0
    tensors = {"b": vector[:1000].reshape(10, 100), "a": vector[1000:]}
    plain = {name: (tensor.shape, tensor.reshape(-1).tolist()) for name, tensor in tensors.items()}
    assert encode_update(tensors, density) == encode_plain(plain, density)


@given(vectors(), densities)
@settings(deadline=None)
def test_what_is_decoded_lies_on_the_grid_and_is_exact(vector: np.ndarray, density: Fraction) -> None:
    update = decode_update(encode_update({"w": vector}, density), {"w": vector.shape})
    assert not len(vector) or int(np.abs(update.grid).max()) < 1 << 56
    assert [Fraction(float(value)) * 2**36 for value in update.values()["w"]] == update.grid.tolist()
    assert not update.grid[~update.mask].any()
    assert int(update.mask.sum()) in (0, math.ceil(len(vector) * density))


@given(vectors(), densities)
@settings(deadline=None)
def test_a_decoded_update_has_one_encoding(vector: np.ndarray, density: Fraction) -> None:
    """What was sent without being rounded away is found again by encoding the decoded values."""
    content = encode_update({"w": vector}, density)
    update = decode_update(content, {"w": vector.shape})
    again = encode_update(update.values(), density)
    assert np.array_equal(decode_update(again, {"w": vector.shape}).grid, update.grid)


def test_of_equal_magnitudes_the_lowest_indices_are_sent() -> None:
    vector = np.full(5000, -0.5, dtype=np.float32)
    update = decode_update(encode_update({"w": vector}, Fraction(1, 64)), {"w": (5000,)})
    assert np.flatnonzero(update.mask).tolist() == [*range(64), *range(4096, 4096 + 15)]
    assert np.array_equal(update.values()["w"][update.mask], vector[update.mask])


def test_a_chunk_of_zeros_costs_six_bits() -> None:
    sizes = [len(encode_update({"w": np.zeros(CHUNK * count, np.float32)}, Fraction(1, 8))) for count in (0, 4, 8)]
    assert sizes == [54, 57, 60]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(bad: float) -> None:
    vector = np.zeros(10, np.float32)
    vector[3] = bad
    with pytest.raises(Malformed, match="finite"):
        encode_update({"w": vector}, Fraction(1, 2))
    with pytest.raises(Malformed, match="finite"):
        compress({"w": np.zeros(10, np.float32)}, {"w": vector}, Fraction(1, 2))


def test_a_sum_that_overflows_is_refused() -> None:
    large = {"w": np.full(4, 3e38, np.float32)}
    with pytest.raises(Malformed, match="finite"):
        compress(large, large, Fraction(1))


def test_other_tensors_are_refused() -> None:
    content = encode_update({"w": np.ones(6, np.float32)}, Fraction(1, 2))
    for shapes in ({"v": (6,)}, {"w": (2, 3)}, {"w": (7,)}, {}, {"w": (6,), "x": (0,)}):
        with pytest.raises(Malformed, match="names or shapes"):
            decode_update(content, shapes)
    with pytest.raises(Malformed, match="float32"):
        encode_update({"w": np.ones(6)}, Fraction(1, 2))
    with pytest.raises(Malformed, match="residual of other tensors"):
        compress({"w": np.ones(6, np.float32)}, {"w": np.ones((2, 3), np.float32)}, Fraction(1, 2))


@pytest.mark.parametrize("density", [Fraction(0), Fraction(-1), Fraction(3, 2)])
def test_densities_outside_0_to_1_are_refused(density: Fraction) -> None:
    with pytest.raises(Malformed, match="density"):
        encode_update({"w": np.ones(6, np.float32)}, density)


@given(vectors(200), vectors(200), densities)
@settings(deadline=None)
def test_error_feedback_loses_nothing_but_roundings(delta: np.ndarray, residual: np.ndarray, density: Fraction) -> None:
    length = min(len(delta), len(residual))
    delta, residual = delta[:length] * np.float32(1e-10), residual[:length] * np.float32(1e-10)
    content, after = compress({"w": delta}, {"w": residual}, density)
    total = delta + residual
    assert content == encode_update({"w": total}, density)
    decoded = decode_update(content, {"w": (length,)}).values()["w"]
    assert np.array_equal(decode_tensors(after)["w"], total - decoded)


def test_no_residual_is_a_residual_of_zeros() -> None:
    delta = {"w": np.array([-0.0, 1.0, 0.25], np.float32)}
    zeros = {"w": np.zeros(3, np.float32)}
    assert compress(delta, None, Fraction(1, 3)) == compress(delta, zeros, Fraction(1, 3))


def test_error_feedback_sends_everything_in_the_end() -> None:
    target = np.random.Generator(np.random.Philox(1)).standard_normal(2 * CHUNK).astype(np.float32)
    sent = np.zeros_like(target)
    delta: np.ndarray = target
    residual = None
    for _ in range(60):
        content, after = compress({"w": delta}, residual, Fraction(1, 8))
        residual = decode_tensors(after)
        sent += decode_update(content, {"w": target.shape}).values()["w"]
        delta = np.zeros_like(target)
    assert np.linalg.norm(sent - target) < 0.02 * np.linalg.norm(target)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_update_or_malformed(content: bytes) -> None:
    with pytest.raises(Malformed):
        decode_update(content, {"w": (100,)})


@given(st.data())
@settings(deadline=None, max_examples=500)
def test_a_mutated_update_is_canonical_or_malformed(data: st.DataObject) -> None:
    vector = np.random.Generator(np.random.Philox(data.draw(st.integers(0, 9)))).standard_normal(150)
    content = bytearray(encode_update({"w": vector.astype(np.float32)}, Fraction(1, 8)))
    start = len(content) - 40 if data.draw(st.booleans()) else 0
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(start, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    if data.draw(st.booleans()):
        content += data.draw(st.binary(max_size=9))
    try:
        update = decode_update(bytes(content), {"w": (150,)})
    except Malformed:
        return
    assert bytes(content) == encode_decoded("w", update.grid.tolist(), update.mask.tolist(), update.density)


@given(st.binary(max_size=60))
@settings(max_examples=500)
def test_random_planes_are_canonical_or_malformed(planes: bytes) -> None:
    prefix = encode_update({"w": np.zeros(40, np.float32)}, Fraction(1, 8))[:54]
    try:
        update = decode_update(prefix + planes, {"w": (40,)})
    except Malformed:
        return
    assert prefix + planes == encode_decoded("w", update.grid.tolist(), update.mask.tolist(), update.density)


def test_a_bomb_costs_no_more_than_its_shapes() -> None:
    shapes = {"w": (1 << 16,)}
    prefix = encode_update({"w": np.zeros(1 << 16, np.float32)}, Fraction(1, 64))[:54]
    bombs = [prefix + planes * (8 << 20) for planes in (b"\xff", b"\0", b"\x04")]
    tracemalloc.start()
    try:
        for bomb in bombs:
            with pytest.raises(Malformed):
                decode_update(bomb, shapes)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 << 20


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["name"]))
def test_published_vectors(vector: dict[str, Any]) -> None:
    tensors = vector_tensors(vector)
    density = Fraction(vector["density"])
    content, after = compress(tensors, None, density)
    assert content.hex() == vector["update"]
    assert cid_of(content) == vector["update_cid"]
    assert cid_of(after) == vector["residual_after_cid"]
    update = decode_update(content, {name: tensor.shape for name, tensor in tensors.items()})
    sent = np.flatnonzero(update.mask)
    assert sent[:8].tolist() == vector["first_positions"]
    assert update.grid[sent[:8]].tolist() == vector["first_values"]


def test_the_prefix_is_54_bytes() -> None:
    content = encode_update({"w": np.zeros(3, np.float32)}, Fraction(2, 6))
    assert content[:4] == b"r3up"
    assert struct.unpack("<BBIIQ", content[4:22]) == (1, 12, 1, 3, 3)
