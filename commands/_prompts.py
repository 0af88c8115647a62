"""Questions to a person. Where nobody may be asked, the error names the flag; end-of-file is never an answer."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable

import typer

from r3cli.errors import NeedsInput
from r3cli.secret import Secret

from ._output import session_of, write_note


def confirm(ctx: typer.Context, question: str, *, yes: bool, flag: str = "--yes") -> None:
    """Go on only when the operator agrees; `question` ends without a question mark."""
    if yes:
        return
    if not session_of(ctx).may_prompt():
        raise NeedsInput(f"{question}: this needs a yes", hint=f"add {flag}")
    if _ask(ctx, f"{question}? [y/N] ").lower() not in ("y", "yes"):
        raise NeedsInput("not confirmed; nothing was done", hint=f"answer y, or add {flag}")


def confirm_name(ctx: typer.Context, name: str, *, given: str | None, what: str) -> None:
    """Go on only when the name of what will be destroyed was typed, or given with `--confirm`."""
    if given is None and not session_of(ctx).may_prompt():
        raise NeedsInput(f"this destroys {what} {name}", hint=f"add --confirm {name}")
    answer = given if given is not None else _ask(ctx, f"This destroys {what} {name}. Type its name to go on: ")
    if answer != name:
        raise NeedsInput(f"{answer!r} is not {name}; nothing was done", hint=f"type {name}, or add --confirm {name}")


def asker(ctx: typer.Context) -> Callable[[str], Secret | None] | None:
    """Asks without echo; None where nobody may be asked."""
    return _ask_secret if session_of(ctx).may_prompt() else None


def revealer(ctx: typer.Context, title: str) -> Callable[[Secret], None] | None:
    """Shows a secret to the person at the terminal, never on stdout; None where nobody is watching."""
    if not session_of(ctx).may_prompt():
        return None

    def reveal(secret: Secret) -> None:
        write_note(f"{title}\n\n    {secret.reveal().decode()}\n\n")

    return reveal


def _ask(ctx: typer.Context, question: str) -> str:
    session_of(ctx).settle()
    write_note(question)
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        write_note("\n")
        raise NeedsInput("the input ended instead of answering; nothing was done")
    return answer.strip()


def _ask_secret(question: str) -> Secret | None:
    try:
        return Secret(getpass.getpass(question, stream=sys.stderr))
    except EOFError:
        write_note("\n")
        return None
