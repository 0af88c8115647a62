"""BIP39 against the vectors of its reference implementation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r3cli.errors import Malformed, R3Error, Usage
from r3cli.secret import Secret
from r3cli.wallet import mnemonic

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "bip39.json").read_text())["vectors"]
ABANDON = "abandon " * 11


def test_word_list_is_the_standards_own() -> None:
    words = mnemonic.word_list()
    assert len(set(words)) == 2048
    assert (words[0], words[-1]) == ("abandon", "zoo")


def test_damaged_word_list_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = tmp_path / "list.txt"
    damaged.write_text("\n".join(mnemonic.word_list()[::-1]))
    monkeypatch.setattr(mnemonic, "_LIST", damaged)
    with pytest.raises(Malformed, match="damaged"):
        mnemonic.word_list.__wrapped__()


@pytest.mark.parametrize(("entropy", "words", "seed", "_root"), VECTORS)
def test_reference_vectors(entropy: str, words: str, seed: str, _root: str) -> None:
    held = Secret(bytes.fromhex(entropy))
    assert mnemonic.to_mnemonic(held).reveal().decode() == words
    assert mnemonic.to_entropy(Secret(words)).reveal().hex() == entropy
    assert mnemonic.to_seed(held, Secret("TREZOR")).reveal().hex() == seed


@given(st.sampled_from([16, 20, 24, 28, 32]).flatmap(lambda size: st.binary(min_size=size, max_size=size)))
def test_round_trip(entropy: bytes) -> None:
    words = mnemonic.to_mnemonic(Secret(entropy))
    assert mnemonic.to_entropy(words).reveal() == entropy


def test_case_and_white_space_do_not_matter() -> None:
    text = Secret("  ABANDON\n" * 11 + "\tAbout \r\n")
    assert mnemonic.to_entropy(text).reveal() == bytes(16)


@pytest.mark.parametrize("words", [12, 15, 18, 21, 24])
def test_new_entropy_has_the_size_of_its_words(words: int) -> None:
    made = mnemonic.to_mnemonic(mnemonic.new_entropy(words)).reveal().split()
    assert len(made) == words


def test_unknown_word_is_named_by_its_place_only() -> None:
    with pytest.raises(Usage, match=r"word 12 of 12") as caught:
        mnemonic.to_entropy(Secret(ABANDON + "sesamoid"))
    assert "sesamoid" not in str(caught.value) + str(caught.value.hint)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ABANDON + "abandon", "checksum"),
        ("about " + ABANDON, "checksum"),
        (ABANDON, "not 11"),
        ("", "not 0"),
        (b"\xff\xfe", "UTF-8"),
    ],
)
def test_wrong_mnemonics(text: str | bytes, message: str) -> None:
    with pytest.raises(Usage, match=message):
        mnemonic.to_entropy(Secret(text))


@given(st.text(max_size=200))
def test_any_text_is_entropy_or_a_typed_error(text: str) -> None:
    try:
        entropy = mnemonic.to_entropy(Secret(text.encode("utf-8", "surrogatepass")))
    except R3Error:
        return
    assert len(entropy.reveal()) in range(16, 33, 4)


def test_bip39_passphrase_is_normalised() -> None:
    composed, decomposed = Secret("caf\u00e9"), Secret("cafe\u0301")
    held = Secret(bytes(16))
    assert mnemonic.to_seed(held, composed).reveal() == mnemonic.to_seed(held, decomposed).reveal()
