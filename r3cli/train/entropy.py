"""How predictable a text is to whoever only counts: the marks that a trained model has to pass.

Both figures are empirical, over the very bytes they describe, in bits per byte. With n(a) the count of byte a and
n(a, b) the count of b directly after a:

    unigram    H = sum over a    of n(a)/n * log2(n/n(a))
    bigram     H(next | byte) = sum over a, b of n(a, b)/(n - 1) * log2(sum over c of n(a, c) / n(a, b))

No model that looks at one byte at a time, or at one byte before it, can do better on this text, even when it was
fitted to it.
"""

from __future__ import annotations

import numpy as np  # noqa: TID253 - a leaf that counts arrays
from numpy.typing import NDArray  # noqa: TID253 - as above

SYMBOLS = 256
PIECE = 1 << 22  # bytes counted at a time, so that a text is never held whole


def unigram_entropy(text: NDArray[np.uint8]) -> float:
    """Bits per byte of the byte counts; 0 for a text shorter than one byte."""
    counts = np.zeros(SYMBOLS, dtype=np.int64)
    for start in range(0, len(text), PIECE):
        counts += np.bincount(text[start : start + PIECE], minlength=SYMBOLS)
    return _entropy(counts)


def bigram_entropy(text: NDArray[np.uint8]) -> float:
    """Bits per byte of the next byte when the one before it is known; 0 for a text shorter than two bytes."""
    counts = np.zeros(SYMBOLS * SYMBOLS, dtype=np.int64)
    for start in range(0, len(text) - 1, PIECE):
        piece = text[start : start + PIECE + 1].astype(np.int64)
        counts += np.bincount(piece[:-1] * SYMBOLS + piece[1:], minlength=len(counts))
    table = counts.reshape(SYMBOLS, SYMBOLS)
    # H(byte, next) - H(byte), the byte counted where it has a successor.
    return _entropy(table.reshape(-1)) - _entropy(table.sum(axis=1))


def _entropy(counts: NDArray[np.int64]) -> float:
    total = int(counts.sum())
    if not total:
        return 0.0
    shares = counts[counts > 0] / total
    return float(-(shares * np.log2(shares)).sum())
