"""Calls to a Kubo daemon's RPC: bounded in time and size, no redirects, no proxies, each failure told apart.

Every command is a POST; an error is HTTP 500 with `{"Message", "Code", "Type": "error"}`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import TypeVar
from urllib.parse import urlsplit

import httpx  # noqa: TID253 - this leaf exists to use it
import msgspec

from r3cli.errors import (
    BadSetting,
    ContentMissing,
    Malformed,
    R3Error,
    ServerFault,
    TooLarge,
    Unauthorised,
    Unreachable,
)

ANSWER_LIMIT = 64 << 20  # bytes of a JSON answer; a list of pins is the longest
# A daemon may hang up between two calls; on a connection that is kept, the next call would find nobody there.
_NO_REUSE = httpx.Limits(max_keepalive_connections=0)
_MESSAGE_LIMIT = 64 << 10
_GRACE = 10.0  # seconds by which we wait longer than we let the daemon search
# What Kubo says when a block is not here, or was not found among its peers in the time given.
_ABSENCE = ("not found", "could not find", "deadline exceeded", "context canceled")

T = TypeVar("T")


class KuboError(R3Error):
    """The daemon understood the command and refused it, in its own words."""


class _ErrorBody(msgspec.Struct):
    message: str = msgspec.field(name="Message")


class KuboRpc:
    """One daemon by its URL: `http(s)://host:port` or `unix:///path/of/a.sock`. `timeout` is in seconds."""

    def __init__(self, url: str, *, timeout: float) -> None:
        self.url = url
        self.timeout = timeout
        self._client = _open_client(url, timeout + _GRACE)

    def close(self) -> None:
        self._client.close()

    def read(self, command: str, model: type[T], **params: str) -> T:
        """The typed JSON answer to a command."""
        return self.decode(self.call(command, params, limit=ANSWER_LIMIT), model)

    def decode(self, content: bytes, model: type[T]) -> T:
        """A JSON answer as data; raises `Malformed`."""
        try:
            return msgspec.json.decode(content, type=model)
        except (msgspec.DecodeError, RecursionError, ValueError) as error:
            raise Malformed(f"{self.url} does not answer like Kubo: {error}", target=self.url) from error

    def call(
        self,
        command: str,
        params: Mapping[str, str],
        *,
        limit: int,
        body: Iterator[bytes] | None = None,
        content_type: str = "",
    ) -> bytes:
        """The bytes of an answer.

        Raises `ContentMissing`, `KuboError`, `Unauthorised`, `Unreachable`, `ServerFault`, `Malformed`, or `TooLarge`
        beyond `limit` bytes.
        """
        headers = {"content-type": content_type} if content_type else {}
        try:
            with self._client.stream(
                "POST", f"/api/v0/{command}", params=dict(params), content=body, headers=headers
            ) as response:
                if response.status_code == httpx.codes.OK:
                    return self._receive(response, limit, command)
                message = self._receive(response, _MESSAGE_LIMIT, command)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = str(error) or type(error).__name__
            raise Unreachable(
                f"no IPFS daemon answers at {self.url}: {reason}",
                hint="start it with `ipfs daemon`, set storage.url, or use the local store with storage.kind blocks",
                target=self.url,
            ) from error
        raise self._failure(response.status_code, message, params.get("arg"))

    def _receive(self, response: httpx.Response, limit: int, command: str) -> bytes:
        deadline = time.monotonic() + self.timeout + _GRACE
        content = bytearray()
        for chunk in response.iter_raw():
            content += chunk
            if len(content) > limit:
                raise TooLarge(f"{self.url} answers {command} with more than {limit} bytes", target=self.url)
            # httpx limits the wait for each chunk; a slow drip must end too.
            if time.monotonic() > deadline:
                raise httpx.ReadTimeout(f"{command} did not end in time")
        return bytes(content)

    def _failure(self, status: int, content: bytes, cid: str | None) -> R3Error:
        if status in (401, 403):
            return Unauthorised(f"{self.url} does not allow this client its RPC", target=self.url)
        if status in (429, 502, 503, 504):
            return ServerFault(f"{self.url} answers with HTTP status {status}", target=self.url)
        try:
            message = msgspec.json.decode(content, type=_ErrorBody).message[:300]
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return Malformed(
                f"{self.url} does not answer like Kubo (HTTP status {status})",
                hint="check storage.url",
                target=self.url,
            )
        if cid is not None and any(words in message for words in _ABSENCE):
            return ContentMissing(f"nobody serves {cid} to {self.url}", target=cid)
        return KuboError(f"{self.url}: {message}", target=cid)


def _open_client(url: str, timeout: float) -> httpx.Client:
    parts = urlsplit(url)
    headers = {"accept-encoding": "identity"}
    if parts.scheme == "unix" and parts.path:
        transport = httpx.HTTPTransport(uds=parts.path, limits=_NO_REUSE)
        base_url = "http://localhost"
    elif parts.scheme in ("http", "https") and parts.hostname:
        transport, base_url = httpx.HTTPTransport(limits=_NO_REUSE), url
    else:
        raise BadSetting(f"storage.url {url!r} is neither http(s)://host:port nor unix:///path")
    # An RPC that may delete content is never spoken to through a proxy of the environment.
    return httpx.Client(transport=transport, base_url=base_url, headers=headers, timeout=timeout, trust_env=False)
