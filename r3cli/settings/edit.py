"""Changes one key in the text of a settings file and nothing else: comments, order and blank lines stay.

The text is edited where the parser says the value stands; then it is read again, and unless it differs from the old
one in exactly this key, the edit is refused.
"""

from __future__ import annotations

import json
import re
from typing import Any

from r3cli.errors import R3Error, Refused
from r3cli.settings.document import parse_document
from r3cli.settings.keys import flatten

_PLAIN = re.compile(r"[A-Za-z0-9/._+-][A-Za-z0-9/._:+~-]*(?<!:)\Z")
_INDENT = 2


def set_key(text: str, key: str, value: object, name: str) -> str:
    """The text with `key` set; `name` is the file's, for messages. Raises `BadSetting` when it was bad before."""
    before = {known: source.value for known, source in _values(text, name).items()}
    edited = _edit(text, key.split("."), _render(value))
    try:
        after = {known: source.value for known, source in _values(edited, name).items()}
    except R3Error as error:
        raise _by_hand(name, key) from error
    if after != {**before, key: value}:
        raise _by_hand(name, key)
    return edited


def _values(text: str, name: str) -> dict[str, Any]:
    document = parse_document(text.encode(), name)
    document.pop("version", None)
    return flatten(document, name)


def _by_hand(name: str, key: str) -> Refused:
    return Refused(f"{name} is written in a way that r3 cannot edit safely", hint=f"set {key} there by hand")


def _edit(text: str, path: list[str], value: str) -> str:
    import yaml

    # Our own reader has accepted the text, so it is shallow and has no aliases.
    node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    for depth, part in enumerate(path):
        entries = node.value if isinstance(node, yaml.MappingNode) else []
        found = [entry for entry in entries if entry[0].value == part]
        if not found:
            return _insert(text, node, path[depth:], value, depth)
        parent, node = found[0]
        if depth < len(path) - 1 and isinstance(node, yaml.ScalarNode):  # a section that is still empty
            column = parent.start_mark.column + _INDENT
            return _insert_line(text, parent.end_mark.index, _lines(path[depth + 1 :], value, column))
    return text[: node.start_mark.index] + _spaced(text, node) + value + text[_end(node) :]


def _insert(text: str, node: Any, path: list[str], value: str, depth: int) -> str:
    """Put a new entry behind the last one of a mapping (`node` is None in an empty file)."""
    if depth == 0:
        head = text if not text or text.endswith("\n") else f"{text}\n"
        return head + _lines(path, value, 0)
    if node.flow_style:
        at = node.end_mark.index - 1
        flow = "".join(f"{part}: {{" for part in path[:-1]) + f"{path[-1]}: {value}" + "}" * (len(path) - 1)
        return text[:at].rstrip() + (", " if node.value else "") + flow + text[at:]
    return _insert_line(text, _end(node), _lines(path, value, node.start_mark.column))


def _insert_line(text: str, index: int, lines: str) -> str:
    end = text.find("\n", index)
    return f"{text}\n{lines}" if end < 0 else text[: end + 1] + lines + text[end + 1 :]


def _lines(path: list[str], value: str, column: int) -> str:
    indents = [" " * (column + _INDENT * depth) for depth in range(len(path))]
    heads = [f"{indent}{part}:\n" for indent, part in zip(indents, path[:-1], strict=False)]
    return "".join(heads) + f"{indents[-1]}{path[-1]}: {value}\n"


def _end(node: Any) -> int:
    """Where a value's own text ends; the parser counts comments behind a block to it."""
    if isinstance(node.value, str) or node.flow_style:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end(last[1] if isinstance(last, tuple) else last)


def _spaced(text: str, node: Any) -> str:
    """A blank where an empty value directly follows its colon."""
    start = node.start_mark.index
    return " " if start and text[start - 1] == ":" else ""


def _render(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "[" + ", ".join(_render(element) for element in value) + "]"
    text = str(value)
    plain = _PLAIN.match(text) and text not in ("null", "~", "-") and not text.startswith("---")
    return text if plain else json.dumps(text)
