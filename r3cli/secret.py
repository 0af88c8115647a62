"""A secret that cannot be printed, logged or serialised by accident."""

from __future__ import annotations

from typing import NoReturn


class Secret:
    """Holds secret bytes. `repr`, `str`, `format`, pickling and JSON never show them; `reveal()` does."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes | bytearray | str) -> None:
        self._value = value.encode() if isinstance(value, str) else bytes(value)

    def reveal(self) -> bytes:
        """The bytes themselves. Keep the result local and short-lived."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]  # a secret is never a key of anything

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be serialised")
