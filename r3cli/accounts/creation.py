"""`r3 wallet create`: new wallets, sealed, written once, and read back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from r3cli.accounts.listing import WalletInfo, describe, show_wallet
from r3cli.errors import NeedsInput, R3Error, Refused, Usage
from r3cli.paths import Paths
from r3cli.result import Data, Result
from r3cli.secret import Secret
from r3cli.wallet import hd, mnemonic
from r3cli.wallet.keys import SEED_DERIVATION, open_secret, private_key
from r3cli.wallet.keystore import Account, Keystore
from r3cli.wallet.sealing import STANDARD_COST, Cost, HeldSecret, seal
from r3cli.wallet.signer import LocalSigner
from r3cli.wallet.store import WalletStore
from r3cli.wallet.unlock import PassphraseSource

# The derivations that R3MES tools use, by name: Keplr and this r3; remesd's keyring; its Go client.
DERIVATIONS = {"cosmos": "m/44'/118'/0'/0/0", "remesd": "m/44'/9999'/0'/0/0", "seed": SEED_DERIVATION}

_SHORT_PASSPHRASE = 8

# Shows a new mnemonic to a person; None where nobody is watching.
Reveal = Callable[[Secret], None]


class NewWallet(Data, frozen=True, kw_only=True):
    """What was created, or with `dry_run` would be (then `wallet` is null: no key exists yet)."""

    name: str
    path: str
    dry_run: bool
    mnemonic_shown: bool
    wallet: WalletInfo | None


def create_wallet(
    paths: Paths,
    name: str,
    source: PassphraseSource,
    *,
    prefix: str,
    words: int = 24,
    derivation: str = "cosmos",
    reveal: Reveal | None = None,
    dry_run: bool = False,
    cost: Cost = STANDARD_COST,
) -> Result[NewWallet]:
    """A wallet from fresh entropy.

    The mnemonic goes to `reveal` once the file is safe; without it the result carries a warning. Raises
    `AlreadyExists`, and `NeedsInput` without a passphrase; then nothing was created.
    """
    path = resolve_derivation(derivation)
    held = HeldSecret("entropy", mnemonic.new_entropy(words))
    result = keep_secret(paths, name, source, held, path, prefix=prefix, dry_run=dry_run, cost=cost)
    if dry_run:
        return result
    if reveal is None:
        hint = f"r3 wallet show {name} --mnemonic shows it at one"
        return _warn(result, f"the mnemonic was not shown, for no terminal was there; {hint}")
    reveal(mnemonic.to_mnemonic(held.value))
    return Result(msgspec.structs.replace(result.data, mnemonic_shown=True), result.warnings)


def show_mnemonic(
    paths: Paths, name: str, source: PassphraseSource, reveal: Reveal | None, *, prefix: str
) -> Result[WalletInfo]:
    """Show the words behind a wallet to a person; raises `NeedsInput` where nobody is watching."""
    if reveal is None:
        raise NeedsInput("a mnemonic is shown on a terminal only", hint="run it at a terminal, without --json")
    held = open_entropy(paths, name, source)
    reveal(mnemonic.to_mnemonic(held.value))
    warnings = ("its BIP39 passphrase, which is not shown, is needed as well",) if held.passphrase else ()
    return Result(show_wallet(paths, name, prefix).data, warnings)


def open_entropy(paths: Paths, name: str, source: PassphraseSource) -> HeldSecret:
    """What the words of a wallet stand for; raises `Refused` for one that was not made from a mnemonic."""
    keystore = WalletStore(paths.wallets).load(name)
    account = keystore.account()
    if account.is_watch_only or account.derivation is None:
        raise Refused(f"wallet {name} was not made from a mnemonic", target=name)
    return open_secret(keystore, account, source)


def default_derivation(coin_type: int) -> str:
    """The first account of BIP44 for a chain's coin type."""
    return f"m/44'/{coin_type}'/0'/0/0"


def resolve_derivation(text: str) -> str:
    """A derivation as keystores hold it, from its name or a path; raises `Usage`."""
    if text in DERIVATIONS:
        return DERIVATIONS[text]
    try:
        return hd.format_path(hd.parse_path(text))
    except Usage as error:
        names = ", ".join(DERIVATIONS)
        raise Usage(error.message, hint=f"one of {names}, or a path like {DERIVATIONS['cosmos']}") from None


def keep_secret(
    paths: Paths,
    name: str,
    source: PassphraseSource,
    held: HeldSecret,
    derivation: str | None,
    *,
    prefix: str,
    dry_run: bool,
    cost: Cost = STANDARD_COST,
) -> Result[NewWallet]:
    """Seal a secret into a new wallet with one account; raises `AlreadyExists` or `NeedsInput` before it writes."""
    store = WalletStore(paths.wallets)
    store.check_free(name)
    if dry_run:
        return Result(NewWallet(name=name, path=str(store.path(name)), dry_run=True, mnemonic_shown=False, wallet=None))
    passphrase = source.choose(name)
    public_key = LocalSigner(private_key(held, derivation)).public_key
    account = cosmos_account(derivation=derivation, public_key=public_key.hex(), secret=0)
    keystore = seal(new_keystore(name, account), (held,), passphrase, cost=cost)
    result = keep_public(paths, keystore, prefix=prefix)
    if len(passphrase.reveal()) < _SHORT_PASSPHRASE:
        return _warn(result, "the passphrase is short: whoever copies the file may guess it")
    return result


def keep_public(paths: Paths, keystore: Keystore, *, prefix: str, dry_run: bool = False) -> Result[NewWallet]:
    """Write a wallet file, and read it back."""
    store = WalletStore(paths.wallets)
    store.check_free(keystore.name)
    path = store.path(keystore.name)
    if not dry_run:
        store.add(keystore)
        if store.load(keystore.name) != keystore:
            raise R3Error(f"{path} does not read back as it was written", hint="check the disk")
    wallet = describe(keystore, path, prefix)
    return Result(NewWallet(name=keystore.name, path=str(path), dry_run=dry_run, mnemonic_shown=False, wallet=wallet))


def new_keystore(name: str, account: Account) -> Keystore:
    """The public part of a wallet that begins now."""
    created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Keystore(name=name, created=created, accounts=(account,), sealed=None)


def cosmos_account(
    *,
    derivation: str | None = None,
    public_key: str | None = None,
    address: str | None = None,
    secret: int | None = None,
) -> Account:
    """The first account of a wallet for Cosmos chains."""
    return Account(
        name="main",
        family="cosmos",
        algorithm="secp256k1",
        derivation=derivation,
        public_key=public_key,
        address=address,
        secret=secret,
    )


def _warn(result: Result[NewWallet], sentence: str) -> Result[NewWallet]:
    return Result(result.data, (*result.warnings, sentence))
