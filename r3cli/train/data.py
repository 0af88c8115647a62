"""Which sequences a miner trains on: a function of the chain's seed, the round, the miner and the step.

    digest = SHA-256("r3/draw/1" | global seed u64 | round u64 | step u64 | index u64 | address), all big-endian
    offset = (digest as an integer * room) >> 256, where room is the number of offsets that fit before the held-out part

Multiplying a uniform 256-bit number by the range and keeping the top is uniform to within 2^-200, with no rejection, and
the same on every machine. Another miner's sequences are others, so his work cannot be handed in under one's own name.
"""

from __future__ import annotations

import hashlib
import struct

import numpy as np  # noqa: TID253 - a leaf that exists to hold arrays
from numpy.typing import NDArray

from r3cli.errors import Usage
from r3cli.train.corpus import Corpus

DOMAIN = b"r3/draw/1"


def draw(
    corpus: Corpus,
    *,
    global_seed: int,
    round_number: int,
    miner: str,
    step: int,
    batch_size: int,
    sequence_length: int,
) -> NDArray[np.int64]:
    """The batch (batch_size, sequence_length + 1) of one step; raises `Usage` when the text is too short."""
    room = corpus.border - sequence_length
    if room < 1:
        raise Usage(f"{corpus.content.size} bytes of text are too few for sequences of {sequence_length}")
    starts = []
    for index in range(batch_size):
        words = struct.pack(">QQQQ", global_seed, round_number, step, index)
        digest = hashlib.sha256(DOMAIN + words + miner.encode()).digest()
        starts.append((int.from_bytes(digest, "big") * room) >> 256)
    return corpus.windows(starts, sequence_length)
