"""Options that many commands share, and the classes that put the output options on every command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from typer.core import TyperCommand, TyperOption

from ._group import R3Group, write_examples, write_params
from ._session import FORMATS, Format, Session

State = Annotated[
    Path | None, typer.Option("--state", metavar="DIR", help="Folder of this run: journal, ledger, blocks, logs.")
]
Network = Annotated[str | None, typer.Option("--network", metavar="NAME", help="Network, such as local.")]
Profile = Annotated[str | None, typer.Option("--profile", metavar="NAME", help="Settings profile: local, production.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check everything, change nothing, show what would be done.")]
Confirm = Annotated[
    str | None, typer.Option("--confirm", metavar="NAME", help="The name again, to do it without asking.")
]
IdempotencyKey = Annotated[
    str | None, typer.Option("--idempotency-key", metavar="KEY", help="A second run with this key finds the first.")
]
LockWait = Annotated[
    float, typer.Option("--lock-wait", metavar="SECONDS", min=0, help="How long to wait for another r3.")
]
PassphraseFile = Annotated[
    Path | None, typer.Option("--passphrase-file", metavar="FILE", help="Read the passphrase from a private file.")
]
PassphraseFd = Annotated[
    int | None, typer.Option("--passphrase-fd", metavar="N", min=0, help="Read it from an open file descriptor.")
]

F = TypeVar("F", bound=Callable[..., Any])


class SubApp(typer.Typer):
    """A Typer application whose commands have the output options and examples."""

    def command(self, name: str | None = None, *, examples: Sequence[str] = (), **settings: Any) -> Callable[[F], F]:
        """Add a command; `examples` are full command lines, shown first in its help."""
        return super().command(name, **{"cls": R3Command, "epilog": "\n".join(examples), **settings})


def sub_app(help_text: str, *, examples: Sequence[str] = ()) -> SubApp:
    """A group of commands: `r3 NAME VERB`."""
    epilog = "\n".join(examples)
    app = SubApp(cls=R3Group, help=help_text, epilog=epilog, add_completion=False, **_PLAIN)
    app.callback()(_group)  # keeps a group of one command a group
    return app


def single_app() -> SubApp:
    """The application of a command without verbs; it gets exactly one command."""
    return SubApp(add_completion=False, **_PLAIN)


# Neither Typer's panels (rich costs 0.1 s) nor its tracebacks (`run` is the only catcher).
_PLAIN: dict[str, Any] = {"rich_markup_mode": None, "pretty_exceptions_enable": False}


class R3Command(TyperCommand):
    """A command with the output options, and with its examples first in the help."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        taken = {name for param in self.params for name in (*param.opts, *param.secondary_opts)}
        self.output_options = _output_options(taken)
        self.params = [*self.params, *self.output_options]

    def invoke(self, ctx: Any) -> Any:
        session: Session = ctx.obj  # `run` put it there
        given = {str(param.name): ctx.params.pop(str(param.name)) for param in self.output_options}
        session.command = dotted_name(ctx)
        session.format = _chosen_format(given)
        session.quiet = given.get("r3_quiet", False)
        session.verbosity = given.get("r3_verbose", 0)
        session.debug = given.get("r3_debug", False)
        session.no_color = given.get("r3_no_color", False)
        session.no_input = given.get("r3_no_input", False)
        return super().invoke(ctx)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        self.format_usage(ctx, formatter)
        self.format_help_text(ctx, formatter)
        write_examples(self.epilog, formatter)
        own = [param for param in self.get_params(ctx) if param not in self.output_options]
        for title, kind in (("Arguments", "argument"), ("Options", "option")):
            write_params(ctx, formatter, title, [param for param in own if param.param_type_name == kind])
        write_params(ctx, formatter, "Output", self.output_options)


def dotted_name(ctx: Any) -> str:
    """The path of a context's command without `r3`: `wallet.show`."""
    words: list[str] = []
    while ctx.parent is not None:
        words.append(str(ctx.info_name))
        ctx = ctx.parent
    return ".".join(reversed(words))


def _group() -> None:
    pass


def _output_options(taken: set[str]) -> list[TyperOption]:
    """The options that every command has; a name that the command itself uses is left to it."""

    def option(name: str, *names: str, **settings: Any) -> list[TyperOption]:
        free = [candidate for candidate in names if candidate not in taken]
        return [TyperOption(param_decls=[f"r3_{name}", *free], **settings)] if free else []

    def flag(name: str, *names: str, about: str) -> list[TyperOption]:
        return option(name, *names, is_flag=True, default=False, help=about)

    return [
        *flag("json", "--json", about="One JSON document."),
        *option("output", "-o", "--output", metavar="FORMAT", callback=_check_format, help=", ".join(FORMATS) + "."),
        *flag("quiet", "-q", "--quiet", about="Ids only; no progress, no warnings."),
        *option(
            "verbose", "-v", "--verbose", count=True, type=int, default=0, help="Say more on stderr; -vv says most."
        ),
        *flag("debug", "--debug", about="Show the traceback of a failure."),
        *flag("no_color", "--no-color", about="No colours."),
        *flag("no_input", "--no-input", about="Never ask; exit 4 instead."),
    ]


def _check_format(_ctx: object, _param: object, value: str | None) -> str | None:
    if value is not None and value not in FORMATS:
        raise typer.BadParameter(f"{value!r} is none of {', '.join(FORMATS)}")
    return value


def _chosen_format(given: dict[str, Any]) -> Format:
    if given.get("r3_json"):
        return "json"
    return next((known for known in FORMATS if known == given.get("r3_output")), "table")
