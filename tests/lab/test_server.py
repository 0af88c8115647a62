"""The servers, through real sockets: start on demand, answers of the gateway, faults, Kubo's RPC."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx  # noqa: TID253 - the tests ask the servers over real sockets
import pytest

from r3cli.errors import NotFound, PublicBind, Refused
from r3cli.lab import operations
from r3cli.lab.launch import ensure_local, release_local
from r3cli.lab.talk import LabClient, LabRefused
from r3cli.network.r3mes.schema import NodeType
from r3cli.paths import Paths, find_paths
from r3cli.storage.cid import cid_of
from tests.lab.driver import SEED, Actor, gradient, open_chain, register

TXS = "/cosmos/tx/v1beta1/txs"
LATEST = "/cosmos/base/tendermint/v1beta1/blocks/latest"


class Lab:
    """A lab server on demand, asked over its Unix socket; `chain` is a second user of its ledger."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self.endpoint = ensure_local(paths, seed=SEED, linger=0.2)
        self.control = LabClient(self.endpoint)
        transport = httpx.HTTPTransport(uds=self.endpoint.removeprefix("unix://"))
        self.http = httpx.Client(transport=transport, base_url="http://localhost", timeout=20)
        self.chain = open_chain(paths.lab)
        self.alice, self.bob = Actor(self.chain, "miner-0"), Actor(self.chain, "miner-1")

    def broadcast(self, raw: bytes) -> httpx.Response:
        return self.http.post(TXS, json={"tx_bytes": b64encode(raw).decode(), "mode": "BROADCAST_MODE_SYNC"})

    def get(self, path: str) -> Any:
        answer = self.http.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def fault(self, name: str, **settings: Any) -> None:
        self.control.post("fault", {"name": name, **settings})


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(find_paths(tmp_path / "state"))
    yield lab
    lab.http.close()
    lab.chain.close()
    release_local(lab.paths)
    operations.down(lab.paths)


def tx_path(raw: bytes) -> str:
    return f"{TXS}/{hashlib.sha256(raw).hexdigest().upper()}"


def test_one_server_for_all_and_only_for_its_owner(lab: Lab) -> None:
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(ensure_local(lab.paths, seed=SEED, linger=0.2))) for _ in range(4)
    ]
    pid = lab.control.process()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [lab.endpoint] * 4
    assert lab.control.process() == pid
    socket = Path(lab.endpoint.removeprefix("unix://"))
    assert stat.S_IMODE(socket.stat().st_mode) == 0o600
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
    with pytest.raises(Refused):
        ensure_local(lab.paths, seed=SEED + 1)


def test_a_server_goes_with_its_last_user_and_comes_back(lab: Lab) -> None:
    lab.control.post("mine", {"blocks": 3})
    time.sleep(0.6)
    assert lab.control.answers()  # idle for longer than it lingers, but this process uses it
    lab.http.close()
    release_local(lab.paths)
    deadline = time.monotonic() + 10
    while Path(lab.endpoint.removeprefix("unix://")).exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert ensure_local(lab.paths, seed=SEED, linger=0.2) == lab.endpoint
    assert lab.control.get("status")["height"] == 4


def test_a_killed_server_is_replaced(lab: Lab) -> None:
    pid = lab.control.process()
    assert pid is not None
    os.kill(pid, 9)
    assert ensure_local(lab.paths, seed=SEED, linger=0.2) == lab.endpoint
    assert lab.control.process() not in (pid, None)


def test_the_gateway_answers_like_a_node(lab: Lab) -> None:
    raw = lab.alice.sign(lab.alice.pay(lab.bob.address, 5))
    unknown = lab.http.get(tx_path(raw))
    assert (unknown.status_code, unknown.json()["code"]) == (404, 5)
    sent = lab.broadcast(raw).json()["tx_response"]
    assert (sent["code"], sent["height"], sent["raw_log"]) == (0, "0", "")
    included = lab.get(tx_path(raw))["tx_response"]
    assert (included["code"], included["height"], included["timestamp"]) == (0, "2", "2026-01-01T00:00:02Z")
    assert lab.get(LATEST)["block"]["data"]["txs"] == [b64encode(raw).decode()]
    account = lab.get(f"/cosmos/auth/v1beta1/accounts/{lab.alice.address}")["account"]
    assert (account["sequence"], account["pub_key"]["@type"]) == ("1", "/cosmos.crypto.secp256k1.PubKey")
    nobody = lab.http.get("/cosmos/auth/v1beta1/accounts/" + lab.chain.genesis.module_address("nobody"))
    assert (nobody.status_code, nobody.json()["code"]) == (404, 5)
    bad = lab.alice.sign(lab.alice.pay(lab.bob.address, 1 << 60))
    simulated = lab.http.post("/cosmos/tx/v1beta1/simulate", json={"tx_bytes": b64encode(bad).decode()})
    assert (simulated.status_code, simulated.json()["code"]) == (500, 2)
    assert ": insufficient funds [" in simulated.json()["message"]
    assert lab.http.get("/nope").status_code == 501


def test_json_rpc(lab: Lab) -> None:
    raw = lab.alice.sign(lab.alice.pay(lab.bob.address, 5))

    def call(method: str, **params: str) -> Any:
        return lab.http.post("/", json={"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).json()

    assert call("broadcast_tx_sync", tx=b64encode(raw).decode())["result"]["code"] == 0
    assert call("broadcast_tx_sync", tx=b64encode(raw).decode())["error"]["data"] == "tx already exists in cache"
    assert call("tx", hash=b64encode(hashlib.sha256(raw).digest()).decode())["result"]["height"] == "2"
    assert call("status")["result"]["sync_info"]["latest_block_height"] == "2"
    assert call("nope")["error"]["code"] == -32601


def test_lost_reply_leaves_the_transaction_in_the_chain(lab: Lab) -> None:
    lab.fault("lost-reply", count=1)
    raw = lab.alice.sign(lab.alice.pay(lab.bob.address, 5))
    with pytest.raises(httpx.RemoteProtocolError):
        lab.broadcast(raw)
    assert lab.get(tx_path(raw))["tx_response"]["code"] == 0
    assert lab.broadcast(raw).json()["tx_response"]["code"] == 19
    lab.fault("forget-mempool-cache")
    assert lab.broadcast(raw).json()["tx_response"]["code"] == 32


def test_drop_before_leaves_nothing(lab: Lab) -> None:
    lab.fault("drop-before", count=1)
    raw = lab.alice.sign(lab.alice.pay(lab.bob.address, 5))
    with pytest.raises(httpx.RemoteProtocolError):
        lab.broadcast(raw)
    assert lab.http.get(tx_path(raw)).status_code == 404
    assert lab.broadcast(raw).json()["tx_response"]["code"] == 0


def test_a_stale_node_answers_from_the_past(lab: Lab) -> None:
    lab.fault("stale")
    raw = lab.alice.sign(lab.alice.pay(lab.bob.address, 5))
    assert lab.broadcast(raw).json()["tx_response"]["code"] == 0
    assert lab.get(LATEST)["block"]["header"]["height"] == "1"
    assert lab.get(f"/cosmos/auth/v1beta1/accounts/{lab.alice.address}")["account"]["sequence"] == "0"
    assert lab.http.get(tx_path(raw)).status_code == 404
    lab.fault("stale", off=True)
    assert lab.get(tx_path(raw))["tx_response"]["height"] == "2"


def test_errors_limits_and_slowness_are_counted(lab: Lab) -> None:
    lab.fault("error-5xx", count=2)
    assert [lab.http.get(LATEST).status_code for _ in range(3)] == [503, 503, 200]
    lab.fault("rate-limit", count=1)
    limited = lab.http.get(LATEST)
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "1")
    lab.fault("slow", seconds=0.2, count=1)
    begin = time.monotonic()
    lab.get(LATEST)
    assert time.monotonic() - begin >= 0.2
    assert lab.control.get("fault") == {"faults": []}


def test_faults_outlive_a_server(lab: Lab) -> None:
    lab.fault("rate-limit")
    pid = lab.control.process()
    assert pid is not None
    os.kill(pid, 9)
    ensure_local(lab.paths, seed=SEED, linger=0.2)
    assert lab.http.get(LATEST).status_code == 429
    lab.fault("rate-limit", off=True)
    assert lab.http.get(LATEST).status_code == 200


def test_time_passes_while_somebody_waits(lab: Lab) -> None:
    assert lab.get(LATEST)["block"]["header"]["height"] == "1"
    deadline = time.monotonic() + 10
    while int(lab.get(LATEST)["block"]["header"]["height"]) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_web_pages_are_turned_away(lab: Lab) -> None:
    for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}):
        assert lab.http.post("/lab/v1/mine", json={}, headers=headers).status_code == 403
    assert lab.control.get("status")["height"] == 1


def test_the_schema_s_queries(lab: Lab) -> None:
    prefix = "/remes/remes/v1"
    missing = lab.http.get(f"{prefix}/global_model_state")
    assert (missing.status_code, missing.json()["message"]) == (500, "collections: not found")
    lab.control.post("model", {"manifest_cid": "manifest-1"})
    lab.control.post("model", {"manifest_cid": "manifest-1"})  # the same again changes nothing
    with pytest.raises(LabRefused, match="manifest-1 already"):
        lab.control.post("model", {"manifest_cid": "manifest-2"})
    state = lab.get(f"{prefix}/global_model_state")["state"]
    assert (state["model_ipfs_hash"], state["training_round_id"]) == ("manifest-1", "1")
    lab.alice.send(register(lab.alice, NodeType.MINING))
    lab.alice.send(gradient(lab.alice))
    node = lab.get(f"{prefix}/node_registration/{lab.alice.address}")["registration"]
    assert (node["status"], node["roles"]) == ("NODE_STATUS_ACTIVE", ["NODE_TYPE_MINING"])
    listed = lab.get(f"{prefix}/stored_gradient?pagination.limit=1")
    assert listed["pagination"] == {"next_key": None, "total": "1"}
    assert listed["stored_gradients"][0] == lab.get(f"{prefix}/stored_gradient/1")["stored_gradient"]
    assert listed["stored_gradients"][0]["status"] == "pending"
    seed = lab.get(f"{prefix}/global_seed/1")
    assert seed["global_seed"] == str(lab.chain.genesis.round_seed(1))
    assert lab.control.get("gradients?status=pending&round=1")["gradients"][0]["id"] == "1"
    assert lab.http.get(f"{prefix}/task_pool/active").status_code == 501


@pytest.mark.parametrize("size", [0, 5, 262_144, 262_145, 600_000])
def test_kubo_rpc_keeps_files_under_their_cids(lab: Lab, size: int) -> None:
    content = os.urandom(size)
    for version, leaves in ((1, "true"), (0, "false")):
        query = f"cid-version={version}&raw-leaves={leaves}&chunker=size-262144"
        added = lab.http.post(f"/api/v0/add?{query}", files={"file": ("f", content)}).json()
        assert (added["Name"], added["Hash"]) == ("f", cid_of(content, version))
        assert lab.http.post(f"/api/v0/cat?arg={added['Hash']}").content == content
        window = lab.http.post(f"/api/v0/cat?arg={added['Hash']}&offset=3&length=262145").content
        assert window == content[3 : 3 + 262_145]


def test_kubo_rpc_pins_and_errors(lab: Lab) -> None:
    cid = lab.http.post("/api/v0/add?cid-version=1", files={"file": ("f", b"hello")}).json()["Hash"]
    assert cid == "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq"  # what Kubo 0.39 answered
    shown = {"Keys": {cid: {"Type": "recursive", "Name": ""}}}
    assert lab.http.post(f"/api/v0/pin/ls?arg={cid}").json() == shown
    assert lab.http.post(f"/api/v0/pin/rm?arg={cid}").json() == {"Pins": [cid]}
    assert lab.http.post(f"/api/v0/pin/rm?arg={cid}").json()["Message"] == "not pinned or pinned indirectly"
    assert lab.http.post(f"/api/v0/pin/ls?arg={cid}").json()["Message"] == f"path '{cid}' is not pinned"
    assert lab.http.post(f"/api/v0/pin/add?arg={cid}").json() == {"Pins": [cid]}
    missing = cid_of(b"nobody has this")
    for call in ("cat", "pin/add"):
        gone = lab.http.post(f"/api/v0/{call}?arg={missing}")
        assert gone.status_code == 500
        assert gone.json()["Message"].endswith(f"block was not found locally (offline): ipld: could not find {missing}")
        assert lab.http.post(f"/api/v0/{call}").status_code == 400
    assert lab.http.post("/api/v0/cat?arg=notacid").json()["Message"].startswith('invalid path "notacid": ')
    assert lab.http.post("/api/v0/add").status_code == 400
    assert lab.http.get("/api/v0/version").status_code == 405
    assert lab.http.post("/api/v0/version").json()["Version"] == "0.39.0"
    assert lab.http.post("/api/v0/repo/stat").json()["NumObjects"] == 1


def test_up_and_down(tmp_path: Path) -> None:
    paths = find_paths(tmp_path / "state")
    with pytest.raises(PublicBind):
        operations.up(paths, seed=SEED, host="0.0.0.0")
    with pytest.raises(NotFound):
        operations.status(paths)
    started = operations.up(paths, seed=SEED)
    try:
        again = operations.up(paths, seed=SEED)
        assert (again.data, again.warnings) == (started.data, ("it was running already",))
        with pytest.raises(Refused):
            operations.up(paths, seed=SEED + 1)
        assert operations.status(paths).data.chain_id == started.data.chain_id
        assert httpx.post(f"{started.data.storage}/api/v0/version").status_code == 200
        assert operations.fault(paths, "slow", count=3).data.faults[0].remaining == 3
        someone = Actor(open_chain(paths.lab), "miner-3")
        granted = operations.faucet(paths, someone.address, "2.5remes").data
        assert (granted.given.base, granted.balance.base) == (2_500_000, someone.balance)
        with pytest.raises(Refused):
            operations.reset(paths, confirm="yes")
    finally:
        stopped = operations.down(paths).data.stopped
    assert stopped == [started.data.endpoint]
    assert operations.reset(paths, confirm=started.data.chain_id).data.removed
    assert not paths.lab.exists()


def test_a_used_port_is_said_to_be_used(tmp_path: Path) -> None:
    first, second = find_paths(tmp_path / "one"), find_paths(tmp_path / "two")
    port = int(operations.up(first, seed=SEED).data.endpoint.rpartition(":")[2])
    try:
        with pytest.raises(Refused, match=f"port {port}"):
            operations.up(second, seed=SEED, chain_port=port)
    finally:
        operations.down(first)
