"""Checkpoints that survive kill -9 at any instant: written whole or not at all, checksummed, the last two kept.

    "r3ck" | version u8 = 1 | step u64 | owner length u16 | owner, UTF-8 | content length u64 | SHA-256 | content

All numbers are big-endian; the digest covers everything else. `owner` says whose progress it is (a run, a
manifest, a round), so that a file of another run is never mistaken for one's own.
"""

from __future__ import annotations

import hashlib
import re
import struct
from pathlib import Path

from r3cli.errors import BadContent, Malformed, TooLarge, Usage
from r3cli.events import Report, event
from r3cli.files import PRIVATE, atomic_write, disk_errors

MAGIC = b"r3ck"
VERSION = 1
KEPT = 2
LARGEST = 1 << 32
DIGEST_BYTES = 32
_PREFIX = struct.Struct(">4sBQH")
_LENGTH = struct.Struct(">Q")
_NAME = re.compile(r"step-(\d{12})\.checkpoint")


class CheckpointFolder:
    """The checkpoints of one owner in one folder; one process writes at a time (the caller holds the lock)."""

    def __init__(self, path: Path, owner: str) -> None:
        if len(owner.encode()) > 0xFFFF:
            raise Usage("the name of a checkpoint's owner is too long")
        self._path = path
        self._owner = owner

    def save(self, step: int, content: bytes) -> None:
        """Write the checkpoint of a step, then let go of all but the last two up to it.

        Later ones can only be foreign or broken (a run goes on from the latest good one); they are left alone.
        """
        if not 0 <= step < 10**12:
            raise Usage(f"a checkpoint of step {step} has no name")
        atomic_write(self._path / _name(step), _encode(self._owner, step, content), mode=PRIVATE)
        with disk_errors(self._path):
            written = self._path / _name(step)
            for path in [path for path in self._newest_first() if path.name <= written.name][KEPT:]:
                path.unlink(missing_ok=True)
            # What a kill in the middle of an earlier write left behind.
            for path in self._path.glob(".step-*.checkpoint.*"):
                path.unlink(missing_ok=True)

    def load_latest(self, report: Report) -> tuple[int, bytes] | None:
        """The newest good checkpoint as (step, content); tells `report` about each one that it had to pass over."""
        for path in self._newest_first():
            try:
                return self._load(path)
            except BadContent as error:
                message = f"checkpoint {path.name} is not usable: {error.message}; trying the one before"
                report(event("train.checkpoint_skipped", message, level="warning", path=str(path)))
        return None

    def _load(self, path: Path) -> tuple[int, bytes]:
        with disk_errors(path):
            if path.stat().st_size > LARGEST:
                raise TooLarge("it is larger than any checkpoint")
            owner, step, content = _decode(path.read_bytes())
        if owner != self._owner:
            raise Malformed("it belongs to another run")
        if path.name != _name(step):
            raise Malformed("it was renamed")
        return step, content

    def _newest_first(self) -> list[Path]:
        if not self._path.is_dir():
            return []
        return sorted((path for path in self._path.iterdir() if _NAME.fullmatch(path.name)), reverse=True)


def _name(step: int) -> str:
    return f"step-{step:012}.checkpoint"


def _encode(owner: str, step: int, content: bytes) -> bytes:
    name = owner.encode()
    header = _PREFIX.pack(MAGIC, VERSION, step, len(name)) + name + _LENGTH.pack(len(content))
    return header + hashlib.sha256(header + content).digest() + content


def _decode(checkpoint: bytes) -> tuple[str, int, bytes]:
    if len(checkpoint) < _PREFIX.size:
        raise Malformed("it is cut short")
    magic, version, step, name_length = _PREFIX.unpack_from(checkpoint)
    if magic != MAGIC or version != VERSION:
        raise Malformed("it is not a checkpoint of version 1")
    header_size = _PREFIX.size + name_length + _LENGTH.size
    header, rest = checkpoint[:header_size], checkpoint[header_size:]
    digest, content = rest[:DIGEST_BYTES], rest[DIGEST_BYTES:]
    if len(header) < header_size or _LENGTH.unpack(header[-_LENGTH.size :])[0] != len(content):
        raise Malformed("it is cut short or has bytes too many")
    if hashlib.sha256(header + content).digest() != digest:
        raise Malformed("its checksum is wrong")
    # The checksum vouches for the name: what this program wrote is UTF-8, anything else is foreign.
    return header[_PREFIX.size : -_LENGTH.size].decode(errors="replace"), step, content
