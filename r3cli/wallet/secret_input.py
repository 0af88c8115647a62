"""Reading secrets that somebody hands over: an inherited file descriptor, a private file, a person at a terminal."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from r3cli.errors import NeedsInput, TooLarge, Usage
from r3cli.files import read_private
from r3cli.secret import Secret

STDIN = Path("-")
MAX_BYTES = 4096

# Asks a question without echo; None when the person ended the input instead of answering.
Asker = Callable[[str], Secret | None]


@dataclass(frozen=True)
class SecretInput:
    """Where a secret text (a mnemonic, a key) comes from: `file`, standard input for `-`, or a person.

    `what` names it in messages, `question` asks a person, `option` is the flag that gives it.
    """

    what: str
    question: str
    option: str
    file: Path | None = None
    ask: Asker | None = None

    def read(self) -> Secret:
        """The text without surrounding white space; raises `NeedsInput` when there is none."""
        hint = f"give {self.option} FILE, or {self.option} - for standard input"
        if self.file is None:
            answer = self.ask(f"{self.question}: ") if self.ask else None
            content = answer.reveal() if answer else b""
        elif self.file == STDIN:
            content = read_rest(0, hint)
        else:
            content = read_private(self.file, limit=MAX_BYTES)
        if not content.strip():
            raise NeedsInput(f"{self.what} is needed", hint=hint)
        return Secret(content.strip())


def read_line(descriptor: int, hint: str) -> bytes:
    """One line without its end, read byte by byte so that the rest stays for the next reader."""
    check_inherited(descriptor, hint)
    line = bytearray()
    while len(line) <= MAX_BYTES:
        byte = os.read(descriptor, 1)
        if byte in (b"", b"\n"):
            return bytes(line)
        line += byte
    raise TooLarge(f"the line from file descriptor {descriptor} is longer than {MAX_BYTES} bytes")


def read_rest(descriptor: int, hint: str) -> bytes:
    """Everything up to end-of-file; raises `TooLarge` beyond 4096 bytes."""
    check_inherited(descriptor, hint)
    content = bytearray()
    while piece := os.read(descriptor, MAX_BYTES):
        content += piece
        if len(content) > MAX_BYTES:
            raise TooLarge(f"more than {MAX_BYTES} bytes came from file descriptor {descriptor}")
    return bytes(content)


def check_inherited(descriptor: int, hint: str) -> None:
    """Raise `NeedsInput` unless whoever started r3 really passed this descriptor.

    Where standard input was closed, its number is soon that of a file of ours; those are not inheritable (PEP 446).
    """
    try:
        given = os.get_inheritable(descriptor) and not stat.S_ISDIR(os.fstat(descriptor).st_mode)
    except (OSError, OverflowError):
        given = False
    if not given:
        raise NeedsInput(f"file descriptor {descriptor} is not open", hint=hint)
    if os.isatty(descriptor):
        raise Usage("a secret typed there would be visible", hint="leave the option out and r3 asks without echo")
