"""`r3 wallet list` and `show`: what is public about wallets. Needs no passphrase."""

from __future__ import annotations

from pathlib import Path

from r3cli.accounts.identity import address_of
from r3cli.errors import R3Error
from r3cli.paths import Paths
from r3cli.result import Data, Result, failed
from r3cli.wallet.keystore import Account, Keystore
from r3cli.wallet.store import WalletStore


class AccountInfo(Data, frozen=True, kw_only=True):
    """One account. `address` is that of the chosen network; `derivation` is null for an imported key."""

    name: str
    family: str
    algorithm: str
    derivation: str | None
    public_key: str | None
    address: str | None
    watch_only: bool


class WalletInfo(Data, frozen=True, kw_only=True):
    """One wallet; `watch_only` when it can sign nothing."""

    name: str
    created: str
    path: str
    watch_only: bool
    accounts: tuple[AccountInfo, ...]


class WalletList(Data, frozen=True, kw_only=True):
    """All wallets by name."""

    wallets: tuple[WalletInfo, ...]


def list_wallets(paths: Paths, prefix: str) -> Result[WalletList]:
    """Every wallet of this user; a file that cannot be read is a failure beside the others (exit 8)."""
    store = WalletStore(paths.wallets)
    wallets: list[WalletInfo] = []
    errors: list[R3Error] = []
    for name in store.names():
        try:
            wallets.append(describe(store.load(name), store.path(name), prefix))
        except R3Error as error:
            error.target = name
            errors.append(error)
    return failed(WalletList(wallets=tuple(wallets)), errors, partial=bool(wallets))


def show_wallet(paths: Paths, name: str, prefix: str) -> Result[WalletInfo]:
    """One wallet; raises `NotFound`."""
    store = WalletStore(paths.wallets)
    return Result(describe(store.load(name), store.path(name), prefix))


def describe(keystore: Keystore, path: Path, prefix: str) -> WalletInfo:
    """The public part of a wallet with its addresses on one network."""
    return WalletInfo(
        name=keystore.name,
        created=keystore.created,
        path=str(path),
        watch_only=all(account.is_watch_only for account in keystore.accounts),
        accounts=tuple(_describe_account(account, prefix) for account in keystore.accounts),
    )


def _describe_account(account: Account, prefix: str) -> AccountInfo:
    return AccountInfo(
        name=account.name,
        family=account.family,
        algorithm=account.algorithm,
        derivation=account.derivation,
        public_key=account.public_key,
        address=address_of(account, prefix),
        watch_only=account.is_watch_only,
    )
