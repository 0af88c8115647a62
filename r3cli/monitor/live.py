"""Asking the chain for `r3 status --live`."""

from __future__ import annotations

from r3cli.chain.cosmos.address import decode_address
from r3cli.errors import R3Error
from r3cli.events import Report
from r3cli.network.connect import Connection, connect
from r3cli.network.snapshot import Snapshot, chain_folder, load_snapshot, save_snapshot, take_snapshot
from r3cli.paths import Paths
from r3cli.settings import Settings
from r3cli.train.rounds.record import Records, newest_works

WATCHED_WORKS = 32


def ask_chain(settings: Settings, paths: Paths, wallets: dict[str, str], report: Report) -> Snapshot:
    """A snapshot of now, which is kept. `wallets` maps addresses to names; accounts of earlier runs are asked for too.

    Raises `Temporary` when no endpoint answers, and `NotFound` for a local network that was never started: looking
    must not found one.
    """
    with connect(settings, paths, report, local_network="there-is") as connection:
        folder = chain_folder(paths, connection.chain.client.chain_id)
        before = load_snapshot(folder)
        known = {holding.address: holding.label for holding in before.holdings} if before else {}
        labels = {address: name for address, name in {**known, **wallets}.items() if _is_here(connection, address)}
        snapshot = take_snapshot(connection, labels, newest_works(Records(folder / "rounds").all(), WATCHED_WORKS))
    save_snapshot(folder, snapshot)
    return snapshot


def _is_here(connection: Connection, address: str) -> bool:
    try:
        return decode_address(address)[0] == connection.chain.config.prefix
    except R3Error:
        return False
