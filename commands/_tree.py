"""The whole command tree as data, for completion scripts, the reference and the tests. Loads every command."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import typer

from .app import root


@dataclass(frozen=True)
class Node:
    """One command or group; `path` is what is typed, `r3` first."""

    path: tuple[str, ...]
    command: Any
    context: Any

    @property
    def typed(self) -> str:
        return " ".join(self.path)

    @property
    def dotted(self) -> str:
        return ".".join(self.path[1:])

    @property
    def about(self) -> str:
        """The first line of its help."""
        return (self.command.help or "").strip().partition("\n")[0]

    @property
    def children(self) -> tuple[str, ...]:
        """The names of its commands, in the order of the help; a leaf has none."""
        return tuple(self.command.list_commands(self.context)) if hasattr(self.command, "list_commands") else ()

    @property
    def params(self) -> list[Any]:
        return [param for param in self.command.get_params(self.context) if not getattr(param, "hidden", False)]

    @property
    def examples(self) -> list[str]:
        return (self.command.epilog or "").splitlines()


def nodes() -> Iterator[Node]:
    """Every group and command, each before what is in it."""
    command = root()
    yield from _below(Node(("r3",), command, typer.Context(command, info_name="r3")))


def leaves() -> list[Node]:
    """Every command that does something."""
    return [node for node in nodes() if not node.children]


def _below(node: Node) -> Iterator[Node]:
    yield node
    for name in node.children:
        command = node.command.get_command(node.context, name)
        context = typer.Context(command, info_name=name, parent=node.context)
        yield from _below(Node((*node.path, name), command, context))
