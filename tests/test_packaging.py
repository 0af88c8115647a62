"""The wheel holds one package and its data; version, metadata and pinned versions agree. Runs in a checkout only."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

import r3cli
from r3cli.layout import CHECKOUT, is_checkout

pytestmark = pytest.mark.skipif(not is_checkout(), reason="the wheel has no sources to package")


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as opened:
        return opened.namelist()


def test_wheel_has_one_top_level_package(names: list[str]) -> None:
    version = r3cli.__version__
    tops = {name.split("/")[0] for name in names}
    assert tops == {"r3cli", f"r3cli-{version}.dist-info", f"r3cli-{version}.data"}


def test_wheel_holds_every_source_and_data_file(names: list[str]) -> None:
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=CHECKOUT, capture_output=True, check=False)
    if tracked.returncode != 0:
        pytest.skip("no git here to list the files")
    homes = {"commands/": "r3cli/commands/", "config/": "r3cli/_data/config/", "templates/": "r3cli/_data/templates/"}
    for file in tracked.stdout.decode().split("\0"):
        if not (CHECKOUT / file).is_file():
            continue
        home = next(
            (target + file.removeprefix(source) for source, target in homes.items() if file.startswith(source)), file
        )
        if file.startswith("r3cli/") or home != file:
            assert home in names, file


def test_wheel_carries_completions_for_the_shells(names: list[str]) -> None:
    data = f"r3cli-{r3cli.__version__}.data/data/share"
    for target in ("bash-completion/completions/r3", "zsh/site-functions/_r3", "fish/vendor_completions.d/r3.fish"):
        assert f"{data}/{target}" in names


def test_wheel_has_no_leftovers(names: list[str]) -> None:
    assert not [name for name in names if re.search(r"__pycache__|\.pyc$|\.DS_Store|(^|/)tests/", name)]


def test_every_dependency_has_its_tested_version(project: dict[str, Any]) -> None:
    pinned = dict(re.findall(r"(?m)^([A-Za-z0-9._-]+)==(\S+)$", (CHECKOUT / "constraints.txt").read_text()))
    names = {re.sub(r"[-_.]+", "-", name).lower() for name in pinned}
    extras = project["project"]["optional-dependencies"]
    for requirement in [*project["project"]["dependencies"], *extras["train"], *extras["dev"]]:
        name = re.match(r"[A-Za-z0-9._-]+", requirement)
        assert name
        assert re.sub(r"[-_.]+", "-", name[0]).lower() in names, requirement


def test_constraints_name_versions_only() -> None:
    for line in (CHECKOUT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        assert line.startswith("#") or re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line), line


def test_changelog_knows_this_version() -> None:
    changelog = (CHECKOUT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## [Unreleased]" in changelog
    assert f"## [{r3cli.__version__}]" in changelog


def test_no_file_names_the_machine_it_was_written_on() -> None:
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=CHECKOUT, capture_output=True, check=False)
    if tracked.returncode != 0:
        pytest.skip("no git here to list the files")
    here = re.compile(rb"/(root|work)/[a-z.]|/home/[a-z]|" + b"/".join([b"", b"tmp", b"w", b""]))
    for file in tracked.stdout.decode().split("\0"):
        path = CHECKOUT / file
        if path.is_file() and path.suffix in {".py", ".md", ".toml", ".yaml", ".sh", ".json", ".txt", ".mjs", ""}:
            assert not here.search(path.read_bytes()), file


def test_make_lists_its_targets() -> None:
    listed = subprocess.run(["make", "-s", "help"], cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    for target in ("run", "test", "test-slow", "lint", "types", "wheel", "bench", "base", "docs", "clean"):
        assert re.search(rf"(?m)^{target} ", listed), target
