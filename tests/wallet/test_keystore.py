"""The keystore document: total decoder, authenticated public part, bounded key derivation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from r3cli.errors import Malformed, Usage, WrongPassphrase
from r3cli.secret import Secret
from r3cli.wallet import keystore
from r3cli.wallet.keystore import Account, Keystore
from r3cli.wallet.sealing import Cost, HeldSecret, seal, unseal

CHEAP = Cost(memory_kib=1024, iterations=1, lanes=1)
VECTOR = Path(__file__).parents[1] / "vectors" / "keystore.json"
PASSPHRASE = Secret("correct horse")


def sealed_document() -> dict[str, Any]:
    made = seal(public_part(), (HeldSecret("entropy", Secret(bytes(32))),), PASSPHRASE, cost=CHEAP)
    document: dict[str, Any] = json.loads(keystore.encode(made))
    return document


def public_part() -> Keystore:
    account = Account(
        name="main",
        family="cosmos",
        algorithm="secp256k1",
        derivation="m/44'/118'/0'/0/0",
        public_key="02" + "ab" * 32,
        address=None,
        secret=0,
    )
    return Keystore(name="ops", created="2026-11-21T10:00:00Z", accounts=(account,), sealed=None)


def test_round_trip() -> None:
    held = (HeldSecret("entropy", Secret(b"e" * 16), Secret("caf\u00e9")), HeldSecret("private-key", Secret(b"k" * 32)))
    read = keystore.decode(keystore.encode(seal(public_part(), held, PASSPHRASE, cost=CHEAP)))
    assert [(each.kind, each.value.reveal(), each.passphrase.reveal()) for each in unseal(read, PASSPHRASE)] == [
        ("entropy", b"e" * 16, "caf\u00e9".encode()),
        ("private-key", b"k" * 32, b""),
    ]


def test_published_vector_opens() -> None:
    vector = json.loads(VECTOR.read_text())
    read = keystore.decode(json.dumps(vector["keystore"]).encode())
    (held,) = unseal(read, Secret(vector["passphrase"]))
    assert held.value.reveal().hex() == vector["entropy"]
    assert keystore.canonical(read).decode() == vector["associated_data"]


def test_wrong_passphrase() -> None:
    read = keystore.decode(json.dumps(sealed_document()).encode())
    with pytest.raises(WrongPassphrase):
        unseal(read, Secret("wrong horse"))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("name",), "eve"),
        (("created",), "2026-11-21T10:00:01Z"),
        (("accounts", 0, "derivation"), "m/44'/118'/0'/0/1"),
        (("accounts", 0, "public_key"), "02" + "cd" * 32),
        (("accounts", 0, "address"), "remes1qqqq"),
        (("sealed", "kdf", "iterations"), 2),
        (("sealed", "nonce"), "00" * 12),
        (("sealed", "ciphertext"), "00" * 40),
        (("sealed", "ciphertext"), ""),
    ],
)
def test_every_public_field_is_authenticated(path: tuple[str | int, ...], value: object) -> None:
    document = sealed_document()
    spot: Any = document
    for step in path[:-1]:
        spot = spot[step]
    assert spot[path[-1]] != value
    spot[path[-1]] = value
    with pytest.raises(WrongPassphrase):
        unseal(keystore.decode(json.dumps(document).encode()), PASSPHRASE)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("version",), 2),
        (("version",), 0),
        (("format",), "other"),
        (("name",), "../ops"),
        (("name",), "ops\n"),
        (("name",), ""),
        (("created",), "yesterday"),
        (("accounts",), []),
        (("accounts", 0, "public_key"), None),
        (("accounts", 0, "secret"), -1),
        (("accounts", 0, "family"), "Cosmos"),
        (("accounts", 0, "extra"), 1),
        (("sealed",), None),
        (("sealed", "cipher"), "none"),
        (("sealed", "nonce"), "00"),
        (("sealed", "kdf", "name"), "md5"),
        (("sealed", "kdf", "memory_kib"), 1 << 21),
        (("sealed", "kdf", "memory_kib"), 0),
        (("sealed", "kdf", "iterations"), 1 << 40),
        (("sealed", "kdf", "lanes"), 0),
        (("sealed", "kdf", "salt"), ""),
    ],
)
def test_documents_out_of_bounds(path: tuple[str | int, ...], value: object) -> None:
    document = sealed_document()
    spot: Any = document
    for step in path[:-1]:
        spot = spot[step]
    spot[path[-1]] = value
    with pytest.raises(Malformed):
        keystore.decode(json.dumps(document).encode())


def test_key_derivation_is_bounded_in_total() -> None:
    document = sealed_document()
    document["sealed"]["kdf"] |= {"memory_kib": 1 << 20, "iterations": 16}
    with pytest.raises(Malformed, match="minutes"):
        keystore.decode(json.dumps(document).encode())


def test_two_accounts_of_one_name() -> None:
    document = sealed_document()
    document["accounts"] *= 2
    with pytest.raises(Malformed, match="one name"):
        keystore.decode(json.dumps(document).encode())


@given(st.binary(max_size=400))
def test_any_bytes_are_malformed_or_a_keystore(content: bytes) -> None:
    with pytest.raises(Malformed):
        keystore.decode(content)


@given(st.data())
def test_any_mutation_is_malformed_or_a_keystore(data: st.DataObject) -> None:
    content = bytearray(BASE)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    try:
        read = keystore.decode(bytes(content))
    except Malformed:
        return
    assert keystore.decode(keystore.encode(read)) == read
    assert read.sealed is None or read.sealed.kdf.memory_kib * read.sealed.kdf.iterations <= 4 << 20


@pytest.mark.parametrize("content", [b"[" * 60_000, b'{"a":' * 10_000, b'"' + b"x" * 60_000, b"\xff" * 100])
def test_hostile_documents(content: bytes) -> None:
    with pytest.raises(Malformed):
        keystore.decode(content)


def test_length_does_not_tell_twelve_words_from_twenty_four() -> None:
    lengths = set()
    for size in (16, 32):
        made = seal(public_part(), (HeldSecret("entropy", Secret(bytes(size))),), PASSPHRASE, cost=CHEAP)
        assert made.sealed is not None
        lengths.add(len(made.sealed.ciphertext))
    assert len(lengths) == 1


def test_salt_and_nonce_are_fresh() -> None:
    first, second = sealed_document()["sealed"], sealed_document()["sealed"]
    assert first["nonce"] != second["nonce"]
    assert first["kdf"]["salt"] != second["kdf"]["salt"]


def test_another_familys_account_can_be_carried() -> None:
    solana = Account(
        name="sol",
        family="solana",
        algorithm="ed25519",
        derivation="m/44'/501'/0'/0'",
        public_key="11" * 32,
        address=None,
        secret=0,
    )
    both = msgspec.structs.replace(public_part(), accounts=(*public_part().accounts, solana))
    read = keystore.decode(
        keystore.encode(seal(both, (HeldSecret("entropy", Secret(bytes(32))),), PASSPHRASE, cost=CHEAP))
    )
    assert read.account("sol") == solana
    with pytest.raises(Usage, match="no account"):
        read.account("hedera")


def test_secrets_stay_out_of_repr() -> None:
    held = HeldSecret("private-key", Secret(b"\x11" * 32), Secret("extra"))
    assert "11" not in repr(held)
    assert "extra" not in repr(held)


BASE = json.dumps(sealed_document()).encode()
