"""Which sequences a miner trains on: a function of the chain's seed, the round and the miner, so anyone can repeat it.

Sequence `index` of step `step` starts at byte

    floor(x * places / 2^128),   x = the first 16 bytes, big-endian, of SHA-256(
        "r3/draw/1" | global seed u64 | round u64 | step u64 | index u64 | length of address u32 | address in UTF-8 )

of the training part, integers big-endian, where `places` is the number of starts at which a whole sequence fits.
No place is likelier than another by more than 2^-80 of its share on any text that fits a disk. The miner's address
takes part, so a copy of another miner's work was trained on the wrong sequences.
"""

from __future__ import annotations

import hashlib

import numpy as np  # noqa: TID253 - a leaf that cuts arrays
from numpy.typing import NDArray  # noqa: TID253 - as above

from r3cli.train.corpus import Corpus, windows

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
    corpus.require(sequence_length)
    places = len(corpus.training) - sequence_length
    numbers = (global_seed, round_number, step)
    starts = [position(places, *numbers, index, miner=miner) for index in range(batch_size)]
    return windows(corpus.training, starts, sequence_length + 1)


def position(places: int, global_seed: int, round_number: int, step: int, index: int, *, miner: str) -> int:
    """The start of one sequence, in [0, places)."""
    address = miner.encode()
    numbers = b"".join(number.to_bytes(8, "big") for number in (global_seed, round_number, step, index))
    digest = hashlib.sha256(DOMAIN + numbers + len(address).to_bytes(4, "big") + address).digest()
    return int.from_bytes(digest[:16], "big") * places >> 128
