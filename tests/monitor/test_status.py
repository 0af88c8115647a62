"""`r3 status` as an operation: what is known, what is not, and what failing to ask leaves standing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from r3cli.errors import ExitCode, Malformed
from r3cli.journal import Journal, State
from r3cli.lab import operations
from r3cli.lab.genesis import development_key, local_chain_id, make_genesis
from r3cli.lab.launch import ensure_local, release_local
from r3cli.lab.talk import LabClient
from r3cli.money import amount
from r3cli.monitor.seen import StatusShown
from r3cli.monitor.status import show_status
from r3cli.network.snapshot import Holding, Snapshot, chain_folder, load_snapshot, newest_snapshot, save_snapshot
from r3cli.paths import Paths, find_paths
from r3cli.result import Result
from r3cli.settings import Settings, load_settings
from r3cli.train.rounds.record import MinerShown, Records, RoundShown, TxShown, round_of
from r3cli.wallet.signer import LocalSigner

CHAIN = "remes-7"
MINER = "remes1vnupqa7876prrrt0cu39uq5pqzg5nk4m6fer7d"
DEAD = "http://127.0.0.1:9"  # the discard port, where nobody listens


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return find_paths(tmp_path / "state")


@pytest.fixture
def settings(paths: Paths) -> Settings:
    return load_settings(paths, flags={"chain.chain_id": CHAIN, "chain.endpoints": [DEAD]})


def work(number: int, *, miner: str = MINER, outcome: str | None = "confirmed") -> MinerShown:
    return MinerShown(
        miner=miner,
        digest=f"{number:064x}",
        payload_cid="bafkreihupgtfqehtt22q5ddfqnycasprabiyzjqgfbionqjdkfexbpkm2y",
        payload_bytes=15_644,
        dense_bytes=311_296,
        claimed_loss=3_055_999,
        val_bpb_before=6.0 - number,
        val_bpb_after=5.0 - number,
        seconds=1.0,
        gradient_id=number,
        tx=None if outcome is None else TxShown(hash=f"{number:064X}", outcome="confirmed"),
    )


def closed(record: RoundShown) -> RoundShown:
    return msgspec.structs.replace(record, global_bpb_after=record.val_bpb_after + 0.5, aggregation_id=record.round)


def snapshot(**changes: object) -> Snapshot:
    shown = Snapshot(
        network="local",
        chain_id=CHAIN,
        taken_at="2026-05-04T12:00:00.000Z",
        height=12,
        open_round=3,
        manifest=None,
        holdings=(Holding(label="miner 1", address=MINER, balance=amount(1_500_000, "uremes")),),
        works={1: "accepted", 2: "pending"},
    )
    return msgspec.structs.replace(shown, **changes)


def confirm(paths: Paths, number: int) -> None:
    """The journal's side of a work that was handed in."""
    journal = Journal(paths.journal)
    entry = journal.plan("submit_gradient", "local", MINER, {"round": number}, key=f"work {number}")
    journal.sending(entry.id, f"{number:064X}", b"", chain_id=CHAIN, account=MINER, sequence=1, timeout_height=9)
    journal.confirm(entry.id, {"height": 5}, tx_hash=f"{number:064X}")


def records(paths: Paths) -> Records:
    return Records(chain_folder(paths, CHAIN) / "rounds")


def test_of_an_empty_state_folder_nothing_is_claimed_and_nothing_is_made(paths: Paths) -> None:
    shown = show_status(load_settings(paths), paths).data
    assert (shown.chain_id, shown.chain, shown.closed_rounds, shown.last_work) == (None, None, None, None)
    assert (shown.rounds, shown.accounts, shown.trouble) == ((), (), ())
    assert shown.journal is not None
    assert shown.journal.open == 0  # known: without a journal nothing was ever sent
    assert not paths.state.exists()


def test_rounds_are_shown_without_any_word_from_the_chain(paths: Paths, settings: Settings) -> None:
    kept = records(paths)
    kept.save(closed(round_of(1, "bafkreimanifest", [work(1)])))
    kept.save(round_of(2, "bafkreimanifest", [work(2)]))
    confirm(paths, 2)
    shown = show_status(settings, paths).data
    assert [(seen.round, seen.closed, seen.global_bpb_after) for seen in shown.rounds] == [
        (1, True, 4.5),
        (2, False, None),
    ]
    assert [seen.status for seen in shown.rounds] == [None, None]
    assert (shown.chain, shown.closed_rounds) == (None, 1)
    assert shown.last_work is not None
    assert (shown.last_work.round, shown.last_work.digest) == (2, f"{2:064x}")
    assert (shown.last_work.tx, shown.last_work.outcome, shown.last_work.status) == (f"{2:064X}", "confirmed", None)
    assert shown.last_work.age_seconds is not None
    assert 0 <= shown.last_work.age_seconds < 60


def test_the_snapshot_brings_balances_statuses_and_its_age(paths: Paths, settings: Settings) -> None:
    records(paths).save(closed(round_of(1, "bafkreimanifest", [work(1)])))
    taken_at = datetime.now(UTC) - timedelta(minutes=5)
    save_snapshot(chain_folder(paths, CHAIN), snapshot(taken_at=taken_at.isoformat()))
    shown = show_status(settings, paths).data
    assert shown.chain is not None
    assert (shown.chain.height, shown.chain.open_round, shown.closed_rounds) == (12, 3, 2)
    assert 300 <= shown.chain.age_seconds < 360
    assert [(seen.label, seen.balance) for seen in shown.accounts] == [("miner 1", amount(1_500_000, "uremes"))]
    assert shown.rounds[0].status == "accepted"


@pytest.mark.parametrize("lost", ["slashed", "void"])
def test_work_that_was_voided_is_not_the_last_accepted(paths: Paths, settings: Settings, lost: str) -> None:
    for number in (1, 2):
        records(paths).save(round_of(number, "bafkreimanifest", [work(number)]))
    save_snapshot(chain_folder(paths, CHAIN), snapshot(works={1: "accepted", 2: lost}))
    last = show_status(settings, paths).data.last_work
    assert last is not None
    assert (last.round, last.status, last.accepted_at, last.age_seconds) == (1, "accepted", None, None)


def test_work_that_was_not_handed_in_is_not_accepted(paths: Paths, settings: Settings) -> None:
    records(paths).save(round_of(1, "bafkreimanifest", [work(1, outcome=None)]))
    shown = show_status(settings, paths).data
    assert len(shown.rounds) == 1
    assert shown.last_work is None


def test_an_unknown_outcome_is_counted_and_says_how_to_settle_it(paths: Paths, settings: Settings) -> None:
    journal = Journal(paths.journal)
    journal.plan("transfer", "local", MINER, {"amount": 1})
    sent = journal.plan("transfer", "local", MINER, {"amount": 2})
    journal.unknown(sent.id, "the node did not answer")
    shown = show_status(settings, paths).data.journal
    assert shown is not None
    assert (shown.open, shown.unknown, shown.hint) == (2, 1, "r3 tx settle")
    assert [(entry.state, entry.detail) for entry in shown.entries][1] == (State.UNKNOWN, "the node did not answer")


def test_what_cannot_be_read_is_unknown_and_a_part_that_failed(paths: Paths, settings: Settings) -> None:
    records(paths).save(round_of(1, "bafkreimanifest", [work(1)]))
    paths.journal.write_bytes(b"this is no database, but it is long enough to be looked at" * 20)
    paths.wallets.mkdir(parents=True, mode=0o700)
    (paths.wallets / "ops.json").write_text("{}")
    (paths.wallets / "ops.json").chmod(0o600)
    result = show_status(settings, paths)
    assert result.exit_code is ExitCode.PARTLY_DONE
    assert result.data.journal is None
    assert len(result.data.trouble) == 2
    assert [seen.round for seen in result.data.rounds] == [1]


def test_a_dead_endpoint_is_told_beside_what_is_known(paths: Paths, settings: Settings) -> None:
    records(paths).save(closed(round_of(1, "bafkreimanifest", [work(1)])))
    save_snapshot(chain_folder(paths, CHAIN), snapshot())
    result = show_status(settings, paths, live=True)
    assert result.exit_code is ExitCode.TEMPORARY
    assert result.failures[0].retryable
    assert result.data.trouble == (result.failures[0].message,)
    assert result.data.chain is not None
    assert result.data.chain.read_at == "2026-05-04T12:00:00.000Z"  # the older word stays
    assert len(result.data.rounds) == 1


def test_looking_founds_no_local_network(paths: Paths) -> None:
    result = show_status(load_settings(paths), paths, live=True)
    assert result.exit_code is ExitCode.NOT_FOUND
    assert result.failures[0].hint == "r3 train run --network local"
    assert not paths.state.exists()


def test_asking_the_local_network_refreshes_the_snapshot(paths: Paths) -> None:
    LabClient(ensure_local(paths, seed=5, linger=0.2)).post("model", {"manifest_cid": "bafkreimanifest"})
    chain_id = local_chain_id(5)
    signer = LocalSigner(development_key(5, "miner-0"))
    (address,) = (a for a in make_genesis(5).funds if a == _address(signer))
    old = snapshot(
        chain_id=chain_id, height=0, holdings=(Holding(label="miner 1", address=address, balance=amount(1, "uremes")),)
    )
    save_snapshot(chain_folder(paths, chain_id), old)
    try:
        result: Result[StatusShown] = show_status(load_settings(paths), paths, live=True)
    finally:
        release_local(paths)
        operations.down(paths)
    shown = result.data
    assert result.ok
    assert (shown.chain_id, shown.closed_rounds) == (chain_id, 0)
    assert shown.chain is not None
    assert (shown.chain.open_round, shown.chain.age_seconds < 60) == (1, True)
    assert [(seen.label, seen.balance) for seen in shown.accounts] == [("miner 1", amount(10**12, "uremes"))]
    kept = load_snapshot(chain_folder(paths, chain_id))
    assert kept is not None
    assert kept.manifest == "bafkreimanifest"
    assert kept.works == old.works  # what was not asked for again stays
    assert show_status(load_settings(paths), paths).data.chain_id == chain_id


def _address(signer: LocalSigner) -> str:
    from r3cli.chain.cosmos.address import encode_address

    return encode_address(signer.public_key, "remes")


def test_a_network_without_a_configured_chain_is_known_by_its_last_word(paths: Paths) -> None:
    for chain_id, taken_at, network in (
        ("remes-1", "2026-05-04T12:00:00Z", "other"),
        ("remes-2", "2026-05-05T12:00:00Z", "other"),
        ("remes-3", "2026-05-06T12:00:00Z", "local"),
    ):
        save_snapshot(chain_folder(paths, chain_id), snapshot(chain_id=chain_id, taken_at=taken_at, network=network))
    newest = newest_snapshot(paths, "other")
    assert newest is not None
    assert newest.chain_id == "remes-2"
    assert newest_snapshot(paths, "another") is None


def test_a_torn_snapshot_counts_as_none(paths: Paths, settings: Settings) -> None:
    folder = chain_folder(paths, CHAIN)
    folder.mkdir(parents=True)
    (folder / "snapshot.json").write_text('{"network":')
    assert show_status(settings, paths).data.chain is None


@pytest.mark.parametrize("chain_id", ["", ".", "..", "../../etc", "a/b", "a\0b"])
def test_a_chain_id_leads_to_no_other_folder(paths: Paths, chain_id: str) -> None:
    with pytest.raises(Malformed):
        chain_folder(paths, chain_id)
