"""`r3 wallet` as a person meets it: prompts without echo, and the mnemonic shown once."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pexpect
import pytest

from r3cli.lab.genesis import development_key
from r3cli.lab.launch import release_local
from r3cli.paths import find_paths
from r3cli.wallet.mnemonic import word_list
from tests.conftest import RunR3, r3_command

PASSPHRASE = "correct horse battery"


@contextmanager
def terminal(*argv: str) -> Iterator[tuple[Any, io.StringIO]]:
    """A command on a terminal of its own, and everything that appears there."""
    command, *rest = r3_command()
    child = pexpect.spawn(command, [*rest, *argv], encoding="utf-8", timeout=30, dimensions=(50, 200))
    child.logfile_read = io.StringIO()
    try:
        yield child, child.logfile_read
    finally:
        child.close(force=True)


def finish(child: Any) -> int:
    child.expect(pexpect.EOF)
    child.wait()
    return int(child.exitstatus)


def mnemonics(text: str) -> list[str]:
    """The runs of 12 or more words of the list."""
    known = set(word_list())
    lines = (line.split() for line in text.splitlines())
    return [" ".join(words) for words in lines if len(words) >= 12 and set(words) <= known]


@pytest.fixture
def created() -> tuple[str, str]:
    """A wallet made at a terminal: its mnemonic and all that the terminal showed."""
    with terminal("wallet", "create", "ops") as (child, shown):
        child.expect("New passphrase for wallet ops: ")
        child.sendline(PASSPHRASE)
        child.expect("The same again: ")
        child.sendline(PASSPHRASE)
        assert finish(child) == 0
        text = shown.getvalue()
    (words,) = mnemonics(text)
    return words, text


def test_creation_shows_the_mnemonic_once_and_echoes_no_passphrase(created: tuple[str, str], home: Path) -> None:
    words, text = created
    assert len(words.split()) == 24
    assert PASSPHRASE not in text
    kept = "".join(path.read_text(errors="replace") for path in home.rglob("*") if path.is_file())
    assert words.split()[0] + " " + words.split()[1] not in kept


def test_shown_again_on_demand_only(created: tuple[str, str]) -> None:
    with terminal("wallet", "show", "ops") as (child, shown):
        assert finish(child) == 0
        assert mnemonics(shown.getvalue()) == []
    with terminal("wallet", "show", "ops", "--mnemonic") as (child, shown):
        child.expect("Passphrase of wallet ops: ")
        child.sendline(PASSPHRASE)
        assert finish(child) == 0
        assert mnemonics(shown.getvalue()) == [created[0]]


def test_json_never_holds_the_mnemonic_even_at_a_terminal(created: tuple[str, str], tmp_path: Path) -> None:
    file = tmp_path / "p"
    file.write_text(PASSPHRASE)
    file.chmod(0o600)
    for argv in (("show", "ops", "--mnemonic"), ("create", "other")):
        with terminal("wallet", *argv, "--json", "--passphrase-file", str(file)) as (child, shown):
            assert finish(child) == (4 if argv[0] == "show" else 0)
            assert mnemonics(shown.getvalue()) == []
            assert not set(created[0].split()) <= set(re.findall(r"[a-z]+", shown.getvalue()))


@pytest.mark.parametrize(
    ("answers", "code"),
    [(["\x04"], 4), (["\r"], 4), (["one\r", "two\r"], 2), (["one\r", "\x04"], 4), (["\x03"], 130)],
)
def test_what_is_no_answer_creates_nothing(answers: list[str], code: int) -> None:
    with terminal("wallet", "create", "ops") as (child, _):
        for answer, question in zip(answers, ("New passphrase", "The same again"), strict=False):
            child.expect(question)
            child.expect(": ")
            child.send(answer)
        assert finish(child) == code
    assert not find_paths().wallets.exists()


def test_import_asks_for_the_mnemonic_without_echo(r3: RunR3) -> None:
    words = "abandon " * 11 + "about"
    with terminal("wallet", "import", "old") as (child, shown):
        child.expect("Mnemonic: ")
        child.sendline(words)
        child.expect("New passphrase")
        child.sendline(PASSPHRASE)
        child.expect("The same again")
        child.sendline(PASSPHRASE)
        assert finish(child) == 0
        assert "abandon" not in shown.getvalue()
    assert r3("wallet", "show", "old", "--json").data["accounts"][0]["address"].startswith("remes19rl4cm2")


def test_no_input_asks_nothing() -> None:
    with terminal("wallet", "create", "ops", "--no-input") as (child, _):
        assert finish(child) == 4
    assert not find_paths().wallets.exists()


@pytest.mark.parametrize(("answer", "code"), [("n", 4), ("y", 0)])
def test_a_person_approves_a_transfer(r3: RunR3, tmp_path: Path, answer: str, code: int) -> None:
    for name, content in (("key", development_key(1, "faucet").reveal().hex()), ("passphrase", PASSPHRASE)):
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o600)
    secret = ("--passphrase-file", str(tmp_path / "passphrase"))
    r3("wallet", "import", "rich", "--private-key-file", tmp_path / "key", *secret)
    address = "remes19rl4cm2hmr8afy4kldpxz3fka4jguq0arlkp9h"
    with terminal("wallet", "send", "rich", address, "3remes", *secret) as (child, shown):
        child.expect(rf"send 3.000000 remes to {address} for a fee of 0.\d+ remes\? \[y/N\] ")
        child.sendline(answer)
        assert finish(child) == code
    r3("wallet", "import", "eyes", "--watch", address)
    try:
        received = r3("wallet", "balance", "eyes", "--json").data["balances"][0]["balance"]["base"]
    finally:
        release_local(find_paths())
    assert received == (3_000_000 if answer == "y" else 0)
    assert ("nothing was done" in shown.getvalue()) == (answer == "n")
