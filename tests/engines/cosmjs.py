"""Runs our scripts against cosmjs, an independent implementation of Cosmos signing."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.engines.missing import ENVIRON

SCRIPTS = Path(__file__).resolve().parent / "cosmjs"
SCRIPT_SECONDS = 60


@dataclass(frozen=True)
class Cosmjs:
    """A folder with `node_modules` and copies of the scripts beside it (imports are resolved from a script's place)."""

    folder: Path

    def run(self, script: str, request: object) -> Any:
        """Give a script (`NAME.mjs`) a JSON request on its input; returns its JSON answer, raises `RuntimeError`."""
        done = subprocess.run(
            ["node", script],
            cwd=self.folder,
            env=ENVIRON,
            input=json.dumps(request),
            capture_output=True,
            text=True,
            timeout=SCRIPT_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{script}: {done.stderr.strip()[-1000:]}")
        return json.loads(done.stdout)


def prepare_cosmjs(installed: Path, folder: Path) -> Cosmjs:
    """A runner in `folder` over the modules that npm installed."""
    (folder / "node_modules").symlink_to(installed / "node_modules")
    shutil.copyfile(SCRIPTS / "package.json", folder / "package.json")
    for script in SCRIPTS.glob("*.mjs"):
        shutil.copyfile(script, folder / script.name)
    return Cosmjs(folder)
