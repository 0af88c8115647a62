"""`r3 wallet sign` and `verify`: signatures over texts, in a form that can never be a transaction (ADR-036)."""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import sys
from pathlib import Path
from typing import Literal

from r3cli.accounts.identity import own_address
from r3cli.chain.cosmos.address import encode_address, require_address
from r3cli.chain.cosmos.adr036 import text_sign_bytes
from r3cli.errors import NeedsInput, NotFound, TooLarge, Usage, VerificationFailed
from r3cli.paths import Paths
from r3cli.result import Data, Result, failed
from r3cli.wallet.keys import open_signer
from r3cli.wallet.secret_input import STDIN
from r3cli.wallet.signer import is_public_key, verify_signature
from r3cli.wallet.store import WalletStore
from r3cli.wallet.unlock import PassphraseSource

MAX_TEXT = 1 << 20


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
    paths: Paths,
    content: bytes,
    signature: str,
    *,
    wallet: str | None = None,
    public_key: str | None = None,
    address: str | None = None,
    prefix: str,
) -> Result[Verdict]:
    """Check a signature (base64 or hexadecimal) by a public key, or by that of a wallet.

    `address`, or the address that the wallet watches, must be that key's. A signature that does not verify is a
    failure with exit code 3 beside the data; raises `Usage` for texts that are no signature, key or address at all.
    """
    account = WalletStore(paths.wallets).load(wallet).account() if wallet else None
    key = _key(public_key or (account.public_key if account else None))
    own = encode_address(key, prefix)
    claims = [require_address(address, prefix)] if address else []
    claims += [own_address(account, prefix)] if account else []
    valid = verify_signature(key, text_sign_bytes(own, content), _bytes_of(signature, 64, "signature"))
    for claim in claims:
        if claim != own:
            verdict = Verdict(valid=False, address=claim, public_key=key.hex(), reason="address_mismatch")
            return failed(verdict, [VerificationFailed(f"the public key belongs to {own}, not to {claim}")])
    if not valid:
        verdict = Verdict(valid=False, address=own, public_key=key.hex(), reason="signature_mismatch")
        return failed(verdict, [VerificationFailed(f"the signature is not one of {own} over this text")])
    return Result(Verdict(valid=True, address=own, public_key=key.hex(), reason=None))


def read_text(text: str | None, file: Path | None) -> bytes:
    """The text to sign or verify, from an option or a file (`-` is standard input); raises `NeedsInput` without one."""
    if text is not None and file is not None:
        raise Usage("--message and --message-file exclude each other")
    if text is not None:
        return os.fsencode(text)
    if file is None or (file == STDIN and sys.stdin is None):
        raise NeedsInput("a text is needed", hint="give --message TEXT, or --message-file FILE (- for standard input)")
    try:
        with contextlib.nullcontext(sys.stdin.buffer) if file == STDIN else file.open("rb") as stream:
            content = stream.read(MAX_TEXT + 1)
    except OSError as error:
        raise NotFound(f"{file} cannot be read: {error.strerror}", target=str(file)) from error
    if len(content) > MAX_TEXT:
        raise TooLarge(f"the text is longer than {MAX_TEXT} bytes", hint="sign its hash instead")
    return content


def _key(text: str | None) -> bytes:
    if text is None:
        raise Usage("no public key to verify with", hint="give --public-key HEX, or a wallet that knows its key")
    key = _bytes_of(text, 33, "public key")
    if not is_public_key(key):
        raise Usage("the public key is not a point of secp256k1")
    return key


def _bytes_of(text: str, length: int, what: str) -> bytes:
    """Base64 or hexadecimal digits, whichever gives the right length."""
    try:
        content = bytes.fromhex(text) if len(text) == 2 * length else base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        content = b""
    if len(content) != length:
        raise Usage(f"that is not a {what}: it has {length} bytes, in base64 or hexadecimal digits")
    return content
