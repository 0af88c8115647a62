"""Size and speed of the gradient codec: `python -m tests.benchmarks.bench_codec`.

The bound is what no code can beat for random positions and values of two bits: log2 of the number of ways to choose k
of 4096, and 2k bits, a chunk. It holds no magnitudes, so that a code which sends them cannot reach it.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from typing import TypeVar

import numpy as np  # noqa: TID253 - the codec is for arrays

from r3cli.kernels.codec import compress, decode_update, encode_update

CHUNK = 4096
CASES = ((155_648, Fraction(1, 8)), (819_200, Fraction(1, 64)), (2_523_136, Fraction(1, 64)))
REPEATS = 5

T = TypeVar("T")


def main() -> None:
    """Print a line a case."""
    for length, density in CASES:
        sys.stdout.write(_measure(length, density) + "\n")


def _measure(length: int, density: Fraction) -> str:
    vector = np.random.Generator(np.random.Philox(0)).standard_normal(length).astype(np.float32) * np.float32(1e-3)
    tensors = {"w": vector}
    content, encoding = _fastest(lambda: encode_update(tensors, density))
    _, feedback = _fastest(lambda: compress(tensors, tensors, density))
    _, decoding = _fastest(lambda: decode_update(content, {"w": (length,)}))
    sent = math.ceil(CHUNK * density)
    bound = (math.log2(math.comb(CHUNK, sent)) + 2 * sent) * (length / CHUNK)
    bits = len(content) * 8
    return (
        f"{length:9,} at {density}: {len(content):6,} bytes, {bits / length:.3f} bits a coordinate, "
        f"{bits / float(length * density):.2f} a sent one, {bits / bound:.3f} x bound, "
        f"{4 * length / len(content):.0f} x smaller; encode {1e3 * encoding:.1f} ms, "
        f"with residual {1e3 * feedback:.1f} ms, decode {1e3 * decoding:.1f} ms"
    )


def _fastest(function: Callable[[], T]) -> tuple[T, float]:
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        outcome = function()
        seconds.append(time.perf_counter() - start)
    return outcome, min(seconds)


if __name__ == "__main__":
    main()
