"""BIP32: private keys of a tree on secp256k1, each found from the seed by its path."""

from __future__ import annotations

import hmac
import re

from r3cli.errors import Malformed, Usage
from r3cli.secret import Secret
from r3cli.wallet.signer import CURVE_ORDER, LocalSigner

HARDENED = 1 << 31
MAX_DEPTH = 255

_STEP = re.compile(r"([0-9]{1,10})(['hH]?)")


def derive(seed: Secret, path: str) -> Secret:
    """The private key, 32 bytes, at `path` (`m/44'/118'/0'/0/0`) under a seed of 16 to 64 bytes.

    Raises `Usage` for a bad path, and in the 1 of 2^127 cases in which the standard skips an index.
    """
    key, chain_code = _split(hmac.digest(b"Bitcoin seed", seed.reveal(), "sha512"))
    for index in parse_path(path):
        tweak, chain_code = _split(hmac.digest(chain_code, _parent(key, index) + index.to_bytes(4, "big"), "sha512"))
        key = _valid((tweak + key) % CURVE_ORDER)
    return Secret(key.to_bytes(32, "big"))


def parse_path(path: str) -> tuple[int, ...]:
    """The indexes of a path; hardened ones (`'`, `h` or `H`) have bit 31 set. Raises `Usage`."""
    root, *steps = path.split("/")
    matches = [_STEP.fullmatch(step) for step in steps]
    indexes = [int(match[1]) | HARDENED * bool(match[2]) for match in matches if match and int(match[1]) < HARDENED]
    if root != "m" or len(indexes) != len(steps) or len(steps) > MAX_DEPTH:
        raise Usage(f"{path!r} is not a derivation path", hint="write it like m/44'/118'/0'/0/0")
    return tuple(indexes)


def format_path(indexes: tuple[int, ...]) -> str:
    """The one spelling of a path that keystores hold."""
    return "/".join(["m", *(f"{index & ~HARDENED}" + "'" * (index >= HARDENED) for index in indexes)])


def _parent(key: int, index: int) -> bytes:
    secret = key.to_bytes(32, "big")
    return b"\0" + secret if index >= HARDENED else LocalSigner(Secret(secret)).public_key


def _split(digest: bytes) -> tuple[int, bytes]:
    tweak = int.from_bytes(digest[:32], "big")
    if tweak >= CURVE_ORDER:
        raise Malformed("this seed has no key at this path", hint="choose the next index of the path")
    return tweak, digest[32:]


def _valid(key: int) -> int:
    if key == 0:
        raise Malformed("this seed has no key at this path", hint="choose the next index of the path")
    return key
