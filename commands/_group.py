"""Groups of commands: help with examples first, and a typo that names what was meant."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from r3cli.errors import ExitCode, Usage

from ._output import write_note


class R3Group(TyperGroup):
    """A group whose help begins with examples and which knows near misses."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:
            write_note(f"{ctx.get_help()}\n")
            raise typer.Exit(int(ExitCode.USAGE))
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        known = self.list_commands(ctx)
        if args[0] in known or args[0].startswith("-"):
            return super().resolve_command(ctx, args)
        near = difflib.get_close_matches(args[0], known, n=1)
        hint = f"did you mean {ctx.command_path} {near[0]}?" if near else f"{ctx.command_path} --help"
        raise Usage(f"{ctx.command_path} has no command {args[0]!r}", hint=hint)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        self.format_usage(ctx, formatter)
        self.format_help_text(ctx, formatter)
        write_examples(self.epilog, formatter)
        self.format_commands(ctx, formatter)
        write_params(ctx, formatter, "Options", self.get_params(ctx))


def write_examples(lines: str | None, formatter: Any) -> None:
    """The section with the examples, each on its line."""
    if lines:
        with formatter.section("Examples"):
            for line in lines.splitlines():
                formatter.write(f"  {line}\n")


def write_params(ctx: Any, formatter: Any, title: str, params: Sequence[Any]) -> None:
    """A section that lists arguments or options."""
    records = [record for param in params if (record := param.get_help_record(ctx)) is not None]
    if records:
        with formatter.section(title):
            formatter.write_dl(records)
