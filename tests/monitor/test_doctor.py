"""`r3 doctor`: what is wrong is named with the command that repairs it, and exit 3."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
import types
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from r3cli.journal import Journal
from r3cli.monitor import machine
from r3cli.monitor.checks import Finding, ok
from r3cli.monitor.doctor import examine
from r3cli.monitor.folders import check_folders, check_journal, check_settings, check_wallets
from r3cli.paths import Paths, find_paths
from tests.conftest import RunR3


@pytest.fixture
def paths() -> Paths:
    return find_paths()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the self-test, which loads torch in a process of its own."""
    monkeypatch.setattr(machine, "check_arithmetic", lambda: ok("exact arithmetic", "not looked at"))


def test_a_sound_machine(r3: RunR3, home: Path) -> None:
    ran = r3("doctor", "--json")
    assert ran.exit_code == 0
    states = {finding["name"]: finding["state"] for finding in ran.data["findings"]}
    assert ran.data["to_fix"] == 0
    assert "fix" not in states.values()
    assert states["python"] == "ok"
    assert states["exact arithmetic"] == "ok"
    assert {"packages", "extra train", "memory", "disk", "clock", "gpu", "settings", "wallets", "journal"} <= set(
        states
    )
    assert not list(home.rglob("*"))  # looking leaves nothing behind


@pytest.mark.usefixtures("quick")
def test_an_open_wallet_must_be_fixed_and_the_named_command_does_it(r3: RunR3, paths: Paths) -> None:
    wallet = paths.wallets / "ops.json"
    wallet.parent.mkdir(parents=True, mode=0o755)
    wallet.write_text("{}")
    wallet.chmod(0o644)
    ran = r3("doctor", "--json")
    assert ran.exit_code == 3
    assert ran.json["error"]["name"] == "checks_failed"
    cures = [finding["command"] for finding in ran.data["findings"] if finding["state"] == "fix"]
    assert cures == [f"chmod 700 {wallet.parent}", f"chmod 600 {wallet}"]
    assert ran.json["error"]["hint"] == cures[0]
    for cure in cures:
        subprocess.run(cure.split(), check=True)
    assert r3("doctor").exit_code == 0


@pytest.mark.usefixtures("quick")
def test_text_shows_state_and_cure(r3: RunR3, paths: Paths) -> None:
    paths.wallets.mkdir(parents=True)
    paths.wallets.chmod(0o755)
    ran = r3("doctor")
    assert ran.exit_code == 3
    assert f"chmod 700 {paths.wallets}" in ran.stdout
    assert "error: to be fixed: wallets" in ran.stderr


def test_unknown_outcomes_are_to_be_settled(paths: Paths) -> None:
    assert check_journal(paths).state == "ok"
    assert not paths.journal.exists()
    journal = Journal(paths.journal)
    entry = journal.plan("send", "local", "remes1x", {"amount": 1})
    assert check_journal(paths).state == "ok"
    journal.unknown(entry.id, "the reply was lost")
    found = check_journal(paths)
    assert (found.state, found.command) == ("fix", "r3 tx settle")


def test_a_damaged_journal(paths: Paths) -> None:
    paths.state.mkdir(parents=True)
    paths.journal.write_bytes(b"this is no database" * 100)
    assert check_journal(paths).state == "fix"


def test_settings_that_cannot_be_read(paths: Paths) -> None:
    paths.config.mkdir(parents=True)
    (paths.config / "config.yaml").write_text("train:\n  batchsize: 4\n")
    found = check_settings(paths)
    assert found.state == "fix"
    assert "config.yaml:2" in found.detail


def test_folders(paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert {found.state for found in check_folders(paths)} == {"ok"}
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert [found.name for found in check_folders(find_paths()) if found.state == "fix"] == ["cache folder"]


def test_no_wallets(paths: Paths) -> None:
    (found,) = check_wallets(paths)
    assert (found.state, found.detail) == ("ok", "none yet")


@pytest.mark.parametrize(("free", "state"), [(50 << 20, "fix"), (1 << 30, "warning"), (10 << 30, "ok")])
def test_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, state: str) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: types.SimpleNamespace(free=free))
    found = machine.check_disk(tmp_path / "not" / "there")
    assert found.state == state


def test_a_clock_behind_its_own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_kernel_clock_state", lambda: 0)
    file = tmp_path / "events.jsonl"
    file.touch()
    now = datetime.now(UTC)
    assert machine.check_clock([file, tmp_path / "none"], now).state == "ok"
    assert machine.check_clock([file], now - timedelta(hours=1)).state == "fix"
    monkeypatch.setattr(machine, "_kernel_clock_state", lambda: 5)
    assert machine.check_clock([file], now).state == "warning"


def test_the_kernel_is_asked_for_its_clock() -> None:
    assert machine._kernel_clock_state() in range(-1, 6)


def test_missing_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.metadata.version

    def version(name: str) -> str:
        if name in ("httpx", "torch"):
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    found = {each.name: each for each in machine.check_packages()}
    assert found["packages"].state == "fix"
    assert "httpx" in found["packages"].detail
    assert found["extra train"].state == "warning"
    assert found["extra train"].command == "pip install 'r3cli[train]'"


def fake_run(returncode: int, stdout: str = "", stderr: str = "") -> Callable[..., Any]:
    def run(*_: object, **__: object) -> Any:
        return subprocess.CompletedProcess([], returncode, stdout, stderr)

    return run


@pytest.mark.parametrize(
    ("outcome", "state", "said"),
    [
        (fake_run(0, "[]"), "ok", "passed"),
        (fake_run(0, '["division (x)"]'), "fix", "division"),
        (fake_run(-4), "fix", "exit -4"),
        (fake_run(1, "", "Traceback\nImportError: torn"), "fix", "ImportError: torn"),
    ],
)
def test_what_the_self_test_says(
    monkeypatch: pytest.MonkeyPatch, outcome: Callable[..., Any], state: str, said: str
) -> None:
    monkeypatch.setattr(subprocess, "run", outcome)
    found = machine.check_arithmetic()
    assert found.state == state
    assert said in found.detail


def test_a_check_that_cannot_look_is_itself_something_to_fix(
    paths: Paths, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(_: Path) -> Finding:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(machine, "check_disk", denied)
    result = examine(paths)
    assert result.exit_code == 3
    assert [found.name for found in result.data.findings if found.state == "fix"] == ["disk"]


NVML_STUB = """
#include <string.h>
typedef struct { unsigned long long total, free, used; } memory_t;
int nvmlInit_v2(void) { return 0; }
int nvmlInitWithFlags(unsigned flags) { return 0; }
int nvmlShutdown(void) { return 0; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = 1; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle) { *handle = (void *)1; return 0; }
int nvmlDeviceGetName(void *handle, char *name, unsigned size) { strncpy(name, "Stub GPU", size); return 0; }
int nvmlDeviceGetMemoryInfo(void *handle, memory_t *memory) { memory->total = 24ull << 30; return 0; }
int nvmlSystemGetDriverVersion(char *version, unsigned size) { strncpy(version, "555.1", size); return 0; }
"""


def test_no_nvidia_library_is_a_fact() -> None:
    if shutil.which("nvidia-smi"):
        pytest.skip("this machine has an NVIDIA driver")
    found = machine.check_gpu()
    assert (found.state, found.detail) == ("ok", "none found")


def test_a_card_as_a_stub_of_the_library_reports_it(tmp_path: Path) -> None:
    """Proves how r3 reads the library through pynvml, not what a driver answers."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    source = tmp_path / "nvml.c"
    source.write_text(NVML_STUB)
    library = tmp_path / "libnvidia-ml.so.1"
    subprocess.run([compiler, "-shared", "-fPIC", "-w", "-o", library, source], check=True)
    code = "from r3cli.monitor.machine import check_gpu; print(check_gpu().detail)"
    environ = {**os.environ, "LD_LIBRARY_PATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "Stub GPU 24.0 GiB; driver 555.1"
