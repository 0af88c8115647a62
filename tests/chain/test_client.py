"""The REST client against a server that lies, stalls, redirects and floods."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from r3cli.chain.cosmos import rest
from r3cli.chain.cosmos.client import CosmosClient, Unanswered
from r3cli.chain.cosmos.node import Node
from r3cli.errors import BadSetting, NotFound, R3Error, RateLimited, ServerFault, StaleNode, Unreachable, WrongChain
from tests.chain.scripted import CutConnection, ScriptedChain, reply, serve

TX = b"\x0a\x00"


@pytest.fixture
def chain() -> ScriptedChain:
    return ScriptedChain()


@pytest.fixture
def endpoint(chain: ScriptedChain) -> Iterator[str]:
    with serve(chain) as url:
        yield url


@pytest.fixture
def client(endpoint: str) -> Iterator[CosmosClient]:
    with CosmosClient([endpoint], timeout=0.6) as opened:
        yield opened


def _always(content: bytes, *, status: int = 200, **headers: str) -> Callable[[BaseHTTPRequestHandler], bool]:
    def answer(handler: BaseHTTPRequestHandler) -> bool:
        reply(handler, content, status=status, **headers)
        return True

    return answer


@pytest.mark.parametrize(
    ("content", "status", "headers", "error"),
    [
        (b"", 302, {"Location": "http://127.0.0.1:1/"}, ServerFault),
        (b"{", 200, {}, ServerFault),
        (b"[]", 200, {}, ServerFault),
        (b'{"block_id": {"hash": 1}}', 200, {}, ServerFault),
        (b"[" * 100_000, 200, {}, ServerFault),
        (b"\xff\xfe", 200, {}, ServerFault),
        (b"oops", 500, {}, ServerFault),
        (b'{"code": 14, "message": "unavailable"}', 503, {}, ServerFault),
        (b"slow down", 429, {}, RateLimited),
        (b"\x1f\x8b\x08\x00", 200, {"Content-Encoding": "gzip"}, ServerFault),
        (b'{"code": 12, "message": "Not Implemented"}', 501, {}, Unreachable),
    ],
)
def test_answers_that_are_no_answers(
    chain: ScriptedChain,
    client: CosmosClient,
    content: bytes,
    status: int,
    headers: dict[str, str],
    error: type[R3Error],
) -> None:
    chain.on_request = _always(content, status=status, **headers)
    with pytest.raises(error):
        client.head()


def test_an_endless_answer_is_cut(chain: ScriptedChain, client: CosmosClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "MAX_ANSWER", 1 << 16)
    sent = []

    def flood(handler: BaseHTTPRequestHandler) -> bool:
        handler.send_response(200)
        handler.send_header("Content-Length", str(1 << 40))
        handler.end_headers()
        try:
            while True:
                sent.append(handler.wfile.write(bytes(1 << 16)))
        except OSError:
            raise CutConnection from None

    chain.on_request = flood
    with pytest.raises(ServerFault, match="more than"):
        client.head()
    assert sum(sent) < 1 << 26


def test_a_dripping_answer_ends_in_time(chain: ScriptedChain, client: CosmosClient) -> None:
    stop = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> bool:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        try:
            while not stop.wait(0.05):
                handler.wfile.write(b" ")
        except OSError:
            pass
        raise CutConnection

    chain.on_request = drip
    started = time.monotonic()
    with pytest.raises(Unreachable, match="did not answer"):
        Node(client._nodes[0].url, timeout=0.3).head()
    stop.set()
    assert time.monotonic() - started < 3


def test_a_silent_server_ends_in_time(client: CosmosClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        node = Node(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=0.2)
        with pytest.raises(rest.NoReply):
            node.head()
        node.close()


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with (
        CosmosClient([f"http://127.0.0.1:{port}"]) as client,
        pytest.raises(Unreachable, match="cannot be reached") as caught,
    ):
        client.head()
    assert not isinstance(caught.value, rest.NoReply)


@pytest.mark.parametrize("url", ["", "127.0.0.1:1317", "ftp://x", "http://", "unix://"])
def test_what_is_no_endpoint(url: str) -> None:
    with pytest.raises(BadSetting):
        CosmosClient([url])


def test_no_endpoint_at_all() -> None:
    with pytest.raises(BadSetting):
        CosmosClient([])


def test_a_wrong_chain_is_refused(endpoint: str) -> None:
    with CosmosClient([endpoint], chain_id="mainnet-1") as client:
        with pytest.raises(WrongChain, match="scripted-1"):
            client.head()
        with pytest.raises(WrongChain):
            client.broadcast(TX)


def test_a_chain_that_changes_under_us_is_refused(chain: ScriptedChain, client: CosmosClient) -> None:
    assert client.chain_id == "scripted-1"
    chain.chain_id = "scripted-2"
    with pytest.raises(WrongChain):
        client.head()


def test_an_old_head_is_stale_unless_times_are_logical(chain: ScriptedChain, endpoint: str) -> None:
    chain.head_time = datetime.now(UTC) - timedelta(minutes=10)
    with CosmosClient([endpoint]) as client, pytest.raises(StaleNode):
        client.head()
    with CosmosClient([endpoint], max_head_age=None) as client:
        assert client.head().height == 10


def test_a_node_that_goes_back_is_stale(chain: ScriptedChain, client: CosmosClient) -> None:
    chain.height = 100
    assert client.head().height == 100
    chain.height = 94
    with pytest.raises(StaleNode, match="6 blocks behind"):
        client.head()


def test_a_node_that_catches_up_is_stale(chain: ScriptedChain, client: CosmosClient) -> None:
    chain.syncing = True
    with pytest.raises(StaleNode, match="catching up"):
        client.balance("cosmos1x", "ucoin")


def test_the_fresh_one_of_several_is_asked(chain: ScriptedChain, endpoint: str) -> None:
    lagging, foreign = ScriptedChain(height=2, balance=1), ScriptedChain(chain_id="other", balance=2)
    with serve(lagging) as first, serve(foreign) as second:
        endpoints = [first, second, "http://127.0.0.1:1", endpoint]
        with CosmosClient(endpoints, chain_id="scripted-1") as client:
            chain.balance = 3
            assert client.balance("cosmos1x", "ucoin") == 3
            assert client.head().height == 10


def test_a_read_goes_on_with_the_next(chain: ScriptedChain, endpoint: str) -> None:
    broken = ScriptedChain()
    with serve(broken) as first, CosmosClient([first, endpoint]) as client:
        client.head()
        broken.on_request = _always(b"oops", status=500)
        chain.balance = 5
        assert client.balance("cosmos1x", "ucoin") == 5


@pytest.mark.parametrize("trouble", ["cut", "500", "nonsense", "429"])
def test_a_broadcast_without_a_clear_answer_is_unanswered_and_not_repeated(
    chain: ScriptedChain, endpoint: str, trouble: str
) -> None:
    other = ScriptedChain()
    seen = []

    def fail(handler: BaseHTTPRequestHandler) -> bool:
        if handler.command != "POST":
            return False
        seen.append(handler.path)
        if trouble == "cut":
            raise CutConnection
        reply(handler, b"?", status={"500": 500, "429": 429}.get(trouble, 200))
        return True

    chain.on_request = fail
    with serve(other) as second, CosmosClient([endpoint, second]) as client, pytest.raises(Unanswered):
        client.broadcast(TX)
    assert len(seen) == 1
    assert not other.broadcasts


def test_a_broadcast_that_reached_nobody_goes_to_the_next(chain: ScriptedChain, endpoint: str) -> None:
    with serve(ScriptedChain()) as first, CosmosClient([first, endpoint]) as client:
        client.head()
    chain.on_broadcast = lambda raw: (13, "insufficient fee")
    with CosmosClient(["http://127.0.0.1:1", endpoint]) as client:
        assert client.broadcast(TX).code == 13


def test_another_transaction_than_asked_for_is_nonsense(chain: ScriptedChain, client: CosmosClient) -> None:
    chain.on_request = lambda handler: (
        "/txs/" in handler.path and _always(b'{"tx_response": {"txhash": "CD", "height": "4", "code": 0}}')(handler)
    )
    with pytest.raises(ServerFault, match="another transaction"):
        client.tx("AB" * 32)


def test_numbers_are_strings_up_to_sixty_four_bits(chain: ScriptedChain, client: CosmosClient) -> None:
    account = b'{"account": {"@type": "t", "account_number": "18446744073709551615", "sequence": "3"}}'
    chain.on_request = lambda handler: "/accounts/" in handler.path and _always(account)(handler)
    found = client.account("cosmos1x")
    assert found is not None
    assert (found.account_number, found.sequence) == (2**64 - 1, 3)


@pytest.mark.parametrize("wrapped", [b'{"base_account": %s}', b'{"base_vesting_account": {"base_account": %s}}'])
def test_accounts_of_other_kinds(chain: ScriptedChain, client: CosmosClient, wrapped: bytes) -> None:
    inner = wrapped % b'{"account_number": "4", "sequence": "9"}'
    chain.on_request = lambda handler: "/accounts/" in handler.path and _always(b'{"account": %s}' % inner)(handler)
    found = client.account("cosmos1x")
    assert found is not None
    assert (found.account_number, found.sequence) == (4, 9)


def test_a_block_that_does_not_exist(client: CosmosClient) -> None:
    with pytest.raises(NotFound):
        client.block(999)


def test_a_unix_socket_is_an_endpoint(tmp_path: Path) -> None:
    missing = tmp_path / "x.sock"
    with CosmosClient([f"unix://{missing}"]) as client, pytest.raises(Unreachable):
        client.head()
