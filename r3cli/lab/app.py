"""The lab's one application: Cosmos REST, CometBFT RPC, R3MES queries, Kubo RPC and the lab's own controls."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from starlette.applications import Starlette  # noqa: TID253 - the lab's servers exist to use it
from starlette.requests import Request  # noqa: TID253 - as above
from starlette.responses import Response  # noqa: TID253 - as above
from starlette.routing import Route  # noqa: TID253 - as above
from starlette.types import ASGIApp, Receive, Scope, Send  # noqa: TID253 - as above

from r3cli.lab.chain import Chain
from r3cli.lab.control import PREFIX, Control
from r3cli.lab.faults import Faults
from r3cli.lab.kubo import KuboRpc
from r3cli.lab.reads import Reads
from r3cli.lab.remes.queries import Queries
from r3cli.lab.rest import Gateway
from r3cli.lab.rpc import JsonRpc
from r3cli.lab.trouble import Trouble
from r3cli.lab.waiting import Waiting
from r3cli.lab.web import GatewayError, answer, answer_error

_LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")


class Activity:
    """When the last request came, and whether one is being answered: by this a server knows that it is idle."""

    def __init__(self) -> None:
        self._last = time.monotonic()
        self._open = 0

    def begin(self) -> None:
        self._open += 1

    def end(self) -> None:
        self._open -= 1
        self._last = time.monotonic()

    def idle_seconds(self) -> float:
        return 0.0 if self._open else time.monotonic() - self._last


def make_app(chain: Chain, blocks: Path, activity: Activity, *, stop: Callable[[], None]) -> ASGIApp:
    """Everything that the lab serves, over one chain and one folder of blocks; `stop` ends the server."""
    faults = Faults(chain.ledger)
    reads = Reads(chain, faults)
    waiting = Waiting(chain)

    async def stop_server(_: Request) -> Response:
        stop()
        return answer({"stopping": True})

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        reads.close()
        chain.close()

    routes = [
        Route(f"{PREFIX}/stop", stop_server, methods=["POST"]),
        *Control(chain, faults, reads.freeze).routes(),
        *Gateway(chain, reads.view, waiting).routes(),
        *Queries(reads.view, chain.genesis.mode).routes(),
        *JsonRpc(chain, reads.view, waiting).routes(),
        *KuboRpc(blocks).routes(),
    ]
    app = Starlette(routes=routes, exception_handlers=_HANDLERS, lifespan=lifespan)
    return _Doorkeeper(Trouble(app, faults), activity)


class _Doorkeeper:
    """Counts requests, and turns web pages away: a browser must not command the lab in its user's name."""

    def __init__(self, app: ASGIApp, activity: Activity) -> None:
        self._app = app
        self._activity = activity

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self._activity.begin()
        try:
            app = self._app if _is_local(scope) else answer_error(GatewayError(7, "not for web pages", status=403))
            await app(scope, receive, send)
        finally:
            self._activity.end()


def _is_local(scope: Scope) -> bool:
    headers = dict(scope["headers"])
    host = urlsplit("//" + headers.get(b"host", b"localhost").decode("latin-1")).hostname
    return host in _LOCAL_HOSTS and b"origin" not in headers


async def _show_gateway_error(_: Request, error: Exception) -> Response:
    return answer_error(error if isinstance(error, GatewayError) else GatewayError(2, "internal error"))


async def _show_missing(_: Request, __: Exception) -> Response:
    return answer_error(GatewayError(12, "Not Implemented"))


_HANDLERS = {GatewayError: _show_gateway_error, 404: _show_missing, 405: _show_missing}
