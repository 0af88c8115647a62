"""The client against servers that lie, stall, overflow or speak something else, on loopback and Unix sockets."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from r3cli.errors import (
    BadSetting,
    CidMismatch,
    ContentMissing,
    Malformed,
    R3Error,
    ServerFault,
    TooLarge,
    Unauthorised,
    Unreachable,
)
from r3cli.storage.cid import cid_of
from r3cli.storage.kubo import KuboStore
from r3cli.storage.kubo_rpc import KuboError

CONTENT = b"what was asked for"
CID = cid_of(CONTENT)

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers every POST by the server's `answer`, after reading the body."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        if self.headers.get("transfer-encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                self.rfile.read(size + 2)
            self.rfile.readline()
        answer: Answer = self.server.answer  # type: ignore[attr-defined]  # set by the fixture
        self.close_connection = True
        answer(self)

    def say(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"content-length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
        """Quiet."""


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up on a hostile server is what the test wants."""


@pytest.fixture
def ask() -> Iterator[Callable[[Answer], KuboStore]]:
    """Starts a server that answers so; a client of it, with a patience of 0.5 s."""
    servers: list[Server] = []
    stores: list[KuboStore] = []

    def start(answer: Answer) -> KuboStore:
        server = Server(("127.0.0.1", 0), Handler)
        server.answer = answer  # type: ignore[attr-defined]  # read by the handler
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        stores.append(KuboStore(f"http://127.0.0.1:{server.server_address[1]}", timeout=0.5))
        return stores[-1]

    yield start
    for store in stores:
        store.close()
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def _short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("r3cli.storage.kubo_rpc._GRACE", 0.5)


Ask = Callable[[Answer], KuboStore]


def test_wrong_bytes_never_arrive(ask: Ask) -> None:
    store = ask(lambda handler: handler.say(b"what was not asked for"))
    with pytest.raises(CidMismatch):
        store.get(CID, limit=1000)


def test_the_right_bytes_do(ask: Ask) -> None:
    assert ask(lambda handler: handler.say(CONTENT)).get(CID, limit=1000) == CONTENT


def test_endless_bytes_end_at_the_cap(ask: Ask) -> None:
    def endless(handler: Handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(bytes(1 << 16))

    with pytest.raises(TooLarge):
        ask(endless).get(CID, limit=1000)


def test_a_slow_drip_ends_too(ask: Ask) -> None:
    def drip(handler: Handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b".")
            threading.Event().wait(0.05)

    with pytest.raises(Unreachable):
        ask(drip).get(CID, limit=1000)


def test_silence_is_unreachable(ask: Ask) -> None:
    def wait(_: Handler) -> None:
        threading.Event().wait(3)

    with pytest.raises(Unreachable) as caught:
        ask(wait).get(CID, limit=1000)
    assert caught.value.retryable
    assert "storage.kind" in (caught.value.hint or "")


def test_a_cut_answer_is_unreachable_or_mismatched(ask: Ask) -> None:
    with pytest.raises(Unreachable):
        ask(lambda handler: handler.say(CONTENT[:5], content_length="18")).get(CID, limit=1000)

    def close_early(handler: Handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(CONTENT[:5])

    with pytest.raises(CidMismatch):
        ask(close_early).get(CID, limit=1000)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (500, b'{"Message":"block was not found locally (offline): x","Code":0,"Type":"error"}', ContentMissing),
        (500, b'{"Message":"context deadline exceeded","Code":0,"Type":"error"}', ContentMissing),
        (500, b'{"Message":"something else","Code":0,"Type":"error"}', KuboError),
        (500, b"<html>", Malformed),
        (500, b"[" * 50_000, Malformed),
        (404, b"404 page not found", Malformed),
        (405, b"", Malformed),
        (301, b"", Malformed),
        (403, b"403 - Forbidden", Unauthorised),
        (502, b"bad gateway", ServerFault),
    ],
)
def test_refusals_are_told_apart(ask: Ask, status: int, body: bytes, error: type[R3Error]) -> None:
    store = ask(lambda handler: handler.say(body, status, location="http://127.0.0.1:1/"))
    with pytest.raises(error) as caught:
        store.get(CID, limit=1000)
    assert type(caught.value) is error


@pytest.mark.parametrize("body", [b"", b"null", b"{}", b'{"Hash":"QmWrong"}', b"\xff", b'{"Hash":7}'])
def test_an_upload_is_believed_only_under_its_own_cid(ask: Ask, body: bytes) -> None:
    with pytest.raises((CidMismatch, Malformed)):
        ask(lambda handler: handler.say(body)).put(CONTENT)


def test_an_upload_with_the_right_answer_is_kept(ask: Ask) -> None:
    answer = f'{{"Name":"a","Bytes":5}}\n{{"Name":"content","Hash":"{CID}","Size":"18"}}\n'.encode()
    assert ask(lambda handler: handler.say(answer)).put(CONTENT) == CID


def test_pins_in_other_formats_are_passed_over(ask: Ask) -> None:
    body = f'{{"Keys":{{"{CID}":{{"Type":"recursive"}},"zdpuAnything":{{"Type":"recursive"}}}}}}'.encode()
    assert ask(lambda handler: handler.say(body)).pins() == [CID]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"Version":1}', b'{"RepoSize":"many"}'])
def test_nonsense_is_malformed(ask: Ask, body: bytes) -> None:
    store = ask(lambda handler: handler.say(body))
    with pytest.raises(Malformed):
        store.version()
    with pytest.raises(Malformed):
        store.stat()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # httpcore forgets a Unix socket
def test_nobody_there_is_unreachable(tmp_path: Path) -> None:
    for url in ("http://127.0.0.1:9", f"unix://{tmp_path}/none.sock"):
        store = KuboStore(url, timeout=1)
        with pytest.raises(Unreachable, match="no IPFS daemon"):
            store.version()
        store.close()


def test_a_unix_socket_is_spoken_to(tmp_path: Path) -> None:
    class UnixServer(socketserver.ThreadingUnixStreamServer):
        daemon_threads = True
        answer: Answer = staticmethod(lambda handler: handler.say(b'{"Version":"1.2.3"}'))

    path = tmp_path / "k.sock"
    with UnixServer(str(path), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        store = KuboStore(f"unix://{path}", timeout=5)
        assert store.version() == "1.2.3"
        store.close()
        server.shutdown()


def test_proxies_of_the_environment_are_not_used(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert ask(lambda handler: handler.say(CONTENT)).get(CID, limit=1000) == CONTENT


@pytest.mark.parametrize("url", ["", "ftp://127.0.0.1", "127.0.0.1:5001", "unix://", "/ip4/127.0.0.1/tcp/5001"])
def test_other_addresses_are_bad_settings(url: str) -> None:
    with pytest.raises(BadSetting, match=r"storage\.url"):
        KuboStore(url)
