"""What each command's `data` is: a table of types, loaded only when a schema is asked for."""

from __future__ import annotations

from collections.abc import Mapping

VERSION = 1

# A command's dotted name and the type of its `data`.
DATA: Mapping[str, str] = {
    "config.explain": "r3cli.settings.operations:SettingExplained",
    "config.paths": "r3cli.settings.operations:PathsShown",
    "config.set": "r3cli.settings.operations:SettingChanged",
    "config.show": "r3cli.settings.operations:SettingsShown",
    "config.validate": "r3cli.settings.operations:SettingsValid",
}

# Commands that print records one by one, and the type of a record.
STREAMS: Mapping[str, str] = {}


def schema_name(command: str) -> str:
    """The name in the envelope's `schema`; what failed before it was a known command is an `error`."""
    known = command if command in DATA or command in STREAMS else "error"
    return f"r3.{known}/{VERSION}"
