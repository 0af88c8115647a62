"""BIP32 against its published vectors (1 to 4) and the roots of the BIP39 vectors."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r3cli.errors import R3Error, Usage
from r3cli.secret import Secret
from r3cli.wallet import hd

SEED_1 = "000102030405060708090a0b0c0d0e0f"
SEED_3 = (
    "4b381541583be4423346c643850da4b320e46a87ae3d2a4e6da11eba819cd4ac"
    "ba45d239319ac14f863b8d5ab5a0d0c64d2e8a1e7d1457df2e5a3c51c73235be"
)
SEED_4 = "3ddd5602285899a946114506157c7997e5444528f3003f6134712147db19b678"
EXTENDED = [
    (
        SEED_1,
        "m",
        "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi",
    ),
    (
        SEED_1,
        "m/0H",
        "xprv9uHRZZhk6KAJC1avXpDAp4MDc3sQKNxDiPvvkX8Br5ngLNv1TxvUxt4cV1rGL5hj6KCesnDYUhd7oWgT11eZG7XnxHrnYeSvkzY7d2bhkJ7",
    ),
    (
        SEED_1,
        "m/0H/1",
        "xprv9wTYmMFdV23N2TdNG573QoEsfRrWKQgWeibmLntzniatZvR9BmLnvSxqu53Kw1UmYPxLgboyZQaXwTCg8MSY3H2EU4pWcQDnRnrVA1xe8fs",
    ),
    (
        SEED_3,
        "m",
        "xprv9s21ZrQH143K25QhxbucbDDuQ4naNntJRi4KUfWT7xo4EKsHt2QJDu7KXp1A3u7Bi1j8ph3EGsZ9Xvz9dGuVrtHHs7pXeTzjuxBrCmmhgC6",
    ),
    (
        SEED_3,
        "m/0'",
        "xprv9uPDJpEQgRQfDcW7BkF7eTya6RPxXeJCqCJGHuCJ4GiRVLzkTXBAJMu2qaMWPrS7AANYqdq6vcBcBUdJCVVFceUvJFjaPdGZ2y9WACViL4L",
    ),
    (
        SEED_4,
        "m/0h/1h",
        "xprv9xJocDuwtYCMNAo3Zw76WENQeAS6WGXQ55RCy7tDJ8oALr4FWkuVoHJeHVAcAqiZLE7Je3vZJHxspZdFHfnBEjHqU5hG1Jaj32dVoS6XLT1",
    ),
]
# Vector 2, given by its key: the largest hardened indexes.
SEED_2 = "".join(f"{value:02x}" for value in range(0xFF, 0x40, -3))
KEY_2 = "bb7d39bdb83ecf58f2fd82b6d918341cbef428661ef01ab97c28a4842125ac23"
BIP39 = json.loads((Path(__file__).parents[1] / "vectors" / "bip39.json").read_text())["vectors"]


@pytest.mark.parametrize(("seed", "path", "extended"), EXTENDED)
def test_published_vectors(seed: str, path: str, extended: str) -> None:
    assert hd.derive(Secret(bytes.fromhex(seed)), path).reveal() == private_key(extended)


def test_largest_hardened_indexes() -> None:
    key = hd.derive(Secret(bytes.fromhex(SEED_2)), "m/0/2147483647'/1/2147483646'/2")
    assert key.reveal().hex() == KEY_2


@pytest.mark.parametrize("vector", BIP39)
def test_roots_of_the_bip39_vectors(vector: list[str]) -> None:
    assert hd.derive(Secret(bytes.fromhex(vector[2])), "m").reveal() == private_key(vector[3])


def test_paths_have_one_spelling() -> None:
    indexes = hd.parse_path("m/44h/118H/0'/0/7")
    assert indexes == (44 | hd.HARDENED, 118 | hd.HARDENED, hd.HARDENED, 0, 7)
    assert hd.format_path(indexes) == "m/44'/118'/0'/0/7"


@pytest.mark.parametrize(
    "path",
    ["", "44'/118'", "M/0", "m/", "m//0", "m/0''", "m/-1", "m/2147483648", "m/x", "m/1/", "m/٣", "m" + "/0" * 256],
)
def test_bad_paths(path: str) -> None:
    with pytest.raises(Usage):
        hd.parse_path(path)


@given(st.text(max_size=60))
def test_any_text_is_a_path_or_a_typed_error(path: str) -> None:
    try:
        indexes = hd.parse_path(path)
    except R3Error:
        return
    assert hd.parse_path(hd.format_path(indexes)) == indexes


def private_key(extended: str) -> bytes:
    """The key inside an xprv; the checksum guards against mistyped vectors."""
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    number = 0
    for character in extended:
        number = number * 58 + alphabet.index(character)
    content = number.to_bytes(82, "big")
    assert hashlib.sha256(hashlib.sha256(content[:-4]).digest()).digest()[:4] == content[-4:]
    assert content[45] == 0
    return content[46:78]
