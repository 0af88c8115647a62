"""Passphrase sources: their order, and that nothing ever counts as a passphrase by accident."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from r3cli.errors import NeedsInput, NotFound, TooLarge, UnsafePermissions, Usage
from r3cli.secret import Secret
from r3cli.wallet.secret_input import SecretInput
from r3cli.wallet.unlock import PassphraseSource


def private_file(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


def pipe(content: bytes) -> int:
    """The reading end of a pipe that holds `content` and then ends, as a shell would pass it on."""
    reading, writing = os.pipe()
    os.write(writing, content)
    os.close(writing)
    os.set_inheritable(reading, True)  # noqa: FBT003 - its only signature
    return reading


@pytest.mark.parametrize(
    ("content", "passphrase"),
    [
        (b"secret", b"secret"),
        (b"secret\n", b"secret"),
        (b"secret\r\n", b"secret"),
        (b" two words \nnext line\n", b" two words "),
        ("cafe\u0301".encode(), "caf\u00e9".encode()),
    ],
)
def test_first_line_of_a_file_or_descriptor(tmp_path: Path, content: bytes, passphrase: bytes) -> None:
    file = private_file(tmp_path / "p", content)
    assert PassphraseSource(file=file).unlock("w").reveal() == passphrase
    descriptor = pipe(content)
    assert PassphraseSource(fd=descriptor).choose("w").reveal() == passphrase
    os.close(descriptor)


def test_descriptor_leaves_the_following_lines() -> None:
    descriptor = pipe(b"passphrase\nmnemonic words\n")
    assert PassphraseSource(fd=descriptor).unlock("w").reveal() == b"passphrase"
    assert os.read(descriptor, 100) == b"mnemonic words\n"
    os.close(descriptor)


@pytest.mark.parametrize("content", [b"", b"\n", b"\r\n", b"\nsecond line"])
def test_empty_and_end_of_file_are_no_passphrase(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(NeedsInput, match="empty") as caught:
        PassphraseSource(file=private_file(tmp_path / "p", content)).unlock("w")
    assert "--passphrase-file" in str(caught.value.hint)
    descriptor = pipe(content)
    with pytest.raises(NeedsInput):
        PassphraseSource(fd=descriptor).unlock("w")
    os.close(descriptor)


def test_closed_descriptor() -> None:
    descriptor = pipe(b"")
    os.close(descriptor)
    for number in (descriptor, 1 << 40):
        with pytest.raises(NeedsInput, match="not open"):
            PassphraseSource(fd=number).unlock("w")


def test_a_file_of_our_own_is_not_mistaken_for_a_passphrase(tmp_path: Path) -> None:
    with private_file(tmp_path / "journal", b"secret").open("rb") as ours, pytest.raises(NeedsInput, match="not open"):
        PassphraseSource(fd=ours.fileno()).unlock("w")


def test_terminal_would_echo() -> None:
    controller, terminal = os.openpty()
    os.set_inheritable(terminal, True)  # noqa: FBT003 - its only signature
    with pytest.raises(Usage, match="visible"):
        PassphraseSource(fd=terminal).unlock("w")
    os.close(controller)
    os.close(terminal)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_file_that_others_can_read(tmp_path: Path, mode: int) -> None:
    with pytest.raises(UnsafePermissions):
        PassphraseSource(file=private_file(tmp_path / "p", b"secret", mode)).unlock("w")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        PassphraseSource(file=tmp_path / "none").unlock("w")


def test_too_much(tmp_path: Path) -> None:
    with pytest.raises(TooLarge):
        PassphraseSource(file=private_file(tmp_path / "p", b"x" * 5000)).unlock("w")
    descriptor = pipe(b"x" * 5000)
    with pytest.raises(TooLarge):
        PassphraseSource(fd=descriptor).unlock("w")
    os.close(descriptor)


def test_not_text(tmp_path: Path) -> None:
    with pytest.raises(Usage, match="UTF-8"):
        PassphraseSource(file=private_file(tmp_path / "p", b"\xff\xfe")).unlock("w")


def test_systemd_credential(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    private_file(tmp_path / "r3-passphrase", b"from systemd\n", 0o400)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert PassphraseSource().unlock("w").reveal() == b"from systemd"
    named = private_file(tmp_path / "other", b"from file\n")
    assert PassphraseSource(file=named).unlock("w").reveal() == b"from file"


def test_both_options(tmp_path: Path) -> None:
    with pytest.raises(Usage, match="exclude"):
        PassphraseSource(fd=0, file=tmp_path / "p").unlock("w")


def test_nobody_to_ask() -> None:
    with pytest.raises(NeedsInput) as caught:
        PassphraseSource().choose("w")
    assert "--passphrase-fd" in str(caught.value.hint)


def test_a_person_is_asked_twice_for_a_new_passphrase() -> None:
    answers = iter(["one", "one", "one", "two", "one", "", ""])
    source = PassphraseSource(ask=lambda _: Secret(next(answers)))
    assert source.choose("w").reveal() == b"one"
    with pytest.raises(Usage, match="differ"):
        source.choose("w")
    for ask in (source.choose, source.unlock):
        with pytest.raises(NeedsInput, match="empty"):
            ask("w")


def test_end_of_input_at_the_question() -> None:
    answers = iter([Secret("one"), None, None])
    source = PassphraseSource(ask=lambda _: next(answers))
    for ask in (source.choose, source.unlock):  # the first at the repetition
        with pytest.raises(NeedsInput, match="needed"):
            ask("w")


def test_secret_input(tmp_path: Path) -> None:
    file = private_file(tmp_path / "words", b"  one two\n\n")
    made = SecretInput("a mnemonic", "Mnemonic", "--mnemonic-file")
    assert replace(made, file=file).read().reveal() == b"one two"
    assert replace(made, ask=lambda _: Secret("typed ")).read().reveal() == b"typed"
    for empty in (made, replace(made, ask=lambda _: Secret(" "))):
        with pytest.raises(NeedsInput, match="a mnemonic is needed") as caught:
            empty.read()
        assert "--mnemonic-file -" in str(caught.value.hint)
