"""Questions that change nothing: blocks and transactions of the ledger as it is now."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from r3cli.lab.execution import TxResult
from r3cli.lab.genesis import Genesis
from r3cli.lab.ledger import Ledger
from r3cli.lab.remes.records import Records
from r3cli.lab.state import State

Header = dict[str, Any]


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """A block: its header as the REST gateway shows it, and its transactions."""

    height: int
    hash: bytes
    header: Header
    txs: tuple[bytes, ...]


class IncludedTx(msgspec.Struct, frozen=True, kw_only=True):
    """A transaction in a block."""

    hash: bytes
    height: int
    raw: bytes
    result: TxResult


class ChainView:
    """Questions about blocks, transactions and state."""

    def __init__(self, ledger: Ledger, genesis: Genesis) -> None:
        self.ledger = ledger
        self.genesis = genesis

    def height(self) -> int:
        with self.ledger.read() as connection:
            return read_head(connection)[0]

    def block(self, height: int) -> Block | None:
        with self.ledger.read() as connection:
            row = connection.execute("SELECT hash, header FROM block WHERE height = ?", (height,)).fetchone()
            if row is None:
                return None
            txs = connection.execute("SELECT raw FROM tx WHERE height = ?", (height,)).fetchall()
        header = msgspec.json.decode(row[1], type=dict[str, Any])
        return Block(height=height, hash=row[0], header=header, txs=tuple(tx[0] for tx in txs))

    def transaction(self, digest: bytes) -> IncludedTx | None:
        with self.ledger.read() as connection:
            row = connection.execute("SELECT height, raw, result FROM tx WHERE hash = ?", (digest,)).fetchone()
        if row is None:
            return None
        return IncludedTx(hash=digest, height=row[0], raw=row[1], result=msgspec.msgpack.decode(row[2], type=TxResult))

    @contextmanager
    def state(self) -> Iterator[State]:
        """Accounts and balances, for as long as the block lasts."""
        with self.ledger.read() as connection:
            yield State(connection, self.genesis)

    @contextmanager
    def records(self) -> Iterator[Records]:
        """The remes module's records, for as long as the block lasts."""
        with self.ledger.read() as connection:
            yield Records(connection)


def read_head(connection: sqlite3.Connection) -> tuple[int, bytes]:
    """Height and hash of the last block; 0 and nothing before the first."""
    row = connection.execute("SELECT height, hash FROM block ORDER BY height DESC LIMIT 1").fetchone()
    return (int(row[0]), bytes(row[1])) if row else (0, b"")
