"""Where passphrases come from: a file descriptor, a file, a systemd credential, or a person at a terminal.

Never an argument or an environment variable: both are visible to others. End-of-file is never a passphrase,
and an empty one is refused; without a source nothing is created or opened (exit 4).
"""

from __future__ import annotations

import os
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from r3cli.errors import NeedsInput, Usage
from r3cli.files import read_private
from r3cli.secret import Secret
from r3cli.wallet.secret_input import MAX_BYTES, Asker, read_line

CREDENTIAL = "r3-passphrase"

_HINT = "give --passphrase-file FILE or --passphrase-fd N, or run it at a terminal"


@dataclass(frozen=True)
class PassphraseSource:
    """The sources of one command, tried in this order: `fd`, `file`, systemd's credential, `ask`.

    `ask` is None where nobody may be asked.
    """

    fd: int | None = None
    file: Path | None = None
    ask: Asker | None = None

    def unlock(self, wallet: str) -> Secret:
        """The passphrase that should open a wallet; raises `NeedsInput` without one."""
        return self._given() or self._asked(f"Passphrase of wallet {wallet}: ")

    def choose(self, wallet: str) -> Secret:
        """The passphrase for a new wallet; a person gives it twice."""
        given = self._given()
        if given is not None:
            return given
        first = self._asked(f"New passphrase for wallet {wallet}: ")
        if first.reveal() != self._asked("The same again: ").reveal():
            raise Usage("the two passphrases differ; nothing was created")
        return first

    def _given(self) -> Secret | None:
        if self.fd is not None and self.file is not None:
            raise Usage("--passphrase-fd and --passphrase-file exclude each other")
        if self.fd is not None:
            return _passphrase(read_line(self.fd, _HINT), f"file descriptor {self.fd}")
        file = self.file or _credential()
        if file is None:
            return None
        first_line = read_private(file, limit=MAX_BYTES).split(b"\n", 1)[0]
        return _passphrase(first_line, str(file))

    def _asked(self, question: str) -> Secret:
        answer = self.ask(question) if self.ask else None
        if answer is None:
            raise NeedsInput("a passphrase is needed", hint=_HINT)
        return _passphrase(answer.reveal(), "the answer")


def _credential() -> Path | None:
    """The file that systemd's LoadCredential= put there for this unit."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    path = Path(folder) / CREDENTIAL
    return path if folder and path.exists() else None


def _passphrase(content: bytes, source: str) -> Secret:
    try:
        # One passphrase may be typed composed and stored decomposed: NFC makes them one.
        text = unicodedata.normalize("NFC", content.decode()).removesuffix("\r")
    except UnicodeDecodeError:
        raise Usage(f"the passphrase in {source} is not UTF-8 text") from None
    if not text:
        raise NeedsInput(f"{source} gave an empty passphrase, which is never accepted", hint=_HINT)
    return Secret(text)
