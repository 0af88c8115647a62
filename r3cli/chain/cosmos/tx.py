"""Transactions: build and sign (SIGN_MODE_DIRECT), hash, decode, verify. No network here."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from r3cli.chain.cosmos.message import Message, decode, encode
from r3cli.chain.cosmos.messages import (
    AnyMessage,
    AuthInfo,
    Fee,
    ModeInfo,
    PubKey,
    SignDoc,
    SignerInfo,
    SignMode,
    Single,
    TxBody,
    TxRaw,
    pack,
    unpack,
)
from r3cli.errors import Malformed
from r3cli.wallet.signer import Signer, verify_signature


class SignedTx(msgspec.Struct, frozen=True, kw_only=True):
    """A transaction ready to be broadcast, with what the journal must know of it."""

    raw: bytes
    tx_hash: str
    sequence: int
    timeout_height: int


class DecodedTx(msgspec.Struct, frozen=True, kw_only=True):
    """A transaction taken apart; the two byte strings are what was signed."""

    tx_hash: str
    body: TxBody
    auth_info: AuthInfo
    signatures: tuple[bytes, ...]
    body_bytes: bytes
    auth_info_bytes: bytes

    @property
    def messages(self) -> tuple[AnyMessage, ...]:
        return self.body.messages

    def public_key(self, index: int = 0) -> bytes | None:
        """The secp256k1 key that a signer names; None when he names none or one of another kind."""
        envelope = self.auth_info.signer_infos[index].public_key
        if envelope is None or envelope.type_url != PubKey.url():
            return None
        return unpack(envelope, PubKey).key


def sign_tx(
    messages: Sequence[Message],
    signer: Signer,
    *,
    chain_id: str,
    account_number: int,
    sequence: int,
    fee: Fee,
    timeout_height: int = 0,
    memo: str = "",
) -> SignedTx:
    """Build and sign. `timeout_height` 0 means that it can be included for ever; the adapter never uses that."""
    body_bytes = encode(
        TxBody(messages=tuple(pack(message) for message in messages), memo=memo, timeout_height=timeout_height)
    )
    auth_info_bytes = encode(_auth_info(signer.public_key, sequence, fee))
    document = _sign_bytes(body_bytes, auth_info_bytes, chain_id, account_number)
    purpose = f"transaction {sequence} on {chain_id}: " + ", ".join(type(message).__name__ for message in messages)
    signature = signer.sign(document, purpose=purpose)
    raw = encode(TxRaw(body_bytes=body_bytes, auth_info_bytes=auth_info_bytes, signatures=(signature,)))
    return SignedTx(raw=raw, tx_hash=tx_hash(raw), sequence=sequence, timeout_height=timeout_height)


def unsigned_tx(messages: Sequence[Message], public_key: bytes, *, sequence: int, fee: Fee) -> bytes:
    """A transaction to simulate: the node counts the gas of an empty signature like that of a real one.

    The fee should be more than nothing: without one the node leaves out what taking a fee costs, some 20,000 gas.
    """
    body = TxBody(messages=tuple(pack(message) for message in messages))
    auth_info = _auth_info(public_key, sequence, fee)
    return encode(TxRaw(body_bytes=encode(body), auth_info_bytes=encode(auth_info), signatures=(b"",)))


def tx_hash(raw: bytes) -> str:
    """The name under which the chain finds a transaction: upper-case hex."""
    return hashlib.sha256(raw).hexdigest().upper()


def decode_tx(raw: bytes) -> DecodedTx:
    """Take a transaction apart; raises `Malformed` unless it is canonical with a signature for each signer."""
    outer = decode(TxRaw, raw)
    if encode(outer) != raw:
        raise Malformed("the transaction is not in canonical form")
    body, auth_info = decode(TxBody, outer.body_bytes), decode(AuthInfo, outer.auth_info_bytes)
    if not outer.signatures or len(outer.signatures) != len(auth_info.signer_infos):
        raise Malformed(f"{len(outer.signatures)} signatures for {len(auth_info.signer_infos)} signers")
    return DecodedTx(
        tx_hash=tx_hash(raw),
        body=body,
        auth_info=auth_info,
        signatures=outer.signatures,
        body_bytes=outer.body_bytes,
        auth_info_bytes=outer.auth_info_bytes,
    )


def verify_tx(tx: DecodedTx, public_key: bytes, *, chain_id: str, account_number: int, index: int = 0) -> bool:
    """Whether the signature at `index` is a DIRECT one by `public_key` for this chain and account number."""
    mode_info = tx.auth_info.signer_infos[index].mode_info
    if mode_info is None or mode_info.single is None or mode_info.single.mode is not SignMode.DIRECT:
        return False
    document = _sign_bytes(tx.body_bytes, tx.auth_info_bytes, chain_id, account_number)
    return verify_signature(public_key, document, tx.signatures[index])


def _auth_info(public_key: bytes, sequence: int, fee: Fee) -> AuthInfo:
    signer_info = SignerInfo(
        public_key=pack(PubKey(key=public_key)),
        mode_info=ModeInfo(single=Single(mode=SignMode.DIRECT)),
        sequence=sequence,
    )
    return AuthInfo(signer_infos=(signer_info,), fee=fee)


def _sign_bytes(body_bytes: bytes, auth_info_bytes: bytes, chain_id: str, account_number: int) -> bytes:
    return encode(
        SignDoc(
            body_bytes=body_bytes, auth_info_bytes=auth_info_bytes, chain_id=chain_id, account_number=account_number
        )
    )
