"""The REST gateway of a Cosmos SDK 0.50 node: accounts, balances, transactions, blocks."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool  # noqa: TID253 - the lab's servers exist to use it
from starlette.requests import Request  # noqa: TID253 - as above
from starlette.responses import Response  # noqa: TID253 - as above
from starlette.routing import Route  # noqa: TID253 - as above

import r3cli
from r3cli.chain.cosmos.address import encode_bech32
from r3cli.lab.bank import check_bech32
from r3cli.lab.chain import Chain
from r3cli.lab.rejection import Rejection
from r3cli.lab.tx_json import show_block, show_check, show_included, show_simulation
from r3cli.lab.view import ChainView
from r3cli.lab.waiting import Waiting
from r3cli.lab.web import GatewayError, answer, endpoint, read_base64, read_json

_MODES = ("BROADCAST_MODE_UNSPECIFIED", "BROADCAST_MODE_BLOCK", "BROADCAST_MODE_SYNC", "BROADCAST_MODE_ASYNC")
_TENDERMINT = "/cosmos/base/tendermint/v1beta1"


class _TxRequest(msgspec.Struct):
    tx_bytes: str | None = None
    mode: str | int = 0


class Gateway:
    """The routes over one chain. `view` gives what reads are answered from, which a fault may have frozen."""

    def __init__(self, chain: Chain, view: Callable[[], ChainView], waiting: Waiting) -> None:
        self._chain = chain
        self._view = view
        self._waiting = waiting

    def routes(self) -> list[Route]:
        get, post = ["GET"], ["POST"]
        return [
            Route("/cosmos/auth/v1beta1/accounts/{address}", endpoint(self.account, "address"), methods=get),
            Route("/cosmos/bank/v1beta1/balances/{address}", endpoint(self.balances, "address"), methods=get),
            Route("/cosmos/bank/v1beta1/balances/{address}/by_denom", endpoint(self.balance, "address"), methods=get),
            Route("/cosmos/bank/v1beta1/supply", endpoint(self.supply), methods=get),
            Route("/cosmos/base/node/v1beta1/config", endpoint(self.node_config), methods=get),
            Route(f"{_TENDERMINT}/node_info", endpoint(self.node_info), methods=get),
            Route(f"{_TENDERMINT}/syncing", endpoint(self.syncing), methods=get),
            Route(f"{_TENDERMINT}/blocks/latest", endpoint(self.latest_block), methods=get),
            Route(f"{_TENDERMINT}/blocks/{{height}}", endpoint(self.block, "height"), methods=get),
            Route("/cosmos/tx/v1beta1/simulate", self.simulate, methods=post),
            Route("/cosmos/tx/v1beta1/txs", self.broadcast, methods=post),
            Route("/cosmos/tx/v1beta1/txs/{tx_hash}", endpoint(self.transaction, "tx_hash"), methods=get),
        ]

    def account(self, _: Request, address: str) -> Any:
        self._check_address(address)
        with self._view().state() as state:
            account = state.account(address)
        if account is None:
            raise GatewayError(5, f"account {address} not found")
        public_key = None
        if account.public_key:
            key = base64.b64encode(account.public_key).decode()
            public_key = {"@type": "/cosmos.crypto.secp256k1.PubKey", "key": key}
        return {
            "account": {
                "@type": "/cosmos.auth.v1beta1.BaseAccount",
                "address": address,
                "pub_key": public_key,
                "account_number": str(account.number),
                "sequence": str(account.sequence),
            }
        }

    def balances(self, _: Request, address: str) -> Any:
        self._check_address(address)
        with self._view().state() as state:
            balances = state.balances(address)
        return {"balances": _show_amounts(balances), "pagination": {"next_key": None, "total": str(len(balances))}}

    def balance(self, request: Request, address: str) -> Any:
        self._check_address(address)
        denom = request.query_params.get("denom", "")
        if not denom:
            raise GatewayError(3, "empty request")
        with self._view().state() as state:
            return {"balance": {"denom": denom, "amount": str(state.balance(address, denom))}}

    def supply(self, _: Request) -> Any:
        with self._view().state() as state:
            supply = state.supply()
        return {"supply": _show_amounts(supply), "pagination": {"next_key": None, "total": str(len(supply))}}

    def node_config(self, _: Request) -> Any:
        genesis = self._chain.genesis
        price = f"0.{genesis.gas_price:03d}{'0' * 15}{genesis.denom}"
        return {"minimum_gas_price": price, "pruning_keep_recent": "0", "pruning_interval": "0", "halt_height": "0"}

    def node_info(self, _: Request) -> Any:
        genesis = self._chain.genesis
        return {
            "default_node_info": {
                "protocol_version": {"p2p": "8", "block": "11", "app": "0"},
                "default_node_id": genesis.block_hash[:20].hex(),
                "listen_addr": "",
                "network": genesis.chain_id,
                "version": "0.38.19",
                "channels": "",
                "moniker": "r3-lab",
                "other": {"tx_index": "on", "rpc_address": ""},
            },
            "application_version": {
                "name": "r3-lab",
                "app_name": "r3-lab",
                "version": r3cli.__version__,
                "git_commit": "",
                "build_tags": genesis.mode,
                "go_version": "",
                "build_deps": [],
                "cosmos_sdk_version": "v0.50.9",
            },
        }

    def syncing(self, _: Request) -> Any:
        return {"syncing": False}

    def latest_block(self, _: Request) -> Any:
        self._waiting.somebody_asks()
        view = self._view()
        return self._show_block(view, view.height())

    def block(self, _: Request, height: str) -> Any:
        if not re.fullmatch(r"-?\d{1,18}", height):
            text = f'strconv.ParseInt: parsing "{height[:40]}": invalid syntax'
            raise GatewayError(3, f"type mismatch, parameter: height, error: {text}")
        if int(height) <= 0:
            raise GatewayError(2, f"height must be greater than 0, but got {int(height)}")
        return self._show_block(self._view(), int(height))

    async def simulate(self, request: Request) -> Response:
        wanted = await read_json(request, _TxRequest)
        raw = read_base64(wanted.tx_bytes or "")
        if not raw:
            raise GatewayError(3, "empty txBytes is not allowed")
        result = await run_in_threadpool(self._chain.simulate, raw)
        if result.code:
            raise GatewayError(2, f"{result.log} [r3cli/lab] with gas used: '{result.gas_used}'")
        return answer(show_simulation(result))

    async def broadcast(self, request: Request) -> Response:
        wanted = await read_json(request, _TxRequest)
        mode = _read_mode(wanted.mode)
        if wanted.tx_bytes is None:
            raise GatewayError(3, "invalid empty tx")
        raw = read_base64(wanted.tx_bytes)
        if mode not in ("BROADCAST_MODE_SYNC", "BROADCAST_MODE_ASYNC"):
            raise GatewayError(2, "unsupported return type unspecified; supported types: sync, async")
        result = await run_in_threadpool(self._chain.broadcast, raw)
        tx_hash = hashlib.sha256(raw).hexdigest().upper()
        return answer({"tx_response": show_check(tx_hash, None if mode.endswith("_ASYNC") else result)})

    def transaction(self, _: Request, tx_hash: str) -> Any:
        try:
            digest = binascii.unhexlify(tx_hash)
        except (binascii.Error, ValueError) as error:
            raise GatewayError(2, f"encoding/hex: {error}") from error
        found = self._view().transaction(digest)
        if found is None:
            self._waiting.somebody_asks()
            raise GatewayError(5, f"tx not found: {tx_hash}")
        return show_included(found, self._chain.genesis)

    def _show_block(self, view: ChainView, height: int) -> Any:
        block = view.block(height)
        if block is None:
            raise GatewayError(3, "requested block height is bigger then the chain length")  # the SDK's spelling
        proposer = base64.b64decode(block.header["proposer_address"])
        return show_block(block, encode_bech32(f"{self._chain.genesis.prefix}valcons", proposer))

    def _check_address(self, address: str) -> None:
        try:
            check_bech32(address, self._chain.genesis.prefix)
        except Rejection as error:
            raise GatewayError(2, error.log) from error


def _show_amounts(amounts: list[tuple[str, int]]) -> list[dict[str, str]]:
    return [{"denom": denom, "amount": str(amount)} for denom, amount in amounts]


def _read_mode(mode: str | int) -> str:
    if isinstance(mode, int):
        return _MODES[mode] if 0 <= mode < len(_MODES) else _MODES[0]
    if mode not in _MODES:
        raise GatewayError(3, f'unknown value "{mode[:60]}" for enum cosmos.tx.v1beta1.BroadcastMode')
    return mode
