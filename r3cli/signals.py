"""Stopping in order: the first INT or TERM asks for a stop after the step, the second stops now."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from r3cli.errors import Interrupted


class Stop:
    """Whether someone asked to stop, and how."""

    def __init__(self) -> None:
        self.requested = False
        self.terminated = False

    def raise_if_requested(self, saved: str, hint: str) -> None:
        """Raise `Interrupted` when a stop was asked for; `saved` says what is safe."""
        if self.requested:
            raise Interrupted(saved, terminated=self.terminated, hint=hint)


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Catch INT and TERM while the block runs. Outside the main thread nothing is caught."""
    stop = Stop()

    def ask(number: int, _: FrameType | None) -> None:
        if stop.requested:
            raise KeyboardInterrupt
        stop.requested = True
        stop.terminated = number == signal.SIGTERM

    try:
        before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not the main thread: the caller's owner handles signals
        yield stop
        return
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
