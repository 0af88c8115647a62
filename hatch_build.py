"""Build hook: in a wheel, the commands and the data folders move inside the package."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

RELOCATED = {
    "commands": "r3cli/commands",
    "config": "r3cli/_data/config",
    "templates": "r3cli/_data/templates",
    "completions": "r3cli/_data/completions",
}


class RelocateFolders(BuildHookInterface):  # type: ignore[type-arg]  # hatchling's own examples leave it bare
    """Gives the wheel one top-level package, `r3cli`; an editable install keeps the checkout's layout."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":  # it points back at the checkout; copies would go stale
            return
        present = {folder: target for folder, target in RELOCATED.items() if Path(self.root, folder).is_dir()}
        build_data["force_include"].update(present)
