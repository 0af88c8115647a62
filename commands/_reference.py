"""The reference of all commands as one page, from the same help that the operator sees."""

from __future__ import annotations

from ._tree import Node, nodes

_TOP = """\
# Commands

Written by `make docs`; do not edit. Every command also takes the options under *Output*, shown once at the end.
"""


def reference() -> str:
    """Every command with its examples, arguments and options, in Markdown."""
    leaves = [node for node in nodes() if not node.children]
    sections = [_section(node) for node in leaves]
    output = "".join(_row(param, leaves[0]) for param in leaves[0].command.output_options)
    return "\n".join([_TOP, *sections, "## Output\n", output])


def _section(node: Node) -> str:
    about = " ".join((node.command.help or "").split())
    examples = "".join(f"    {line}\n" for line in node.examples)
    own = [param for param in node.params if param not in node.command.output_options and param.name != "help"]
    rows = "".join(_row(param, node) for param in own)
    return "\n".join(part for part in (f"## {node.typed}\n", f"{about}\n", examples, rows) if part)


def _row(param: object, node: Node) -> str:
    name, about = param.get_help_record(node.context)  # type: ignore[attr-defined]  # Typer's own classes
    return f"- `{name}`: {' '.join(about.split())}\n"
