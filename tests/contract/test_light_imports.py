"""Starting fast means importing little: what costs time is loaded by the command that needs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    *("torch", "numpy", "safetensors", "transformers", "httpx", "starlette", "uvicorn", "asyncio", "cryptography"),
    *("rich", "yaml", "grpc", "bittensor", "solana", "solders", "hiero_sdk_python", "pydantic", "psutil", "pynvml"),
}

# Prints the modules that one call left behind, the result itself being of no interest.
PROBE = """
import io, json, sys
from r3cli.__main__ import main
out, sys.stdout, sys.stderr = sys.stdout, io.StringIO(), io.StringIO()
try:
    main(sys.argv[1:])
except SystemExit:
    out.write(json.dumps(sorted(sys.modules)))
"""


def modules_after(folder: Path, *argv: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *argv], cwd=folder, capture_output=True, text=True, check=True, timeout=60
    )
    return {name.partition(".")[0] for name in json.loads(done.stdout)}


@pytest.mark.parametrize(
    "argv",
    [
        ("--version",),
        ("--help",),
        ("__names", "wallets", "networks"),
        ("wallet", "--help"),
        ("wallet", "create", "--help"),
        ("train", "run", "--help"),
        ("status", "--help"),
        ("lab", "--help"),
        ("tx", "list", "--help"),
        ("logs",),
        ("nosuch",),
    ],
)
def test_nothing_heavy_is_loaded(tmp_path: Path, argv: tuple[str, ...]) -> None:
    assert modules_after(tmp_path, *argv) & HEAVY == set()


def test_version_and_completion_load_no_command_tree(tmp_path: Path) -> None:
    for argv in (("--version",), ("__names", "wallets")):
        assert modules_after(tmp_path, *argv) & {"typer", "msgspec"} == set()


def test_the_probe_sees_what_is_loaded(tmp_path: Path) -> None:
    assert "yaml" in modules_after(tmp_path, "config", "show", "-o", "yaml")
