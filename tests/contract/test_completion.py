"""The completion scripts in the shells that they are for."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest

from r3cli.layout import data_dir
from tests.conftest import RunR3
from tests.contract.documents import frame
from tests.engines.missing import require_program

SECONDS = 30
Complete = Callable[[str], list[str]]

# A line as typed up to the cursor, and what must (and must not) be offered.
OFFERS = [
    ("r3 ", {"wallet", "train", "status", "logs", "doctor"}, {"show", "--json", "walletx"}),
    ("r3 wal", {"wallet"}, {"train"}),
    ("r3 wallet ", {"create", "show", "send"}, {"wallet", "doctor"}),
    ("r3 wallet create --pass", {"--passphrase-file", "--passphrase-fd"}, {"--json"}),
    ("r3 logs --level ", {"debug", "error"}, {"--json"}),
    ("r3 config show -o ", {"json", "yaml"}, {"show"}),
    ("r3 wallet show ", {"ops", "treasury"}, {"show"}),
    ("r3 wallet list --network ", {"local"}, {"ops"}),
    ("r3 config explain train.opt", {"train.optimizer.learning_rate"}, {"network"}),
    ("r3 wallet create --passphrase-file sec", {"secret.txt"}, {"--json"}),
    ("r3 train run --network local --ro", {"--rounds"}, {"--json"}),
]

pytestmark = pytest.mark.engine("shells")


@pytest.fixture
def folder(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with a file, two wallets, and `r3` on the PATH."""
    work = tmp_path / "work"
    program = tmp_path / "bin" / "r3"
    for path in (
        work / "secret.txt",
        home / "data/r3/wallets/ops.json",
        home / "data/r3/wallets/treasury.json",
        program,
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m r3cli "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return work


def script(name: str) -> Path:
    return data_dir("completions") / name


def bash_offers(line: str, folder: Path) -> list[str]:
    """What `_r3` puts into COMPREPLY; no terminal needed."""
    bash = require_program("bash", "apt-get install bash")
    words = line.split(" ")
    quoted = " ".join(f"'{word}'" for word in words)
    asked = f"COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _r3; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    text = f"source {script('r3.bash')}; {asked}"
    done = subprocess.run([bash, "--norc", "-c", text], cwd=folder, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


def fish_offers(line: str, folder: Path) -> list[str]:
    """What `complete -C` prints; no terminal needed."""
    fish = require_program("fish", "apt-get install fish")
    text = f"source {script('r3.fish')}; complete -C '{line}'"
    done = subprocess.run([fish, "--no-config", "-c", text], cwd=folder, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return [offer.partition("\t")[0] for offer in done.stdout.splitlines()]


@pytest.mark.parametrize(("line", "offered", "absent"), OFFERS)
@pytest.mark.parametrize("offers", [bash_offers, fish_offers])
def test_offers(
    folder: Path, offers: Callable[[str, Path], list[str]], line: str, offered: set[str], absent: set[str]
) -> None:
    found = set(offers(line, folder))
    assert offered <= found
    assert not absent & found


@pytest.fixture
def zsh(folder: Path, tmp_path: Path) -> Iterator[pexpect.spawn[str]]:
    """An interactive zsh with the script loaded."""
    program = require_program("zsh", "apt-get install zsh")
    environ = {**os.environ, "ZDOTDIR": str(tmp_path), "TERM": "dumb"}
    child = pexpect.spawn(
        str(program),
        ["-f", "-i"],
        env=environ,
        cwd=str(folder),
        encoding="utf-8",
        timeout=SECONDS,
        dimensions=(50, 200),
    )
    child.sendline("PROMPT='RDY> '; autoload -Uz compinit; compinit -u -D; unsetopt zle_bracketed_paste; echo L''OADED")
    child.expect("LOADED")
    child.sendline(f"source {script('_r3')}; echo S''OURCED")
    child.expect("SOURCED")
    child.expect("RDY> ")
    yield child
    child.close(force=True)


def test_zsh_completes_at_a_terminal(zsh: pexpect.spawn[str]) -> None:
    for typed, completed in (
        ("r3 doct\t", "r3 doctor "),
        ("r3 wallet cre\t", "r3 wallet create "),
        ("r3 wallet show tre\t", "r3 wallet show treasury "),
        ("r3 wallet create --passphrase-fi\t", "r3 wallet create --passphrase-file "),
        ("r3 wallet create --passphrase-file sec\t", "r3 wallet create --passphrase-file secret.txt "),
        ("r3 logs --level war\t", "r3 logs --level warning "),
    ):
        zsh.send(typed)
        zsh.expect_exact(completed)
        zsh.sendcontrol("u")


def test_zsh_lists_commands_with_their_help(zsh: pexpect.spawn[str]) -> None:
    zsh.send("r3 wallet \t\t")
    zsh.expect("create +-- Create a wallet")


def test_bash_completes_at_a_terminal(folder: Path) -> None:
    bash = require_program("bash", "apt-get install bash")
    environ = {**os.environ, "PS1": "RDY> ", "TERM": "dumb"}
    child = pexpect.spawn(
        str(bash), ["--norc", "--noprofile", "-i"], env=environ, cwd=str(folder), encoding="utf-8", timeout=SECONDS
    )
    child.sendline(f"source {script('r3.bash')}; echo L''OADED")
    child.expect("LOADED")
    child.send("r3 wallet show tre\t")
    child.expect_exact("treasury ")
    child.close(force=True)


def test_names_that_completion_asks_for(r3: RunR3, folder: Path) -> None:
    assert r3("__names", "wallets").stdout.split() == ["ops", "treasury"]
    assert "local" in r3("__names", "networks").stdout.split()
    assert "train.steps" in r3("__names", "settings").stdout.split()
    assert r3("__names", "secrets").stdout == ""
    assert r3("__names").exit_code == 0


def test_grammar_knows_flags_from_values() -> None:
    rules = dict(frame("_completion").read_grammar().rules)
    assert rules["* --network"] == "networks"
    assert "* --json" not in rules
