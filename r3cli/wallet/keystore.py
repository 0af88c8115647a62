"""The keystore document: what is public about a wallet, and its sealed secrets. Format: docs/keystore.md.

Reading and listing need neither passphrase nor cryptography; `r3cli.wallet.sealing` opens the sealed part.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from r3cli.errors import Malformed, Usage

FORMAT = "r3-keystore"
VERSION = 1
MAX_BYTES = 64 * 1024

# `\Z`, not `$`: a dollar would let a line feed through at the end.
_NAME = r"^[a-z0-9][a-z0-9_-]{0,62}\Z"

Name = Annotated[str, Meta(pattern=_NAME)]
Token = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,31}\Z")]
Text = Annotated[str, Meta(pattern=r"^[!-~]{1,200}\Z")]
Time = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z")]
Hex = Annotated[str, Meta(pattern=r"^([0-9a-f]{2})+\Z")]
OptionalHex = Annotated[str, Meta(pattern=r"^([0-9a-f]{2})*\Z")]


class Account(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One account of a wallet: which chain family it belongs to and where its key comes from.

    `derivation` is a path (`m/44'/118'/0'/0/0`), `seed` (the first 32 bytes of the BIP39 seed), or null when
    the secret itself is the key. `secret` is an index into the sealed secrets; null makes it watch-only.
    `address` is written only where it cannot be computed from `public_key`.
    """

    name: Name
    family: Token
    algorithm: Token
    derivation: Text | None
    public_key: Hex | None
    address: Text | None
    secret: Annotated[int, Meta(ge=0, lt=16)] | None

    @property
    def is_watch_only(self) -> bool:
        return self.secret is None


class Argon2id(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="name", tag="argon2id"):
    """RFC 9106 parameters. The bounds keep a hostile file from costing more than seconds and 1 GiB."""

    salt: Annotated[Hex, Meta(min_length=32, max_length=128)]
    memory_kib: Annotated[int, Meta(ge=1024, le=1 << 20)]
    iterations: Annotated[int, Meta(ge=1, le=16)]
    lanes: Annotated[int, Meta(ge=1, le=16)]


class Sealed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Encrypted secrets: key from the passphrase by `kdf`, then `cipher` with everything else as associated data."""

    kdf: Argon2id
    cipher: Literal["chacha20-poly1305"]
    nonce: Annotated[Hex, Meta(min_length=24, max_length=24)]
    ciphertext: OptionalHex


class Keystore(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A wallet file. `sealed` is null when every account is watch-only."""

    format: Literal["r3-keystore"] = "r3-keystore"
    version: Literal[1] = 1
    name: Name
    created: Time
    accounts: Annotated[tuple[Account, ...], Meta(min_length=1, max_length=64)]
    sealed: Sealed | None

    def account(self, name: str | None = None) -> Account:
        """The account of that name, or the first; raises `Usage`."""
        for account in self.accounts:
            if name in (None, account.name):
                return account
        names = ", ".join(account.name for account in self.accounts)
        raise Usage(f"wallet {self.name} has no account {name!r}", hint=f"its accounts: {names}")


class _Header(msgspec.Struct, frozen=True):
    format: str
    version: int


def encode(keystore: Keystore) -> bytes:
    """The file's bytes: indented JSON, so that a person can read the public part."""
    return msgspec.json.format(msgspec.json.encode(keystore), indent=2) + b"\n"


def decode(content: bytes) -> Keystore:
    """Read a wallet file. Any bytes give a keystore within all bounds, or `Malformed`."""
    try:
        header = msgspec.json.decode(content, type=_Header)
        if header.format == FORMAT and header.version > VERSION:
            raise Malformed("this wallet was written by a newer r3", hint="upgrade r3")
        keystore = msgspec.json.decode(content, type=Keystore)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"not a wallet file: {error}") from error
    _check(keystore)
    return keystore


def canonical(keystore: Keystore) -> bytes:
    """What the cipher authenticates: the document without its ciphertext, keys sorted, no white space."""
    sealed = keystore.sealed and msgspec.structs.replace(keystore.sealed, ciphertext="")
    return msgspec.json.encode(msgspec.structs.replace(keystore, sealed=sealed), order="sorted")


def check_name(name: str) -> str:
    """A wallet's or account's name, unchanged; raises `Usage` when it could not be a file's name everywhere."""
    if not re.match(_NAME, name):
        raise Usage(
            f"{name!r} is not a wallet name",
            hint="use at most 63 lower-case letters, digits, dashes and underscores, the first a letter or digit",
        )
    return name


def _check(keystore: Keystore) -> None:
    """The rules that types cannot say."""
    names = [account.name for account in keystore.accounts]
    if len(set(names)) != len(names):
        raise Malformed("not a wallet file: two accounts have one name")
    for account in keystore.accounts:
        if account.public_key is None and account.address is None:
            raise Malformed(f"not a wallet file: account {account.name} has neither a public key nor an address")
        if account.secret is not None and keystore.sealed is None:
            raise Malformed(f"not a wallet file: account {account.name} needs a secret, but none is sealed")
    kdf = keystore.sealed and keystore.sealed.kdf
    if kdf and kdf.memory_kib * kdf.iterations > 4 << 20:
        raise Malformed("not a wallet file: its key derivation would take minutes")
