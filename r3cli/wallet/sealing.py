"""Sealing secrets under a passphrase: Argon2id for the key, ChaCha20-Poly1305 over the secrets."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm  # noqa: TID253 - this leaf exists to use it
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305  # noqa: TID253 - as above
from cryptography.hazmat.primitives.kdf import argon2  # noqa: TID253 - as above

from r3cli.errors import Malformed, MissingExtra, R3Error, WrongPassphrase
from r3cli.secret import Secret
from r3cli.wallet.keystore import VERSION, Argon2id, Hex, Keystore, OptionalHex, Sealed, Token, canonical

_KEY_BYTES = 32
_PADDING = 256  # the length of the ciphertext does not tell 12 words from 24


class Cost(NamedTuple):
    """What one guess at the passphrase costs."""

    memory_kib: int
    iterations: int
    lanes: int


# The second recommendation of RFC 9106, section 4: a quarter of a second and 64 MiB.
STANDARD_COST = Cost(memory_kib=64 * 1024, iterations=3, lanes=4)


@dataclass(frozen=True)
class HeldSecret:
    """One secret of a wallet.

    `value` is BIP39 entropy (kind `entropy`) or a private key (kind `private-key`); `passphrase` is the optional
    BIP39 passphrase that belongs to entropy.
    """

    kind: str
    value: Secret
    passphrase: Secret = field(default_factory=lambda: Secret(b""))


def seal(
    keystore: Keystore, held: tuple[HeldSecret, ...], passphrase: Secret, *, cost: Cost = STANDARD_COST
) -> Keystore:
    """The keystore with `held` sealed into it; everything public in it is authenticated as well."""
    kdf = Argon2id(salt=secrets.token_hex(16), **cost._asdict())
    sealed = Sealed(kdf=kdf, cipher="chacha20-poly1305", nonce=secrets.token_hex(12), ciphertext="")
    open_keystore = msgspec.structs.replace(keystore, sealed=sealed)
    ciphertext = _cipher(kdf, passphrase).encrypt(bytes.fromhex(sealed.nonce), _pack(held), canonical(open_keystore))
    return msgspec.structs.replace(keystore, sealed=msgspec.structs.replace(sealed, ciphertext=ciphertext.hex()))


def unseal(keystore: Keystore, passphrase: Secret) -> tuple[HeldSecret, ...]:
    """The secrets of a keystore.

    Raises `WrongPassphrase`, which is also what a changed file looks like, and `Malformed` for a document that
    opens but makes no sense. Nothing of the content enters a message.
    """
    sealed = keystore.sealed
    if sealed is None:
        raise Malformed(f"wallet {keystore.name} holds no secrets")
    cipher = _cipher(sealed.kdf, passphrase)
    try:
        plain = cipher.decrypt(bytes.fromhex(sealed.nonce), bytes.fromhex(sealed.ciphertext), canonical(keystore))
    except InvalidTag:
        raise WrongPassphrase(
            f"the passphrase does not open wallet {keystore.name}, or its file was changed", target=keystore.name
        ) from None
    return _unpack(plain, keystore.name)


class _Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: Token
    value: Hex
    passphrase: OptionalHex

    def __repr__(self) -> str:
        return "_Item(***)"


class _Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    secrets: tuple[_Item, ...]


def _pack(held: tuple[HeldSecret, ...]) -> bytes:
    items = tuple(_Item(each.kind, each.value.reveal().hex(), each.passphrase.reveal().hex()) for each in held)
    plain = msgspec.json.encode(_Content(items), order="sorted")
    return plain + b" " * (-len(plain) % _PADDING)


def _unpack(plain: bytes, wallet: str) -> tuple[HeldSecret, ...]:
    try:
        items = msgspec.json.decode(plain, type=_Content).secrets
    except (msgspec.MsgspecError, UnicodeDecodeError):  # without its cause: that one might quote a secret
        raise Malformed(f"the sealed part of wallet {wallet} does not follow version {VERSION}") from None
    return tuple(
        HeldSecret(item.kind, Secret(bytes.fromhex(item.value)), Secret(bytes.fromhex(item.passphrase)))
        for item in items
    )


def _cipher(kdf: Argon2id, passphrase: Secret) -> ChaCha20Poly1305:
    try:
        key = argon2.Argon2id(
            salt=bytes.fromhex(kdf.salt),
            length=_KEY_BYTES,
            iterations=kdf.iterations,
            lanes=kdf.lanes,
            memory_cost=kdf.memory_kib,
        ).derive(passphrase.reveal())
    except UnsupportedAlgorithm as error:
        raise MissingExtra(
            "this build of cryptography has no Argon2id (it needs OpenSSL 3.2)",
            hint="pip install --upgrade --only-binary :all: cryptography",
        ) from error
    except MemoryError as error:
        raise R3Error(f"not enough memory to open the wallet ({kdf.memory_kib} KiB needed)") from error
    return ChaCha20Poly1305(key)
