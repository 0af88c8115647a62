"""`r3 wallet sign` and `verify`: signatures over texts, in a form that can never be a transaction (ADR-036)."""

from __future__ import annotations

import base64
import binascii
from typing import Literal

from r3cli.accounts.identity import own_address
from r3cli.chain.cosmos.address import encode_address, require_address
from r3cli.chain.cosmos.adr036 import text_sign_bytes
from r3cli.errors import Usage, VerificationFailed
from r3cli.paths import Paths
from r3cli.result import Data, Result, failed
from r3cli.wallet.keys import open_signer
from r3cli.wallet.signer import is_public_key, verify_signature
from r3cli.wallet.store import WalletStore
from r3cli.wallet.unlock import PassphraseSource


class SignedMessage(Data, frozen=True, kw_only=True):
    """A signed text. `signature` is r || s, 64 bytes, in base64; `public_key` is hexadecimal."""

    wallet: str
    address: str
    public_key: str
    signature: str
    signature_hex: str
    format: Literal["adr-036"] = "adr-036"


class Verdict(Data, frozen=True, kw_only=True):
    """Whether a signature is `address`'s over the text; `reason` is null when it is."""

    valid: bool
    address: str
    public_key: str
    reason: Literal["signature_mismatch", "address_mismatch"] | None


def sign_message(
    paths: Paths, name: str, content: bytes, source: PassphraseSource, *, prefix: str
) -> Result[SignedMessage]:
    """Sign a text with a wallet's first account, as its address on the network with this prefix."""
    address = own_address(WalletStore(paths.wallets).load(name).account(), prefix)
    signer = open_signer(paths, name, source)
    signature = signer.sign(text_sign_bytes(address, content), purpose=f"text of {len(content)} bytes")
    return Result(
        SignedMessage(
            wallet=name,
            address=address,
            public_key=signer.public_key.hex(),
            signature=base64.b64encode(signature).decode(),
            signature_hex=signature.hex(),
        )
    )


def verify_message(
    content: bytes, signature: str, *, public_key: str, address: str | None, prefix: str
) -> Result[Verdict]:
    """Check a signature (base64 or hexadecimal) by a public key; `address`, when given, must be that key's.

    A signature that does not verify is a failure with exit code 3 beside the data; raises `Usage` for
    texts that are no signature, key or address at all.
    """
    key = _bytes_of(public_key, 33, "public key")
    if not is_public_key(key):
        raise Usage("the public key is not a point of secp256k1")
    own = encode_address(key, prefix)
    claimed = require_address(address, prefix) if address else own
    valid = verify_signature(key, text_sign_bytes(own, content), _bytes_of(signature, 64, "signature"))
    if claimed != own:
        verdict = Verdict(valid=False, address=claimed, public_key=key.hex(), reason="address_mismatch")
        return failed(verdict, [VerificationFailed(f"the public key belongs to {own}, not to {claimed}")])
    if not valid:
        verdict = Verdict(valid=False, address=own, public_key=key.hex(), reason="signature_mismatch")
        return failed(verdict, [VerificationFailed(f"the signature is not one of {own} over this text")])
    return Result(Verdict(valid=True, address=own, public_key=key.hex(), reason=None))


def public_key_of(paths: Paths, name: str) -> str:
    """The public key of a wallet's first account; raises `Usage` for one that is watched by address only."""
    account = WalletStore(paths.wallets).load(name).account()
    if account.public_key is None:
        raise Usage(f"wallet {name} knows only an address", hint="give --public-key as well")
    return account.public_key


def _bytes_of(text: str, length: int, what: str) -> bytes:
    """Base64 or hexadecimal digits, whichever gives the right length."""
    try:
        content = bytes.fromhex(text) if len(text) == 2 * length else base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        content = b""
    if len(content) != length:
        raise Usage(f"that is not a {what}: it has {length} bytes, in base64 or hexadecimal digits")
    return content
