"""`r3 status` through the front door: forms of output, watching, exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest

from r3cli.journal import Journal
from r3cli.network.snapshot import chain_folder, save_snapshot
from r3cli.paths import find_paths
from r3cli.train.rounds.record import Records, round_of
from tests.conftest import RunR3, r3_command
from tests.contract.documents import validator
from tests.contract.test_light_imports import HEAVY, modules_after
from tests.monitor.test_status import CHAIN, DEAD, closed, snapshot, work

SECONDS = 30
OTHER = ("--network", "other")


@pytest.fixture
def state(tmp_path: Path, home: Path) -> Path:
    """Two rounds on a network whose only endpoint is dead, with a transaction of unknown outcome."""
    networks = home / "config/r3/networks"
    networks.mkdir(parents=True)
    (networks / "other.yaml").write_text(
        f'version: "1"\nchain:\n  chain_id: {CHAIN}\n  endpoints: ["{DEAD}"]\n', encoding="utf-8"
    )
    paths = find_paths(tmp_path / "state")
    folder = chain_folder(paths, CHAIN)
    records = Records(folder / "rounds")
    records.save(closed(round_of(1, "bafkreimanifest", [work(1)])))
    records.save(round_of(2, "bafkreimanifest", [work(2)]))
    save_snapshot(folder, snapshot(network="other"))
    journal = Journal(paths.journal)
    journal.unknown(journal.plan("transfer", "other", "remes1", {}).id, "no reply")
    return paths.state


def test_a_person_sees_rounds_bars_balances_and_what_is_open(state: Path, r3: RunR3) -> None:
    ran = r3("status", "--state", state, *OTHER)
    assert ran.exit_code == 0
    assert "1 open, 1 of them unknown: r3 tx settle" in ran.stdout
    assert "miner 1  " in ran.stdout
    assert "1.500000 remes" in ran.stdout
    lines = {line.split()[0]: line for line in ran.stdout.splitlines() if line[:1].isdigit()}
    assert lines["1"].split()[:5] == ["1", "5.000", "4.000", "4.500", "accepted"]
    assert lines["2"].split()[:5] == ["2", "4.000", "3.000", "unknown", "pending"]
    assert lines["1"].count("#") == round(24 * 4.5 / 5)
    assert lines["2"].count(".") == 2 + round(24 * 3 / 5)


def test_an_empty_state_says_unknown_and_never_zero(tmp_path: Path, r3: RunR3) -> None:
    ran = r3("status", "--state", tmp_path / "none")
    values = dict(line.split("  ", 1) for line in ran.stdout.splitlines())
    for name in ("chain", "height", "open round", "closed rounds", "last accepted work"):
        assert values[name].strip() == "unknown", name
    assert "0" not in ran.stdout
    assert r3("status", "--state", tmp_path / "none", "--json").data["chain"] is None


def test_a_wallet_shows_its_address_and_an_unknown_balance(tmp_path: Path, state: Path, r3: RunR3) -> None:
    phrase = tmp_path / "phrase"
    phrase.write_text("correct horse battery")
    phrase.chmod(0o600)
    made = r3("wallet", "create", "ops", "--passphrase-file", phrase, "--json")
    (account,) = [a for a in r3("status", "--state", state, *OTHER, "--json").data["accounts"] if a["wallet"]]
    assert account["address"] == made.data["wallet"]["accounts"][0]["address"]
    assert account["balance"] is None
    row = next(line for line in r3("status", "--state", state, *OTHER).stdout.splitlines() if line.startswith("ops "))
    assert row.endswith("unknown")


def test_a_dead_endpoint_exits_75_and_still_shows_what_is_known(state: Path, r3: RunR3) -> None:
    ran = r3("status", "--state", state, *OTHER, "--live", "--json")
    assert ran.exit_code == 75
    assert (ran.json["ok"], ran.json["error"]["name"], ran.json["error"]["retryable"]) == (False, "unreachable", True)
    assert [seen["round"] for seen in ran.data["rounds"]] == [1, 2]
    assert ran.data["chain"]["height"] == 12


def test_files_alone_answer_without_anything_heavy(tmp_path: Path, state: Path) -> None:
    loaded = modules_after(tmp_path, "status", "--state", str(state), *OTHER)
    assert loaded & (HEAVY - {"yaml"}) == set()  # settings are YAML


def test_seconds_without_watching_mean_nothing(r3: RunR3) -> None:
    ran = r3("status", "5")
    assert ran.exit_code == 2
    assert "r3 status --watch 5" in ran.stderr


def test_the_trouble_of_a_dead_endpoint_stands_in_every_watched_snapshot(state: Path) -> None:
    first, *_ = _watch(state, 1, "--live")
    assert len(first["trouble"]) == 1


def test_watching_prints_snapshots_until_interrupted(state: Path) -> None:
    first, second, last = _watch(state, 2)
    for seq, record in enumerate((first, second)):
        validator("r3.status/1").validate(record)
        assert (record["type"], record["seq"], record["chain_id"]) == ("snapshot", seq, CHAIN)
    assert (last["type"], last["error"]["name"], last["error"]["code"]) == ("error", "interrupted", 130)


def _watch(state: Path, count: int, *options: str) -> list[dict[str, Any]]:
    """So many snapshots of a process that is then interrupted, and the line with which it ends."""
    command = [*r3_command(), "status", "--state", str(state), *OTHER, "--watch", "0.1", "--json", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(count)]
        process.send_signal(signal.SIGINT)
        rest, trouble = process.communicate(timeout=SECONDS)
    assert process.returncode == 130, trouble
    assert trouble == ""
    return [json.loads(line) for line in (*lines, rest.splitlines()[-1])]


@pytest.fixture
def terminal(state: Path) -> Iterator[pexpect.spawn[str]]:
    words = [*r3_command(), "status", "--state", str(state), *OTHER, "--watch", "0.1"]
    environ = {**os.environ, "TERM": "xterm"}
    child = pexpect.spawn(words[0], words[1:], env=environ, encoding="utf-8", timeout=SECONDS, dimensions=(40, 120))
    yield child
    child.close(force=True)


def test_a_terminal_is_drawn_again_in_place(terminal: pexpect.spawn[str]) -> None:
    for _ in range(2):
        terminal.expect_exact("\x1b[H")
        terminal.expect_exact("remes-7\x1b[K")
        terminal.expect_exact("\x1b[J")
    terminal.sendintr()
    terminal.expect_exact("interrupted")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 130
