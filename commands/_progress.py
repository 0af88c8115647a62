"""Events on stderr: on a terminal one live line, elsewhere plain lines, seldom for progress."""

from __future__ import annotations

import shutil
import time
from typing import TextIO

from r3cli.events import Event

from ._views import Styled, paint, plain

PLAIN_INTERVAL_SECONDS = 30.0
LIVE_INTERVAL_SECONDS = 0.1
BAR_CELLS = 24


class Progress:
    """A reporter. Events of level `debug` with `done` and `total` are progress; others are sentences."""

    def __init__(self, stream: TextIO, *, quiet: bool, verbosity: int, color: bool) -> None:
        self._stream = stream
        self._quiet = quiet
        self._verbosity = verbosity
        self._color = color
        self._live = stream.isatty() and color
        self._line_open = False
        self._last = float("-inf")

    def __call__(self, happened: Event) -> None:
        if self._quiet and happened.level != "error":
            return
        if happened.level == "debug" and "total" in happened.fields:
            self._advance(happened)
        elif happened.level not in ("debug", "detail") or self._verbosity:
            self._say(happened)

    def end(self) -> None:
        """Take the live line away."""
        if self._line_open:
            self._stream.write("\r\x1b[2K")
            self._stream.flush()
            self._line_open = False

    def _advance(self, happened: Event) -> None:
        done, total = happened.fields.get("done", 0), happened.fields["total"]
        now = time.monotonic()
        if self._live:
            if now - self._last < LIVE_INTERVAL_SECONDS and done != total:
                return
            width = shutil.get_terminal_size().columns - 1
            self._stream.write(f"\r\x1b[2K{_bar(done, total)}{plain(happened.message)}"[: width + 5])
            self._line_open = True
        elif self._last == float("-inf"):
            pass  # the first step of something short is no news; start counting from here
        elif now - self._last < PLAIN_INTERVAL_SECONDS:
            return
        else:
            self._stream.write(f"{plain(happened.message)} ({done}/{total})\n")
        self._last = now
        self._stream.flush()

    def _say(self, happened: Event) -> None:
        self.end()
        text = plain(happened.message)
        if happened.level == "warning":
            text = f"{paint(Styled('warning:', 'warn'), color=self._color)} {text}"
        elif happened.level == "error":
            text = f"{paint(Styled('error:', 'bad'), color=self._color)} {text}"
        if self._verbosity > 1 and happened.fields:
            text += " " + " ".join(f"{key}={plain(str(value))}" for key, value in happened.fields.items())
        self._stream.write(f"{text}\n")
        self._stream.flush()


def _bar(done: object, total: object) -> str:
    if not isinstance(done, int | float) or not isinstance(total, int | float) or total <= 0:
        return ""
    full = round(BAR_CELLS * min(max(done / total, 0.0), 1.0))
    return f"[{'#' * full}{'.' * (BAR_CELLS - full)}] {done}/{total} "
