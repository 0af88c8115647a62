"""Reads a settings file: a small part of YAML, every value with its line.

Scalars stay text, because the schema decides their type (`1e-3` is a number and `no` is a name where the schema says
so). Anchors, tags, duplicate keys and several documents are refused. The parser's event stream is used instead of
its constructor: it builds no objects and does not recurse, so a hostile file can at most be too large.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from r3cli.errors import BadSetting

MAX_BYTES = 1 << 16
MAX_DEPTH = 8
_NULLS = ("", "~", "null")


class Item(Struct, frozen=True):
    """One value: text, None, a list of these or a mapping; with the line on which it stands."""

    value: str | tuple[str | None, ...] | dict[str, Item] | None
    line: int


def read_document(path: Path) -> dict[str, Item] | None:
    """The top-level mapping of a file, None when there is no such file; raises `BadSetting` with file and line."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise BadSetting(f"{path}: {error.strerror}", target=str(path)) from error
    if len(content) > MAX_BYTES:
        raise BadSetting(f"{path} is larger than {MAX_BYTES} bytes", target=str(path))
    return parse_document(content, str(path))


def parse_document(content: bytes, name: str) -> dict[str, Item]:
    """The top-level mapping of a text; `name` stands in messages."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _Builder(name, yaml.parse(content, Loader=loader)).document()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name}:{mark.line + 1}" if mark else name
        problem = getattr(error, "problem", None) or "is not YAML text"
        raise BadSetting(f"{where}: {problem}", target=where) from error


class _Builder:
    """Turns the event stream into items."""

    def __init__(self, name: str, events: Iterator[Any]) -> None:
        self._name = name
        self._events = events

    def document(self) -> dict[str, Item]:
        next(self._events)  # start of the stream
        if self._kind(event := next(self._events)) == "StreamEnd":
            return {}
        event = next(self._events)
        item = self._item(event, 0)
        if item.value is None:
            return {}
        if not isinstance(item.value, dict):
            raise self._refuse(event, "a settings file is a mapping of sections")
        next(self._events)  # end of the document
        if self._kind(event := next(self._events)) != "StreamEnd":
            raise self._refuse(event, "only one document may stand in a settings file")
        return item.value

    def _item(self, event: Any, depth: int) -> Item:
        if self._kind(event) == "Alias" or event.anchor or (event.tag is not None and event.tag != "!"):
            raise self._refuse(event, "anchors, aliases and tags are not used in settings")
        if depth > MAX_DEPTH:
            raise self._refuse(event, "nested too deep")
        line = event.start_mark.line + 1
        match self._kind(event):
            case "Scalar":
                return Item(_scalar(event), line)
            case "SequenceStart":
                return Item(tuple(self._elements()), line)
            case _:
                return Item(self._mapping(depth), line)

    def _elements(self) -> Iterator[str | None]:
        while self._kind(event := next(self._events)) != "SequenceEnd":
            if self._kind(event) != "Scalar":
                raise self._refuse(event, "a list holds plain values only")
            yield _scalar(event)

    def _mapping(self, depth: int) -> dict[str, Item]:
        entries: dict[str, Item] = {}
        while self._kind(event := next(self._events)) != "MappingEnd":
            if self._kind(event) != "Scalar":
                raise self._refuse(event, "a key is plain text")
            if event.value in entries:
                raise self._refuse(event, f"{event.value!r} stands here a second time")
            value = self._item(next(self._events), depth + 1)
            # The line of the key: that is where the reader looks.
            entries[event.value] = Item(value.value, event.start_mark.line + 1)
        return entries

    def _refuse(self, event: Any, why: str) -> BadSetting:
        where = f"{self._name}:{event.start_mark.line + 1}"
        return BadSetting(f"{where}: {why}", target=where)

    @staticmethod
    def _kind(event: Any) -> str:
        return type(event).__name__.removesuffix("Event")


def _scalar(event: Any) -> str | None:
    plain = event.implicit[0] and event.style in (None, "")
    return None if plain and event.value in _NULLS else event.value
