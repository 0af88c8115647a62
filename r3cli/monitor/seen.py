"""What `r3 status` shows. None means that something is not known here, which a zero would hide."""

from __future__ import annotations

from r3cli.chain.transactions import TxEntry
from r3cli.money import Amount
from r3cli.result import Data


class ChainSeen(Data, frozen=True, kw_only=True):
    """What the chain said last, and when. `open_round` is None while the network has no model."""

    read_at: str
    age_seconds: float
    height: int
    open_round: int | None


class RoundSeen(Data, frozen=True, kw_only=True):
    """A round that this machine took part in: bits per byte of held-out text, and the status of its first work."""

    round: int
    closed: bool
    works: int
    digest: str
    val_bpb_before: float
    val_bpb_after: float
    global_bpb_after: float | None
    status: str | None


class WorkSeen(Data, frozen=True, kw_only=True):
    """The newest work that the chain took and did not void. `outcome` is the transaction's, `status` the work's."""

    round: int
    miner: str
    digest: str
    tx: str
    outcome: str
    status: str | None
    accepted_at: str | None
    age_seconds: float | None


class AccountSeen(Data, frozen=True, kw_only=True):
    """An account of this machine. `wallet` is None for the development keys of the local network."""

    label: str
    wallet: str | None
    address: str | None
    watch_only: bool
    balance: Amount | None


class JournalSeen(Data, frozen=True, kw_only=True):
    """Transactions that are not known to be over; `unknown` of the open ones were sent and lost."""

    open: int
    unknown: int
    entries: tuple[TxEntry, ...]
    hint: str | None


class StatusShown(Data, frozen=True, kw_only=True):
    """How things stand on one network. None means: not known here. `trouble` says what could not be read now.

    `closed_rounds` counts the chain's rounds where the chain was asked, else those in this state folder.
    """

    taken_at: str
    network: str
    chain_id: str | None
    state: str
    chain: ChainSeen | None
    closed_rounds: int | None
    last_work: WorkSeen | None
    rounds: tuple[RoundSeen, ...]
    accounts: tuple[AccountSeen, ...]
    journal: JournalSeen | None
    trouble: tuple[str, ...]
