"""`make docs`: writes what is generated from the command tree. The tests refuse drift."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from r3cli.layout import CHECKOUT

from ._completion import read_grammar
from ._completion_scripts import bash_script, fish_script, zsh_script
from ._output import write_note
from ._reference import reference
from ._schema_documents import known_names, schema_documents


def generated() -> Mapping[str, str]:
    """Every generated file by its path in the checkout."""
    grammar = read_grammar()
    schemas = json.dumps(schema_documents(known_names()), indent=1, ensure_ascii=False)
    return {
        "completions/r3.bash": bash_script(grammar),
        "completions/_r3": zsh_script(grammar),
        "completions/r3.fish": fish_script(grammar),
        "docs/schema.json": schemas + "\n",
        "docs/commands.md": reference(),
    }


def main() -> None:
    """Write them all."""
    for name, text in generated().items():
        path = Path(CHECKOUT / name)
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        write_note(f"{name}\n")


if __name__ == "__main__":
    main()
