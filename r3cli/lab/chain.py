"""The chain: one block for each accepted transaction, on a ledger that many processes may share."""

from __future__ import annotations

import base64
import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from r3cli.chain.cosmos.headers import data_hash, encode_result, header_hash, results_hash
from r3cli.errors import BadSetting, Refused
from r3cli.lab.context import Context
from r3cli.lab.execution import TxResult, execute
from r3cli.lab.gas import Meter
from r3cli.lab.genesis import MODULE_ACCOUNTS, Genesis
from r3cli.lab.ledger import Ledger, check_same_genesis, create_tables, read_genesis
from r3cli.lab.proto_json import show_time
from r3cli.lab.remes.module import Module
from r3cli.lab.remes.settlement import end_block
from r3cli.lab.state import State
from r3cli.lab.transaction import MAX_TX_BYTES
from r3cli.lab.view import ChainView, Header, read_head

_EMPTY_HASH = hashlib.sha256().digest()
_MAX_MINED = 10_000


class Chain:
    """A lab chain over a ledger file, which is founded when it is empty."""

    def __init__(self, path: Path, genesis: Genesis | None = None) -> None:
        self.ledger = Ledger(path)
        try:
            self.genesis = self._open(genesis)
        except BaseException:
            self.ledger.close()
            raise

    def broadcast(self, raw: bytes) -> TxResult:
        """CheckTx; an accepted transaction is in a block when this returns. The result is that of CheckTx."""
        digest = hashlib.sha256(raw).digest()
        with self.ledger.write() as connection:
            if connection.execute("SELECT 1 FROM remembered WHERE hash = ?", (digest,)).fetchone():
                return TxResult(code=19, codespace="sdk")  # the real one's log is empty too
            if len(raw) > MAX_TX_BYTES:
                return TxResult(code=21, codespace="sdk", log="tx too large")
            state, (height, _) = State(connection, self.genesis), read_head(connection)
            connection.execute("SAVEPOINT checked")
            checked = execute(state, raw, height=height, stage="check")
            connection.execute("ROLLBACK TO checked")
            connection.execute("RELEASE checked")
            if checked.code == 0:
                self._make_block(connection, [raw])
            return checked

    def simulate(self, raw: bytes) -> TxResult:
        """Run without signature check, gas limit or minimum fee, and without a trace."""
        with self.ledger.trial() as connection:
            height, _ = read_head(connection)
            return execute(State(connection, self.genesis), raw, height=height, stage="simulate")

    def mine(self, count: int = 1) -> int:
        """Make empty blocks and return the new height."""
        if not 1 <= count <= _MAX_MINED:
            raise BadSetting(f"{count} blocks at once are not possible", hint=f"1 to {_MAX_MINED} are")
        with self.ledger.write() as connection:
            for _ in range(count):
                height = self._make_block(connection, [])
        return height

    def intervene(self, change: Callable[[Module], None]) -> int:
        """Let the lab's owner change the state inside a block of its own; returns the block's height."""
        with self.ledger.write() as connection:
            return self._make_block(connection, [], change)

    def forget_mempool(self) -> None:
        """What a node's restart does: bytes that were seen before are checked anew (and get 32 instead of 19)."""
        with self.ledger.write() as connection:
            connection.execute("DELETE FROM remembered")

    def view(self) -> ChainView:
        """Read-only questions, answered from the ledger as it is now."""
        return ChainView(self.ledger, self.genesis)

    def close(self) -> None:
        self.ledger.close()

    def _open(self, wanted: Genesis | None) -> Genesis:
        with self.ledger.write() as connection:
            found = read_genesis(connection)
            if found is not None:
                if wanted is not None:
                    check_same_genesis(found, wanted)
                return found
            if wanted is None:
                raise Refused(
                    f"there is no lab network in {self.ledger.path.parent}", hint="start one with `r3 lab up`"
                )
            self.genesis = wanted
            _found(connection, wanted)
            self._make_block(connection, [])
            return wanted

    def _make_block(
        self,
        connection: sqlite3.Connection,
        raws: Sequence[bytes],
        change: Callable[[Module], None] | None = None,
    ) -> int:
        last_height, last_hash = read_head(connection)
        height = last_height + 1
        state = State(connection, self.genesis)
        results = [execute(state, raw, height=height, stage="deliver") for raw in raws]
        module = Module(Context(state, Meter(), height=height, stage="deliver"))
        if change is not None:
            change(module)
        if self.genesis.mode == "full":
            end_block(module)
        header = self._header(connection, height, last_hash, raws)
        block_hash = header_hash(header)
        connection.execute("INSERT INTO block VALUES (?, ?, ?)", (height, block_hash, msgspec.json.encode(header)))
        for raw, result in zip(raws, results, strict=True):
            _store_tx(connection, height, raw, result)
        covered = [encode_result(r.code, r.data, r.gas_wanted, r.gas_used) for r in results]
        events = msgspec.json.encode((results, module.context.events))
        app_hash = hashlib.sha256(base64.b64decode(header["app_hash"]) + events).digest()
        _set_meta(connection, "app_hash", app_hash)
        _set_meta(connection, "last_results_hash", results_hash(covered))
        return height

    def _header(self, connection: sqlite3.Connection, height: int, last_hash: bytes, raws: Sequence[bytes]) -> Header:
        validators = hashlib.sha256(b"r3/lab/validators" + self.genesis.block_hash).digest()
        commit = hashlib.sha256(b"r3/lab/commit" + last_hash).digest() if height > 1 else _EMPTY_HASH
        parts = {"total": 1, "hash": _base64(last_hash)} if height > 1 else {"total": 0, "hash": None}
        return {
            "version": {"block": "11", "app": "0"},
            "chain_id": self.genesis.chain_id,
            "height": str(height),
            "time": show_time(self.genesis.block_time(height)),
            "last_block_id": {"hash": parts["hash"], "part_set_header": parts},
            "last_commit_hash": _base64(commit),
            "data_hash": _base64(data_hash(raws)),
            "validators_hash": _base64(validators),
            "next_validators_hash": _base64(validators),
            "consensus_hash": _base64(self.genesis.block_hash),
            "app_hash": _base64(_get_meta(connection, "app_hash")),
            "last_results_hash": _base64(_get_meta(connection, "last_results_hash")),
            "evidence_hash": _base64(_EMPTY_HASH),
            "proposer_address": _base64(validators[:20]),
        }


def _found(connection: sqlite3.Connection, genesis: Genesis) -> None:
    """Write the state before the first block."""
    create_tables(connection)
    _set_meta(connection, "genesis", msgspec.json.encode(genesis))
    _set_meta(connection, "app_hash", genesis.block_hash)
    _set_meta(connection, "last_results_hash", _EMPTY_HASH)
    state = State(connection, genesis)
    for address, amount in genesis.funds.items():
        state.create_account(address)
        state.set_balance(address, genesis.denom, amount)
    for name in MODULE_ACCOUNTS:
        if state.account(genesis.module_address(name)) is None:
            state.create_account(genesis.module_address(name))
    if genesis.model_ipfs_hash:
        Module(Context(state, Meter(), height=0, stage="deliver")).publish_model(genesis.model_ipfs_hash)


def _store_tx(connection: sqlite3.Connection, height: int, raw: bytes, result: TxResult) -> None:
    digest = hashlib.sha256(raw).digest()
    # Bytes that were included with an error may be sent, and included, again: the last inclusion is what is found.
    connection.execute(
        "INSERT OR REPLACE INTO tx VALUES (?, ?, ?, ?)", (digest, height, raw, msgspec.msgpack.encode(result))
    )
    if result.code == 0:  # a mempool's cache drops what failed
        connection.execute("INSERT OR IGNORE INTO remembered VALUES (?)", (digest,))


def _get_meta(connection: sqlite3.Connection, key: str) -> bytes:
    (value,) = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return bytes(value)


def _set_meta(connection: sqlite3.Connection, key: str, value: bytes) -> None:
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
