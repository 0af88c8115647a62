"""Where our own files are: in a checkout they lie beside the package, in a wheel inside it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

DataKind = Literal["templates", "config", "completions"]

PACKAGE = Path(__file__).resolve().parent
CHECKOUT = PACKAGE.parent


def is_checkout() -> bool:
    """True where the package runs from its source tree (an editable install included)."""
    return not (PACKAGE / "_data").is_dir() and (CHECKOUT / "pyproject.toml").is_file()


def data_dir(kind: DataKind) -> Path:
    """The folder of one kind of data that ships with r3."""
    return CHECKOUT / kind if is_checkout() else PACKAGE / "_data" / kind


def commands_package() -> str:
    """What the package of commands is called here."""
    return "commands" if is_checkout() else "r3cli.commands"
