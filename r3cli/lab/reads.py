"""What reads are answered from: the chain as it is, or a copy of it while the node is told to be stale."""

from __future__ import annotations

import threading

from r3cli.lab.chain import Chain
from r3cli.lab.faults import Faults
from r3cli.lab.ledger import Ledger
from r3cli.lab.view import ChainView

_COPY = "stale.db"


class Reads:
    """Chooses the view of each read; the copy lies beside the ledger, so that any server finds it."""

    def __init__(self, chain: Chain, faults: Faults) -> None:
        self._chain = chain
        self._faults = faults
        self._path = chain.ledger.path.parent / _COPY
        self._turn = threading.Lock()
        self._copy: tuple[int, Ledger] | None = None

    def view(self) -> ChainView:
        if not self._faults.take("stale"):
            return self._chain.view()
        return ChainView(self._open_copy(), self._chain.genesis)

    def freeze(self) -> None:
        """Make the copy that stale reads are answered from."""
        self._chain.ledger.snapshot(self._path)

    def close(self) -> None:
        if self._copy:
            self._copy[1].close()

    def _open_copy(self) -> Ledger:
        with self._turn:
            inode = self._path.stat().st_ino
            if self._copy is None or self._copy[0] != inode:
                self.close()
                self._copy = (inode, Ledger(self._path))
            return self._copy[1]
