"""The digest of a round is a constant of the version: that of the demo, and of one small enough for every test run.

After a change of the shipped base or of the arithmetic, `tests/vectors/demo.json` is written anew, and the README too.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import RunR3

from .stand import Door

ROOT = Path(__file__).parents[3]
CONSTANTS: dict[str, Any] = json.loads((ROOT / "tests" / "vectors" / "demo.json").read_text())


def test_the_digest_of_a_tiny_round_is_a_constant(door: Door) -> None:
    (row,) = door.run("--rounds", "1").data["rounds"]
    assert {name: row[name] for name in ("digest", "payload_cid")} == CONSTANTS["tiny"]


@pytest.mark.slow
def test_the_digest_of_the_demo_is_the_published_constant(r3: RunR3, tmp_path: Path) -> None:
    words = ("--network", "local", "--preset", "nano", "--steps", "30", "--seed", "1", "--rounds", "1")
    ran = r3("train", "run", *words, "--state", tmp_path / "demo", "--json")
    r3("lab", "down", "--state", tmp_path / "demo")
    (row,) = ran.data["rounds"]
    assert {name: row[name] for name in ("digest", "payload_cid")} == CONSTANTS["demo"]
    assert row["digest"] in (ROOT / "README.md").read_text()
