"""Messages as the REST gateway shows them: protobuf's JSON with every field present."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from r3cli.chain.cosmos.message import FieldSpec, Message, Tag, specs


class Timestamp(Message, frozen=True, kw_only=True):
    """`google.protobuf.Timestamp`, whole seconds only: logical block times have no fraction."""

    package: ClassVar[str] = "google.protobuf"
    seconds: Annotated[int, Tag(1, "int64")] = 0

    @classmethod
    def of(cls, moment: datetime) -> Timestamp:
        return cls(seconds=int(moment.timestamp()))


def to_json(message: Message) -> dict[str, Any]:
    """A message by the names of its fields: 64-bit numbers as strings, bytes in base64, enumerations by name."""
    return {spec.name: _show(spec, getattr(message, spec.name)) for spec in specs(type(message))}


def to_any_json(message: Message) -> dict[str, Any]:
    """A message inside an `Any`: with its type."""
    return {"@type": message.url(), **to_json(message)}


def show_time(moment: datetime) -> str:
    """A block time as the gateway writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _show(spec: FieldSpec, value: Any) -> Any:
    return [_show_one(spec, item) for item in value] if spec.repeated else _show_one(spec, value)


def _show_one(spec: FieldSpec, value: Any) -> Any:
    if spec.kind in ("uint64", "int64"):
        return str(value)
    if spec.kind == "bytes":
        return base64.b64encode(value).decode()
    if spec.kind == "enum":
        return _enum_prefix(type(value).__name__) + value.name
    if isinstance(value, Timestamp):
        return show_time(datetime.fromtimestamp(value.seconds, UTC))
    if isinstance(value, Message):
        return to_json(value)
    return value


def _enum_prefix(name: str) -> str:
    """`NodeType` becomes `NODE_TYPE_`, as protobuf's style has it."""
    return "".join("_" + letter if letter.isupper() else letter.upper() for letter in name).lstrip("_") + "_"
