"""A network in trouble: what is not known is said to be unknown, found out, and never done twice."""

from __future__ import annotations

from typing import Any

import pytest

from .stand import Door


def fault(door: Door, name: str, *, count: int | None = None, off: bool = False, seconds: float = 2.0) -> None:
    door.lab.post("fault", {"name": name, "count": count, "seconds": seconds, "off": off})


def open_entries(door: Door) -> list[str]:
    entries = door.r3("tx", "list", "--state", door.state, "--json").data["entries"]
    return [entry["kind"] for entry in entries if entry["state"] not in ("confirmed", "failed")]


def assert_handed_in_once(door: Door) -> None:
    assert len(door.records("gradients")) == 1
    assert open_entries(door) == []


@pytest.fixture
def ready(door: Door, monkeypatch: pytest.MonkeyPatch) -> Door:
    """Accounts are registered and round 1 is open: the next transaction hands in work."""
    monkeypatch.setenv("R3_CHAIN__CONFIRM_SECONDS", "1")
    assert door.run("--minutes", "0").exit_code == 0
    return door


def test_a_lost_reply_is_looked_up(ready: Door) -> None:
    fault(ready, "lost-reply", count=1)
    ran = ready.run("--rounds", "1")
    assert ran.exit_code == 0, ran.stdout
    assert ran.data["rounds"][0]["tx"]["outcome"] == "confirmed"
    assert_handed_in_once(ready)


def test_a_lost_reply_that_nobody_can_look_up_is_unknown_until_it_is_settled(
    ready: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    from r3cli.chain.cosmos.client import CosmosClient

    broadcast = CosmosClient.broadcast

    def send_into_the_storm(self: CosmosClient, raw: bytes) -> object:
        fault(ready, "lost-reply", count=1)
        try:
            return broadcast(self, raw)
        finally:
            fault(ready, "error-5xx")

    with monkeypatch.context() as patch:
        patch.setattr(CosmosClient, "broadcast", send_into_the_storm)
        ran = ready.run("--rounds", "1")
    assert (ran.exit_code, ran.json["error"]["name"]) == (10, "outcome_unknown")
    assert ran.json["error"]["hint"] == "r3 tx settle"
    sent = ran.json["error"]["tx"]
    assert open_entries(ready) == ["submit_gradient"]
    assert len(ready.records("gradients")) == 1  # it had arrived

    storm = ready.run("--rounds", "1")
    assert storm.exit_code in (10, 75)  # as long as nothing is known, nothing is sent
    fault(ready, "error-5xx", off=True)
    settled = ready.r3("tx", "settle", "--state", ready.state, "--json")
    assert settled.exit_code == 0, settled.stdout
    assert open_entries(ready) == []
    ran = ready.run("--rounds", "1")
    assert ran.exit_code == 0, ran.stdout
    assert ran.data["rounds"][0]["tx"] == {"hash": sent, "outcome": "confirmed"}
    assert_handed_in_once(ready)


TROUBLES = [("drop-before", 1, 0.0), ("error-5xx", 3, 0.0), ("rate-limit", 2, 0.0), ("slow", 3, 0.3)]


@pytest.mark.parametrize(("name", "count", "seconds"), TROUBLES)
def test_passing_troubles_in_the_middle_do_not_break_a_run(
    ready: Door, monkeypatch: pytest.MonkeyPatch, name: str, count: int, seconds: float
) -> None:
    from r3cli.train.rounds.window import Window

    submit = Window.submit
    begun: list[str] = []

    def submit_in_trouble(self: Window, work: Any, signer: Any) -> Any:
        if not begun:
            begun.append(name)
            fault(ready, name, count=count, seconds=seconds)
        return submit(self, work, signer)

    with monkeypatch.context() as patch:
        patch.setattr(Window, "submit", submit_in_trouble)
        ran = ready.run("--rounds", "1")
    assert ran.exit_code == 0, ran.stdout
    assert begun
    assert ready.lab.get("status")["faults"] == []  # all of it happened
    assert_handed_in_once(ready)


def test_a_chain_that_stays_away_ends_the_run_safe_to_repeat(ready: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    from r3cli.train.rounds import run

    monkeypatch.setattr(run, "PAUSES", (0.01, 0.01))
    fault(ready, "error-5xx")
    ran = ready.run("--rounds", "1")
    assert (ran.exit_code, ran.json["error"]["name"], ran.json["error"]["retryable"]) == (75, "server_fault", True)
    fault(ready, "error-5xx", off=True)
    assert ready.run("--rounds", "1").exit_code == 0
    assert_handed_in_once(ready)


def test_a_node_that_forgets_what_it_has_seen_gets_nothing_twice(ready: Door) -> None:
    fault(ready, "lost-reply", count=1)
    fault(ready, "forget-mempool-cache")
    ran = ready.run("--rounds", "1")
    assert ran.exit_code == 0, ran.stdout
    fault(ready, "forget-mempool-cache")
    assert ready.run("--rounds", "1").data == ran.data
    assert_handed_in_once(ready)
