"""r3 as a process among others: pipes that close, closed standard input, signals, a foreign current folder."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from r3cli import __version__
from r3cli.events import EventLog, event
from r3cli.paths import find_paths
from tests.conftest import RunR3, r3_command


def test_a_reader_that_leaves_ends_r3_quietly() -> None:
    log = EventLog(find_paths().events)
    for number in range(3000):
        log(event("test.line", f"line {number} {'x' * 60}"))
    script = '"$@" | head -n 1; echo "${PIPESTATUS[0]}"'
    command = ["bash", "-c", script, "bash", *r3_command(), "logs"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "141"
    assert done.stderr == ""


@pytest.mark.parametrize("argv", [["--help"], ["config", "show", "--json"], ["wallet", "show", "ops"]])
def test_a_closed_pipe_from_the_start(argv: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as pipe:
        done = subprocess.run([*r3_command(), *argv], stdout=pipe, stderr=pipe, timeout=60, check=False)
    assert done.returncode == 141


@pytest.mark.parametrize(
    "argv",
    [
        ["wallet", "create", "ops", "--json"],
        ["wallet", "import", "ops", "--json"],
        ["wallet", "sign", "ops", "--message", "x", "--json"],
    ],
)
def test_closed_standard_input_never_creates_or_opens_a_key(r3_process: RunR3, home: Path, argv: list[str]) -> None:
    for stdin in (None, "", "\n\n"):
        ran = r3_process(*argv, stdin=stdin)
        assert ran.exit_code in (4, 6)
        assert ran.json["ok"] is False
        assert not list(home.rglob("*.json"))


def test_closed_standard_output_is_no_traceback(tmp_path: Path) -> None:
    for closing in (">&-", "2>&-", "<&- >&- 2>&-"):
        command = ["bash", "-c", f'exec "$@" {closing}', "bash", *r3_command(), "config", "paths"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0
        assert "Traceback" not in done.stdout + done.stderr


def test_ctrl_c_ends_with_130_and_a_last_document(tmp_path: Path) -> None:
    log = EventLog(find_paths().events)
    log(event("test.line", "the first"))
    command = [*r3_command(), "logs", "-f", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as running:
        assert running.stdout is not None
        assert "the first" in running.stdout.readline()
        running.send_signal(signal.SIGINT)
        rest, complaints = running.communicate(timeout=30)
    assert running.returncode == 130
    assert '"type":"error","seq":1' in rest
    assert '"name":"interrupted"' in rest
    assert complaints == ""


def test_a_folder_with_its_own_commands_is_not_taken_for_ours(r3_process: RunR3, tmp_path: Path) -> None:
    for name in ("commands", "config"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('the decoy was imported')")
    ran = r3_process("config", "paths", cwd=tmp_path)
    assert ran.exit_code == 0
    assert "decoy" not in ran.stderr


def test_the_package_runs_as_a_module(r3_process: RunR3) -> None:
    assert r3_process("--version").stdout == f"r3 {__version__}\n"


def test_doctor_names_a_folder_that_cannot_be_made(r3_process: RunR3, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ran = r3_process("doctor", "--json", env={"XDG_STATE_HOME": str(tmp_path / "file")})
    assert ran.exit_code == 3
    assert ran.json["error"]["name"] == "checks_failed"
    names = [finding["name"] for finding in ran.data["findings"] if finding["state"] == "fix"]
    assert names == ["state folder"]
