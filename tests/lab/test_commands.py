"""`r3 lab` through the front door."""

from __future__ import annotations

from pathlib import Path

from r3cli.errors import ExitCode
from r3cli.journal import Journal
from r3cli.lab.genesis import development_address
from r3cli.paths import find_paths
from tests.conftest import RunR3


def test_the_life_of_a_lab(r3: RunR3, tmp_path: Path) -> None:
    state = ("--state", str(tmp_path / "run"), "--json")
    assert r3("lab", "status", *state).exit_code == ExitCode.NOT_FOUND
    up = r3("lab", "up", "--seed", "5", "--port", "0", "--storage-port", "0", *state)
    assert up.exit_code == ExitCode.OK, up.stderr
    try:
        assert r3("lab", "status", *state).data == up.data
        faults = r3("lab", "fault", "lost-reply", "--count", "2", *state).data["faults"]
        assert [(fault["name"], fault["remaining"]) for fault in faults] == [("lost-reply", 2)]
        assert r3("lab", "fault", "lost-reply", "--off", *state).data["faults"] == []
        assert r3("lab", "fault", "nonsense", *state).exit_code == ExitCode.USAGE
        someone = development_address(5, "someone")
        granted = r3("lab", "faucet", someone, "2.5remes", *state).data
        assert (granted["balance"]["base"], granted["balance"]["decimal"]) == (2_500_000, "2.500000")
        assert r3("lab", "reset", *state).exit_code == ExitCode.NEEDS_INPUT
    finally:
        down = r3("lab", "down", *state)
    assert down.data["stopped"] == [up.data["endpoint"]]
    assert r3("lab", "reset", "--confirm", up.data["chain_id"], *state).exit_code == ExitCode.OK
    assert r3("lab", "reset", "--confirm", "x", *state).exit_code == ExitCode.NOT_FOUND


def test_the_lab_listens_on_loopback_only(r3: RunR3, tmp_path: Path) -> None:
    refused = r3("lab", "up", "--host", "0.0.0.0", "--state", tmp_path / "run", "--json")
    assert refused.exit_code == ExitCode.REFUSED
    assert refused.json["error"]["name"] == "public_bind"


def test_reset_forgets_what_the_journal_says_of_the_old_chain(r3: RunR3, tmp_path: Path) -> None:
    state = ("--state", str(tmp_path / "run"))
    up = r3("lab", "up", *state, "--json")
    journal = Journal(find_paths(tmp_path / "run").journal)
    gone = journal.plan("submit_gradient", "local", "remes1x", {"round": 1}, key="k")
    journal.confirm(gone.id, {})
    kept = journal.plan("transfer", "r3mes", "remes1x", {"amount": 1}, key="t")
    assert r3("lab", "reset", "--confirm", up.data["chain_id"], *state).exit_code == ExitCode.OK
    assert [entry.id for entry in journal.entries()] == [kept.id]
