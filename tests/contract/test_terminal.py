"""At a real terminal (a pty): questions, answers, end-of-file, colours, widths."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest

from r3cli.lab.ledger import LEDGER

SECONDS = 30
PASSPHRASE = "correct horse battery"

Start = Callable[..., "pexpect.spawn[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts `r3 ...` at a terminal of its own."""
    children: list[pexpect.spawn[str]] = []

    def begin(*argv: str, **environ: str) -> pexpect.spawn[str]:
        child = pexpect.spawn(
            sys.executable,
            ["-m", "r3cli", *argv],
            env={**os.environ, "TERM": "xterm", **environ},
            cwd=str(tmp_path),
            encoding="utf-8",
            timeout=SECONDS,
            dimensions=(24, 80),
        )
        children.append(child)
        return child

    yield begin
    for child in children:
        child.close(force=True)


def ended(child: pexpect.spawn[str]) -> tuple[int | None, str]:
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus, str(child.before)


def test_a_wallet_is_made_by_answering(start: Start, home: Path) -> None:
    child = start("wallet", "create", "ops")
    child.expect("New passphrase for wallet ops: ")
    child.sendline(PASSPHRASE)
    child.expect("The same again: ")
    child.sendline(PASSPHRASE)
    code, text = ended(child)
    assert code == 0
    assert PASSPHRASE not in text
    assert "Write it down" in text
    assert (home / "data/r3/wallets/ops.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("answer", ["\x04", "\n", "\x03"])
def test_end_of_file_and_nothing_are_no_passphrase(start: Start, home: Path, answer: str) -> None:
    child = start("wallet", "create", "ops")
    child.expect("New passphrase for wallet ops: ")
    child.send(answer)
    code, _ = ended(child)
    assert code == (130 if answer == "\x03" else 4)
    assert not list(home.rglob("*.json"))


@pytest.mark.parametrize(
    ("argv", "environ"),
    [(["--no-input"], {}), (["--json"], {}), ([], {"CI": "true"}), ([], {"R3_NO_INPUT": "1"})],
)
def test_nobody_is_asked_where_that_is_forbidden(start: Start, argv: list[str], environ: dict[str, Any]) -> None:
    code, text = ended(start("wallet", "create", "ops", *argv, **environ))
    assert code == 4
    assert "passphrase for" not in text.lower().replace("a passphrase is needed", "")
    assert "--passphrase-file" in text


def test_colours_and_width_of_a_terminal(start: Start) -> None:
    code, text = ended(start("config", "show"))
    assert code == 0
    assert "\x1b[" in text
    plain_code, plain = ended(start("config", "show", NO_COLOR="1"))
    assert plain_code == 0
    assert "\x1b[" not in plain
    assert max(len(line) for line in plain.replace("\r", "").splitlines()) <= 80
    assert "\x1b[" not in ended(start("config", "show", TERM="dumb"))[1]


def test_a_typed_name_confirms_what_destroys(start: Start, tmp_path: Path) -> None:
    state = tmp_path / "run"
    ledger = state / "lab" / LEDGER
    ledger.parent.mkdir(parents=True)
    ledger.touch()
    for answer in ("nonsense\r", "\x04"):
        child = start("lab", "reset", "--state", str(state))
        child.expect("Type its name to go on: ")
        child.send(answer)
        code, text = ended(child)
        assert code == 4
        assert "nothing was done" in text
        assert ledger.exists()
    child = start("lab", "reset", "--state", str(state))
    child.expect("destroys the lab network (\\S+)\\. ")
    assert isinstance(child.match, re.Match)
    child.sendline(str(child.match[1]))
    assert ended(child)[0] == 0
    assert not ledger.exists()
