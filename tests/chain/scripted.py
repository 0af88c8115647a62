"""A node on loopback whose every answer a test can bend: it keeps one chain in memory and makes blocks when told."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from r3cli.chain.cosmos.tx import decode_tx

PREFIX = "/cosmos"
MISMATCH = "account sequence mismatch, expected {}, got {}: incorrect account sequence"

# Takes the transaction and either answers with (code, log) or, by returning None, lets the node answer.
OnBroadcast = Callable[[bytes], tuple[int, str] | None]
# Takes the handler and answers itself (True), or leaves it to the node.
OnRequest = Callable[[BaseHTTPRequestHandler], bool]


class CutConnection(Exception):
    """Close the connection without an answer."""


@dataclass
class ScriptedChain:
    """The chain behind the node. `includes`: a transaction gets its block at once."""

    chain_id: str = "scripted-1"
    height: int = 10
    sequence: int = 0
    balance: int = 10**12
    gas_used: int = 80_000
    head_time: datetime | None = None
    syncing: bool = False
    includes: bool = True
    grows: bool = False  # a block with every look at the head
    mempool: list[bytes] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    blocks: dict[str, dict[str, Any]] = field(default_factory=dict)
    broadcasts: list[bytes] = field(default_factory=list)
    on_broadcast: OnBroadcast | None = None
    after_broadcast: Callable[[], None] | None = None
    on_request: OnRequest | None = None
    simulation_error: str | None = None
    result: tuple[int, str, str] = (0, "", "")  # code, codespace and log of what gets included

    def include(self, raw: bytes | None = None) -> None:
        """Make a block with a transaction, or with all that wait."""
        self.height += 1
        for waiting in [raw] if raw is not None else self.mempool:
            code, codespace, log = self.result
            tx_hash = hashlib.sha256(waiting).hexdigest().upper()
            self.sequence = decode_tx(waiting).auth_info.signer_infos[0].sequence + 1
            self.blocks[tx_hash] = {"height": str(self.height), "code": code, "codespace": codespace, "raw_log": log}
        self.mempool = [] if raw is None else [waiting for waiting in self.mempool if waiting != raw]

    def forget(self) -> None:
        """What a restart does: neither mempool nor cache survive."""
        self.mempool.clear()
        self.known.clear()

    def check_tx(self, raw: bytes) -> tuple[int, str]:
        """The node's answer to a broadcast."""
        tx_hash = hashlib.sha256(raw).hexdigest().upper()
        if tx_hash in self.known:
            return 19, ""
        tx = decode_tx(raw)
        found, expected = tx.auth_info.signer_infos[0].sequence, self.sequence + len(self.mempool)
        if found != expected:
            return 32, MISMATCH.format(expected, found)
        self.known.add(tx_hash)
        self.mempool.append(raw)
        if self.includes:
            self.include()
        return 0, ""

    def broadcast(self, raw: bytes) -> dict[str, Any]:
        self.broadcasts.append(raw)
        bent = self.on_broadcast(raw) if self.on_broadcast else None
        code, log = bent or self.check_tx(raw)
        if self.after_broadcast:
            self.after_broadcast()
        tx_hash = hashlib.sha256(raw).hexdigest().upper()
        fields = {"height": "0", "txhash": tx_hash, "code": code, "codespace": "sdk" if code else "", "raw_log": log}
        return {"tx_response": fields}

    def simulate(self, raw: bytes) -> tuple[int, dict[str, Any]]:
        sequence = decode_tx(raw).auth_info.signer_infos[0].sequence
        expected = self.sequence + len(self.mempool)
        error = self.simulation_error or (MISMATCH.format(expected, sequence) if sequence != expected else None)
        if error:
            return 500, {"code": 2, "message": f"{error} [sdk/file.go:1] with gas used: '1000'", "details": []}
        return 200, {"gas_info": {"gas_wanted": "0", "gas_used": str(self.gas_used)}, "result": {}}

    def get(self, path: str) -> tuple[int, dict[str, Any]]:
        if path.endswith("/syncing"):
            return 200, {"syncing": self.syncing}
        if "/blocks/latest" in path:
            self.height += self.grows
            return 200, self._block()
        if "/accounts/" in path:
            return 200, {"account": {"@type": "x", "account_number": "7", "sequence": str(self.sequence)}}
        if "/balances/" in path:
            return 200, {"balance": {"denom": "ucoin", "amount": str(self.balance)}}
        tx_hash = path.rpartition("/")[2]
        if "/txs/" in path and tx_hash in self.blocks:
            fields = {"txhash": tx_hash, "data": "", "gas_wanted": "120000", "gas_used": "80000", "events": []}
            return 200, {"tx": {}, "tx_response": {**fields, **self.blocks[tx_hash]}}
        return 404, {"code": 5, "message": f"tx not found: {tx_hash}", "details": []}

    def _block(self) -> dict[str, Any]:
        time = (self.head_time or datetime.now(UTC)).isoformat().replace("+00:00", "Z")
        header = {"chain_id": self.chain_id, "height": str(self.height), "time": time}
        return {
            "block_id": {"hash": base64.b64encode(bytes(32)).decode()},
            "block": {"header": header, "data": {"txs": []}},
        }


@contextmanager
def serve(chain: ScriptedChain) -> Iterator[str]:
    """The endpoint of a node that answers for `chain` until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(lambda: chain.get(self.path.partition("?")[0]))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            raw = base64.b64decode(body["tx_bytes"])
            if self.path.endswith("/simulate"):
                self._answer(lambda: chain.simulate(raw))
            else:
                self._answer(lambda: (200, chain.broadcast(raw)))

        def _answer(self, make: Callable[[], tuple[int, dict[str, Any]]]) -> None:
            try:
                if gone.is_set():  # a connection that was kept open outlives the listener
                    raise CutConnection
                if chain.on_request and chain.on_request(self):
                    return
                status, content = make()
            except CutConnection:
                self.close_connection = True
                return
            reply(self, json.dumps(content).encode(), status=status)

        def log_message(self, *arguments: object) -> None:
            pass

    gone = threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        gone.set()
        server.shutdown()
        server.server_close()
        thread.join()


def reply(handler: BaseHTTPRequestHandler, content: bytes, *, status: int = 200, **headers: str) -> None:
    """Answer a request."""
    handler.send_response(status)
    for name, value in {"Content-Type": "application/json", "Content-Length": str(len(content)), **headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(content)
