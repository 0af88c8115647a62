"""What can follow what on the command line, as data that each shell's script is written from."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from ._session import FORMATS
from ._tree import Node, nodes

# What completes a value is one word for the scripts: `files`, `nothing`, a kind of `r3 __names` (`_names.py`), or
# `words` and these.
Value = str
FILES, NOTHING = "files", "nothing"

OPTION_VALUES = {
    "--network": "networks",
    "--wallet": "wallets",
    "--preset": "presets",
    "--profile": "words local production",
    "--role": "words miner proposer verifier",
    "--derivation": "words cosmos remesd seed",
}
ARGUMENT_VALUES = {
    **dict.fromkeys(("r3 wallet show", "r3 wallet balance", "r3 wallet send", "r3 wallet sign"), "wallets"),
    **dict.fromkeys(("r3 config explain", "r3 config set"), "settings"),
}
PATH_METAVARS = ("FILE", "DIR", "PATH")


@dataclass(frozen=True)
class Place:
    """What can be typed after one command's words; each name comes with its help."""

    typed: str
    commands: tuple[tuple[str, str], ...]
    options: tuple[tuple[str, str], ...]
    argument: Value


@dataclass(frozen=True)
class Grammar:
    """Everything a script needs. `rules` maps `* --option` or `r3 COMMAND --option` to its value; None is a flag.

    The special rules come first: the first that matches decides.
    """

    places: tuple[Place, ...]
    rules: tuple[tuple[str, Value | None], ...]


def read_grammar() -> Grammar:
    """The grammar of the whole tree."""
    found = list(nodes())
    return Grammar(tuple(_place(node) for node in found), _rules(found))


def _place(node: Node) -> Place:
    commands = tuple((child, node.command.get_command(node.context, child)) for child in node.children)
    options = tuple((_long(param), param.help or "") for param in node.params if _is_option(param))
    return Place(
        typed=node.typed,
        commands=tuple((name, Node((*node.path, name), command, None).about) for name, command in commands),
        options=options,
        argument=_argument(node),
    )


def _rules(found: list[Node]) -> tuple[tuple[str, Value | None], ...]:
    """What each option's value is: what most commands mean by that name, after the exceptions."""
    meanings: dict[str, dict[str, Value | None]] = {}
    for node in found:
        for param in node.params:
            for name in param.opts if _is_option(param) else ():
                meanings.setdefault(name, {})[node.typed] = _value(param)
    special: list[tuple[str, Value | None]] = []
    general: list[tuple[str, Value | None]] = []
    for name, by_command in sorted(meanings.items()):
        ((usual, _),) = Counter(by_command.values()).most_common(1)
        special += [(f"{typed} {name}", value) for typed, value in by_command.items() if value != usual]
        if usual is not None:
            general.append((f"* {name}", usual))
    return (*special, *general)


def _argument(node: Node) -> Value:
    if node.typed in ARGUMENT_VALUES:
        return ARGUMENT_VALUES[node.typed]
    arguments = [param for param in node.params if not _is_option(param)]
    return (_value(arguments[0]) or NOTHING) if arguments else NOTHING


def _value(param: Any) -> Value | None:
    if getattr(param, "is_flag", False) or getattr(param, "count", False):
        return None
    if param.name == "r3_output":
        return " ".join(("words", *FORMATS))
    if choices := getattr(param.type, "choices", ()):
        return " ".join(("words", *map(str, choices)))
    if known := [OPTION_VALUES[name] for name in param.opts if name in OPTION_VALUES]:
        return known[0]
    is_path = any(word in (param.metavar or "") for word in PATH_METAVARS)
    return FILES if is_path else NOTHING


def _is_option(param: Any) -> bool:
    return bool(param.param_type_name == "option")


def _long(param: Any) -> str:
    return str(max(param.opts, key=len))
