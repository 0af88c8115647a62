"""`r3 wallet import`: wallets from an existing mnemonic or private key, or for watching only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from r3cli.accounts.creation import (
    NewWallet,
    cosmos_account,
    keep_public,
    keep_secret,
    new_keystore,
    resolve_derivation,
)
from r3cli.chain.cosmos.address import decode_address
from r3cli.errors import Malformed, Usage
from r3cli.paths import Paths
from r3cli.result import Result
from r3cli.secret import Secret
from r3cli.wallet import mnemonic
from r3cli.wallet.keys import check_private_key
from r3cli.wallet.keystore import Account
from r3cli.wallet.sealing import STANDARD_COST, Cost, HeldSecret
from r3cli.wallet.secret_input import STDIN, Asker, SecretInput
from r3cli.wallet.signer import is_public_key
from r3cli.wallet.store import WalletStore
from r3cli.wallet.unlock import PassphraseSource


@dataclass(frozen=True)
class Import:
    """What the operator gave: at most one of the first three; none means that a mnemonic is asked for."""

    mnemonic_file: Path | None = None
    private_key_file: Path | None = None
    watch: str | None = None
    bip39_passphrase_file: Path | None = None
    derivation: str = "cosmos"
    ask: Asker | None = None


def import_wallet(
    paths: Paths, name: str, order: Import, source: PassphraseSource, *, prefix: str, dry_run: bool = False
) -> Result[NewWallet]:
    """Read what `order` names and keep it; nothing is created unless all of it is there and valid."""
    _check_order(order, source)
    WalletStore(paths.wallets).check_free(name)
    if order.watch is not None:
        return watch_wallet(paths, name, order.watch, prefix=prefix, dry_run=dry_run)
    if order.private_key_file is not None:
        key = SecretInput("a private key", "Private key", "--private-key-file", order.private_key_file).read()
        return import_private_key(paths, name, key, source, prefix=prefix, dry_run=dry_run)
    words = SecretInput("a mnemonic", "Mnemonic", "--mnemonic-file", order.mnemonic_file, order.ask).read()
    extra = order.bip39_passphrase_file and SecretInput(
        "a BIP39 passphrase", "BIP39 passphrase", "--bip39-passphrase-file", order.bip39_passphrase_file
    )
    return import_mnemonic(
        paths,
        name,
        words,
        source,
        prefix=prefix,
        derivation=order.derivation,
        bip39_passphrase=extra.read() if extra else None,
        dry_run=dry_run,
    )


def import_mnemonic(
    paths: Paths,
    name: str,
    words: Secret,
    source: PassphraseSource,
    *,
    prefix: str,
    derivation: str = "cosmos",
    bip39_passphrase: Secret | None = None,
    dry_run: bool = False,
    cost: Cost = STANDARD_COST,
) -> Result[NewWallet]:
    """A wallet from an existing mnemonic; raises `Usage` when that is not one."""
    held = HeldSecret("entropy", mnemonic.to_entropy(words), bip39_passphrase or Secret(b""))
    path = resolve_derivation(derivation)
    return keep_secret(paths, name, source, held, path, prefix=prefix, dry_run=dry_run, cost=cost)


def import_private_key(
    paths: Paths,
    name: str,
    key: Secret,
    source: PassphraseSource,
    *,
    prefix: str,
    dry_run: bool = False,
    cost: Cost = STANDARD_COST,
) -> Result[NewWallet]:
    """A wallet from one secp256k1 private key, 64 hexadecimal digits; raises `Usage` when that is not one."""
    held = HeldSecret("private-key", check_private_key(Secret(_from_hex(key))))
    return keep_secret(paths, name, source, held, None, prefix=prefix, dry_run=dry_run, cost=cost)


def watch_wallet(paths: Paths, name: str, identity: str, *, prefix: str, dry_run: bool = False) -> Result[NewWallet]:
    """A wallet without a secret, from an address or a compressed public key in hexadecimal digits."""
    account = _watched(identity)
    return keep_public(paths, new_keystore(name, account), prefix=prefix, dry_run=dry_run)


def _check_order(order: Import, source: PassphraseSource) -> None:
    """Raise `Usage` for options that contradict each other."""
    ways = (order.mnemonic_file, order.private_key_file, order.watch)
    if sum(way is not None for way in ways) > 1:
        raise Usage("--mnemonic-file, --private-key-file and --watch exclude each other")
    if order.bip39_passphrase_file is not None and (order.private_key_file or order.watch):
        raise Usage("--bip39-passphrase-file belongs to a mnemonic")
    readers = [order.mnemonic_file, order.private_key_file, order.bip39_passphrase_file].count(STDIN)
    if readers + (source.fd == 0) > 1:
        raise Usage("two options read standard input", hint="give one of them a file, or --passphrase-fd 3 3<FILE")


def _watched(identity: str) -> Account:
    try:
        public_key = bytes.fromhex(identity)
    except ValueError:
        try:
            decode_address(identity)
        except Malformed as error:
            raise Usage(error.message, hint="give an address, or a public key of 66 hexadecimal digits") from None
        return cosmos_account(address=identity.lower())
    if not is_public_key(public_key):
        raise Usage("not a compressed secp256k1 public key: it has 66 hexadecimal digits and begins with 02 or 03")
    return cosmos_account(public_key=public_key.hex())


def _from_hex(key: Secret) -> bytes:
    try:
        return bytes.fromhex(key.reveal().decode("ascii").strip().removeprefix("0x"))
    except ValueError:  # without its cause, which names the offending character
        raise Usage("not a private key: it must be 64 hexadecimal digits") from None
