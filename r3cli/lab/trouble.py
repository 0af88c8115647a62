"""The layer of the chain's server that makes faults happen to requests."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.concurrency import run_in_threadpool  # noqa: TID253 - the lab's servers exist to use it
from starlette.types import ASGIApp, Message, Receive, Scope, Send  # noqa: TID253 - as above
from uvicorn.protocols.http.h11_impl import H11Protocol  # noqa: TID253 - as above

from r3cli.lab.faults import Faults
from r3cli.lab.web import GatewayError, answer_error

_SUBMISSIONS = ("/", "/cosmos/tx/v1beta1/txs")
CONTROL_PREFIX = "/lab/"
_TRANSPORT = "r3.transport"


class CuttableProtocol(H11Protocol):
    """HTTP/1.1 that lets the application cut the connection, which ASGI has no word for."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's own
        super().connection_made(transport)
        self.app_state = {**self.app_state, _TRANSPORT: transport}


class Trouble:
    """ASGI middleware: the lab's own control paths are never disturbed."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(CONTROL_PREFIX):
            await self._app(scope, receive, send)
            return
        active = {fault.name for fault in await run_in_threadpool(self._faults.active)}
        if not active:
            await self._app(scope, receive, send)
            return
        await self._disturb(scope, receive, send)

    async def _disturb(self, scope: Scope, receive: Receive, send: Send) -> None:
        slow = await run_in_threadpool(self._faults.take, "slow")
        if slow:
            await asyncio.sleep(slow.seconds)
        if await run_in_threadpool(self._faults.take, "error-5xx"):
            await answer_error(GatewayError(14, "the lab was told to fail"))(scope, receive, send)
            return
        if await run_in_threadpool(self._faults.take, "rate-limit"):
            refusal = answer_error(GatewayError(8, "too many requests, the lab was told to say"))
            refusal.headers["Retry-After"] = "1"
            await refusal(scope, receive, send)
            return
        submits = scope["method"] == "POST" and scope["path"] in _SUBMISSIONS
        if submits and await run_in_threadpool(self._faults.take, "drop-before"):
            await _cut(scope)
        elif submits and await run_in_threadpool(self._faults.take, "lost-reply"):
            await self._app(scope, receive, _swallow)
            await _cut(scope)
        else:
            await self._app(scope, receive, send)


async def _swallow(_: Message) -> None:
    """Take an answer and lose it."""


async def _cut(scope: Scope) -> None:
    state: dict[str, Any] = scope.get("state", {})
    transport: asyncio.Transport = state[_TRANSPORT]
    transport.abort()
    # The server learns of the cut in the loop's next turn, and then answers nothing.
    await asyncio.sleep(0)
    await asyncio.sleep(0)
