"""What one node of a Cosmos chain can be asked, as typed answers."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec

from r3cli.chain.cosmos.answers import Answer, Stage, read_simulation_refusal
from r3cli.chain.cosmos.message import decode
from r3cli.chain.cosmos.messages import TxMsgData
from r3cli.chain.cosmos.rest import Endpoint, GatewayRefusal
from r3cli.errors import BadContent, NotFound, ServerFault

NOT_FOUND_CODE = 5  # gRPC
_BLOCKS = "/cosmos/base/tendermint/v1beta1/blocks"

Natural = Annotated[int, msgspec.Meta(ge=0)]
T = TypeVar("T")


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The newest block that a node has. `block_hash` is upper-case hex."""

    chain_id: str
    height: int
    time: datetime
    block_hash: str


class Block(Head, frozen=True, kw_only=True):
    """A block: its header as the gateway shows it and its transactions."""

    header: dict[str, Any]
    transactions: tuple[bytes, ...]


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What an account needs to sign: its number, and the sequence of its next transaction."""

    account_number: Natural = 0
    sequence: Natural = 0


class ChainEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a transaction caused, as its module tells it."""

    type: str
    attributes: tuple[tuple[str, str], ...]


class Included(msgspec.Struct, frozen=True, kw_only=True):
    """A transaction in a block. `code` 0 is success; inclusion alone is not."""

    tx_hash: str
    height: int
    code: int
    codespace: str
    log: str
    gas_wanted: int
    gas_used: int
    data: bytes
    responses: tuple[bytes, ...]
    events: tuple[ChainEvent, ...]


class Node:
    """One node, asked directly: no choice between endpoints, no retry."""

    def __init__(self, url: str, *, timeout: float = 10.0) -> None:
        self.url = url
        self._endpoint = Endpoint(url, timeout=timeout)

    def close(self) -> None:
        self._endpoint.close()

    def get(self, path: str, model: type[T], params: dict[str, str] | None = None) -> T:
        """Any typed read; raises `GatewayRefusal` when the node says no."""
        return self._endpoint.get(path, model, params)

    def syncing(self) -> bool:
        """Whether the node says that it is still catching up."""
        return self.get("/cosmos/base/tendermint/v1beta1/syncing", _Syncing).syncing

    def head(self) -> Head:
        """The newest block."""
        block = self.block()
        return Head(chain_id=block.chain_id, height=block.height, time=block.time, block_hash=block.block_hash)

    def block(self, height: int | None = None) -> Block:
        """The block at a height (the newest by default); raises `NotFound` above the head or when it was pruned."""
        name = "latest" if height is None else str(height)
        try:
            answer = self.get(f"{_BLOCKS}/{name}", _BlockAnswer)
        except GatewayRefusal as refusal:
            raise NotFound(f"{self.url} has no block {name}: {refusal.text[:200]}", target=name) from refusal
        return self._read_block(answer, height)

    def account(self, address: str) -> Account | None:
        """Number and sequence; None while the account has never received anything."""
        try:
            body = self.get(f"/cosmos/auth/v1beta1/accounts/{address}", _AccountAnswer).account
        except GatewayRefusal as refusal:
            if refusal.grpc_code == NOT_FOUND_CODE:
                return None
            raise
        vesting = body.base_vesting_account.base_account if body.base_vesting_account else None
        return vesting or body.base_account or Account(account_number=body.account_number, sequence=body.sequence)

    def balance(self, address: str, denom: str) -> int:
        """Base units of one denomination; 0 for an account that does not exist."""
        path = f"/cosmos/bank/v1beta1/balances/{address}/by_denom"
        return self.get(path, _BalanceAnswer, {"denom": denom}).balance.amount

    def simulate(self, raw: bytes) -> int:
        """The gas that the transaction would use; raises `ChainRefused` with what it would fail with."""
        body = {"tx_bytes": base64.b64encode(raw).decode()}
        try:
            return self._endpoint.post("/cosmos/tx/v1beta1/simulate", body, _SimulateAnswer).gas_info.gas_used
        except GatewayRefusal as refusal:
            raise read_simulation_refusal(refusal.text) from refusal

    def broadcast(self, raw: bytes) -> Answer:
        """Hand a transaction in; the answer is that of CheckTx. Any code comes with HTTP status 200."""
        body = {"tx_bytes": base64.b64encode(raw).decode(), "mode": "BROADCAST_MODE_SYNC"}
        found = self._endpoint.post("/cosmos/tx/v1beta1/txs", body, _BroadcastAnswer).tx_response
        return Answer(stage=Stage.CHECK, code=found.code, codespace=found.codespace, log=found.raw_log)

    def tx(self, tx_hash: str) -> Included | None:
        """An included transaction; None while the node does not know the hash."""
        try:
            found = self.get(f"/cosmos/tx/v1beta1/txs/{tx_hash}", _TxAnswer).tx_response
        except GatewayRefusal as refusal:
            if refusal.status == 404 and refusal.grpc_code == NOT_FOUND_CODE:
                return None
            raise ServerFault(refusal.message, target=self.url) from refusal
        if found.txhash != tx_hash or found.height < 1:
            raise ServerFault(f"{self.url} answered with another transaction than {tx_hash}", target=self.url)
        return self._read_included(found)

    def _read_block(self, answer: _BlockAnswer, height: int | None) -> Block:
        header = answer.block.header
        try:
            fields = msgspec.convert(header, _Header, strict=False)
            block_hash = base64.b64decode(answer.block_id.hash, validate=True).hex().upper()
            transactions = tuple(base64.b64decode(raw, validate=True) for raw in answer.block.data.txs)
        except (msgspec.ValidationError, binascii.Error, ValueError) as error:
            raise ServerFault(f"{self.url} answered with a broken block: {error}", target=self.url) from error
        if height not in (None, fields.height):
            raise ServerFault(f"{self.url} answered with another block than {height}", target=self.url)
        return Block(
            chain_id=fields.chain_id,
            height=fields.height,
            time=fields.time,
            block_hash=block_hash,
            header=header,
            transactions=transactions,
        )

    def _read_included(self, found: _TxResponse) -> Included:
        try:
            data = bytes.fromhex(found.data)
            responses = decode(TxMsgData, data, skip_unknown=True).msg_responses
        except (ValueError, BadContent) as error:
            raise ServerFault(f"{self.url} answered with a broken result: {error}", target=self.url) from error
        return Included(
            tx_hash=found.txhash,
            height=found.height,
            code=found.code,
            codespace=found.codespace,
            log=found.raw_log,
            gas_wanted=found.gas_wanted,
            gas_used=found.gas_used,
            data=data,
            responses=tuple(response.value for response in responses),
            events=tuple(
                ChainEvent(type=happened.type, attributes=tuple((pair.key, pair.value) for pair in happened.attributes))
                for happened in found.events
            ),
        )


class _Syncing(msgspec.Struct):
    syncing: bool


class _Header(msgspec.Struct):
    chain_id: str
    height: Natural
    time: datetime


class _BlockId(msgspec.Struct):
    hash: str


class _BlockData(msgspec.Struct):
    txs: list[str] = []


class _BlockBody(msgspec.Struct):
    header: dict[str, Any]
    data: _BlockData


class _BlockAnswer(msgspec.Struct):
    block_id: _BlockId
    block: _BlockBody


class _Vesting(msgspec.Struct):
    base_account: Account


class _AccountBody(msgspec.Struct):
    account_number: Natural = 0
    sequence: Natural = 0
    base_account: Account | None = None
    base_vesting_account: _Vesting | None = None


class _AccountAnswer(msgspec.Struct):
    account: _AccountBody


class _Balance(msgspec.Struct):
    amount: Natural


class _BalanceAnswer(msgspec.Struct):
    balance: _Balance


class _GasInfo(msgspec.Struct):
    gas_used: Natural


class _SimulateAnswer(msgspec.Struct):
    gas_info: _GasInfo


class _Attribute(msgspec.Struct):
    key: str
    value: str = ""


class _Event(msgspec.Struct):
    type: str
    attributes: list[_Attribute] = []


class _TxResponse(msgspec.Struct):
    txhash: str
    height: Natural
    code: Natural
    codespace: str = ""
    raw_log: str = ""
    data: str = ""
    gas_wanted: Natural = 0
    gas_used: Natural = 0
    events: list[_Event] = []


class _BroadcastAnswer(msgspec.Struct):
    tx_response: _TxResponse


class _TxAnswer(msgspec.Struct):
    tx_response: _TxResponse
