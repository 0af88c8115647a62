"""The text that trains: any bytes, mapped into memory, named by their CID, with an end held out for validation.

A byte is a token. A file is taken as it is. A folder becomes one text: its files in the order of their relative
paths (compared as bytes, parts joined by "/"), `SEPARATOR` between two files; hidden files and folders, symbolic
links and anything that is not a regular file are left out. The CID is that of the one text, so a stranger who has
only the CID draws the same sequences.
"""

from __future__ import annotations

import io
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import numpy as np  # noqa: TID253 - a leaf that maps texts as arrays
from numpy.typing import NDArray  # noqa: TID253 - as above

from r3cli.errors import BadContent, NotFound, R3Error, Usage
from r3cli.files import disk_errors
from r3cli.storage.base import ContentStore
from r3cli.storage.cid import cid_of
from r3cli.train import entropy

SEPARATOR = b"\n\n"
DEMO_TEXT = Path(__file__).parent / "assets" / "demo.txt"
LARGEST = 1 << 40  # bytes
HELD_OUT = 20  # one part in so many is for validation
HELD_OUT_LEAST = 4096  # bytes, where that is not more than a quarter
COUNTED = 1 << 28  # bytes from the start that entropies describe, so that they cost seconds at most


@dataclass(frozen=True, eq=False)
class Corpus:
    """A text (uint8) with its CID. Make one with `open_corpus`, `demo_corpus`, `from_store` or `from_bytes`."""

    text: NDArray[np.uint8]
    cid: str

    @classmethod
    def from_bytes(cls, content: bytes) -> Corpus:
        """A text that is already in memory; raises `Usage` when it is empty."""
        if not content:
            raise Usage("the text is empty")
        return cls(np.frombuffer(content, dtype=np.uint8), cid_of(content))

    @classmethod
    def from_store(cls, store: ContentStore, cid: str) -> Corpus:
        """A text by its CID, streamed into an unnamed file; raises what the store raises, `Usage` when it is empty."""
        with _scratch_file() as scratch:
            scratch.writelines(store.open(cid, limit=LARGEST))
            return cls(_mapped(scratch, cid), cid)

    @property
    def held_out(self) -> int:
        """Bytes at the end that training never sees: a twentieth, 4 KiB at least, a quarter at most."""
        return min(max(len(self.text) // HELD_OUT, HELD_OUT_LEAST), len(self.text) // 4)

    @property
    def training(self) -> NDArray[np.uint8]:
        """The part that sequences are drawn from."""
        return self.text[: len(self.text) - self.held_out]

    @property
    def validation(self) -> NDArray[np.uint8]:
        """The held-out end."""
        return self.text[len(self.text) - self.held_out :]

    def require(self, sequence_length: int) -> None:
        """Raise `Usage` when the held-out part is too short for one sequence of this many tokens."""
        if self.held_out < sequence_length + 1:
            raise Usage(
                f"the text has {len(self.text)} bytes; sequences of {sequence_length} tokens need "
                f"{4 * (sequence_length + 1)} at least",
                hint="give a longer text with --data or set a shorter train.sequence_length",
            )

    def validation_sequences(self, count: int, sequence_length: int) -> NDArray[np.int64]:
        """`count` windows (count, sequence_length + 1), evenly spaced from the held-out part's start to its end."""
        self.require(sequence_length)
        last = self.held_out - (sequence_length + 1)
        starts = [last * number // max(count - 1, 1) for number in range(count)]
        return windows(self.validation, starts, sequence_length + 1)

    def keep(self, store: ContentStore) -> str:
        """Put the text into a store; its CID. Raises `BadContent` when the file was changed since it was opened."""
        kept = store.put(io.BufferedReader(_ArrayStream(self.text), 1 << 18))
        if kept != self.cid:
            raise BadContent(
                "the text was changed while it was being read", hint="run the same command again", target=self.cid
            )
        return kept

    def unigram_entropy(self) -> float:
        """Bits per byte of the byte counts (of the first 256 MiB)."""
        return self._entropies[0]

    def bigram_entropy(self) -> float:
        """Bits per byte of a byte when the one before it is known (of the first 256 MiB)."""
        return self._entropies[1]

    @cached_property
    def _entropies(self) -> tuple[float, float]:
        counted = self.text[:COUNTED]
        return entropy.unigram_entropy(counted), entropy.bigram_entropy(counted)


def open_corpus(path: Path) -> Corpus:
    """The text in a file or folder; raises `NotFound`, or `Usage` when it cannot be read or holds nothing."""
    with _reading(path):
        mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        return _from_folder(path)
    if not stat.S_ISREG(mode):
        raise Usage(f"{path} is neither a file nor a folder")
    with _reading(path), path.open("rb") as stream:
        return Corpus(_mapped(stream, str(path)), cid_of(stream))


def demo_corpus() -> Corpus:
    """The text that ships with r3 (docs/base.md)."""
    return open_corpus(DEMO_TEXT)


def windows(text: NDArray[np.uint8], starts: list[int], length: int) -> NDArray[np.int64]:
    """Cut (len(starts), length) tokens out of a text."""
    return np.stack([text[start : start + length] for start in starts]).astype(np.int64)


def _from_folder(folder: Path) -> Corpus:
    with _scratch_file() as scratch:
        for number, path in enumerate(_regular_files(folder)):
            scratch.write(SEPARATOR if number else b"")
            scratch.writelines(_portions(path))
        return Corpus(_mapped(scratch, str(folder)), cid_of(scratch))


def _regular_files(folder: Path) -> list[Path]:
    """The files of a folder in the order of their relative paths as bytes."""
    found: dict[bytes, Path] = {}
    for place, folders, names in os.walk(folder, onerror=_raise):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(place, name)
            if not name.startswith(".") and path.is_file() and not path.is_symlink():
                found[os.fsencode(path.relative_to(folder))] = path
    if not found:
        raise Usage(f"{folder} holds no file with text")
    return [found[name] for name in sorted(found)]


def _portions(path: Path) -> Iterator[bytes]:
    with _reading(path), path.open("rb") as stream:
        while portion := stream.read(1 << 20):
            yield portion


def _mapped(stream: BinaryIO, name: str) -> NDArray[np.uint8]:
    """The stream's file as a read-only array; the stream itself is left at its start."""
    if not stream.seek(0, io.SEEK_END):
        raise Usage(f"{name} is empty", hint="give a file or folder with text")
    text = np.memmap(stream, dtype=np.uint8, mode="r")
    stream.seek(0)
    return text


@contextmanager
def _scratch_file() -> Iterator[BinaryIO]:
    with disk_errors(Path(tempfile.gettempdir())), tempfile.TemporaryFile() as scratch:
        yield scratch


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _unreadable(error, path) from error


def _raise(error: OSError) -> None:
    raise _unreadable(error, Path(error.filename)) from error


def _unreadable(error: OSError, path: Path) -> R3Error:
    if isinstance(error, FileNotFoundError):
        return NotFound(f"there is no {path}", target=str(path))
    return Usage(f"{path} cannot be read: {error.strerror or error}", target=str(path))


class _ArrayStream(io.RawIOBase):
    """An array as a readable stream."""

    def __init__(self, array: NDArray[np.uint8]) -> None:
        self._rest = array

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed's Buffer has no length
        portion = self._rest[: len(buffer)]
        buffer[: len(portion)] = portion.tobytes()
        self._rest = self._rest[len(portion) :]
        return len(portion)
