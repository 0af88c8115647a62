"""`r3 wallet create` and `import`: new wallets from fresh entropy, a mnemonic, a private key or a public identity."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from r3cli.accounts.listing import WalletInfo, describe
from r3cli.chain.cosmos.address import decode_address
from r3cli.errors import Malformed, R3Error, Refused, Usage
from r3cli.paths import Paths
from r3cli.result import Data, Result
from r3cli.secret import Secret
from r3cli.wallet import hd, mnemonic
from r3cli.wallet.keys import SEED_DERIVATION, check_private_key, open_secret, private_key
from r3cli.wallet.keystore import Account, Keystore
from r3cli.wallet.sealing import STANDARD_COST, Cost, HeldSecret, seal
from r3cli.wallet.signer import LocalSigner, is_public_key
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
    result = _keep(paths, name, source, held, path, prefix=prefix, dry_run=dry_run, cost=cost)
    if dry_run:
        return result
    if reveal is None:
        return _warn(
            result,
            "the mnemonic was not shown, for no terminal was there",
            f"r3 wallet show {name} --mnemonic shows it",
        )
    reveal(mnemonic.to_mnemonic(held.value))
    return Result(_shown(result.data), result.warnings)


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
    return _keep(paths, name, source, held, path, prefix=prefix, dry_run=dry_run, cost=cost)


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
    return _keep(paths, name, source, held, None, prefix=prefix, dry_run=dry_run, cost=cost)


def watch_wallet(paths: Paths, name: str, identity: str, *, prefix: str, dry_run: bool = False) -> Result[NewWallet]:
    """A wallet without a secret, from an address or a compressed public key in hexadecimal digits."""
    account = _watched(identity)
    return _store(paths, _keystore(name, account), prefix=prefix, dry_run=dry_run)


def reveal_mnemonic(paths: Paths, name: str, source: PassphraseSource) -> Secret:
    """The words behind a wallet; raises `Refused` for one that was not made from a mnemonic."""
    keystore = WalletStore(paths.wallets).load(name)
    account = keystore.account()
    if account.is_watch_only or account.derivation is None:
        raise Refused(f"wallet {name} was not made from a mnemonic", target=name)
    return mnemonic.to_mnemonic(open_secret(keystore, account, source).value)


def resolve_derivation(text: str) -> str:
    """A derivation as keystores hold it, from its name or a path; raises `Usage`."""
    if text in DERIVATIONS:
        return DERIVATIONS[text]
    try:
        return hd.format_path(hd.parse_path(text))
    except Usage as error:
        names = ", ".join(DERIVATIONS)
        raise Usage(error.message, hint=f"one of {names}, or a path like {DERIVATIONS['cosmos']}") from None


def _keep(
    paths: Paths,
    name: str,
    source: PassphraseSource,
    held: HeldSecret,
    derivation: str | None,
    *,
    prefix: str,
    dry_run: bool,
    cost: Cost,
) -> Result[NewWallet]:
    store = WalletStore(paths.wallets)
    store.check_free(name)
    if dry_run:
        return Result(NewWallet(name=name, path=str(store.path(name)), dry_run=True, mnemonic_shown=False, wallet=None))
    passphrase = source.choose(name)
    public_key = LocalSigner(private_key(held, derivation)).public_key
    account = _cosmos_account(derivation=derivation, public_key=public_key.hex(), secret=0)
    keystore = seal(_keystore(name, account), (held,), passphrase, cost=cost)
    result = _store(paths, keystore, prefix=prefix, dry_run=False)
    if len(passphrase.reveal()) < _SHORT_PASSPHRASE:
        return _warn(result, "the passphrase is short: whoever copies the file may guess it")
    return result


def _store(paths: Paths, keystore: Keystore, *, prefix: str, dry_run: bool) -> Result[NewWallet]:
    store = WalletStore(paths.wallets)
    store.check_free(keystore.name)
    path = store.path(keystore.name)
    if not dry_run:
        store.add(keystore)
        if store.load(keystore.name) != keystore:
            raise R3Error(f"{path} does not read back as it was written", hint="check the disk")
    wallet = describe(keystore, path, prefix)
    return Result(NewWallet(name=keystore.name, path=str(path), dry_run=dry_run, mnemonic_shown=False, wallet=wallet))


def _keystore(name: str, account: Account) -> Keystore:
    created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Keystore(name=name, created=created, accounts=(account,), sealed=None)


def _cosmos_account(
    *,
    derivation: str | None = None,
    public_key: str | None = None,
    address: str | None = None,
    secret: int | None = None,
) -> Account:
    return Account(
        name="main",
        family="cosmos",
        algorithm="secp256k1",
        derivation=derivation,
        public_key=public_key,
        address=address,
        secret=secret,
    )


def _watched(identity: str) -> Account:
    try:
        public_key = bytes.fromhex(identity)
    except ValueError:
        try:
            decode_address(identity)
        except Malformed as error:
            raise Usage(error.message, hint="give an address, or a public key of 66 hexadecimal digits") from None
        return _cosmos_account(address=identity.lower())
    if not is_public_key(public_key):
        raise Usage("not a compressed secp256k1 public key: it has 66 hexadecimal digits and begins with 02 or 03")
    return _cosmos_account(public_key=public_key.hex())


def _from_hex(key: Secret) -> bytes:
    try:
        return bytes.fromhex(key.reveal().decode("ascii").strip().removeprefix("0x"))
    except ValueError:  # without its cause, which names the offending character
        raise Usage("not a private key: it must be 64 hexadecimal digits") from None


def _shown(data: NewWallet) -> NewWallet:
    return NewWallet(name=data.name, path=data.path, dry_run=data.dry_run, mnemonic_shown=True, wallet=data.wallet)


def _warn(result: Result[NewWallet], *sentences: str) -> Result[NewWallet]:
    return Result(result.data, (*result.warnings, "; ".join(sentences)))
