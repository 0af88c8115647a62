"""The ledger: one SQLite file that any number of processes share.

Each block is one SQL transaction with `synchronous=FULL`, so a kill at any point leaves whole blocks only.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from r3cli.errors import Refused
from r3cli.files import private_dir
from r3cli.lab.genesis import Genesis
from r3cli.paths import Paths

LEDGER = "ledger.db"

_BUSY_SECONDS = 30.0

_TABLES = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS account (
    address TEXT PRIMARY KEY, number INTEGER NOT NULL UNIQUE, sequence INTEGER NOT NULL, public_key BLOB
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS balance (
    address TEXT NOT NULL, denom TEXT NOT NULL, amount INTEGER NOT NULL CHECK (amount >= 0),
    PRIMARY KEY (address, denom)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS block (height INTEGER PRIMARY KEY, hash BLOB NOT NULL, header BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS tx (
    hash BLOB PRIMARY KEY, height INTEGER NOT NULL, raw BLOB NOT NULL, result BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tx_height ON tx (height);
CREATE TABLE IF NOT EXISTS remembered (hash BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fault (name TEXT PRIMARY KEY, remaining INTEGER, seconds REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS record (
    kind TEXT NOT NULL, id INTEGER NOT NULL, round INTEGER NOT NULL, status TEXT NOT NULL, owner TEXT NOT NULL,
    body BLOB NOT NULL, PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS record_round ON record (kind, round);
CREATE INDEX IF NOT EXISTS record_status ON record (kind, status);
CREATE INDEX IF NOT EXISTS record_owner ON record (kind, owner);
"""


class Ledger:
    """An open ledger. Threads of one process take turns; processes are kept apart by SQLite's own lock."""

    def __init__(self, path: Path) -> None:
        private_dir(path.parent)
        self._turn = threading.RLock()
        self._connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self.path = path

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One all-or-nothing change; other writers wait."""
        with self._turn:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """One consistent view."""
        with self._turn:
            self._connection.execute("BEGIN")
            try:
                yield self._connection
            finally:
                self._connection.execute("ROLLBACK")

    @contextmanager
    def trial(self) -> Iterator[sqlite3.Connection]:
        """A change that is always undone."""
        with self._turn:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            finally:
                self._connection.execute("ROLLBACK")

    def snapshot(self, path: Path) -> None:
        """Copy the ledger as it is now to `path`, replacing what was there."""
        path.unlink(missing_ok=True)
        with self._turn:
            self._connection.execute("VACUUM INTO ?", (str(path),))

    def close(self) -> None:
        with self._turn:
            self._connection.close()


def create_tables(connection: sqlite3.Connection) -> None:
    """Make the tables that are not there yet, inside the caller's transaction."""
    for statement in filter(str.strip, _TABLES.split(";")):
        connection.execute(statement)


def founded_genesis(paths: Paths) -> Genesis | None:
    """The genesis of the lab network that lies in this state folder; None where none was founded."""
    if not (paths.lab / LEDGER).is_file():
        return None
    with closing(Ledger(paths.lab / LEDGER)) as ledger, ledger.read() as connection:
        return read_genesis(connection)


def read_genesis(connection: sqlite3.Connection) -> Genesis | None:
    """The genesis that this ledger was founded with, or None in an empty one."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
        return None
    row = connection.execute("SELECT value FROM meta WHERE key = 'genesis'").fetchone()
    return msgspec.json.decode(row[0], type=Genesis) if row else None


def check_same_genesis(found: Genesis, wanted: Genesis) -> None:
    """Raise `Refused` when a ledger belongs to another network than the one asked for."""
    # The published model is part of the running network, not of its identity.
    if msgspec.structs.replace(found, model_ipfs_hash="") != msgspec.structs.replace(wanted, model_ipfs_hash=""):
        raise Refused(
            f"the ledger here is that of {found.chain_id} (seed {found.seed}, mode {found.mode}), "
            f"not of {wanted.chain_id} (seed {wanted.seed}, mode {wanted.mode})",
            hint="give the same seed and mode, another --state folder, or run `r3 lab reset`",
        )
