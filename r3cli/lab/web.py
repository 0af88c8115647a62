"""What the lab's servers share: reading bodies with a cap, answering JSON, failing like a Cosmos gateway."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, TypeVar

import msgspec
from starlette.concurrency import run_in_threadpool  # noqa: TID253 - the lab's servers exist to use it
from starlette.requests import Request  # noqa: TID253 - as above
from starlette.responses import Response  # noqa: TID253 - as above

MAX_BODY = 2 << 20  # bytes; a transaction of 1 MiB in base64, with room

_HTTP_STATUS = {2: 500, 3: 400, 5: 404, 8: 429, 9: 400, 12: 501, 14: 503}

Endpoint = Callable[[Request], Awaitable[Response]]
T = TypeVar("T")


class GatewayError(Exception):
    """A gRPC status that the gateway turns into JSON."""

    def __init__(self, code: int, message: str, *, status: int = 0) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status or _HTTP_STATUS.get(code, 500)


def answer(body: Any, *, status: int = 200) -> Response:
    """A JSON response."""
    return Response(msgspec.json.encode(body), status_code=status, media_type="application/json")


def answer_error(error: GatewayError) -> Response:
    """The gateway's form of an error."""
    return answer({"code": error.code, "message": error.message, "details": []}, status=error.status)


def not_implemented(_: Request) -> NoReturn:
    """What the gateway says to any path that it does not have."""
    raise GatewayError(12, "Not Implemented")


def endpoint(function: Callable[..., Any], *names: str) -> Endpoint:
    """A handler that calls `function(request, *path parameters)` in a worker thread and answers with its result."""

    async def handle(request: Request) -> Response:
        values = [request.path_params[name] for name in names]
        return answer(await run_in_threadpool(function, request, *values))

    return handle


async def read_body(request: Request, *, limit: int = MAX_BODY) -> bytes:
    """The whole body; raises `GatewayError` when it is larger than `limit`, without holding more than that."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise GatewayError(3, "http: request body too large", status=413)
    return bytes(body)


async def read_json(request: Request, model: type[T]) -> T:
    """A JSON body of a known form; raises `GatewayError` 3."""
    body = await read_body(request)
    try:
        return msgspec.json.decode(body, type=model)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise GatewayError(3, str(error)) from error


def read_base64(text: str) -> bytes:
    """Bytes from base64 in a request; raises `GatewayError` 3."""
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise GatewayError(3, f"illegal base64 data: {error}") from error


def query_number(request: Request, name: str, default: int, *, most: int) -> int:
    """A natural number from the query string, at most `most`; raises `GatewayError` 3."""
    text = request.query_params.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > 19:
        raise GatewayError(3, f'parsing field "{name}": {text[:40]!r} is not a number')
    return min(int(text), most)
