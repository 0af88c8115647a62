"""What happens when a real counterpart cannot be had here: a skip that says why, and in CI a failure."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

# Taken when this is imported, which is before any fixture redirects HOME or takes variables away: compilers and
# package managers need their own caches.
ENVIRON = dict(os.environ)
IN_CI = ENVIRON.get("CI", "").lower() in ("1", "true")


def missing(engine: str, reason: str) -> NoReturn:
    """Skip this test, or fail it where `CI=true` promises that the counterpart is there."""
    text = f"{engine}: {reason}"
    if IN_CI:
        pytest.fail(f"{text} (CI=true: a missing counterpart is a failure)", pytrace=False)
    pytest.skip(text)


def require_program(name: str, cure: str) -> Path:
    """The path of a program that the test needs; `cure` says how it is installed."""
    found = shutil.which(name, path=ENVIRON.get("PATH"))
    if found is None:
        missing(name, f"not installed ({cure})")
    return Path(found)
