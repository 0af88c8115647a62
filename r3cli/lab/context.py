"""What a handler may touch while it executes one transaction."""

from __future__ import annotations

from typing import Literal

import msgspec

from r3cli.lab.gas import Meter
from r3cli.lab.genesis import Genesis
from r3cli.lab.state import State

Stage = Literal["check", "deliver", "simulate"]


class ChainEvent(msgspec.Struct, frozen=True):
    """An event of the chain, as its indexers see it."""

    type: str
    attributes: tuple[tuple[str, str], ...]


class Context:
    """State, gas and events of one execution. `height` is that of the block being made (of the last, in a check)."""

    def __init__(self, state: State, meter: Meter, *, height: int, stage: Stage) -> None:
        self.state = state
        self.meter = meter
        self.height = height
        self.stage = stage
        self.events: list[ChainEvent] = []

    @property
    def genesis(self) -> Genesis:
        return self.state.genesis

    def emit(self, kind: str, **attributes: str) -> None:
        self.events.append(ChainEvent(kind, tuple(attributes.items())))
