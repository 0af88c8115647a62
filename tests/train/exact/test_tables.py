"""Random numbers and rotary tables: functions of their arguments, on every machine."""

from __future__ import annotations

import math

import numpy as np  # noqa: TID253 - tests of arithmetic
import torch  # noqa: TID253 - tests of arithmetic
from hypothesis import given
from hypothesis import strategies as st

from r3cli.train.exact.random import philox_integers, philox_key, philox_ternary, philox_uniform
from r3cli.train.exact.rope import rope_table, rotate, rotate_back

MASK = (1 << 64) - 1


def philox4x64(key: int, count: int) -> list[int]:
    """Philox4x64-10 (Salmon et al. 2011) in Python integers; numpy starts counting at 1."""
    output: list[int] = []
    counter = 1
    while len(output) < count:
        words = [counter >> (64 * index) & MASK for index in range(4)]
        k0, k1 = key & MASK, key >> 64
        for _ in range(10):
            p0, p1 = words[0] * 0xD2E7470EE14C6C93, words[2] * 0xCA5A826395121157
            words = [(p1 >> 64) ^ words[1] ^ k0, p1 & MASK, (p0 >> 64) ^ words[3] ^ k1, p0 & MASK]
            k0, k1 = (k0 + 0x9E3779B97F4A7C15) & MASK, (k1 + 0xBB67AE8584CAA73B) & MASK
        output += words
        counter += 1
    return output[:count]


@given(st.integers(0, 2**64 - 1), st.text(max_size=30), st.integers(1, 30))
def test_philox_is_philox(seed: int, name: str, count: int) -> None:
    key = philox_key(seed, name)
    assert philox_integers(key, count).tolist() == philox4x64(key, count)


def test_streams_are_their_names() -> None:
    assert philox_key(1, "a") != philox_key(1, "b") != philox_key(2, "b")


def test_uniform_covers_its_range() -> None:
    values = philox_uniform(philox_key(0, "u"), (100, 300), 0.5)
    assert values.dtype == np.float32
    assert -0.5 <= values.min() < -0.4999
    assert 0.4999 < values.max() < 0.5
    assert abs(float(values.mean())) < 0.005


def test_ternary_is_even() -> None:
    values = philox_ternary(philox_key(0, "t"), (300, 300))
    shares = [(values == weight).mean() for weight in (-1, 0, 1)]
    assert all(abs(share - 1 / 3) < 0.01 for share in shares)


def test_rope_table_is_cosine_and_sine() -> None:
    cosine, sine = rope_table(300, 32, 10000.0)
    angles = np.arange(300)[:, None] * 10000.0 ** (-2 * np.arange(16) / 32)
    # One float32 unit: libm's own error and the rounding of its argument are far below.
    assert np.abs(cosine.numpy() - np.cos(angles)).max() < 2.0**-24
    assert np.abs(sine.numpy() - np.sin(angles)).max() < 2.0**-24
    assert cosine[:, 0].tolist() == [np.float32(math.cos(turn)) for turn in range(300)]


def test_rotating_back_is_the_inverse() -> None:
    table = rope_table(7, 8, 100.0)
    values = torch.arange(2 * 7 * 3 * 8).float().view(2, 7, 3, 8)
    assert torch.allclose(rotate_back(rotate(values, *table), *table), values, rtol=1e-5, atol=1e-4)
