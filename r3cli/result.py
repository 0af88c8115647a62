"""What an operation returns: typed data, warnings, failures; never a printed line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from r3cli.errors import ExitCode, R3Error


class Data(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all result data: its fields are the JSON contract of a command."""


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """One failure as it stands in the JSON envelope's `error`."""

    code: int
    name: str
    message: str
    hint: str | None = None
    retryable: bool = False
    target: str | None = None
    tx: str | None = None

    @classmethod
    def of(cls, error: R3Error) -> Failure:
        """The envelope form of an exception of our tree."""
        return cls(
            code=int(error.exit_code),
            name=error.name,
            message=error.message,
            hint=error.hint,
            retryable=error.retryable,
            target=error.target,
            tx=error.tx,
        )


D = TypeVar("D", bound=Data)


@dataclass(frozen=True)
class Result(Generic[D]):
    """Typed data with whatever went wrong beside it.

    An operation that fails before it has data raises an `R3Error`; one that has something to show
    *and* failed (a verification that found a lie, a fleet half done) returns both.
    """

    data: D
    warnings: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()
    partial: bool = False  # some targets succeeded although others failed: exit 8

    @property
    def ok(self) -> bool:
        return not self.failures

    @property
    def exit_code(self) -> ExitCode:
        if not self.failures:
            return ExitCode.OK
        return ExitCode.PARTLY_DONE if self.partial else ExitCode(self.failures[0].code)


def failed(data: D, errors: Sequence[R3Error], *, warnings: Sequence[str] = (), partial: bool = False) -> Result[D]:
    """A result that carries data and failures together."""
    return Result(data, tuple(warnings), tuple(Failure.of(error) for error in errors), partial)
