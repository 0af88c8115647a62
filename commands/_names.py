"""Names that completion offers: `r3 __names wallets`. Reads folders only, never the network, and imports little."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from r3cli.layout import data_dir
from r3cli.paths import find_paths

KINDS = ("wallets", "networks", "presets", "settings")


def print_names(kinds: Sequence[str]) -> None:
    """The names of these kinds, one a line; of a kind that does not exist, none."""
    for kind in kinds:
        sys.stdout.writelines(f"{name}\n" for name in _names(kind))


def _names(kind: str) -> list[str]:
    if kind == "wallets":
        return sorted(path.stem for path in find_paths().wallets.glob("*.json"))
    if kind == "networks":
        folders = (find_paths().config / "networks", data_dir("config") / "networks")
        return sorted({path.stem for folder in folders for path in folder.glob("*.yaml")})
    if kind == "presets":
        return sorted(path.stem for path in (data_dir("config") / "models").glob("*.yaml"))
    if kind == "settings":
        from r3cli.settings.keys import all_keys

        return list(all_keys())
    return []
