"""The Cosmos SDK's own messages that r3 writes and reads: bank, transaction, keys, results."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, ClassVar

from r3cli.chain.cosmos.message import M, Message, Tag, decode, encode
from r3cli.errors import Malformed


class AnyMessage(Message, frozen=True, kw_only=True):
    """`google.protobuf.Any`: a message of any type with the name of that type."""

    type_url: Annotated[str, Tag(1)] = ""
    value: Annotated[bytes, Tag(2)] = b""


class Coin(Message, frozen=True, kw_only=True):
    """An amount in base units, as a decimal string."""

    package: ClassVar[str] = "cosmos.base.v1beta1"
    denom: Annotated[str, Tag(1)] = ""
    amount: Annotated[str, Tag(2)] = ""


class MsgSend(Message, frozen=True, kw_only=True):
    """Move coins from the signer to another account."""

    package: ClassVar[str] = "cosmos.bank.v1beta1"
    from_address: Annotated[str, Tag(1)] = ""
    to_address: Annotated[str, Tag(2)] = ""
    amount: Annotated[tuple[Coin, ...], Tag(3)] = ()


class MsgSendResponse(Message, frozen=True, kw_only=True):
    """The answer to `MsgSend`: nothing."""

    package: ClassVar[str] = "cosmos.bank.v1beta1"


class PubKey(Message, frozen=True, kw_only=True):
    """A compressed secp256k1 public key."""

    package: ClassVar[str] = "cosmos.crypto.secp256k1"
    key: Annotated[bytes, Tag(1)] = b""


class SignMode(IntEnum):
    """How the signed bytes were made; r3 signs DIRECT only."""

    UNSPECIFIED = 0
    DIRECT = 1
    TEXTUAL = 2
    DIRECT_AUX = 3
    LEGACY_AMINO_JSON = 127


class _TxMessage(Message, frozen=True, kw_only=True):
    package: ClassVar[str] = "cosmos.tx.v1beta1"


class Single(_TxMessage, frozen=True, kw_only=True):
    """The sign mode of a single key."""

    mode: Annotated[SignMode, Tag(1)] = SignMode.UNSPECIFIED


class ModeInfo(_TxMessage, frozen=True, kw_only=True):
    """How one signer signed. Multisignatures are not in use here, so they are refused as unknown fields."""

    single: Annotated[Single | None, Tag(1)] = None


class SignerInfo(_TxMessage, frozen=True, kw_only=True):
    """Who signs, how, and with which sequence."""

    public_key: Annotated[AnyMessage | None, Tag(1)] = None
    mode_info: Annotated[ModeInfo | None, Tag(2)] = None
    sequence: Annotated[int, Tag(3)] = 0


class Fee(_TxMessage, frozen=True, kw_only=True):
    """What is paid at most, and the gas that this buys."""

    amount: Annotated[tuple[Coin, ...], Tag(1)] = ()
    gas_limit: Annotated[int, Tag(2)] = 0
    payer: Annotated[str, Tag(3)] = ""
    granter: Annotated[str, Tag(4)] = ""


class AuthInfo(_TxMessage, frozen=True, kw_only=True):
    """Signers and fee: the second half of what is signed."""

    signer_infos: Annotated[tuple[SignerInfo, ...], Tag(1)] = ()
    fee: Annotated[Fee | None, Tag(2)] = None


class TxBody(_TxMessage, frozen=True, kw_only=True):
    """Messages, and the height after which they can no longer be included."""

    messages: Annotated[tuple[AnyMessage, ...], Tag(1)] = ()
    memo: Annotated[str, Tag(2)] = ""
    timeout_height: Annotated[int, Tag(3)] = 0
    extension_options: Annotated[tuple[AnyMessage, ...], Tag(1023)] = ()
    non_critical_extension_options: Annotated[tuple[AnyMessage, ...], Tag(2047)] = ()


class SignDoc(_TxMessage, frozen=True, kw_only=True):
    """What a DIRECT signature signs."""

    body_bytes: Annotated[bytes, Tag(1)] = b""
    auth_info_bytes: Annotated[bytes, Tag(2)] = b""
    chain_id: Annotated[str, Tag(3)] = ""
    account_number: Annotated[int, Tag(4)] = 0


class TxRaw(_TxMessage, frozen=True, kw_only=True):
    """A transaction as it is broadcast and hashed."""

    body_bytes: Annotated[bytes, Tag(1)] = b""
    auth_info_bytes: Annotated[bytes, Tag(2)] = b""
    signatures: Annotated[tuple[bytes, ...], Tag(3)] = ()


class TxMsgData(Message, frozen=True, kw_only=True):
    """The answers of the messages of an included transaction, one each."""

    package: ClassVar[str] = "cosmos.base.abci.v1beta1"
    msg_responses: Annotated[tuple[AnyMessage, ...], Tag(2)] = ()


def pack(message: Message) -> AnyMessage:
    """A message in its envelope."""
    return AnyMessage(type_url=message.url(), value=encode(message))


def unpack(envelope: AnyMessage, cls: type[M], *, skip_unknown: bool = False) -> M:
    """The message in an envelope; raises `Malformed` when it holds another type."""
    if envelope.type_url != cls.url():
        raise Malformed(f"expected {cls.url()}, not {envelope.type_url[:120]!r}")
    return decode(cls, envelope.value, skip_unknown=skip_unknown)
