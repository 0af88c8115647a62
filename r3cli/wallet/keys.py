"""From a sealed wallet to a signer: the one place where a private key comes to life."""

from __future__ import annotations

from r3cli.errors import Malformed, Refused, Usage
from r3cli.paths import Paths
from r3cli.secret import Secret
from r3cli.wallet import hd, mnemonic
from r3cli.wallet.keystore import Account, Keystore
from r3cli.wallet.sealing import HeldSecret, unseal
from r3cli.wallet.signer import CURVE_ORDER, LocalSigner
from r3cli.wallet.store import WalletStore
from r3cli.wallet.unlock import PassphraseSource

SEED_DERIVATION = "seed"


def open_signer(paths: Paths, name: str, source: PassphraseSource, *, account: str | None = None) -> LocalSigner:
    """Unlock one account (the first unless named) of a wallet.

    Raises `NotFound`, `Refused` for a watch-only account, `NeedsInput` without a passphrase, `WrongPassphrase`.
    """
    keystore = WalletStore(paths.wallets).load(name)
    chosen = keystore.account(account)
    if chosen.is_watch_only:
        raise Refused(
            f"wallet {name} is watch-only: its key is not here", hint="sign where the key is, or import it", target=name
        )
    held = open_secret(keystore, chosen, source)
    signer = LocalSigner(private_key(held, chosen.derivation))
    if signer.public_key.hex() != chosen.public_key:
        raise Malformed(f"the key of wallet {name} does not belong to its public key", target=name)
    return signer


def open_secret(keystore: Keystore, account: Account, source: PassphraseSource) -> HeldSecret:
    """The secret behind an account, asking `source` for the passphrase."""
    held = unseal(keystore, source.unlock(keystore.name))
    if account.secret is None or account.secret >= len(held):
        raise Malformed(f"account {account.name} of wallet {keystore.name} has no secret")
    return held[account.secret]


def private_key(held: HeldSecret, derivation: str | None) -> Secret:
    """The 32-byte secp256k1 key that an account's derivation finds in a secret."""
    if held.kind == "private-key" and derivation is None:
        return check_private_key(held.value)
    if held.kind == "entropy" and derivation is not None:
        seed = mnemonic.to_seed(held.value, held.passphrase)
        if derivation == SEED_DERIVATION:
            return check_private_key(Secret(seed.reveal()[:32]))
        return hd.derive(seed, derivation)
    raise Malformed(f"this r3 cannot make a key from a secret of kind {held.kind} by {derivation or 'no derivation'}")


def check_private_key(key: Secret) -> Secret:
    """The key unchanged; raises `Usage` when it is no secp256k1 key."""
    value = key.reveal()
    if len(value) != 32 or not 0 < int.from_bytes(value, "big") < CURVE_ORDER:
        raise Usage("not a secp256k1 private key: it must be 32 bytes, not zero and below the order of the curve")
    return key
