"""`r3 status`: how things stand, from the state folder alone unless the chain is to be asked."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from r3cli.accounts.listing import WalletList, list_wallets
from r3cli.chain.transactions import list_transactions
from r3cli.clock import timestamp
from r3cli.errors import Malformed, R3Error
from r3cli.events import Report, silent
from r3cli.journal import Journal, State
from r3cli.monitor.seen import AccountSeen, ChainSeen, JournalSeen, RoundSeen, StatusShown, WorkSeen
from r3cli.network.snapshot import Snapshot, chain_folder, load_snapshot, newest_snapshot
from r3cli.paths import Paths
from r3cli.result import Failure, Result
from r3cli.settings import Settings
from r3cli.train.rounds.record import MinerShown, Records, RoundShown

LOST = ("slashed", "void")  # statuses of works that the chain took and no longer counts

T = TypeVar("T")


def show_status(
    settings: Settings, paths: Paths, *, live: bool = False, report: Report = silent
) -> Result[StatusShown]:
    """What is known; `live` asks the chain first. What fails is told beside what is known all the same."""
    failures: list[Failure] = []
    wallets = list_wallets(paths, settings.values.chain.prefix)
    asked = _try(lambda: _ask(settings, paths, wallets.data, report), failures) if live else None
    unanswered = live and asked is None
    journal = _try(lambda: _journal(paths), failures)
    chain_id = asked.chain_id if asked else _try(lambda: _chain_id(settings, paths), failures)
    folder = chain_folder(paths, chain_id) if chain_id else None
    snapshot = asked or (load_snapshot(folder) if folder else None)
    records = Records(folder / "rounds").all() if folder else []
    failures += wallets.failures
    now = datetime.now(UTC)
    shown = StatusShown(
        taken_at=timestamp(now),
        network=settings.values.network,
        chain_id=chain_id,
        state=str(paths.state),
        chain=_chain(snapshot, now) if snapshot else None,
        closed_rounds=_closed_rounds(snapshot, records),
        last_work=_last_work(paths, records, snapshot, now),
        rounds=tuple(_round(record, snapshot) for record in records),
        accounts=(*_wallet_accounts(wallets.data, snapshot), *_other_accounts(wallets.data, snapshot)),
        journal=journal,
        trouble=tuple(failure.message for failure in failures),
    )
    # The exit code tells of a chain that does not answer; anything else is a part that is missing.
    return Result(shown, failures=tuple(failures), partial=bool(failures) and not unanswered)


def _try(look: Callable[[], T], failures: list[Failure]) -> T | None:
    try:
        return look()
    except R3Error as error:
        failures.append(Failure.of(error))
        return None


def _ask(settings: Settings, paths: Paths, wallets: WalletList, report: Report) -> Snapshot:
    from r3cli.monitor.live import ask_chain  # it loads the HTTP client, which a look at files does not need

    names = {account.address: wallet.name for wallet in wallets.wallets for account in wallet.accounts}
    return ask_chain(settings, paths, {address: name for address, name in names.items() if address}, report)


def _journal(paths: Paths) -> JournalSeen:
    try:
        entries = list_transactions(paths, open_only=True).data.entries
    except sqlite3.Error as error:
        raise Malformed(f"{paths.journal} cannot be read: {error}", hint="r3 doctor") from error
    unknown = sum(entry.state == State.UNKNOWN for entry in entries)
    return JournalSeen(open=len(entries), unknown=unknown, entries=entries, hint="r3 tx settle" if entries else None)


def _chain_id(settings: Settings, paths: Paths) -> str | None:
    """The configured chain, the local one that lies here, or the one that answered last under the network's name."""
    chain = settings.values.chain
    if chain.chain_id is not None:
        return chain.chain_id
    if not chain.endpoints and (founded := _local_chain(paths)) is not None:
        return founded
    snapshot = newest_snapshot(paths, settings.values.network)
    return snapshot.chain_id if snapshot else None


def _local_chain(paths: Paths) -> str | None:
    from r3cli.lab.ledger import founded_genesis  # a network with endpoints does not need the lab

    try:
        genesis = founded_genesis(paths)
    except sqlite3.Error as error:
        raise Malformed(f"the ledger in {paths.lab} cannot be read: {error}", hint="r3 lab reset") from error
    return genesis.chain_id if genesis else None


def _chain(snapshot: Snapshot, now: datetime) -> ChainSeen:
    return ChainSeen(
        read_at=snapshot.taken_at,
        age_seconds=_age(snapshot.taken_at, now),
        height=snapshot.height,
        open_round=snapshot.open_round,
    )


def _closed_rounds(snapshot: Snapshot | None, records: Sequence[RoundShown]) -> int | None:
    if snapshot and snapshot.open_round is not None:
        return snapshot.open_round - 1
    return sum(record.global_bpb_after is not None for record in records) if records else None


def _last_work(
    paths: Paths, records: Sequence[RoundShown], snapshot: Snapshot | None, now: datetime
) -> WorkSeen | None:
    taken = [(record, work) for record in records for work in record.miners if _is_taken(work, snapshot)]
    if not taken:
        return None
    record, work = max(taken, key=lambda found: (found[0].round, found[1].gradient_id or 0))
    assert work.tx is not None, "a work that was taken has a transaction"  # noqa: S101 - states an invariant
    accepted_at = _confirmed_at(paths, work.tx.hash)
    return WorkSeen(
        round=record.round,
        miner=work.miner,
        digest=work.digest,
        tx=work.tx.hash,
        outcome=work.tx.outcome,
        status=_status(work, snapshot),
        accepted_at=accepted_at,
        age_seconds=None if accepted_at is None else _age(accepted_at, now),
    )


def _is_taken(work: MinerShown, snapshot: Snapshot | None) -> bool:
    return work.tx is not None and work.tx.outcome == "confirmed" and _status(work, snapshot) not in LOST


def _status(work: MinerShown, snapshot: Snapshot | None) -> str | None:
    return snapshot.works.get(work.gradient_id) if snapshot and work.gradient_id is not None else None


def _confirmed_at(paths: Paths, tx_hash: str) -> str | None:
    if not paths.journal.exists():
        return None
    try:
        journal = Journal(paths.journal)
        attempt = journal.attempt(tx_hash)
        return journal.get(attempt.entry_id).updated if attempt else None
    except sqlite3.Error:  # told already, where the open entries are read
        return None


def _round(record: RoundShown, snapshot: Snapshot | None) -> RoundSeen:
    return RoundSeen(
        round=record.round,
        closed=record.global_bpb_after is not None,
        works=len(record.miners),
        digest=record.digest,
        val_bpb_before=record.val_bpb_before,
        val_bpb_after=record.val_bpb_after,
        global_bpb_after=record.global_bpb_after,
        status=_status(record.miners[0], snapshot) if record.miners else None,
    )


def _wallet_accounts(wallets: WalletList, snapshot: Snapshot | None) -> list[AccountSeen]:
    held = {holding.address: holding.balance for holding in snapshot.holdings} if snapshot else {}
    return [
        AccountSeen(
            label=wallet.name,
            wallet=wallet.name,
            address=account.address,
            watch_only=account.watch_only,
            balance=held.get(account.address or ""),
        )
        for wallet in wallets.wallets
        for account in wallet.accounts
    ]


def _other_accounts(wallets: WalletList, snapshot: Snapshot | None) -> list[AccountSeen]:
    own = {account.address for wallet in wallets.wallets for account in wallet.accounts}
    return [
        AccountSeen(label=held.label, wallet=None, address=held.address, watch_only=False, balance=held.balance)
        for held in (snapshot.holdings if snapshot else ())
        if held.address not in own
    ]


def _age(moment: str, now: datetime) -> float:
    """Seconds since then; a clock that was set back makes no negative age."""
    return max(0.0, round((now - datetime.fromisoformat(moment)).total_seconds(), 3))
