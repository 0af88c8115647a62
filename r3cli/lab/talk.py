"""Talking to a lab server's own controls, with the standard library only."""

from __future__ import annotations

import http.client
import socket
from typing import Any
from urllib.parse import urlsplit

import msgspec

from r3cli.errors import BadSetting, R3Error, ServerFault, Unreachable

_MAX_ANSWER = 16 << 20


class LabClient:
    """One lab server by its endpoint (`unix:///path.sock` or `http://host:port`); each call is a connection."""

    def __init__(self, endpoint: str, *, timeout: float = 30.0) -> None:
        self.endpoint = endpoint
        self._timeout = timeout

    def get(self, path: str) -> Any:
        """The JSON answer to a GET of `/lab/v1/PATH`."""
        return self._call("GET", path, None)

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """The JSON answer to a POST to `/lab/v1/PATH`; raises `R3Error` with the server's words when it refuses."""
        return self._call("POST", path, msgspec.json.encode(body or {}))

    def answers(self) -> bool:
        """Whether a lab server is there."""
        return self.process() is not None

    def process(self) -> int | None:
        """The id of the lab server's process; None when no lab server is there."""
        try:
            status = self.get("status")
        except R3Error:
            return None
        pid = status.get("pid") if isinstance(status, dict) else None
        return pid if isinstance(pid, int) else None

    def _call(self, method: str, path: str, body: bytes | None) -> Any:
        connection = _connect(self.endpoint, self._timeout)
        try:
            headers = {"Content-Type": "application/json"} if body is not None else {}
            connection.request(method, f"/lab/v1/{path}", body=body, headers=headers)
            response = connection.getresponse()
            status, content = response.status, response.read(_MAX_ANSWER)
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"no lab server answers at {self.endpoint}", hint="start one with `r3 lab up`") from error
        finally:
            connection.close()
        return _read_answer(status, content, self.endpoint)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _connect(endpoint: str, timeout: float) -> http.client.HTTPConnection:
    parts = urlsplit(endpoint)
    if parts.scheme == "unix":
        return _UnixConnection(parts.path, timeout)
    if parts.scheme != "http" or not parts.hostname:
        raise BadSetting(f"{endpoint!r} is not a lab endpoint", hint="write unix:///path.sock or http://host:port")
    return http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)


def _read_answer(status: int, content: bytes, endpoint: str) -> Any:
    try:
        answer = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise ServerFault(f"{endpoint} answered with something that is not JSON", target=endpoint) from error
    if status == 200:
        return answer
    message = answer.get("message", "") if isinstance(answer, dict) else ""
    raise LabRefused(f"the lab refused: {message or f'HTTP {status}'}", target=endpoint)


class LabRefused(R3Error):
    """The lab server said no to a control call."""

    name = "lab_refused"
