"""The keys that exist, the type of each, and how a text becomes a value of it."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, Literal, get_args, get_origin

import msgspec

from r3cli.errors import BadSetting
from r3cli.settings.document import Item
from r3cli.settings.schema import Section, Values


class Source(msgspec.Struct, frozen=True):
    """One value with the place where it was written, such as `r3.yaml:12`, `R3_TRAIN__STEPS` or `--steps`."""

    value: object
    place: str


@cache
def all_keys() -> Mapping[str, Any]:
    """Every dotted key with its type, in the order of the schema."""
    return dict(_walk(Values, ""))


def convert_value(key: str, value: object, place: str) -> object:
    """A value of the key's type from text (or from a flag's object); raises `BadSetting` that names the place."""
    kind = all_keys()[key]
    try:
        found = msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        reason = _choices(kind) or str(error).replace("`", "").replace("Expected", "expected").removesuffix(", got str")
        raise BadSetting(f"{place}: {key} cannot be {_show(value)}: {reason}", hint=_explain(key), target=key) from None
    if isinstance(found, float) and not math.isfinite(found):
        raise BadSetting(f"{place}: {key} must be a finite number", target=key)
    if isinstance(found, Decimal) and not (found.is_finite() and found >= 0):
        raise BadSetting(f"{place}: {key} must be a number that is not negative", target=key)
    return found


def flatten(document: Mapping[str, Item], name: str) -> dict[str, Source]:
    """The values of a file by dotted key; raises `BadSetting` for a key that does not exist."""
    return dict(_flatten(document, name, ""))


def is_section(key: str) -> bool:
    """Whether this dotted key is a section and not a value."""
    return any(known.startswith(f"{key}.") for known in all_keys())


def unknown_key(key: str, place: str, *, spell: Callable[[str], str] = str) -> BadSetting:
    """The error for a key that does not exist, with the nearest one that does as `spell` would write it.

    `place` is empty where the operator has just typed the key.
    """
    place = f"{place}: " if place else ""
    if is_section(key):
        first = next(known for known in all_keys() if known.startswith(f"{key}."))
        hint = f"a key in it is {spell(first)}"
        return BadSetting(f"{place}{key} is a section, not a value", hint=hint, target=key)
    near = nearest_key(key)
    hint = f"did you mean {spell(near)}?" if near else "r3 config show lists every key"
    return BadSetting(f"{place}there is no setting {key}", hint=hint, target=key)


def nearest_key(key: str) -> str | None:
    """The existing key that was probably meant: one that is spelt alike, or the same name in another section."""
    candidates = list(all_keys()) + sorted({known.rpartition(".")[0] for known in all_keys()} - {""})
    if near := difflib.get_close_matches(key, candidates, n=1, cutoff=0.75):
        return near[0]
    lasts = {known.rpartition(".")[2]: known for known in reversed(list(all_keys()))}
    near = difflib.get_close_matches(key.rpartition(".")[2], list(lasts), n=1, cutoff=0.75)
    return lasts[near[0]] if near else None


def _walk(section: type[Section], prefix: str) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for field in msgspec.structs.fields(section):
        key = f"{prefix}{field.encode_name}"
        if isinstance(field.type, type) and issubclass(field.type, Section):
            found += _walk(field.type, f"{key}.")
        else:
            found.append((key, field.type))
    return found


def _flatten(document: Mapping[str, Item], name: str, prefix: str) -> list[tuple[str, Source]]:
    found: list[tuple[str, Source]] = []
    for last, item in document.items():
        key, place = f"{prefix}{last}", f"{name}:{item.line}"
        if key in all_keys():
            if isinstance(item.value, dict):
                raise BadSetting(f"{place}: {key} is a value, not a section", hint=_explain(key), target=key)
            found.append((key, Source(convert_value(key, item.value, place), place)))
        elif isinstance(item.value, dict) and is_section(key):
            found += _flatten(item.value, name, f"{key}.")
        elif item.value is None and is_section(key):
            continue  # a section with nothing in it
        else:
            raise unknown_key(key, place)
    return found


def _choices(kind: Any) -> str:
    """`it is one of a, b` for a key that has a list of names."""
    names = [part for part in (kind, *get_args(kind)) if get_origin(part) is Literal]
    return f"it is one of {', '.join(get_args(names[0]))}" if names else ""


def _show(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _explain(key: str) -> str:
    return f"r3 config explain {key}"
