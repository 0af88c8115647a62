"""An empty block every second, while somebody waits.

A chain without traffic would never pass a timeout height or a challenge window. Somebody waits when the head or a
transaction is asked for again within a few seconds; a single look at the chain makes no block.
"""

from __future__ import annotations

import threading
import time

from r3cli.lab.chain import Chain

_STILL_WAITING = 5.0  # seconds between two questions of the same wait, at most
_BLOCK_SECONDS = 1.0


class Waiting:
    """Told of each question that waits for something, it makes the blocks that the waiting needs."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._turn = threading.Lock()
        self._asked = float("-inf")
        self._height = 0
        self._since = 0.0

    def somebody_asks(self) -> None:
        """Make a block when the last is a second old and the last question is not long ago."""
        with self._turn:
            now, height = time.monotonic(), self._chain.view().height()
            waits = now - self._asked <= _STILL_WAITING
            self._asked = now
            if height != self._height:
                self._height, self._since = height, now
            elif waits and now - self._since >= _BLOCK_SECONDS:
                self._height, self._since = self._chain.mine(), now
