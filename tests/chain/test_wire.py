"""The wire format: what is written is read back, and any bytes are a message or a typed error."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r3cli.chain.cosmos import wire
from r3cli.chain.cosmos.message import Message, Tag, decode, encode
from r3cli.chain.cosmos.messages import AnyMessage, AuthInfo, Coin, MsgSend, TxBody, TxRaw, pack, unpack
from r3cli.errors import BadContent, Malformed, TooLarge, Usage
from r3cli.network.r3mes.messages import MsgRegisterNode, MsgSubmitGradient
from r3cli.network.r3mes.schema import NodeType, ResourceSpec


class Everything(Message, frozen=True, kw_only=True):
    package: ClassVar[str] = "test"
    whole: Annotated[int, Tag(1)] = 0
    small: Annotated[int, Tag(2, "uint32")] = 0
    signed: Annotated[int, Tag(3, "int64")] = 0
    flag: Annotated[bool, Tag(4)] = False
    text: Annotated[str, Tag(5)] = ""
    content: Annotated[bytes, Tag(6)] = b""
    kind: Annotated[NodeType, Tag(7)] = NodeType.UNSPECIFIED
    coin: Annotated[Coin | None, Tag(8)] = None
    numbers: Annotated[tuple[int, ...], Tag(9)] = ()
    texts: Annotated[tuple[str, ...], Tag(10)] = ()
    coins: Annotated[tuple[Coin, ...], Tag(2000)] = ()


COINS = st.builds(Coin, denom=st.text(max_size=9), amount=st.text(max_size=9))
EVERYTHING = st.builds(
    Everything,
    whole=st.integers(0, 2**64 - 1),
    small=st.integers(0, 2**32 - 1),
    signed=st.integers(-(2**63), 2**63 - 1),
    flag=st.booleans(),
    text=st.text(max_size=20),
    content=st.binary(max_size=20),
    kind=st.sampled_from(NodeType),
    coin=st.none() | COINS,
    numbers=st.lists(st.integers(0, 2**64 - 1), max_size=5).map(tuple),
    texts=st.lists(st.text(max_size=5), max_size=4).map(tuple),
    coins=st.lists(COINS, max_size=3).map(tuple),
)


@given(EVERYTHING)
def test_round_trip(message: Everything) -> None:
    assert decode(Everything, encode(message)) == message


@given(st.integers(0, 2**64 - 1), st.binary(max_size=3))
def test_varints(value: int, rest: bytes) -> None:
    encoded = wire.encode_varint(value)
    assert wire.read_varint(encoded + rest, 0) == (value, len(encoded))


@given(
    st.binary(max_size=300), st.sampled_from([Everything, TxRaw, TxBody, AuthInfo, MsgSubmitGradient]), st.booleans()
)
def test_the_decoder_is_total(content: bytes, cls: type[Message], skip_unknown: bool) -> None:
    try:
        message = decode(cls, content, skip_unknown=skip_unknown)
    except BadContent:
        return
    assert decode(cls, encode(message)) == message


@given(EVERYTHING, st.data())
def test_damaged_messages_are_read_or_refused(message: Everything, data: st.DataObject) -> None:
    content = bytearray(encode(message))
    if content:
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    with suppress(BadContent):
        decode(Everything, bytes(content))


@pytest.mark.parametrize(
    "content",
    [
        "08",  # a number is missing
        "0880",  # a number is cut off
        "088000",  # longer than needed
        "08ffffffffffffffffff02",  # 65 bits
        "08ffffffffffffffffffff01",  # eleven bytes
        "00",  # field 0
        "0b0c",  # a group
        "0e",  # wire type 6
        "2a05",  # a length without its content
        "2affffffff0f",  # a length far beyond the message
        "0a00",  # field 1 as bytes
        "10ffffffffff01",  # over 32 bits
        "2002",  # a flag of 2
        "380a",  # an enumeration without 10
        "2a01ff",  # not UTF-8
        "08010801",  # twice
        "58 01",  # field 11 is unknown
        "4a0180",  # a packed number is cut off
    ],
)
def test_what_is_malformed(content: str) -> None:
    with pytest.raises(Malformed):
        decode(Everything, bytes.fromhex(content))


def test_unknown_fields_are_passed_over_only_where_allowed() -> None:
    content = bytes.fromhex("0801" + "5801" + "6202ffff" + "6d01020304" + "710102030405060708")
    assert decode(Everything, content, skip_unknown=True) == Everything(whole=1)
    with pytest.raises(Malformed, match="field 11"):
        decode(Everything, content)


def test_unpacked_numbers_are_read_too() -> None:
    assert decode(Everything, bytes.fromhex("480148ac02")).numbers == (1, 300)


def test_negative_numbers_are_ten_bytes() -> None:
    assert encode(Everything(signed=-1)).hex() == "18" + "ff" * 9 + "01"


def test_an_empty_message_is_present() -> None:
    assert encode(MsgRegisterNode(resources=ResourceSpec())).hex() == "1a00"
    assert decode(MsgRegisterNode, bytes.fromhex("1a00")).resources == ResourceSpec()


@pytest.mark.parametrize("message", [Everything(whole=-1), Everything(small=2**32), Everything(signed=2**63)])
def test_numbers_that_do_not_fit(message: Everything) -> None:
    with pytest.raises(Usage):
        encode(message)


def test_size_and_depth_are_bounded() -> None:
    with pytest.raises(TooLarge):
        decode(Everything, bytes(wire.MAX_MESSAGE + 1))
    nested = b""
    for _ in range(40):
        nested = wire.encode_length_field(1, nested)
    with pytest.raises(Malformed, match="deeper"):
        decode(Nested, nested)


class Nested(Message, frozen=True, kw_only=True):
    package: ClassVar[str] = "test"
    inner: Annotated[Nested | None, Tag(1)] = None


def test_envelopes_hold_what_they_say() -> None:
    message = MsgSend(from_address="a", to_address="b", amount=(Coin(denom="c", amount="1"),))
    assert pack(message).type_url == "/cosmos.bank.v1beta1.MsgSend"
    assert unpack(pack(message), MsgSend) == message
    with pytest.raises(Malformed):
        unpack(AnyMessage(type_url="/x", value=b""), MsgSend)
