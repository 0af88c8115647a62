"""The one place that prints: text for people, one versioned document for programs, NDJSON for streams."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, NoReturn, TextIO, TypeVar

import msgspec
import typer

from r3cli.clock import timestamp
from r3cli.errors import ExitCode, PartlyDone, R3Error
from r3cli.result import Data, Failure, Result

from ._schemas import schema_name
from ._session import Session
from ._views import Styled, View, draw, identifiers, paint, plain, tab_separated

D = TypeVar("D", bound=Data)
S = TypeVar("S", bound=msgspec.Struct)
T = TypeVar("T")


class Envelope(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """The document on stdout. Within `/1` fields are only ever added."""

    schema: str
    ok: bool
    data: T | None
    warnings: tuple[str, ...]
    error: Failure | None


def session_of(ctx: typer.Context) -> Session:
    """The session of this invocation."""
    session: Session = ctx.obj  # `run` put it there
    return session


def emit(ctx: typer.Context, result: Result[D], view: Callable[[D], View | Sequence[View]]) -> NoReturn:
    """Show a result in the format that was asked for, and exit with its code."""
    session = session_of(ctx)
    session.settle()
    warnings = (*session.warnings, *result.warnings)
    if session.is_machine:
        _write_document(session, _envelope(session, result.data, warnings, _headline(result)))
    else:
        shown = view(result.data)
        _write(sys.stdout, _text(session, shown if isinstance(shown, Sequence) else [shown]))
        _tell(session, warnings, result.failures)
    raise typer.Exit(int(result.exit_code))


def emit_stream(
    ctx: typer.Context, records: Iterable[S], line: Callable[[S], str | Styled | None], *, kind: str
) -> NoReturn:
    """Show records as they come: a line each, or NDJSON with `type`, `seq` and `ts` before the record's own fields.

    `line` gives the text for people; None passes a record over.
    """
    session = session_of(ctx)
    color = session.use_color(sys.stdout)
    _tell(session, session.warnings, ())
    for record in records:
        if session.is_machine:
            session.streamed += 1  # first: an interruption while writing must still end the stream as one
            _write(sys.stdout, _json_line(_stamped(record, kind, session.streamed - 1)))
        elif (text := line(record)) is not None:
            _write(sys.stdout, f"{paint(text, color=color)}\n")
    session.settle()
    raise typer.Exit(int(ExitCode.OK))


def emit_screens(
    ctx: typer.Context, records: Iterable[S], view: Callable[[S], Sequence[View]], *, kind: str
) -> NoReturn:
    """Show records as they come, each in place of the one before at a terminal, one after the other elsewhere."""
    session = session_of(ctx)
    if session.is_machine:
        emit_stream(ctx, records, lambda _: None, kind=kind)
    in_place = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    _tell(session, session.warnings, ())
    for record in records:
        session.settle()
        text = _text(session, view(record))
        if in_place:  # overwritten line by line: clearing first would flicker
            text = "\x1b[H" + text.replace("\n", "\x1b[K\n") + "\x1b[J"
        _write(sys.stdout, text if in_place else f"{text}\n")
    raise typer.Exit(int(ExitCode.OK))


def report_error(session: Session, error: R3Error) -> int:
    """Tell an error of our tree, and return its exit code."""
    return report_failure(session, Failure.of(error))


def report_failure(session: Session, failure: Failure) -> int:
    """Tell a failure without data, and return its exit code."""
    session.settle()
    if session.is_machine:
        _write_document(session, _envelope(session, None, session.warnings, failure))
    else:
        _tell(session, session.warnings, (failure,))
    return failure.code


def write_result(text: str) -> None:
    """Print a text that is itself what was asked for, such as a help page."""
    _write(sys.stdout, text)


def write_note(text: str) -> None:
    """Print a text that is not the result: a question, a traceback that was asked for."""
    _write(sys.stderr, text)


def broken_pipe() -> NoReturn:
    """Nobody reads any more: end as SIGPIPE would have, without a word."""
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            os.dup2(null, stream.fileno())
        except (OSError, ValueError):  # not a real file: there is nothing to flush into
            continue
    raise SystemExit(int(ExitCode.BROKEN_PIPE))


def _headline(result: Result[D]) -> Failure | None:
    """The one failure of the document; of several targets it says what became of each that failed."""
    if not result.failures or (len(result.failures) == 1 and not result.partial):
        return next(iter(result.failures), None)
    first = result.failures[0]
    return Failure(
        code=int(result.exit_code),
        name=PartlyDone.name if result.partial else first.name,
        message="; ".join(_with_subject(failure) for failure in result.failures),
        hint=first.hint,
        retryable=all(failure.retryable for failure in result.failures),
    )


def _with_subject(failure: Failure) -> str:
    named = failure.target is None or failure.target in failure.message
    return failure.message if named else f"{failure.target}: {failure.message}"


def _envelope(session: Session, data: D | None, warnings: Sequence[str], error: Failure | None) -> Envelope[D]:
    name = schema_name(session.command)
    return Envelope(schema=name, ok=error is None, data=data, warnings=tuple(warnings), error=error)


def _write_document(session: Session, document: Envelope[Any]) -> None:
    if session.streamed:  # the lines before it are a stream: its end is a line of that
        _write(sys.stdout, _json_line(_stamped(document, "error", session.streamed)))
    elif session.format == "yaml":
        import yaml

        _write(sys.stdout, yaml.safe_dump(msgspec.to_builtins(document), sort_keys=False, allow_unicode=True))
    elif session.format == "ndjson":
        _write(sys.stdout, _json_line(_stamped(document, "result", 0)))
    else:
        _write(sys.stdout, _json_line(document))


def _stamped(record: msgspec.Struct, kind: str, sequence: int) -> dict[str, Any]:
    now = timestamp()
    return {"type": kind, "seq": sequence, "ts": now, **msgspec.to_builtins(record)}


def _json_line(document: object) -> str:
    return msgspec.json.encode(document).decode() + "\n"


def _text(session: Session, views: Sequence[View]) -> str:
    if session.quiet or session.format == "name":
        return identifiers(views)
    if session.format == "plain":
        return tab_separated(views)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    return draw(views, color=session.use_color(sys.stdout), width=width)


def _tell(session: Session, warnings: Sequence[str], failures: Sequence[Failure]) -> None:
    color = session.use_color(sys.stderr)
    lines = (
        []
        if session.quiet
        else [f"{paint(Styled('warning:', 'warn'), color=color)} {plain(text)}" for text in warnings]
    )
    for failure in failures:
        lines.append(f"{paint(Styled('error:', 'bad'), color=color)} {plain(_with_subject(failure))}")
        if failure.hint:
            lines.append(f"  {paint(Styled('hint:', 'dim'), color=color)} {plain(failure.hint)}")
    _write(sys.stderr, "".join(f"{line}\n" for line in lines))


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        broken_pipe()
