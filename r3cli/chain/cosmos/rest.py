"""HTTP to one endpoint of a node's REST gateway: bounded in time and size, no redirects, strictly typed JSON.

An endpoint is `http(s)://host[:port][/path]` or `unix:///path/of/a.sock`. Failures are told apart by what they
leave open: `Unreachable` means that nothing was sent, `NoReply` and `ServerFault` that the request may have been
acted upon, `GatewayRefusal` that the node understood and said no.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx  # noqa: TID253 - this leaf exists to use it
import msgspec

from r3cli.errors import BadSetting, R3Error, RateLimited, ServerFault, Unreachable

MAX_ANSWER = 8 << 20  # bytes
_PASSING_STATUSES = (408, 502, 503, 504)
_TOO_MANY = 429

T = TypeVar("T")


class NoReply(Unreachable):
    """Connected, but the answer did not come (whole): the request may have been acted upon."""


class GatewayRefusal(R3Error):
    """The gateway's error answer: an HTTP status with a gRPC code and a text."""

    def __init__(self, url: str, status: int, grpc_code: int, text: str) -> None:
        super().__init__(f"{url} answered {status}: {text[:300]}")
        self.status = status
        self.grpc_code = grpc_code
        self.text = text


class _ErrorBody(msgspec.Struct):
    code: int
    message: str = ""


class Endpoint:
    """One address of a node; safe to keep for long, to be closed at the end."""

    def __init__(self, url: str, *, timeout: float = 10.0) -> None:
        self.url = url
        self._timeout = timeout
        self._socket = Path(url.removeprefix("unix://")) if url.startswith("unix://") else None
        self._client = _open_client(url, timeout)

    def get(self, path: str, model: type[T], params: Mapping[str, str] | None = None) -> T:
        """The typed answer to a GET."""
        return self._call("GET", path, model, params=params)

    def post(self, path: str, body: object, model: type[T]) -> T:
        """The typed answer to a POST of JSON."""
        return self._call("POST", path, model, content=msgspec.json.encode(body))

    def close(self) -> None:
        self._client.close()

    def _call(self, method: str, path: str, model: type[T], **request: Any) -> T:
        if self._socket is not None and not self._socket.exists():
            raise Unreachable(f"{self.url} cannot be reached: there is no such socket", target=self.url)
        try:
            status, content = self._exchange(method, path, request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
            raise Unreachable(f"{self.url} cannot be reached: {_reason(error)}", target=self.url) from error
        except httpx.HTTPError as error:
            raise NoReply(f"{self.url} did not answer: {_reason(error)}", target=self.url) from error
        if status == 200:
            return self._parse(content, model)
        raise self._failure(status, content)

    def _exchange(self, method: str, path: str, request: dict[str, Any]) -> tuple[int, bytes]:
        deadline = time.monotonic() + self._timeout
        with self._client.stream(method, path, **request) as response:
            if response.headers.get("content-encoding", "identity") != "identity":
                raise ServerFault(f"{self.url} compressed its answer unasked", target=self.url)
            content = bytearray()
            for chunk in response.iter_raw():
                content += chunk
                if len(content) > MAX_ANSWER:
                    raise ServerFault(f"{self.url} answered with more than {MAX_ANSWER} bytes", target=self.url)
                # httpx limits the wait for each chunk; a slow drip must end too.
                if time.monotonic() > deadline:
                    raise NoReply(f"{self.url} did not answer within {self._timeout:g} s", target=self.url)
            return response.status_code, bytes(content)

    def _parse(self, content: bytes, model: type[T]) -> T:
        try:
            # Not strict: protobuf's JSON writes 64-bit integers as strings.
            return msgspec.json.decode(content, type=model, strict=False)
        except (msgspec.DecodeError, RecursionError, ValueError) as error:
            raise ServerFault(f"{self.url} answered with nonsense: {error}", target=self.url) from error

    def _failure(self, status: int, content: bytes) -> R3Error:
        if status == _TOO_MANY:
            return RateLimited(f"{self.url} asks to slow down", target=self.url)
        if 300 <= status < 400:
            return ServerFault(f"{self.url} answers with a redirect, which is not followed", target=self.url)
        try:
            body = msgspec.json.decode(content, type=_ErrorBody)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return ServerFault(f"{self.url} answered with HTTP status {status}", target=self.url)
        if status in _PASSING_STATUSES:
            return ServerFault(f"{self.url} answered {status}: {body.message[:300]}", target=self.url)
        return GatewayRefusal(self.url, status, body.code, body.message)


def _open_client(url: str, timeout: float) -> httpx.Client:
    parts = urlsplit(url)
    common: dict[str, Any] = {"timeout": timeout, "headers": {"accept-encoding": "identity"}}
    if parts.scheme == "unix" and parts.path:
        return httpx.Client(
            transport=httpx.HTTPTransport(uds=parts.path), base_url="http://localhost", trust_env=False, **common
        )
    if parts.scheme in ("http", "https") and parts.hostname:
        # A proxy from the environment is for the world outside, not for this machine.
        local = parts.hostname in ("localhost", "127.0.0.1", "::1")
        return httpx.Client(base_url=url, trust_env=not local, **common)
    raise BadSetting(f"{url!r} is not an endpoint", hint="write http(s)://host:port or unix:///path/of/a.sock")


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
