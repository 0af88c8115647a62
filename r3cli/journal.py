"""The journal of intents: what r3 meant to do, what it sent, and what became of it.

An entry is written and synced *before* each external effect, so that a crash at any point leaves either
nothing done or a record from which `r3 tx settle` finds the truth. States:

    planned -> sent -> confirmed | failed | unknown       (unknown is settled to one of the other two)

Every signed transaction of an entry is an *attempt* with its bytes, sequence and timeout height: the money
rule (networks/r3mes.md 1.7) needs all hashes of an account to know whether one can still be included.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from r3cli.clock import timestamp
from r3cli.errors import NotFound
from r3cli.files import private_dir

SCHEMA_VERSION = 1

_TABLES = """
CREATE TABLE IF NOT EXISTS entry (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL, kind TEXT NOT NULL, network TEXT NOT NULL, account TEXT NOT NULL,
    intent TEXT NOT NULL, state TEXT NOT NULL, detail TEXT, result TEXT, created TEXT NOT NULL, updated TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS entry_key ON entry (key);
CREATE INDEX IF NOT EXISTS entry_state ON entry (state);
CREATE TABLE IF NOT EXISTS attempt (
    tx_hash TEXT PRIMARY KEY, entry_id INTEGER NOT NULL REFERENCES entry (id), chain_id TEXT NOT NULL,
    account TEXT NOT NULL, sequence INTEGER NOT NULL, timeout_height INTEGER NOT NULL, raw BLOB NOT NULL,
    outcome TEXT NOT NULL, sent TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS attempt_entry ON attempt (entry_id);
CREATE INDEX IF NOT EXISTS attempt_account ON attempt (chain_id, account, outcome);
"""


class State(StrEnum):
    """Where an intent stands."""

    PLANNED = "planned"
    SENT = "sent"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    UNKNOWN = "unknown"


OPEN = (State.PLANNED, State.SENT, State.UNKNOWN)


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One signed transaction. `outcome` is sent, included or void (it can never be included any more)."""

    tx_hash: str
    entry_id: int
    chain_id: str
    account: str
    sequence: int
    timeout_height: int
    raw: bytes
    outcome: str
    sent: str


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One intent. `intent` and `result` are plain JSON objects; `detail` says why it failed or is unknown."""

    id: int
    key: str
    kind: str
    network: str
    account: str
    intent: dict[str, Any]
    state: State
    detail: str | None
    result: dict[str, Any] | None
    created: str
    updated: str
    fresh: bool = False  # True only from the `plan` call that wrote it

    @property
    def is_open(self) -> bool:
        return self.state in OPEN


def intent_key(kind: str, network: str, account: str, intent: Mapping[str, Any]) -> str:
    """The default idempotency key: a hash of the intent itself."""
    text = json.dumps([kind, network, account, intent], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class Journal:
    """The journal file; several processes may have it open."""

    def __init__(self, path: Path) -> None:
        private_dir(path.parent)
        self._path = path
        with self._read() as database:
            (version,) = database.execute("PRAGMA user_version").fetchone()
        if version != SCHEMA_VERSION:  # who only looks shall neither write nor wait for a writer
            with self._write() as database:
                database.executescript(_TABLES)
                database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def plan(
        self,
        kind: str,
        network: str,
        account: str,
        intent: Mapping[str, Any],
        *,
        key: str | None = None,
        once: bool = True,
    ) -> Entry:
        """Write an intent, or find the one that stands for it already (`fresh` tells which).

        With `once` (work tied to a round or resource, or a key that the operator gave) the first entry is found
        whatever its state; without it (a plain transfer) only while it is open.
        """
        key = key or intent_key(kind, network, account, intent)
        with self._write() as database:
            # A failed intent did not happen: the same work may be planned again.
            found = [row for row in self._select(database, "key = ?", (key,)) if row.state is not State.FAILED]
            if found and (once or found[-1].is_open):
                return found[-1]
            now = timestamp()
            cursor = database.execute(
                "INSERT INTO entry (key, kind, network, account, intent, state, created, updated)"
                " VALUES (?,?,?,?,?,?,?,?)",
                (key, kind, network, account, json.dumps(intent, sort_keys=True), State.PLANNED, now, now),
            )
            (entry,) = self._select(database, "id = ?", (cursor.lastrowid,))
            return msgspec.structs.replace(entry, fresh=True)

    def sending(
        self,
        entry_id: int,
        tx_hash: str,
        raw: bytes,
        *,
        chain_id: str,
        account: str,
        sequence: int,
        timeout_height: int,
    ) -> None:
        """Record a signed transaction, new by its hash; returns once it is on disk. Call before the broadcast."""
        with self._write() as database:
            database.execute(
                "INSERT INTO attempt VALUES (?,?,?,?,?,?,?,'sent',?)",
                (tx_hash, entry_id, chain_id, account, sequence, timeout_height, raw, timestamp()),
            )
            self._move(database, entry_id, State.SENT, None, None)

    def confirm(self, entry_id: int, result: Mapping[str, Any], *, tx_hash: str | None = None) -> Entry:
        """The effect is proved."""
        return self._close(entry_id, State.CONFIRMED, None, result, tx_hash, "included")

    def fail(
        self, entry_id: int, detail: str, *, result: Mapping[str, Any] | None = None, tx_hash: str | None = None
    ) -> Entry:
        """The effect is proved not to have happened, or the chain included it with an error."""
        return self._close(entry_id, State.FAILED, detail, result, tx_hash, "included")

    def unknown(self, entry_id: int, detail: str) -> Entry:
        """It may or may not have happened."""
        return self._close(entry_id, State.UNKNOWN, detail, None, None, "sent")

    def void(self, tx_hash: str) -> None:
        """This signed transaction can never be included any more."""
        with self._write() as database:
            database.execute("UPDATE attempt SET outcome = 'void' WHERE tx_hash = ?", (tx_hash,))

    def forget(self, network: str) -> None:
        """Remove everything about a network that is gone; its next one may bear the same chain id."""
        with self._write() as database:
            database.execute(
                "DELETE FROM attempt WHERE entry_id IN (SELECT id FROM entry WHERE network = ?)", (network,)
            )
            database.execute("DELETE FROM entry WHERE network = ?", (network,))

    def get(self, entry_id: int) -> Entry:
        """One entry; raises `NotFound`."""
        with self._read() as database:
            entries = self._select(database, "id = ?", (entry_id,))
        if not entries:
            raise NotFound(f"the journal has no entry {entry_id}", hint="r3 tx list", target=str(entry_id))
        return entries[0]

    def find(self, key: str) -> Entry | None:
        """The newest entry with this idempotency key."""
        with self._read() as database:
            entries = self._select(database, "key = ?", (key,))
        return entries[-1] if entries else None

    def entries(self, *states: State, network: str | None = None, account: str | None = None) -> list[Entry]:
        """Entries in order of writing, all states unless some are named."""
        with self._read() as database:
            found = self._select(database, "1", ())
        return [
            entry
            for entry in found
            if (not states or entry.state in states)
            and (network is None or entry.network == network)
            and (account is None or entry.account == account)
        ]

    def attempts(self, entry_id: int) -> list[Attempt]:
        """Every transaction signed for an entry, oldest first."""
        return self._attempts("entry_id = ?", (entry_id,))

    def attempt(self, tx_hash: str) -> Attempt | None:
        """The transaction with this hash, whichever entry it belongs to."""
        found = self._attempts("tx_hash = ?", (tx_hash,))
        return found[0] if found else None

    def pending(self, chain_id: str, account: str) -> list[Attempt]:
        """Every transaction of an account that may still be included, oldest first."""
        return self._attempts("chain_id = ? AND account = ? AND outcome = 'sent'", (chain_id, account))

    def _attempts(self, where: str, values: tuple[object, ...]) -> list[Attempt]:
        with self._read() as database:
            rows = database.execute(f"SELECT * FROM attempt WHERE {where} ORDER BY rowid", values)  # noqa: S608 - fixed text
            return [Attempt(**dict(row)) for row in rows]

    def _close(
        self,
        entry_id: int,
        state: State,
        detail: str | None,
        result: Mapping[str, Any] | None,
        tx_hash: str | None,
        outcome: str,
    ) -> Entry:
        with self._write() as database:
            if tx_hash is not None:
                database.execute("UPDATE attempt SET outcome = ? WHERE tx_hash = ?", (outcome, tx_hash))
            self._move(database, entry_id, state, detail, result)
            return self._select(database, "id = ?", (entry_id,))[0]

    @staticmethod
    def _move(
        database: sqlite3.Connection, entry_id: int, state: State, detail: str | None, result: Mapping[str, Any] | None
    ) -> None:
        text = None if result is None else json.dumps(result, sort_keys=True)
        database.execute(
            "UPDATE entry SET state = ?, detail = ?, result = COALESCE(?, result), updated = ? WHERE id = ?",
            (state, detail, text, timestamp(), entry_id),
        )

    @staticmethod
    def _select(database: sqlite3.Connection, where: str, values: tuple[object, ...]) -> list[Entry]:
        rows = database.execute(f"SELECT * FROM entry WHERE {where} ORDER BY id", values)  # noqa: S608 - fixed text
        return [_entry(row) for row in rows]

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with closing(self._connect()) as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
            except BaseException:
                database.rollback()
                raise
            database.commit()

    @contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        with closing(self._connect()) as database:
            yield database

    def _connect(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, timeout=30, isolation_level=None)
        database.row_factory = sqlite3.Row
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")  # in WAL mode: fsync at every commit
        return database


def _entry(row: sqlite3.Row) -> Entry:
    fields = dict(row)
    fields["intent"] = json.loads(fields["intent"])
    fields["result"] = None if fields["result"] is None else json.loads(fields["result"])
    fields["state"] = State(fields["state"])
    return Entry(**fields)
