"""Imports point one way, and the library knows nothing of the terminal."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from r3cli.layout import CHECKOUT, PACKAGE, is_checkout

# What each part of the library may import besides the vocabulary and itself. A new part needs a line here.
ALLOWED: dict[str, set[str]] = {
    "settings": set(),
    "wallet": set(),
    "kernels": set(),
    "storage": {"kernels", "settings"},
    "chain": {"wallet", "settings"},
    "network": {"chain", "wallet", "settings"},
    "accounts": {"chain", "wallet", "settings"},
    "lab": {"chain", "network", "storage", "kernels", "wallet", "settings"},
    "train": {"chain", "network", "storage", "kernels", "wallet", "accounts", "lab", "settings"},
    "monitor": {"chain", "network", "storage", "kernels", "wallet", "accounts", "lab", "train", "settings"},
}
# Imports against the direction, each with its reason. They are inside a function, so that no module cycle arises.
EXCEPTIONS = {
    # `local` is started by whoever connects and finds none; the lab's servers speak the network's messages.
    ("network/connect.py", "r3cli.lab.launch"),
    ("network/connect.py", "r3cli.lab.ledger"),
}
TERMINAL = {"typer", "rich", "click", "commands"}


def modules(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*.py") if "_data" not in file.parts)


def library() -> list[Path]:
    """The modules of `r3cli`; in a wheel the commands lie inside and are not part of it."""
    return [file for file in modules(PACKAGE) if file.relative_to(PACKAGE).parts[0] != "commands"]


def commands() -> Path:
    return CHECKOUT / "commands" if is_checkout() else PACKAGE / "commands"


def imports(file: Path) -> Iterator[tuple[int, str]]:
    """Every absolute module name that a file imports anywhere, with its line."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{name.name}") for name in node.names)


def part_of(name: str) -> str | None:
    """The part of the library that a module name belongs to; None for the vocabulary (modules of the top level)."""
    pieces = name.split(".")
    return pieces[1] if len(pieces) > 1 and (PACKAGE / pieces[1]).is_dir() else None


def faults(file: Path, part: str | None) -> list[str]:
    allowed = {None, part, *ALLOWED.get(part or "", set())}
    where = file.relative_to(PACKAGE.parent)
    return [
        f"{where}:{line} imports {name}"
        for line, name in imports(file)
        if name.split(".")[0] == "r3cli" and part_of(name) not in allowed and not is_exception(file, name)
    ]


def is_exception(file: Path, name: str) -> bool:
    place = file.relative_to(PACKAGE).as_posix()
    return any(place == where and (name == what or name.startswith(f"{what}.")) for where, what in EXCEPTIONS)


def test_parts_import_only_what_is_below_them() -> None:
    found: list[str] = []
    for file in library():
        relative = file.relative_to(PACKAGE)
        found += faults(file, relative.parts[0] if len(relative.parts) > 1 else None)
    assert not found, "\n".join(found)


def test_every_exception_is_still_needed() -> None:
    for where, what in EXCEPTIONS:
        assert what in {name for _, name in imports(PACKAGE / where)}, (where, what)


def test_every_part_has_its_line_in_the_table() -> None:
    parts = {file.relative_to(PACKAGE).parts[0] for file in library() if file.name == "__init__.py"} - {"__init__.py"}
    assert parts <= set(ALLOWED), parts - set(ALLOWED)


def test_the_table_has_no_cycle() -> None:
    for part, below in ALLOWED.items():
        for other in below:
            assert part not in ALLOWED[other], f"{part} and {other} may import each other"


def test_the_library_knows_nothing_of_the_terminal() -> None:
    found = [
        f"{file.relative_to(PACKAGE)}:{line} imports {name}"
        for file in library()
        for line, name in imports(file)
        if name.split(".")[0] in TERMINAL
    ]
    assert not found, "\n".join(found)


def test_commands_import_their_siblings_relatively() -> None:
    """`import commands` works in a checkout and fails in a wheel, where the package is called `r3cli.commands`."""
    found = [
        f"{file.name}:{line} imports {name}"
        for file in modules(commands())
        for line, name in imports(file)
        if name.split(".")[0] == "commands" or name.startswith("r3cli.commands")
    ]
    assert not found, "\n".join(found)


def test_nothing_is_unpickled() -> None:
    found = [
        f"{file.name}:{line} imports {name}"
        for file in [*library(), *modules(commands())]
        for line, name in imports(file)
        if name.split(".")[0] in {"pickle", "shelve", "marshal", "dill"} or name == "torch.load"
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import r3cli.chain.cosmos", "chain"),
        ("from r3cli.errors import Usage", None),
        ("from r3cli import train", "train"),
    ],
)
def test_the_reader_of_imports_sees_every_form(tmp_path: Path, text: str, expected: str | None) -> None:
    file = tmp_path / "module.py"
    file.write_text(f"def late() -> None:\n    {text}\n")
    assert expected in {part_of(name) for _, name in imports(file)}
