"""What a chain said last, kept beside the rounds of that chain, so that `r3 status` need not ask again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from r3cli.clock import timestamp
from r3cli.errors import Malformed
from r3cli.files import atomic_write
from r3cli.money import Amount
from r3cli.paths import Paths

if TYPE_CHECKING:
    from r3cli.network.connect import Connection

FILE = "snapshot.json"


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """What an account had; `label` says whose it is."""

    label: str
    address: str
    balance: Amount


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A chain at one moment. `works` maps gradient ids to their status; `open_round` is None before the first."""

    network: str
    chain_id: str
    taken_at: str
    height: int
    open_round: int | None
    manifest: str | None
    holdings: tuple[Holding, ...]
    works: dict[int, str]


def take_snapshot(connection: Connection, labels: Mapping[str, str], works: Iterable[int] = ()) -> Snapshot:
    """Ask the chain now: its height, its open round, these accounts (address to label), these gradients."""
    client, queries = connection.chain.client, connection.queries
    head, state = client.head(), queries.global_model_state()
    is_open = state is not None and bool(state.model_ipfs_hash)
    found = {number: queries.gradient(number) for number in works}
    return Snapshot(
        network=connection.network,
        chain_id=head.chain_id,
        taken_at=timestamp(),
        height=head.height,
        open_round=state.training_round_id if state and is_open else None,
        manifest=state.model_ipfs_hash if state and is_open else None,
        holdings=tuple(
            Holding(label=label, address=address, balance=connection.chain.balance(address))
            for address, label in labels.items()
        ),
        works={number: gradient.status for number, gradient in found.items() if gradient and gradient.status},
    )


def save_snapshot(folder: Path, snapshot: Snapshot) -> None:
    """Keep what a chain said in its folder. Statuses of works that were not asked for again stay as they were."""
    before = load_snapshot(folder)
    works = {**(before.works if before else {}), **snapshot.works}
    atomic_write(folder / FILE, msgspec.json.encode(msgspec.structs.replace(snapshot, works=works)))


def load_snapshot(folder: Path) -> Snapshot | None:
    """What a chain said last; a file that is cut or foreign counts as none."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=Snapshot)
    except (FileNotFoundError, msgspec.DecodeError, UnicodeError):
        return None


def newest_snapshot(paths: Paths, network: str) -> Snapshot | None:
    """What a network said last, whichever of its chains that was."""
    found = [snapshot for path in paths.train.glob(f"*/{FILE}") if (snapshot := load_snapshot(path.parent))]
    return max((s for s in found if s.network == network), key=lambda snapshot: snapshot.taken_at, default=None)


def chain_folder(paths: Paths, chain_id: str) -> Path:
    """The folder of all that is remembered of a chain; raises `Malformed` for an id that would lead elsewhere."""
    if chain_id in ("", ".", "..") or "/" in chain_id or "\0" in chain_id:
        raise Malformed(f"{chain_id!r} is no chain id")
    return paths.train / chain_id
