"""`r3 train run` through the front door: what scripts rely on, and that the bits depend on the terms alone."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from tests.conftest import RunR3

from .conftest import OpenDoor
from .stand import Door

HEX = re.compile(r"[0-9a-f]{64}")
ROUND_NAMES = {
    "round": int,
    "digest": str,
    "payload_cid": str,
    "payload_bytes": int,
    "dense_bytes": int,
    "val_bpb_before": float,
    "val_bpb_after": float,
    "global_bpb_after": float,
    "seconds": float,
}


def test_a_run_names_all_that_scripts_rely_on_and_a_finished_one_does_nothing(door: Door) -> None:
    first = door.run("--rounds", "2")
    assert first.exit_code == 0, first.stderr
    assert first.data["finished"] is True
    assert [row["round"] for row in first.data["rounds"]] == [1, 2]
    for row in first.data["rounds"]:
        assert {name: type(row[name]) for name in ROUND_NAMES} == ROUND_NAMES
        assert HEX.fullmatch(row["digest"])
        assert re.fullmatch("[0-9A-F]{64}", row["tx"]["hash"])
        assert row["tx"]["outcome"] == "confirmed"
        assert row["payload_bytes"] <= row["dense_bytes"] / 4
        assert row["val_bpb_after"] < row["val_bpb_before"]
    height = door.lab.get("status")["height"]

    again = door.run("--rounds", "2")
    assert (again.exit_code, again.data) == (0, first.data)
    assert door.lab.get("status")["height"] == height
    assert "finished" in door.r3("train", "run", "--rounds", "2", "--state", door.state).stdout

    more = door.run("--rounds", "3")
    assert [row["round"] for row in more.data["rounds"]] == [1, 2, 3]
    assert more.data["rounds"][:2] == first.data["rounds"]


def test_the_digest_depends_on_the_terms_and_not_on_how_they_are_computed(open_door: OpenDoor) -> None:
    plain = open_door("one").run("--rounds", "1").data["rounds"][0]
    split = open_door("two").run("--rounds", "1", "--threads", "2", "--micro-batch", "1").data["rounds"][0]
    other = open_door("three").run("--rounds", "1", "--seed", "2").data["rounds"][0]
    same = ("digest", "payload_cid", "val_bpb_after", "global_bpb_after")
    assert [plain[name] for name in same] == [split[name] for name in same]
    assert other["digest"] != plain["digest"]


def test_flags_that_differ_from_the_open_manifest_are_named(closed: Door, tmp_path: Path) -> None:
    text = tmp_path / "other.txt"
    text.write_text("another text " * 4000)
    cases = {
        ("--steps", "5"): "steps is 3 in the open manifest, not 5",
        ("--batch-size", "9"): "batch_size is 2 in the open manifest, not 9",
        ("--data", str(text)): "data is ",
    }
    for flags, difference in cases.items():
        ran = closed.run("--rounds", "2", *flags)
        assert (ran.exit_code, ran.json["error"]["name"]) == (2, "manifest_mismatch")
        assert difference in ran.json["error"]["message"]
    reseeded = closed.run("--rounds", "2", "--seed", "77")
    assert (reseeded.exit_code, reseeded.json["error"]["name"]) == (7, "refused")
    assert "seed 77" in reseeded.json["error"]["message"]
    assert closed.run("--rounds", "1").exit_code == 0


def test_three_miners_make_one_common_result(closed: Door) -> None:
    ran = closed.run("--rounds", "1", "--miners", "3")
    (row,) = ran.data["rounds"]
    assert len({miner["digest"] for miner in row["miners"]}) == 3
    assert [miner["gradient_id"] for miner in row["miners"]] == [1, 2, 3]
    assert row["digest"] == row["miners"][0]["digest"]
    (aggregation,) = closed.records("aggregations")
    assert aggregation["participant_gradient_ids"] == ["1", "2", "3"]
    assert closed.statuses("commitments") == ["revealed"]


def test_fast_mode_trains_and_says_that_nothing_was_handed_in(door: Door) -> None:
    ran = door.run("--rounds", "1", "--mode", "fast")
    assert ran.exit_code == 0, ran.stderr
    assert ran.data["mode"] == "fast"
    assert ran.data["rounds"] == []
    assert ran.data["fast"]["steps"] == 3
    assert ran.data["fast"]["val_bpb_after"] < ran.data["fast"]["val_bpb_before"]
    assert "nothing was handed in" in ran.json["warnings"][0]
    assert door.records("gradients") == []


def test_a_wallet_signs(door: Door, r3: RunR3, tmp_path: Path) -> None:
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("correct horse battery staple\n")
    passphrase.chmod(0o600)
    made = r3("wallet", "create", "ops", "--passphrase-file", passphrase, "--json")
    assert made.exit_code == 0, made.stdout
    ran = door.run("--rounds", "1", "--wallet", "ops", "--passphrase-file", passphrase)
    assert ran.exit_code == 0, ran.stdout
    address = ran.data["rounds"][0]["miners"][0]["miner"]
    assert address in made.stdout
    assert [gradient["miner"] for gradient in door.records("gradients")] == [address]

    passphrase.write_text("something else\n")
    wrong = door.run("--rounds", "2", "--wallet", "ops", "--passphrase-file", passphrase)
    assert (wrong.exit_code, wrong.json["error"]["name"]) == (5, "wrong_passphrase")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--preset", "giant"], "giant"),
        (["--role", "king"], "none of all, miner, proposer, verifier"),
        (["--mode", "slow"], "slow"),
        (["--data", "/nowhere/at/all"], "/nowhere/at/all"),
        (["--rounds", "0"], "0"),
    ],
)
def test_what_does_not_exist_is_said_before_anything_begins(door: Door, flags: list[str], words: str) -> None:
    ran = door.run(*flags)
    assert ran.exit_code in (2, 6), ran.stdout
    assert words in ran.stdout + ran.stderr
    assert not door.paths.blocks.exists()


def test_any_bytes_are_data_and_too_few_are_not(open_door: OpenDoor, tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    (folder / "deeper").mkdir(parents=True)
    (folder / "one.txt").write_text("Grüße aus dem ersten Text. " * 400, encoding="utf-8")
    noise = b"".join(hashlib.sha256(bytes([index % 256, index // 256])).digest() for index in range(600))
    (folder / "deeper" / "noise.txt").write_bytes(noise)
    garbage = tmp_path / "garbage.bin"
    garbage.write_bytes(noise)
    few = tmp_path / "few.txt"
    few.write_text("too little")
    for name, data in (("folder", folder), ("garbage", garbage)):
        door = open_door(name)
        ran = door.run("--rounds", "1", "--data", data)
        assert ran.exit_code == 0, ran.stdout
        assert door.train("verify", "1").data["ok"] is True
    refused = open_door("few").run("--rounds", "1", "--data", few)
    assert refused.exit_code == 2, refused.stdout
    assert "10 bytes" in refused.json["error"]["message"]


def test_two_runs_of_one_role_do_not_share_a_state_folder(door: Door) -> None:
    from r3cli.locks import hold_lock

    with hold_lock(door.paths.state / "locks" / "train-miner.lock", "another run"):
        ran = door.run("--rounds", "1")
    assert (ran.exit_code, ran.json["error"]["name"]) == (9, "busy")
