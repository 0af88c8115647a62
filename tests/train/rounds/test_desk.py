"""`r3 train verify | aggregate | receipt` through the front door, on honest, lost, damaged and forged work."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from r3cli.train.rounds.leaves import decode_leaves
from r3cli.train.rounds.verify import Reason, read_header

from .conftest import OpenDoor
from .stand import Door, block_file
from .world import LIMIT, forge


def payload_of(door: Door, miner: int = 0) -> str:
    return str(door.run("--rounds", "1", "--miners", "3").data["rounds"][0]["miners"][miner]["payload_cid"])


def state_of(door: Door, step: int) -> str:
    """The CID of the first miner's state after a step."""
    with door.stand() as stand:
        leaves = stand.store.get(read_header(stand.store, payload_of(door)).leaves, limit=LIMIT)
    return decode_leaves(leaves).leaves[step].state


def test_a_round_verifies_in_full_by_one_step_and_by_miner(closed: Door) -> None:
    full = closed.train("verify", "1")
    assert (full.exit_code, full.data["ok"], full.data["reason"], full.data["first_bad_step"]) == (0, True, None, None)
    assert len(full.data["works"]) == 3
    assert full.data["steps_checked"] == [1, 2, 3]
    drawn = closed.train("verify", "1", "--step", "random")
    assert drawn.data["catch_probability"] == "0.3333"
    assert drawn.data["steps_checked"][0] in (1, 2, 3)
    second = full.data["works"][1]["miner"]
    one = closed.train("verify", "1", "--step", "2", "--miner", second)
    assert [(work["miner"], work["steps_checked"]) for work in one.data["works"]] == [(second, [2])]


@pytest.mark.parametrize(
    ("argv", "code", "name"),
    [
        (["9"], 6, "not_found"),
        (["2"], 6, "not_found"),
        (["1", "--step", "4"], 6, "not_found"),
        (["1", "--step", "some"], 2, "usage"),
        (["1", "--miner", "remes1nobody"], 6, "not_found"),
        ([], 2, "usage"),
        (["--receipt", "/nowhere.json"], 6, "not_found"),
    ],
)
def test_what_is_not_there_has_its_exit_code(closed: Door, argv: list[str], code: int, name: str) -> None:
    ran = closed.train("verify", *argv)
    assert (ran.exit_code, ran.json["error"]["name"]) == (code, name)


def test_damaged_bytes_are_no_fraud_and_lost_ones_have_a_cure(closed: Door) -> None:
    cid = payload_of(closed)
    block = block_file(closed, cid)
    whole = block.read_bytes()
    block.chmod(0o644)
    block.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    damaged = closed.train("verify", "1")
    assert (damaged.exit_code, damaged.json["error"]["name"]) == (1, "cid_mismatch")
    assert damaged.json["data"] is None
    block.write_bytes(whole)

    block_file(closed, state_of(closed, 2)).unlink()
    lost = closed.train("verify", "1", "--step", "3")
    assert (lost.exit_code, lost.json["error"]["name"]) == (6, "content_missing")
    assert "every step" in lost.json["error"]["hint"]
    assert closed.train("verify", "1").data["ok"] is True

    block.unlink()
    gone = closed.train("verify", "1")
    assert (gone.exit_code, gone.json["error"]["name"]) == (6, "content_missing")
    assert gone.json["error"]["hint"]


def test_damaged_leaves_do_not_accuse_the_miner(closed: Door) -> None:
    with closed.stand() as stand:
        cid = read_header(stand.store, payload_of(closed)).leaves
    block = block_file(closed, cid)
    block.chmod(0o644)
    block.write_bytes(b"{}")
    ran = closed.train("verify", "1")
    assert (ran.exit_code, ran.json["error"]["name"]) == (1, "cid_mismatch")


def test_a_lie_on_chain_exits_3_with_its_reason_and_step(door: Door) -> None:
    assert door.run("--minutes", "0").exit_code == 0
    with door.stand() as stand:
        liar = stand.actor("miner-1")
        honest = stand.work(liar)
        leaves = decode_leaves(stand.store.get(honest.header.leaves, limit=LIMIT))
        changed = [*leaves.leaves]
        changed[2] = msgspec.structs.replace(changed[2], loss=changed[2].loss - 1)
        listed = msgspec.structs.replace(leaves, leaves=changed)
        lie = forge(
            stand.store,
            honest,
            leaves=stand.store.put(listed.encode()),
            step_root=listed.root,
            claimed_loss=listed.claimed_loss(stand.bench().tokens_per_step),
        )
        stand.window.submit(lie, liar.signer)
    ran = door.train("verify", "1")
    assert ran.exit_code == 3
    document = ran.json
    assert (document["ok"], document["error"]["name"]) == (False, "verification_failed")
    found = {name: document["data"][name] for name in ("ok", "reason", "first_bad_step")}
    assert found == {"ok": False, "reason": Reason.WRONG_LOSS, "first_bad_step": 2}
    assert document["data"]["works"][0]["miner"] == liar.address
    assert door.train("verify", "1", "--step", "1").exit_code == 0
    assert "wrong_loss" in door.r3("train", "verify", "1", "--state", door.state).stdout


def test_a_closed_aggregate_is_made_again_and_an_open_one_is_closed(closed: Door, door: Door) -> None:
    again = closed.train("aggregate", "1")
    assert again.exit_code == 0, again.stdout
    assert again.data["state"] == "recomputed"
    assert [work["gradient_id"] for work in again.data["participants"]] == [1, 2, 3]
    assert again.data["merkle_root"] == closed.records("aggregations")[0]["merkle_root"]
    assert again.data["seed_merkle_root"] != again.data["merkle_root"]

    assert door.run("--minutes", "0").exit_code == 0
    empty = door.train("aggregate", "1")
    assert (empty.exit_code, empty.json["error"]["name"]) == (6, "not_found")
    with door.stand() as stand:
        miner = stand.actor("miner-0")
        stand.window.submit(stand.work(miner), miner.signer)
    closing = door.train("aggregate", "1")
    assert (closing.exit_code, closing.data["state"]) == (0, "revealed")
    assert door.train("aggregate", "1").data["state"] == "recomputed"
    assert door.train("aggregate", "2").exit_code == 6


@pytest.fixture
def receipt(closed: Door, tmp_path: Path) -> dict[str, Any]:
    """A receipt of the closed round, as a document."""
    path = tmp_path / "receipt.json"
    written = closed.train("receipt", "1", "-o", path)
    assert written.exit_code == 0, written.stdout
    return {"path": path, "data": written.data, "document": json.loads(path.read_bytes())}


def test_a_stranger_checks_a_receipt_from_content_alone(
    closed: Door, open_door: OpenDoor, receipt: dict[str, Any], tmp_path: Path
) -> None:
    stranger = open_door("stranger")
    nothing = stranger.train("verify", "--receipt", receipt["path"])
    assert (nothing.exit_code, nothing.json["error"]["name"]) == (6, "content_missing")
    shutil.copytree(closed.paths.blocks, stranger.paths.blocks)
    data = receipt["data"]
    known = stranger.train("verify", "--receipt", receipt["path"])
    assert (known.exit_code, known.data["ok"], known.data["anchored"]) == (0, True, False)
    assert (known.data["digest"], known.data["succeeded"], known.data["revealed"]) == (data["digest"], True, True)
    assert known.json["warnings"]
    assert not stranger.paths.lab.exists()  # no chain was asked

    full = stranger.train("verify", "--receipt", receipt["path"], "--trust", data["result_hash"].lower())
    assert (full.exit_code, full.data["anchored"], full.data["succeeded"]) == (0, True, True)
    block = stranger.train("verify", "--receipt", receipt["path"], "--trust", data["block_hash"], "--step", "random")
    assert (block.exit_code, block.data["anchored"], block.data["succeeded"]) == (0, True, None)
    wrong = stranger.train("verify", "--receipt", receipt["path"], "--trust", "00" * 32)
    assert (wrong.exit_code, wrong.json["error"]["name"], wrong.data["anchored"]) == (3, "verification_failed", False)
    absent = closed.train("receipt", "7", "-o", tmp_path / "absent.json")
    assert absent.exit_code == 6
    assert not (tmp_path / "absent.json").exists()


def changes_of(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every place of a document with another value for it."""
    if isinstance(document, dict):
        for name, value in document.items():
            yield from changes_of(value, (*path, name))
        yield path, None
    elif isinstance(document, list):
        for index, value in enumerate(document):
            yield from changes_of(value, (*path, index))
        yield path, document[:-1]
    elif isinstance(document, int):
        yield path, document + 1
    elif isinstance(document, str):
        yield path, _other(document)
        yield path, 5
    else:
        yield path, "something"


def _other(text: str) -> str:
    if not text:
        return "x"
    return ("b" if text[0] == "a" else "a") + text[1:]


def changed(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    copy = json.loads(json.dumps(document))
    place = copy
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    return copy


def _canonical(document: Any) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def test_every_changed_field_of_a_receipt_is_noticed(closed: Door, receipt: dict[str, Any]) -> None:
    """Without a fault, whatever is changed."""
    from r3cli.errors import BadContent, VerificationFailed
    from r3cli.train.rounds.receipt import check_receipt, read_receipt

    def accepted(content: bytes) -> bool:
        receipt["path"].write_bytes(content)
        try:
            facts = check_receipt(read_receipt(receipt["path"]), trust=[receipt["data"]["result_hash"]])
        except (BadContent, VerificationFailed):
            return False
        return facts.anchored and facts.succeeded is True

    document = receipt["document"]
    assert accepted(_canonical(document))
    forgeries = [(path, changed(document, path, value)) for path, value in changes_of(document) if path]
    unnoticed = [path for path, forged in forgeries if forged != document and accepted(_canonical(forged))]
    # The trusted hash is the submission's: the newest header of the reveal is the receipt's own word.
    assert [path for path in unnoticed if path[0] != "reveal"] == [("header", "residual_after")]
    document["header"]["residual_after"] = document["header"]["leaves"]
    receipt["path"].write_bytes(_canonical(document))
    ran = closed.train("verify", "--receipt", receipt["path"])  # the payload itself is content
    assert (ran.exit_code, ran.json["error"]["name"]) == (3, "verification_failed")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content[: len(content) // 2],
        lambda content: b"",
        lambda content: content.replace(b'":', b'": ', 1),
        lambda content: b"\xff\xfe" + content,
        lambda content: b"[" * 100_000,
        lambda content: content * 2,
    ],
)
def test_a_file_that_is_no_receipt_is_said_to_be_none(
    closed: Door, receipt: dict[str, Any], spoil: Callable[[bytes], bytes]
) -> None:
    receipt["path"].write_bytes(spoil(receipt["path"].read_bytes().rstrip()))
    ran = closed.train("verify", "--receipt", receipt["path"])
    assert (ran.exit_code, ran.json["error"]["name"]) == (1, "malformed")


def test_a_result_that_was_made_up_does_not_become_a_success_by_trust(closed: Door, receipt: dict[str, Any]) -> None:
    """Inclusion is not success: the header after the block is as good as whoever wrote it."""
    from r3cli.chain.cosmos.headers import encode_result, results_hash

    document = receipt["document"]
    proof = document["submission"]
    proof["results"][0]["gas_used"] += 1
    results = [
        encode_result(result["code"], base64.b64decode(result["data"]), result["gas_wanted"], result["gas_used"])
        for result in proof["results"]
    ]
    proof["next_header"]["last_results_hash"] = base64.b64encode(results_hash(results)).decode()
    receipt["path"].write_bytes(_canonical(document))
    trusted = receipt["data"]["block_hash"]
    ran = closed.train("verify", "--receipt", receipt["path"], "--trust", trusted)
    assert (ran.exit_code, ran.data["anchored"], ran.data["succeeded"]) == (0, True, None)
    ran = closed.train("verify", "--receipt", receipt["path"], "--trust", receipt["data"]["result_hash"])
    assert (ran.exit_code, ran.data["anchored"]) == (3, False)


def test_a_round_whose_states_were_let_go_is_executed_whole(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("r3cli.train.rounds.prune.KEEP_ROUNDS", 1)
    assert door.run("--rounds", "2").exit_code == 0
    forgotten = door.train("verify", "1", "--step", "2")
    assert (forgotten.exit_code, forgotten.data["steps_checked"]) == (0, [1, 2, 3])
    assert len(forgotten.json["warnings"]) == 1
    assert door.train("verify", "2", "--step", "2").data["steps_checked"] == [2]
