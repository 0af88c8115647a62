"""One invocation of r3: how it may speak and whom it may ask."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TextIO, get_args

from r3cli.events import EventLog, Report, tee
from r3cli.paths import Paths

from ._progress import Progress

if TYPE_CHECKING:
    from r3cli.settings import Settings

Format = Literal["table", "json", "yaml", "ndjson", "plain", "name"]
FORMATS: tuple[Format, ...] = get_args(Format)


@dataclass
class Session:
    """How this invocation speaks. `command` is the dotted name of what runs, once that is known."""

    format: Format = "table"
    quiet: bool = False
    verbosity: int = 0
    debug: bool = False
    no_color: bool = False
    no_input: bool = False
    command: str = ""
    streamed: int = 0  # records of a stream written so far
    warnings: list[str] = field(default_factory=list)
    _progress: Progress | None = None

    @property
    def is_machine(self) -> bool:
        """Whether stdout holds one document for a program."""
        return self.format in ("json", "yaml", "ndjson")

    @property
    def report(self) -> Report:
        """Where operations tell what happens: stderr."""
        if self._progress is None:
            self._progress = Progress(
                sys.stderr, quiet=self.quiet, verbosity=self.verbosity, color=self.use_color(sys.stderr)
            )
        return self._progress

    def reporter(self, paths: Paths) -> Report:
        """`report`, and the event log that `r3 logs` reads."""
        return tee(self.report, EventLog(paths.events))

    def settle(self) -> None:
        """End a progress line that is being drawn, so that the next text starts on a line of its own."""
        if self._progress is not None:
            self._progress.end()

    def settings(
        self,
        paths: Paths,
        *,
        flags: Mapping[str, object] | None = None,
        network: str | None = None,
        profile: str | None = None,
    ) -> Settings:
        """The settings in force; their warnings join those of the result."""
        from r3cli.settings import load_settings

        settings = load_settings(paths, flags=flags, network=network, profile=profile)
        self.warnings += settings.warnings
        return settings

    def use_color(self, stream: TextIO) -> bool:
        """Whether ANSI sequences may go to a stream (NO_COLOR, FORCE_COLOR, TERM=dumb, a terminal)."""
        if self.no_color or os.environ.get("NO_COLOR"):
            return False
        if os.environ.get("FORCE_COLOR", "0") not in ("", "0"):
            return True
        return os.environ.get("TERM") != "dumb" and stream.isatty()

    def may_prompt(self) -> bool:
        """Whether somebody is there to answer and no option or variable forbids asking."""
        if self.no_input or self.is_machine or os.environ.get("CI") or os.environ.get("R3_NO_INPUT"):
            return False
        return _is_terminal(sys.stdin) and _is_terminal(sys.stderr)


def requested_session(argv: Sequence[str]) -> Session:
    """A session that already knows which format was asked for, so that a usage error can be told in it."""
    session = Session(debug="--debug" in argv)
    for index, word in enumerate(argv):
        if word == "--":
            break
        if word == "--json":
            session.format = "json"
        name, _, value = word.partition("=")
        if name in ("-o", "--output"):
            value = value or (argv[index + 1] if index + 1 < len(argv) else "")
        elif word.startswith("-o"):
            value = word[2:]
        else:
            continue
        session.format = next((known for known in FORMATS if known == value), session.format)
    return session


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and not stream.closed and stream.isatty()
