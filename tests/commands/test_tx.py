"""`r3 tx` through the front door, on the local network: what was left open is found out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from r3cli.chain.cosmos.messages import Coin, MsgSend
from r3cli.errors import OutcomeUnknown
from r3cli.events import silent
from r3cli.journal import Journal, State
from r3cli.lab import operations
from r3cli.lab.genesis import development_key
from r3cli.lab.launch import ensure_local, release_local
from r3cli.lab.talk import LabClient
from r3cli.network.connect import Connection, connect
from r3cli.paths import Paths, find_paths
from r3cli.settings import load_settings
from r3cli.wallet.signer import LocalSigner
from tests.conftest import RunR3

SEED = 77  # not the setting's: settling must find the network that is there
SIGNER = LocalSigner(development_key(SEED, "miner-0"))


@pytest.fixture
def paths(tmp_path: Path) -> Iterator[Paths]:
    found = find_paths(tmp_path / "state")
    yield found
    release_local(found)
    operations.down(found)


@pytest.fixture
def lab(paths: Paths) -> LabClient:
    return LabClient(ensure_local(paths, seed=SEED, linger=0.2))


def _connect(paths: Paths, **flags: object) -> Connection:
    settings = load_settings(paths, flags={"chain.confirm_seconds": 1, **flags})
    return connect(settings, paths, silent, local_network="there-is")


def _send(connection: Connection, amount: int) -> None:
    sender = connection.chain.address(SIGNER.public_key)
    coin = Coin(denom="uremes", amount=str(amount))
    message = MsgSend(from_address=sender, to_address=sender, amount=(coin,))
    connection.chain.execute("transfer", {"amount": amount}, [message], SIGNER, network=connection.network)


def _lose(paths: Paths, lab: LabClient) -> OutcomeUnknown:
    """A transfer whose reply is lost, on a node that then answers nothing any more."""
    with _connect(paths) as connection:
        broadcast = connection.chain.client.broadcast

        def lose(raw: bytes) -> object:
            lab.post("fault", {"name": "lost-reply", "count": 1})
            try:
                return broadcast(raw)
            finally:
                lab.post("fault", {"name": "error-5xx"})

        connection.chain.client.broadcast = lose  # type: ignore[method-assign,assignment]  # the moment of the fault
        with pytest.raises(OutcomeUnknown) as caught:
            _send(connection, 5)
    return caught.value


def test_a_lost_reply_ends_unknown_and_is_settled(paths: Paths, lab: LabClient, r3: RunR3) -> None:
    lost = _lose(paths, lab)
    listed = r3("tx", "list", "--open", "--json", "--state", paths.state)
    assert [(entry["state"], entry["tx_hash"]) for entry in listed.data["entries"]] == [("unknown", lost.tx)]
    lab.post("fault", {"name": "error-5xx", "off": True})
    settled = r3("tx", "settle", "--json", "--state", paths.state)
    assert settled.exit_code == 0, settled.stdout
    (found,) = settled.data["settled"]
    assert (found["before"], found["entry"]["state"], found["entry"]["tx_hash"]) == ("unknown", "confirmed", lost.tx)
    assert found["entry"]["height"] > 0
    shown = r3("tx", "show", str(lost.tx).lower(), "--json", "--state", paths.state)
    assert [attempt["outcome"] for attempt in shown.data["attempts"]] == ["included"]
    assert shown.data["intent"] == {"amount": 5}


def test_settling_while_the_node_is_in_trouble_changes_nothing(paths: Paths, lab: LabClient, r3: RunR3) -> None:
    _lose(paths, lab)
    settled = r3("tx", "settle", "--json", "--state", paths.state)
    assert (settled.exit_code, settled.json["ok"], settled.json["error"]["name"]) == (10, False, "outcome_unknown")
    assert Journal(paths.journal).get(1).state is State.UNKNOWN


def test_what_never_arrived_is_settled_when_its_time_is_over(paths: Paths, lab: LabClient, r3: RunR3) -> None:
    with _connect(paths, **{"chain.timeout_blocks": 100}) as connection:
        lab.post("fault", {"name": "drop-before"})
        with pytest.raises(OutcomeUnknown):
            _send(connection, 6)
    lab.post("fault", {"name": "drop-before", "off": True})
    early = r3("tx", "settle", "--json", "--state", paths.state)
    assert (early.exit_code, early.json["error"]["name"]) == (10, "outcome_unknown")
    lab.post("mine", {"blocks": 120})
    late = r3("tx", "settle", "1", "--json", "--state", paths.state)
    assert late.exit_code == 0
    assert late.data["settled"][0]["entry"]["state"] == "failed"


def test_an_empty_journal(tmp_path: Path, r3: RunR3) -> None:
    state = tmp_path / "none"
    assert "empty" in r3("tx", "list", "--state", state).stdout
    assert r3("tx", "settle", "--state", state).exit_code == 0
    missing = r3("tx", "show", "AB" * 32, "--json", "--state", state)
    assert (missing.exit_code, missing.json["error"]["name"]) == (6, "not_found")
    assert not state.exists()


KILLED = textwrap.dedent(
    """
    import os, signal, sys
    from pathlib import Path
    from r3cli.journal import Journal
    from r3cli.paths import find_paths
    from tests.commands import test_tx

    place = sys.argv[2]
    def die(*_, **__):
        os.kill(os.getpid(), signal.SIGKILL)
    def after(call):
        def wrapped(*arguments, **options):
            call(*arguments, **options)
            die()
        return wrapped
    with test_tx._connect(find_paths(Path(sys.argv[1]))) as connection:
        if place == "planned":
            Journal.plan = after(Journal.plan)
        elif place == "sending":
            Journal.sending = after(Journal.sending)
        elif place == "broadcast":
            connection.chain.client.broadcast = after(connection.chain.client.broadcast)
        else:
            Journal.confirm = die
        test_tx._send(connection, 5)
    """
)


@pytest.mark.parametrize("place", ["planned", "sending", "broadcast", "confirm"])
def test_killed_at_any_step_the_next_run_pays_once(paths: Paths, lab: LabClient, place: str) -> None:
    with _connect(paths) as connection:
        sender = connection.chain.address(SIGNER.public_key)
        account = connection.chain.client.account(sender)
        assert account is not None
        environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        killed = subprocess.run([sys.executable, "-c", KILLED, str(paths.state), place], env=environ, check=False)
        assert killed.returncode == -signal.SIGKILL
        assert Journal(paths.journal).get(1).is_open
        _send(connection, 5)
        after = connection.chain.client.account(sender)
        assert after is not None
        assert after.sequence == account.sequence + 1
        assert [entry.state for entry in Journal(paths.journal).entries()] == [State.CONFIRMED]
