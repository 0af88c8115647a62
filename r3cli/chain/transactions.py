"""`r3 tx`: the journal of what was meant, sent and became of it; settling what a crash or a lost reply left open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from itertools import groupby
from typing import Any, Protocol

from r3cli.errors import NotFound, OutcomeUnknown, R3Error, Temporary
from r3cli.journal import OPEN, Entry, Journal, State
from r3cli.paths import Paths
from r3cli.result import Data, Failure, Result


class TxAttempt(Data, frozen=True, kw_only=True):
    """One signed transaction of an intent; `outcome` is sent, included or void (it can never be included)."""

    tx_hash: str
    chain_id: str
    sequence: int
    timeout_height: int
    outcome: str
    sent: str


class TxEntry(Data, frozen=True, kw_only=True):
    """One intent: `state` is planned, sent, confirmed, failed or unknown. `height` and `fee` once it is in a block."""

    id: int
    kind: str
    network: str
    account: str
    state: str
    tx_hash: str | None
    height: int | None
    fee: int | None
    detail: str | None
    created: str
    updated: str


class TxList(Data, frozen=True, kw_only=True):
    """Entries of the journal, oldest first."""

    entries: tuple[TxEntry, ...]


class TxDetail(Data, frozen=True, kw_only=True):
    """One entry with everything that is known of it."""

    entry: TxEntry
    key: str
    intent: dict[str, Any]
    result: dict[str, Any] | None
    attempts: tuple[TxAttempt, ...]


class Settlement(Data, frozen=True, kw_only=True):
    """An entry that was open, and what it is now."""

    before: str
    entry: TxEntry


class SettlementList(Data, frozen=True, kw_only=True):
    """What settling found out."""

    settled: tuple[Settlement, ...]


class Settles(Protocol):
    """A chain that can find out what became of an entry."""

    def settle(self, entry: Entry) -> Entry: ...


# Connects to the chain of a network, by the network's name.
ConnectChain = Callable[[str], AbstractContextManager[Settles]]


def list_transactions(
    paths: Paths, *, open_only: bool = False, network: str | None = None, limit: int | None = None
) -> Result[TxList]:
    """The journal's entries, the newest `limit` of them."""
    journal = _open(paths)
    found = journal.entries(*(OPEN if open_only else ()), network=network) if journal else []
    chosen = found[-limit:] if limit else found
    return Result(TxList(entries=tuple(_describe(journal, entry) for entry in chosen if journal)))


def show_transaction(paths: Paths, name: str) -> Result[TxDetail]:
    """One entry by its number or by the hash of one of its transactions; raises `NotFound`."""
    journal = _open(paths)
    if journal is None:
        raise NotFound(f"the journal has no entry {name}", hint="r3 tx list", target=name)
    entry = _find(journal, name)
    attempts = tuple(
        TxAttempt(
            tx_hash=attempt.tx_hash,
            chain_id=attempt.chain_id,
            sequence=attempt.sequence,
            timeout_height=attempt.timeout_height,
            outcome=attempt.outcome,
            sent=attempt.sent,
        )
        for attempt in journal.attempts(entry.id)
    )
    described = _describe(journal, entry)
    return Result(TxDetail(entry=described, key=entry.key, intent=entry.intent, result=entry.result, attempts=attempts))


def settle_transactions(paths: Paths, names: Sequence[str], connect: ConnectChain) -> Result[SettlementList]:
    """Find out what became of these entries, of every open one by default.

    What stays unknown, and what could not be asked, is a failure of the result (exit code 10 if any is unknown).
    """
    journal = _open(paths)
    if journal is None:
        return Result(SettlementList(settled=()))
    chosen = [_find(journal, name) for name in names] if names else journal.entries(*OPEN)
    settled: list[Settlement] = []
    failures: list[R3Error] = []
    for network, entries in groupby(sorted(chosen, key=_by_network), key=lambda entry: entry.network):
        try:
            with connect(network) as chain:
                settled += [_settle(journal, chain, entry, failures) for entry in entries]
        except R3Error as error:
            failures.append(error)
    failures.sort(key=lambda error: not isinstance(error, OutcomeUnknown))
    return Result(SettlementList(settled=tuple(settled)), failures=tuple(Failure.of(error) for error in failures))


def _settle(journal: Journal, chain: Settles, entry: Entry, failures: list[R3Error]) -> Settlement:
    after, reason = entry, None
    try:
        after = chain.settle(entry)
    except Temporary as error:
        reason = error.message
    except R3Error as error:
        failures.append(error)
    described = _describe(journal, after)
    if reason or after.state is State.UNKNOWN:
        failures.append(
            OutcomeUnknown(
                f"what became of entry {entry.id} is still unknown: {reason or after.detail}",
                hint="r3 tx settle, when the chain answers and has gone on",
                target=str(entry.id),
                tx=described.tx_hash,
            )
        )
    return Settlement(before=entry.state, entry=described)


def _open(paths: Paths) -> Journal | None:
    """The journal, unless there is none yet: looking must not make one."""
    return Journal(paths.journal) if paths.journal.exists() else None


def _find(journal: Journal, name: str) -> Entry:
    if name.isascii() and name.isdigit() and len(name) < 19:
        return journal.get(int(name))
    attempt = journal.attempt(name.upper())
    if attempt is None:
        raise NotFound(f"the journal has no transaction {name}", hint="r3 tx list", target=name)
    return journal.get(attempt.entry_id)


def _describe(journal: Journal, entry: Entry) -> TxEntry:
    attempts = journal.attempts(entry.id)
    result = entry.result or {}
    return TxEntry(
        id=entry.id,
        kind=entry.kind,
        network=entry.network,
        account=entry.account,
        state=entry.state,
        tx_hash=result.get("tx_hash") or (attempts[-1].tx_hash if attempts else None),
        height=result.get("height"),
        fee=result.get("fee"),
        detail=entry.detail,
        created=entry.created,
        updated=entry.updated,
    )


def _by_network(entry: Entry) -> tuple[str, int]:
    return entry.network, entry.id
