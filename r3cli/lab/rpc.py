"""CometBFT's JSON-RPC as far as clients of the chain use it: broadcast_tx_sync, tx, status."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool  # noqa: TID253 - the lab's servers exist to use it
from starlette.requests import Request  # noqa: TID253 - as above
from starlette.responses import Response  # noqa: TID253 - as above
from starlette.routing import Route  # noqa: TID253 - as above

from r3cli.lab.chain import Chain
from r3cli.lab.tx_json import show_events
from r3cli.lab.view import ChainView
from r3cli.lab.waiting import Waiting
from r3cli.lab.web import answer, read_body


class _Call(msgspec.Struct):
    method: str
    id: str | int = -1
    params: dict[str, Any] = {}


class _RpcError(Exception):
    def __init__(self, code: int, message: str, data: str = "") -> None:
        super().__init__(message)
        self.shown = {"code": code, "message": message, **({"data": data} if data else {})}


class JsonRpc:
    """The calls over one chain."""

    def __init__(self, chain: Chain, view: Callable[[], ChainView], waiting: Waiting) -> None:
        self._chain = chain
        self._view = view
        self._waiting = waiting
        self._methods = {"broadcast_tx_sync": self._broadcast, "tx": self._tx, "status": self._status}

    def routes(self) -> list[Route]:
        return [Route("/", self.call, methods=["POST"]), Route("/status", self.status, methods=["GET"])]

    async def call(self, request: Request) -> Response:
        body = await read_body(request)
        try:
            call = msgspec.json.decode(body, type=_Call)
        except (msgspec.DecodeError, UnicodeError) as error:
            shown = {"code": -32700, "message": "Parse error. Invalid JSON", "data": str(error)}
            return answer({"jsonrpc": "2.0", "id": -1, "error": shown}, status=500)
        method = self._methods.get(call.method)
        try:
            if method is None:
                raise _RpcError(-32601, "Method not found")
            result = await run_in_threadpool(method, call.params)
        except _RpcError as error:
            return answer({"jsonrpc": "2.0", "id": call.id, "error": error.shown})
        return answer({"jsonrpc": "2.0", "id": call.id, "result": result})

    async def status(self, _: Request) -> Response:
        return answer({"jsonrpc": "2.0", "id": -1, "result": await run_in_threadpool(self._status, {})})

    def _broadcast(self, params: dict[str, Any]) -> Any:
        raw = _read_bytes(params, "tx")
        result = self._chain.broadcast(raw)
        if result.code == 19:
            raise _RpcError(-32603, "Internal error", "tx already exists in cache")
        return {
            "code": result.code,
            "data": "",
            "log": result.log,
            "codespace": result.codespace,
            "hash": hashlib.sha256(raw).hexdigest().upper(),
        }

    def _tx(self, params: dict[str, Any]) -> Any:
        digest = _read_bytes(params, "hash")
        found = self._view().transaction(digest)
        if found is None:
            self._waiting.somebody_asks()
            raise _RpcError(-32603, "Internal error", f"tx ({digest.hex()}) not found")
        result = found.result
        return {
            "hash": digest.hex().upper(),
            "height": str(found.height),
            "index": 0,
            "tx_result": {
                "code": result.code,
                "data": base64.b64encode(result.data).decode(),
                "log": result.log,
                "info": "",
                "gas_wanted": str(result.gas_wanted),
                "gas_used": str(result.gas_used),
                "events": show_events(result.events, index=True),
                "codespace": result.codespace,
            },
            "tx": base64.b64encode(found.raw).decode(),
        }

    def _status(self, _: dict[str, Any]) -> Any:
        self._waiting.somebody_asks()
        view = self._view()
        block = view.block(view.height())
        header = block.header if block else {}
        return {
            "node_info": {"network": self._chain.genesis.chain_id, "version": "0.38.19", "moniker": "r3-lab"},
            "sync_info": {
                "latest_block_hash": block.hash.hex().upper() if block else "",
                "latest_app_hash": base64.b64decode(header.get("app_hash", "")).hex().upper(),
                "latest_block_height": header.get("height", "0"),
                "latest_block_time": header.get("time", ""),
                "catching_up": False,
            },
        }


def _read_bytes(params: dict[str, Any], name: str) -> bytes:
    try:
        return base64.b64decode(params[name], validate=True)
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise _RpcError(-32602, "Invalid params", f"{name} must be base64") from error
