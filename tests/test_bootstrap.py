"""`scripts/install.sh` checks before it downloads, says why it stops, and asks nothing. Runs in a checkout only."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from r3cli.layout import CHECKOUT, is_checkout

pytestmark = pytest.mark.skipif(not is_checkout(), reason="the wheel has no scripts")


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A PATH with the few programs that the script needs, and no Python."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in ("sh", "dirname", "awk", "cat"):
        found = shutil.which(name)
        assert found, name
        (folder / name).symlink_to(found)
    shim(folder / "df", 'echo "Filesystem 1M-blocks Used Available"; echo "disk 1 1 50000"')
    return folder


def shim(path: Path, body: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def install(tools: Path, venv: Path, kind: str = "run") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [CHECKOUT / "scripts/install.sh", str(venv), kind],
        env={"PATH": str(tools)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def fake_venv(venv: Path, *, has_torch: bool) -> Path:
    """An environment whose Python writes down what pip was asked; returns that record."""
    record = venv / "pip.txt"
    shim(
        venv / "bin/python",
        f"""case "$*" in
*find_spec*) exit {int(not has_torch)} ;;
*"pip install"*) echo "$*" >"{record}" ;;
esac""",
    )
    return record


def test_no_python_is_told_with_its_cure(tools: Path, tmp_path: Path) -> None:
    shim(tools / "python3", "exit 1")  # an old one
    done = install(tools, tmp_path / "venv")
    assert done.returncode == 2
    assert "no Python 3.11 or newer" in done.stderr
    assert "cure: apt-get install python3" in done.stderr


def test_missing_venv_module_is_told_with_its_cure(tools: Path, tmp_path: Path) -> None:
    shim(tools / "python3", 'case "$*" in *ensurepip*) exit 1 ;; esac')
    done = install(tools, tmp_path / "venv")
    assert done.returncode == 2
    assert "cure: apt-get install python3-venv" in done.stderr


def test_usable_environment_is_kept_and_download_announced(tools: Path, tmp_path: Path) -> None:
    record = fake_venv(tmp_path / "venv", has_torch=False)
    done = install(tools, tmp_path / "venv")
    assert done.returncode == 0, done.stderr
    assert "going on with" in done.stderr
    assert "about to download torch" in done.stderr
    assert "50000 MB are free" in done.stderr
    assert "--constraint constraints.txt --editable .[train]" in record.read_text()


def test_nothing_is_announced_when_torch_is_there(tools: Path, tmp_path: Path) -> None:
    record = fake_venv(tmp_path / "venv", has_torch=True)
    done = install(tools, tmp_path / "venv", "dev")
    assert done.returncode == 0, done.stderr
    assert "torch" not in done.stderr
    assert ".[train,dev]" in record.read_text()


def test_full_disk_stops_before_the_download(tools: Path, tmp_path: Path) -> None:
    record = fake_venv(tmp_path / "venv", has_torch=False)
    shim(tools / "df", 'echo "Filesystem 1M-blocks Used Available"; echo "disk 1 1 100"')
    done = install(tools, tmp_path / "venv")
    assert done.returncode == 2
    assert "cure: free some space" in done.stderr
    assert not record.exists()


def test_home_may_be_empty(tmp_path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if name not in ("HOME", "MAKEFLAGS", "MAKELEVEL")}
    command = ["make", "-s", "--no-print-directory", "-f", "Makefile", "--eval", "home: ; @echo $$HOME", "home"]
    done = subprocess.run(command, cwd=CHECKOUT, env=environ, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == str(CHECKOUT / ".cache/home"), done.stderr
