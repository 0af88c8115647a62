"""Text to train on: a file or a folder, memory-mapped, every byte a token. Any bytes will do.

A folder is its regular files in order of their relative paths (as bytes), joined by one NUL byte between files; links
and special files are passed over. What a corpus *is* is the CID of those bytes. The last twentieth is held out: training
never draws from it.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import numpy as np  # noqa: TID253 - a leaf that exists to hold arrays
from numpy.typing import NDArray

from r3cli.errors import NotFound, R3Error, Usage
from r3cli.storage.base import ContentStore
from r3cli.storage.cid import cid_of

HELD_OUT_SHARE = 20  # one part of so many
SMALLEST = 1 << 12  # bytes: less text than this holds out nothing worth measuring
LARGEST = 1 << 34
SEPARATOR = b"\x00"

Bytes = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Corpus:
    """Bytes of text. Arrays of sequences are int64 (N, T + 1): inputs and, one to the right, what to predict."""

    content: Bytes

    @cached_property
    def cid(self) -> str:
        """The identity of this text."""
        return cid_of(self.stream())

    @property
    def border(self) -> int:
        """Where the held-out part begins."""
        return self.content.size - self.content.size // HELD_OUT_SHARE

    @classmethod
    def from_store(cls, store: ContentStore, cid: str) -> Corpus:
        """The corpus with this CID, checked against it while it arrives."""
        with tempfile.TemporaryFile() as spool:
            for part in store.open(cid, limit=LARGEST):
                spool.write(part)
            spool.flush()
            return _mapped(spool)

    def keep(self, store: ContentStore) -> str:
        """Put the text into a store and return its CID."""
        return store.put(self.stream())

    def stream(self) -> BinaryIO:
        """The bytes from the beginning, without copying them all."""
        return io.BytesIO(memoryview(self.content))

    def validation_sequences(self, count: int, length: int) -> NDArray[np.int64]:
        """`count` evenly spaced windows of the held-out part (fewer when it is short), each of length + 1 bytes."""
        room = self.content.size - self.border - length - 1
        if room < 0:
            raise Usage(
                f"{self.content.size} bytes of text hold out too little for sequences of {length}",
                hint=f"give at least {HELD_OUT_SHARE * (length + 2)} bytes",
            )
        count = min(count, room // length + 1)
        starts = [self.border + (room * index // (count - 1) if count > 1 else 0) for index in range(count)]
        return self.windows(starts, length)

    def windows(self, starts: list[int], length: int) -> NDArray[np.int64]:
        """The windows (N, length + 1) that begin at these offsets."""
        return np.stack([self.content[start : start + length + 1] for start in starts]).astype(np.int64)

    def unigram_entropy(self) -> float:
        """Bits per byte when only each byte's frequency is known, over the whole text."""
        return _entropy(np.bincount(self.content, minlength=256))

    def bigram_entropy(self) -> float:
        """Bits per byte when each byte's predecessor is known: H(pair) - H(first), over the whole text."""
        text = self.content.astype(np.int64)
        pairs = np.bincount(text[:-1] * 256 + text[1:], minlength=1 << 16)
        return _entropy(pairs) - _entropy(np.bincount(text[:-1], minlength=256))


def open_corpus(path: str | Path) -> Corpus:
    """The text of a file or folder; raises `NotFound`, or `Usage` when there is too little of it."""
    place = Path(path)
    if place.is_file():
        return _checked(_open_file(place), place)
    if not place.is_dir():
        raise NotFound(f"{place} is neither a file nor a folder", hint="--data PATH", target=str(place))
    with tempfile.TemporaryFile() as spool:
        for index, file in enumerate(_files(place)):
            if index:
                spool.write(SEPARATOR)
            _copy(file, spool)
        spool.flush()
        if spool.tell() == 0:
            raise Usage(f"{place} holds no text", target=str(place))
        return _checked(_mapped(spool), place)


def demo_corpus() -> Corpus:
    """The frozen text of the demo, which ships with r3 (see assets/README.md)."""
    return _open_file(Path(__file__).parent / "assets" / "demo.txt")


def _open_file(path: Path) -> Corpus:
    try:
        with path.open("rb") as stream:
            if os.fstat(stream.fileno()).st_size == 0:
                raise Usage(f"{path} is empty", target=str(path))
            return _mapped(stream)
    except OSError as error:
        raise R3Error(f"{path} cannot be read: {error.strerror}", target=str(path)) from error


def _mapped(stream: BinaryIO) -> Corpus:
    return Corpus(np.memmap(stream, dtype=np.uint8, mode="r"))


def _checked(corpus: Corpus, path: Path) -> Corpus:
    size = corpus.content.size
    if not SMALLEST <= size <= LARGEST:
        raise Usage(f"{path} holds {size} bytes; training takes {SMALLEST} to {LARGEST}", target=str(path))
    return corpus


def _files(folder: Path) -> Iterator[Path]:
    found = []
    for parent, folders, names in os.walk(folder, followlinks=False):
        folders.sort()
        found += [Path(parent) / name for name in names]
    regular = (path for path in found if path.is_file() and not path.is_symlink())
    yield from sorted(regular, key=lambda path: os.fsencode(path.relative_to(folder)))


def _copy(path: Path, spool: BinaryIO) -> None:
    try:
        with path.open("rb") as stream:
            while part := stream.read(1 << 20):
                spool.write(part)
    except OSError as error:
        raise R3Error(f"{path} cannot be read: {error.strerror}", target=str(path)) from error


def _entropy(counts: NDArray[np.int64]) -> float:
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log2(shares)).sum())
