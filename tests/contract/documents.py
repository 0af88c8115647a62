"""Holds every document that a test reads against the schema that `r3 schema` publishes for it."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

import jsonschema

from r3cli.layout import commands_package


def frame(module: str) -> Any:
    """A module of the command package, which has another name in a wheel."""
    return import_module(f"{commands_package()}.{module}")


def checked(document: Any) -> Any:
    """The document itself; fails when it is not what its own schema says."""
    validator(document["schema"]).validate(document)
    return document


@cache
def validator(schema_name: str) -> jsonschema.Draft202012Validator:
    command = schema_name.removeprefix("r3.").rpartition("/")[0]
    documents = frame("_schema_documents").schema_documents([command])
    schema = documents[schema_name]
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
