"""`r3 config` through the front door."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.conftest import RunR3


@pytest.fixture
def user_file(home: Path) -> Path:
    file = home / "config/r3/config.yaml"
    file.parent.mkdir(parents=True)
    return file


def test_show_lists_every_setting_with_its_source(r3: RunR3) -> None:
    shown = r3("config", "show", "--json")
    assert shown.exit_code == 0
    rows = {row["key"]: row for row in shown.data["settings"]}
    assert rows["train.batch_size"]["value"] == 8
    assert rows["train.batch_size"]["layer"] == "preset"
    assert rows["chain.gas_price"]["value"] == "0.001"  # money is never a float
    assert "models/nano.yaml:" in rows["train.batch_size"]["source"]


def test_explain_shows_every_layer(r3: RunR3, user_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user_file.write_text("train:\n  steps: 4\n")
    monkeypatch.setenv("R3_TRAIN__STEPS", "5")
    explained = r3("config", "explain", "train.steps", "--json").data
    assert [(layer["layer"], layer["value"], layer["wins"]) for layer in explained["layers"]] == [
        ("environment", 5, True),
        ("user", 4, False),
        ("default", 30, False),
    ]
    text = r3("config", "explain", "train.steps").stdout
    assert f"{user_file}:2" in text
    assert "wins" in text


def test_set_is_seen_by_the_next_command(r3: RunR3, user_file: Path) -> None:
    user_file.write_text("# mine\nwallet:\n  name: rig  # the big one\n")
    assert r3("config", "set", "train.steps", "11").exit_code == 0
    assert user_file.read_text() == "# mine\nwallet:\n  name: rig  # the big one\ntrain:\n  steps: 11\n"
    assert r3("config", "explain", "train.steps", "--json").data["value"] == 11


@pytest.mark.parametrize(
    ("argv", "says", "hint"),
    [
        (("explain", "train.batchsize"), "there is no setting train.batchsize", "train.batch_size"),
        (("set", "train.mode", "quick"), "it is one of exact, fast", "r3 config explain train.mode"),
        (("show", "--profile", "prod"), "it is one of local, production", "r3 config explain profile"),
        (("show", "--network", "r3me"), "there is no network r3me", "local, r3mes"),
        (("validate", "nowhere.yaml"), "there is no file nowhere.yaml", ""),
    ],
)
def test_mistakes_end_with_two_and_a_cure(r3: RunR3, argv: tuple[str, ...], says: str, hint: str) -> None:
    done = r3("config", *argv, "--json")
    assert done.exit_code == 2
    assert done.json["error"]["name"] == "bad_setting"
    assert says in done.json["error"]["message"]
    assert hint in (done.json["error"]["hint"] or "")


def test_fault_in_a_file_is_told_by_every_command_that_reads_settings(r3: RunR3, user_file: Path) -> None:
    user_file.write_text("train:\n  stepz: 4\n")
    done = r3("config", "show")
    assert done.exit_code == 2
    assert f"{user_file}:2: there is no setting train.stepz" in done.stderr
    assert "did you mean train.steps?" in done.stderr
    assert done.stdout == ""


def test_secret_in_the_environment_is_refused(r3: RunR3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("R3MES_PRIVATE_KEY", "5f2d" * 16)
    done = r3("config", "show", "--json")
    assert done.exit_code == 7
    assert done.json["error"]["name"] == "secret_in_environment"
    assert "5f2d" not in done.stdout + done.stderr


def test_seed_name_is_accepted_with_a_note(r3: RunR3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("R3MES_BATCH_SIZE", "3")
    done = r3("config", "explain", "train.batch_size", "--json")
    assert done.data["value"] == 3
    assert done.json["warnings"] == ["R3MES_BATCH_SIZE sets train.batch_size; its name in r3 is R3_TRAIN__BATCH_SIZE"]


def test_paths_follows_state(r3: RunR3, tmp_path: Path, home: Path) -> None:
    shown = r3("config", "paths", "--state", tmp_path / "run", "--json").data
    assert shown["state"] == str(tmp_path / "run")
    assert shown["wallets"] == str(home / "data/r3/wallets")
    assert not os.path.exists(shown["state"])  # noqa: PTH110 - the path as a program would take it
    assert r3("config", "validate").stdout == "good: no settings file exists\n"
