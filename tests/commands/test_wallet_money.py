"""`r3 wallet balance` and `send` on the local network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from r3cli.journal import Journal, State
from r3cli.lab.genesis import development_key
from r3cli.lab.launch import release_local
from r3cli.paths import find_paths
from tests.conftest import RunR3


@pytest.fixture(autouse=True)
def leave_the_network() -> Iterator[None]:
    """This process stops being a user of the test's network, whose server may then end."""
    yield
    release_local(find_paths())


@pytest.fixture
def passphrase(tmp_path: Path) -> Path:
    file = tmp_path / "passphrase"
    file.write_text("correct horse battery")
    file.chmod(0o600)
    return file


@pytest.fixture
def payer(r3: RunR3, tmp_path: Path, passphrase: Path) -> str:
    """A wallet with the money of a miner of the local network, and a poor one beside it."""
    for name in ("miner-0", "miner-1"):
        key = tmp_path / name
        key.write_text(development_key(1, name).reveal().hex())
        key.chmod(0o600)
        ran = r3("wallet", "import", name, "--private-key-file", key, "--passphrase-file", passphrase)
        assert ran.exit_code == 0, ran
    return "miner-0"


def base(r3: RunR3, name: str) -> int:
    return int(r3("wallet", "balance", name, "--json").data["balances"][0]["balance"]["base"])


def test_dry_run_then_send_once(r3: RunR3, payer: str, passphrase: Path) -> None:
    order = ("wallet", "send", payer, "miner-1", "2.5remes", "--json")
    planned = r3(*order, "--dry-run")
    assert (planned.exit_code, planned.data["outcome"]) == (0, "planned")
    plan = planned.data["plan"]
    fee = plan["fee"]["base"]
    assert plan["balance_after"]["base"] == plan["balance"]["base"] - 2_500_000 - fee
    assert base(r3, payer) == 1_000_000_000_000
    sent = r3(*order, "--yes", "--passphrase-file", passphrase, "--idempotency-key", "rent")
    assert (sent.exit_code, sent.data["outcome"], sent.data["fresh"]) == (0, "confirmed", True)
    assert base(r3, "miner-1") == 1_000_002_500_000
    assert base(r3, payer) == 1_000_000_000_000 - 2_500_000 - sent.data["fee"]["base"]
    again = r3(*order, "--yes", "--passphrase-file", passphrase, "--idempotency-key", "rent")
    assert (again.data["fresh"], again.data["tx_hash"]) == (False, sent.data["tx_hash"])
    assert base(r3, "miner-1") == 1_000_002_500_000


@pytest.mark.parametrize(
    ("arguments", "code", "name"),
    [
        (("miner-1", "1remes"), 4, "needs_input"),
        (("miner-1", "1remes", "--yes"), 4, "needs_input"),
        (("miner-1", "1remes", "--dry-run", "--max-fee", "1uremes"), 7, "fee_too_high"),
        (("miner-1", "2000000remes", "--dry-run"), 7, "insufficient_funds"),
        (("miner-1", "0", "--dry-run"), 2, "usage"),
        (("miner-1", "-5remes", "--dry-run"), 2, "usage"),
        (("miner-1", "1.0000001remes", "--dry-run"), 2, "usage"),
        (("nobody", "1remes", "--dry-run"), 2, "usage"),
        (("cosmos19rl4cm2hmr8afy4kldpxz3fka4jguq0auqdal4", "1remes", "--dry-run"), 2, "usage"),
    ],
)
def test_refusals_send_nothing(r3: RunR3, payer: str, arguments: tuple[str, ...], code: int, name: str) -> None:
    ran = r3("wallet", "send", payer, *arguments, "--json")
    assert (ran.exit_code, ran.json["error"]["name"]) == (code, name), ran
    paths = find_paths()
    assert not paths.journal.exists() or not Journal(paths.journal).entries(State.SENT, State.CONFIRMED)


def test_watch_only_can_be_asked_but_not_spent(r3: RunR3, payer: str) -> None:
    address = r3("wallet", "show", payer, "--json").data["accounts"][0]["address"]
    r3("wallet", "import", "eyes", "--watch", address)
    assert base(r3, "eyes") == 1_000_000_000_000
    ran = r3("wallet", "send", "eyes", "miner-1", "1remes", "--yes", "--json")
    assert (ran.exit_code, ran.json["error"]["name"]) == (7, "refused")


def test_balance_of_all_wallets(r3: RunR3, payer: str) -> None:
    ran = r3("wallet", "balance", "--json")
    assert [row["wallet"] for row in ran.data["balances"]] == ["miner-0", "miner-1"]
    assert ran.data["balances"][0]["balance"]["decimal"] == "1000000.000000"


def test_dead_network(r3: RunR3, payer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("R3_CHAIN__ENDPOINTS", "http://127.0.0.1:9")
    ran = r3("wallet", "balance", "--json")
    assert (ran.exit_code, ran.json["error"]["retryable"]) == (75, True)


def test_lost_connection_is_unknown_then_finished_once(
    r3: RunR3, payer: str, passphrase: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = ("wallet", "send", payer, "miner-1", "1remes", "--yes", "--passphrase-file", passphrase, "--json")
    assert r3("wallet", "balance").exit_code == 0  # starts the network
    assert r3("lab", "fault", "drop-before").exit_code == 0
    monkeypatch.setenv("R3_CHAIN__CONFIRM_SECONDS", "0.2")
    lost = r3(*order)
    assert (lost.exit_code, lost.json["error"]["name"]) == (10, "outcome_unknown"), lost
    assert "r3 tx settle" in lost.json["error"]["hint"]
    assert base(r3, "miner-1") == 1_000_000_000_000
    assert r3("lab", "fault", "drop-before", "--off").exit_code == 0
    monkeypatch.setenv("R3_CHAIN__CONFIRM_SECONDS", "20")
    again = r3(*order)
    assert (again.exit_code, again.data["tx_hash"]) == (0, lost.json["error"]["tx"]), again
    assert base(r3, "miner-1") == 1_000_001_000_000
