"""Random numbers that are the same everywhere: raw Philox integers, then exact arithmetic.

The generator is Philox4x64-10 (Salmon et al., 2011), keyed by a name; library normals go through libm and
differ between machines, so nothing here uses one.
"""

from __future__ import annotations

import hashlib
import math

import numpy as np  # noqa: TID253 - a leaf that exists to fill arrays
from numpy.typing import NDArray  # noqa: TID253 - as above

DOMAIN = b"r3/philox/1"


def philox_key(seed: int, name: str) -> int:
    """The 128-bit key of one named stream: the first 16 bytes of SHA-256(domain, seed as u64, name)."""
    digest = hashlib.sha256(DOMAIN + seed.to_bytes(8, "big") + name.encode()).digest()
    return int.from_bytes(digest[:16], "big")


def philox_integers(key: int, count: int) -> NDArray[np.uint64]:
    """The first `count` raw 64-bit outputs of the stream."""
    return np.random.Philox(key=key).random_raw(count)


def philox_uniform(key: int, shape: tuple[int, ...], bound: float) -> NDArray[np.float32]:
    """Uniform float32 in [-bound, bound): 24 bits, centred exactly, one rounding by the bound."""
    codes = (philox_integers(key, math.prod(shape)) >> np.uint64(40)).astype(np.int64) - (1 << 23)
    unit = codes.astype(np.float32) * np.float32(2.0**-23)
    return (unit * np.float32(bound)).reshape(shape)


def philox_ternary(key: int, shape: tuple[int, ...]) -> NDArray[np.int8]:
    """-1, 0 and 1, each with probability 1/3 (to within 2^-31)."""
    codes = (philox_integers(key, math.prod(shape)) >> np.uint64(33)) % np.uint64(3)
    return (codes.astype(np.int8) - np.int8(1)).reshape(shape)
