"""Reading a transaction as a Cosmos node does: strict about what is signed, mild about who signed."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import msgspec

from r3cli.chain.cosmos.message import Message, decode, encode
from r3cli.chain.cosmos.messages import AuthInfo, Coin, Fee, MsgSend, TxBody, TxRaw
from r3cli.chain.cosmos.tx import DecodedTx, tx_hash
from r3cli.errors import BadContent
from r3cli.lab.rejection import sdk

MAX_TX_BYTES = 1 << 20
_MAX_AMOUNT_DIGITS = 78  # 256 bits, the width of the SDK's integers


class Transaction(msgspec.Struct, frozen=True, kw_only=True):
    """A decoded transaction: `messages` are typed, `signers` the addresses that must sign, in order."""

    raw: bytes
    tx: DecodedTx
    messages: tuple[Message, ...]
    signers: tuple[str, ...]

    @property
    def fee(self) -> Fee:
        return self.tx.auth_info.fee or Fee()


def read_transaction(raw: bytes, types: Mapping[str, type[Message]]) -> Transaction:
    """Decode; raises `Rejection` 2 with the words of the SDK. `types` maps the type URLs that this chain knows."""
    try:
        outer = decode(TxRaw, raw)
        body, auth_info = decode(TxBody, outer.body_bytes), decode(AuthInfo, outer.auth_info_bytes)
        messages = tuple(_read_message(types, envelope.type_url, envelope.value) for envelope in body.messages)
        for coin in (*(auth_info.fee or Fee()).amount, *_coins(messages)):
            _check_integer(coin.amount)
    except BadContent as error:
        raise sdk("tx parse error", error.message) from error
    tx = DecodedTx(
        tx_hash=tx_hash(raw),
        body=body,
        auth_info=auth_info,
        signatures=outer.signatures,
        body_bytes=outer.body_bytes,
        auth_info_bytes=outer.auth_info_bytes,
    )
    signers = tuple(dict.fromkeys(signer_of(message) for message in messages))
    return Transaction(raw=raw, tx=tx, messages=messages, signers=signers)


def signer_of(message: Message) -> str:
    """The address that must sign a message: its first field, in the bank's schema and in that of R3MES."""
    return str(getattr(message, message.__struct_fields__[0]))


def show_coins(coins: tuple[Coin, ...]) -> str:
    """Coins as the SDK prints them: `5uremes,7stake`."""
    return ",".join(f"{coin.amount or '0'}{coin.denom}" for coin in coins)


def coins_are_valid(coins: tuple[Coin, ...]) -> bool:
    """Whether coins are positive, sorted by denom, and each denom stands once. No coins at all are valid."""
    denoms = [coin.denom for coin in coins]
    ordered = all(left < right for left, right in pairwise(denoms))
    return ordered and all(int(coin.amount or 0) > 0 for coin in coins)


def _read_message(types: Mapping[str, type[Message]], type_url: str, value: bytes) -> Message:
    cls = types.get(type_url)
    if cls is None:
        raise sdk("tx parse error", f"unable to resolve type URL {type_url}")
    message = decode(cls, value)
    encode(message)  # numbers that do not fit are found here, not in a handler
    return message


def _coins(messages: tuple[Message, ...]) -> list[Coin]:
    return [coin for message in messages if isinstance(message, MsgSend) for coin in message.amount]


def _check_integer(text: str) -> None:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > _MAX_AMOUNT_DIGITS:
        raise sdk("tx parse error", f'math/big: cannot unmarshal "{text[:80]}" into a *big.Int')
