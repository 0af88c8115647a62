"""JSON Schema of every document that r3 prints, generated from the types that are printed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import msgspec

from ._output import Envelope
from ._schemas import DATA, STREAMS, schema_name

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def known_names() -> list[str]:
    """The dotted names of all commands, `error` for what fails before a command is known."""
    return sorted({*DATA, *STREAMS, "error"})


def schema_documents(names: list[str]) -> dict[str, Any]:
    """The schemas of these commands by the value of their documents' `schema`."""
    return {schema_name(name): _schema(name) for name in names}


def _schema(name: str) -> dict[str, Any]:
    documents = [_envelope_schema(name, path) for path in DATA.get(name, "").split(" | ")]
    if name in STREAMS:
        documents.append(_record_schema(*STREAMS[name]))
    definitions: dict[str, Any] = {}
    for document in documents:
        definitions |= document.pop("$defs", {})
    body = documents[0] if len(documents) == 1 else {"anyOf": documents}
    return {"$schema": DIALECT, **body, "title": schema_name(name), "$defs": definitions}


def _envelope_schema(name: str, path: str) -> dict[str, Any]:
    """The one document of a command; its failures too, where `data` may be null."""
    kind = Envelope[_load(path)] if path else Envelope[None]  # type: ignore[misc]  # a type made at run time
    document = _inlined(msgspec.json.schema(kind))
    document["properties"]["schema"] = {"const": schema_name(name)}
    return document


def _record_schema(kind: str, path: str) -> dict[str, Any]:
    """One line of a stream."""
    document = _inlined(msgspec.json.schema(_load(path)))
    stamp = {"type": {"const": kind}, "seq": {"type": "integer"}, "ts": {"type": "string", "format": "date-time"}}
    document["properties"] = {**document["properties"], **stamp}
    document["required"] = [*stamp, *(field for field in document["required"] if field not in stamp)]
    return document


def _inlined(document: dict[str, Any]) -> dict[str, Any]:
    """The definition that the document consists of, with the others beside it."""
    definitions = document["$defs"]
    name = document["$ref"].rpartition("/")[2]
    return {**definitions.pop(name), "$defs": definitions}


def _load(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(import_module(module, __package__), name)
