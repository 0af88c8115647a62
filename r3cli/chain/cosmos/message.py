"""Protobuf messages declared as data: a struct whose fields carry their numbers.

    class Coin(Message, frozen=True, kw_only=True):
        package: ClassVar[str] = "cosmos.base.v1beta1"
        denom: Annotated[str, Tag(1)] = ""
        amount: Annotated[str, Tag(2)] = ""

The Python type gives the wire form: str, bytes, bool, an IntEnum, another message (with `| None`: absent), a tuple
of these (repeated; numbers packed), and int, whose width the tag names.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Any, ClassVar, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from r3cli.chain.cosmos import wire
from r3cli.errors import Malformed, Usage

Width = Literal["uint64", "uint32", "int64"]

_MAX_DEPTH = 16
_RANGES: Mapping[str, range] = {
    "uint64": range(1 << 64),
    "uint32": range(1 << 32),
    "int64": range(-(1 << 63), 1 << 63),
    "bool": range(2),
}


@dataclass(frozen=True)
class Tag:
    """A field's number and, for integers, its width."""

    number: int
    width: Width = "uint64"


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all protobuf messages; the class is named as the message."""

    package: ClassVar[str] = ""

    @classmethod
    def full_name(cls) -> str:
        return f"{cls.package}.{cls.__name__}"

    @classmethod
    def url(cls) -> str:
        """The type URL under which an `Any` carries it."""
        return f"/{cls.full_name()}"


M = TypeVar("M", bound=Message)


@dataclass(frozen=True)
class FieldSpec:
    """One field as the schema has it: `kind` is a scalar's protobuf name, `enum` or `message`."""

    name: str
    number: int
    kind: str
    repeated: bool
    python_type: type[Any]

    @property
    def is_number(self) -> bool:
        return self.kind in _RANGES or self.kind == "enum"


def encode(message: Message) -> bytes:
    """Canonical bytes: fields in order of number, defaults left out; raises `Usage` for a number that does not fit."""
    return b"".join(_encode_field(spec, getattr(message, spec.name)) for spec in specs(type(message)))


def decode(cls: type[M], content: bytes, *, skip_unknown: bool = False, limit: int = wire.MAX_MESSAGE) -> M:
    """A message from bytes; raises `Malformed` or `TooLarge` for anything else.

    `skip_unknown` is for answers of newer nodes; in a transaction an unknown field could change its meaning.
    """
    return _decode(cls, content, skip_unknown=skip_unknown, limit=limit, depth=0)


@functools.cache
def specs(cls: type[Message]) -> tuple[FieldSpec, ...]:
    """The schema of a message class, in order of field number."""
    hints = get_type_hints(cls, include_extras=True)
    found = [_spec(name, hint) for name, hint in hints.items() if get_origin(hint) is Annotated]
    return tuple(sorted(found, key=lambda spec: spec.number))


def _spec(name: str, hint: Any) -> FieldSpec:
    python_type, tag = get_args(hint)
    repeated = get_origin(python_type) is tuple
    if repeated or get_origin(python_type) is types.UnionType:
        python_type = get_args(python_type)[0]
    return FieldSpec(name, tag.number, _kind(python_type, tag), repeated, python_type)


def _kind(python_type: type[Any], tag: Tag) -> str:
    if issubclass(python_type, Message):
        return "message"
    if issubclass(python_type, IntEnum):
        return "enum"
    names = {bool: "bool", str: "string", bytes: "bytes", int: tag.width}
    return names[python_type]


def _encode_field(spec: FieldSpec, value: Any) -> bytes:
    if not spec.repeated:
        # A message that is present but empty is written; a scalar's default is not.
        absent = value is None or (spec.kind != "message" and not value)
        return b"" if absent else _encode_one(spec, value)
    if not spec.is_number:
        return b"".join(_encode_one(spec, item) for item in value)
    packed = b"".join(wire.encode_varint(_checked(spec, item)) for item in value)
    return wire.encode_length_field(spec.number, packed) if packed else b""


def _encode_one(spec: FieldSpec, value: Any) -> bytes:
    if spec.is_number:
        return wire.encode_varint_field(spec.number, _checked(spec, value))
    content = encode(value) if spec.kind == "message" else value.encode() if spec.kind == "string" else value
    return wire.encode_length_field(spec.number, content)


def _checked(spec: FieldSpec, value: int) -> int:
    if spec.kind != "enum" and value not in _RANGES[spec.kind]:
        raise Usage(f"{spec.name} = {value} does not fit {spec.kind}")
    return int(value) & wire.MAX_UINT64


def _decode(cls: type[M], content: bytes, *, skip_unknown: bool, limit: int, depth: int) -> M:
    if depth > _MAX_DEPTH:
        raise Malformed(f"protobuf: messages are nested deeper than {_MAX_DEPTH}")
    known = {spec.number: spec for spec in specs(cls)}

    def decode_nested(nested: type[Any], inner: bytes) -> Any:
        return _decode(nested, inner, skip_unknown=skip_unknown, limit=limit, depth=depth + 1)

    values: dict[str, Any] = {}
    for number, kind, value in wire.read_fields(content, limit=limit):
        spec = known.get(number)
        if spec is not None:
            _store(cls, spec, values, _read_values(spec, kind, value, decode_nested))
        elif not skip_unknown:
            raise Malformed(f"{cls.__name__}: field {number} is unknown")
    return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})


def _store(cls: type[Message], spec: FieldSpec, values: dict[str, Any], found: list[Any]) -> None:
    if spec.repeated:
        values.setdefault(spec.name, []).extend(found)
    elif spec.name in values:
        raise Malformed(f"{cls.__name__}: field {spec.number} stands twice")
    else:
        (values[spec.name],) = found


def _read_values(
    spec: FieldSpec, kind: int, value: int | bytes, decode_nested: Callable[[type[Any], bytes], Any]
) -> list[Any]:
    if spec.is_number:
        if isinstance(value, int):
            return [_read_number(spec, value)]
        if spec.repeated and kind == wire.LENGTH:
            return [_read_number(spec, item) for item in wire.read_packed(value)]
    elif isinstance(value, bytes) and kind == wire.LENGTH:
        if spec.kind == "message":
            return [decode_nested(spec.python_type, value)]
        return [value if spec.kind == "bytes" else _read_text(spec, value)]
    raise Malformed(f"protobuf: {spec.name} has wire type {kind}")


def _read_number(spec: FieldSpec, value: int) -> Any:
    if spec.kind == "int64" and value >= 1 << 63:
        return value - (1 << 64)
    try:
        if spec.kind != "enum" and value not in _RANGES[spec.kind]:
            raise ValueError(value)
        return spec.python_type(value)
    except ValueError as error:
        raise Malformed(f"protobuf: {spec.name} = {value} is not a value of {spec.kind}") from error


def _read_text(spec: FieldSpec, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"protobuf: {spec.name} is not UTF-8") from error
