"""The command tree, and the one place where failures become words and exit codes."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import typer
from typer.core import TyperOption

from r3cli import __version__
from r3cli.errors import ExitCode, Interrupted, R3Error, Usage
from r3cli.paths import find_paths
from r3cli.result import Failure

from ._group import R3Group
from ._options import dotted_name
from ._output import broken_pipe, report_error, report_failure, write_note, write_result
from ._session import Session, requested_session

# Name and help of each command, in the order of the help. Its module, of the same name, is imported when it is needed.
TREE: Mapping[str, str] = {
    "wallet": "Keys and accounts: create, import, show, pay, sign.",
    "train": "Rounds of training that a stranger can check.",
    "status": "Wallets, network, rounds, last accepted work, balance.",
    "logs": "What happened, one event a line.",
    "config": "Settings: show, explain, set, validate.",
    "doctor": "Check this machine; say how to fix what is wrong.",
    "lab": "The local network: servers, faults, faucet.",
    "tx": "The journal of transactions; settle what was left open.",
    "schema": "JSON Schema of what a command prints.",
}

EXAMPLES = """\
r3 doctor                                  # is this machine ready?
r3 train run --network local --rounds 1    # one round on the network in a box
r3 train verify 1 --step random            # check it as a stranger would
r3 status"""


def run(argv: Sequence[str]) -> NoReturn:
    """Run one command and exit with its code; every failure ends here."""
    _open_closed_streams()
    session = requested_session(argv)
    try:
        root().main(args=list(argv), prog_name="r3", obj=session)
    except R3Error as error:
        if session.debug:
            write_note("".join(traceback.format_exception(error)))
        sys.exit(report_error(session, error))
    except Exception as error:  # noqa: BLE001 - a bug of ours: one line for the operator, the rest into a file
        sys.exit(report_failure(session, _unexpected(session, error)))
    sys.exit(int(ExitCode.OK))


def root() -> Root:
    """The root of the tree; its commands are loaded one by one."""
    version = TyperOption(
        param_decls=["--version"],
        is_flag=True,
        default=False,
        is_eager=True,
        expose_value=False,
        callback=_show_version,
        help="Show the version and exit.",
    )
    return Root(
        name="r3",
        params=[version],
        help="The operator's toolkit for compute miners on decentralised AI networks.",
        epilog=EXAMPLES,
        rich_markup_mode=None,
    )


class Root(R3Group):
    """Loads a command's module when that command is asked for, and translates what Typer would tell by itself."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - Typer's signature
        return list(TREE)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - Typer's signature
        if cmd_name not in TREE:
            return None
        if cmd_name not in self.commands:
            command = typer.main.get_command(import_module(f".{cmd_name}", __package__).app)
            command.name = cmd_name
            self.commands[cmd_name] = command
        return self.commands[cmd_name]

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - Typer's signature
        with formatter.section("Commands"):
            formatter.write_dl(list(TREE.items()))

    def make_context(self, *args: Any, **settings: Any) -> Any:
        with _translated(settings.get("obj")):
            return super().make_context(*args, **settings)

    def invoke(self, ctx: Any) -> Any:
        with _translated(ctx.obj):
            return super().invoke(ctx)


def _open_closed_streams() -> None:
    """Give a process that was started with closed standard streams some that lead nowhere."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - as long as the process


@contextmanager
def _translated(session: object) -> Iterator[None]:
    """Turn what Typer would tell in its own words into errors of our tree."""
    try:
        yield
    except typer.TyperException as error:
        ctx = getattr(error, "ctx", None)
        if isinstance(session, Session) and ctx is not None:
            session.command = dotted_name(ctx)
        hint = f"{ctx.command_path if ctx is not None else 'r3'} --help"
        raise Usage(_sentence(error.format_message()), hint=hint) from None
    except BrokenPipeError:
        broken_pipe()
    except KeyboardInterrupt:
        raise Interrupted("interrupted") from None
    except (EOFError, typer.Abort) as error:
        raise RuntimeError("a question was left to Typer") from error


def _sentence(text: str) -> str:
    """A message in the form of ours: one line, no full stop, no capital."""
    line = " ".join(text.split()).removesuffix(".")
    return line[:1].lower() + line[1:]


def _show_version(_ctx: object, _param: object, value: bool) -> None:
    if value:
        write_result(f"r3 {__version__}\n")
        raise typer.Exit(int(ExitCode.OK))


def _unexpected(session: Session, error: Exception) -> Failure:
    """A bug as one line. The text of the exception stays in the private file: it may quote anything."""
    text = "".join(traceback.format_exception(error))
    if session.debug:
        write_note(text)
    return Failure(
        code=int(ExitCode.FAILED),
        name="unexpected",
        message=f"r3 met a fault of its own ({type(error).__name__})",
        hint=_keep_traceback(text),
    )


def _keep_traceback(text: str) -> str:
    from r3cli.files import create_private

    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    path = find_paths().tracebacks / f"{stamp}.txt"
    try:
        create_private(path, text.encode())
    except (R3Error, OSError):
        return "the traceback could not be kept; --debug shows it"
    return f"the traceback is in {path}; please report it"
