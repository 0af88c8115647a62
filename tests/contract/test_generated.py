"""What `make docs` writes is what is committed, and `r3 schema` says the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from r3cli.layout import data_dir
from tests.conftest import RunR3
from tests.contract.documents import frame, validator

DOCS = Path(__file__).resolve().parents[2] / "docs"
FOLDERS = {"completions": data_dir("completions"), "docs": DOCS}


@pytest.fixture(scope="module")
def generated() -> dict[str, str]:
    return dict(frame("generate").generated())


@pytest.mark.parametrize(
    "name", ["completions/r3.bash", "completions/_r3", "completions/r3.fish", "docs/schema.json", "docs/commands.md"]
)
def test_no_drift(generated: dict[str, str], name: str) -> None:
    folder, _, file = name.partition("/")
    assert (FOLDERS[folder] / file).read_text(encoding="utf-8") == generated[name], "run `make docs`"


def test_r3_schema_prints_the_committed_schemas(r3: RunR3) -> None:
    committed = json.loads((DOCS / "schema.json").read_text(encoding="utf-8"))
    assert json.loads(r3("schema").stdout) == committed
    for asked in (["wallet", "show"], ["wallet.show"], ["r3.wallet.show/1"]):
        assert json.loads(r3("schema", *asked).stdout) == committed["r3.wallet.show/1"]


def test_schemas_hold_secrets_nowhere_and_money_never_as_a_float() -> None:
    committed = json.loads((DOCS / "schema.json").read_text(encoding="utf-8"))
    for schema in committed.values():
        for definition in schema["$defs"].values():
            properties = definition.get("properties", {})
            assert not {"passphrase", "mnemonic", "private_key"} & set(properties)
            if {"unit", "decimal"} <= set(properties):
                assert "number" not in {
                    properties[name].get("type") for name in ("base", "decimal") if name in properties
                }


def test_a_wrong_document_does_not_pass() -> None:
    good: dict[str, Any] = {
        "schema": "r3.doctor/1",
        "ok": True,
        "data": {"findings": [], "to_fix": 0, "warnings": 0},
        "warnings": [],
        "error": None,
    }
    assert validator("r3.doctor/1").is_valid(good)
    changes: list[dict[str, Any]] = [
        {"schema": "r3.doctor/2"},
        {"ok": "yes"},
        {"data": {"findings": [{}]}},
        {"error": {}},
    ]
    for change in changes:
        assert not validator("r3.doctor/1").is_valid({**good, **change})
