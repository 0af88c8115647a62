"""Signers: the only things that see a private key. Adapters hand them bytes and a purpose."""

from __future__ import annotations

from typing import Protocol

from cryptography.exceptions import InvalidSignature  # noqa: TID253 - this leaf exists to use it
from cryptography.hazmat.primitives import hashes, serialization  # noqa: TID253 - this leaf exists to use it
from cryptography.hazmat.primitives.asymmetric import ec, utils  # noqa: TID253 - as above

from r3cli.secret import Secret

CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


class Signer(Protocol):
    """Signs for one secp256k1 account."""

    @property
    def public_key(self) -> bytes:
        """The compressed public key, 33 bytes."""

    def sign(self, payload: bytes, *, purpose: str) -> bytes:
        """64 bytes r || s over SHA-256 of `payload`; `purpose` says in words what is signed (for logs and policy)."""


class LocalSigner:
    """A secp256k1 key in this process: RFC 6979 nonces, low S."""

    def __init__(self, private_key: Secret) -> None:
        self._key = ec.derive_private_key(int.from_bytes(private_key.reveal(), "big"), ec.SECP256K1())

    @property
    def public_key(self) -> bytes:
        return self._key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint
        )

    def sign(self, payload: bytes, *, purpose: str) -> bytes:
        del purpose  # the policy signer of a later release decides by it
        der = self._key.sign(payload, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        r, s = utils.decode_dss_signature(der)
        s = min(s, CURVE_ORDER - s)
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def __repr__(self) -> str:
        return f"LocalSigner({self.public_key.hex()})"


def verify_signature(public_key: bytes, payload: bytes, signature: bytes) -> bool:
    """Whether `signature` (64 bytes, low S) is `public_key`'s over SHA-256 of `payload`."""
    if len(signature) != 64:
        return False
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if not (0 < r < CURVE_ORDER and 0 < s <= CURVE_ORDER // 2):
        return False
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256K1(), public_key)
        key.verify(utils.encode_dss_signature(r, s), payload, ec.ECDSA(hashes.SHA256()))
    except (ValueError, InvalidSignature):  # a point off the curve, or another signature
        return False
    return True


def is_public_key(content: bytes) -> bool:
    """Whether these bytes are a point of the curve in compressed form."""
    if len(content) != 33:
        return False
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256K1(), content)
    except ValueError:
        return False
    return True
