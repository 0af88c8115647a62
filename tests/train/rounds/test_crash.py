"""Killed, interrupted or robbed of a checkpoint, a run goes on and ends with the very bits of an undisturbed one."""

from __future__ import annotations

import errno
import random
import signal
import subprocess
import tempfile
import time
from typing import Any

import pytest

from r3cli.train.rounds.leaves import decode_leaves
from tests.conftest import r3_command

from .conftest import OpenDoor
from .stand import STEPS, Door, block_file

ROUNDS = "2"
SECONDS = 120


def start(door: Door, *argv: str) -> subprocess.Popen[str]:
    """`r3 train run` as a process of its own."""
    words = ["train", "run", "--network", "local", "--steps", str(STEPS), "--state", str(door.state), "--json"]
    return subprocess.Popen(
        [*r3_command(), *words, *argv],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def bits(rows: list[dict[str, Any]]) -> list[tuple[object, ...]]:
    names = ("round", "digest", "payload_cid", "val_bpb_after", "global_bpb_after")
    return [tuple(row[name] for name in names) for row in rows]


@pytest.fixture(scope="module")
def undisturbed() -> list[list[tuple[object, ...]]]:
    """What an undisturbed run of two rounds ends with; made by the first test that asks."""
    return []


def expected(undisturbed: list[list[tuple[object, ...]]], open_door: OpenDoor) -> list[tuple[object, ...]]:
    if not undisturbed:
        undisturbed.append(bits(open_door("undisturbed").run("--rounds", ROUNDS).data["rounds"]))
    return undisturbed[0]


def assert_once(door: Door) -> None:
    """Each miner's work of each round stands on chain once, and the journal leaves nothing open."""
    handed_in = [(gradient["miner"], gradient["training_round_id"]) for gradient in door.records("gradients")]
    assert len(handed_in) == len(set(handed_in)) == int(ROUNDS)
    assert door.statuses("aggregations") == ["pending"] * int(ROUNDS)
    assert door.statuses("challenges") == []
    entries = door.r3("tx", "list", "--state", door.state, "--json").data["entries"]
    assert {entry["state"] for entry in entries} <= {"confirmed", "failed"}


def kill_until_finished(door: Door, generator: random.Random, most: int) -> int:
    """Kill -9 a run at random moments until one gets through or `most` were killed; returns how many were."""
    for killed in range(most):
        process = start(door, "--rounds", ROUNDS)
        time.sleep(generator.uniform(0.5, 3.5))
        through = process.poll() is not None
        process.kill()
        process.communicate(timeout=SECONDS)
        if through:
            return killed
    return most


@pytest.mark.parametrize("kills", [3, pytest.param(50, marks=pytest.mark.slow)])
def test_kill_9_at_random_moments_changes_nothing(
    open_door: OpenDoor, undisturbed: list[list[tuple[object, ...]]], kills: int
) -> None:
    want = expected(undisturbed, open_door)
    seed = random.randrange(1 << 32)
    generator = random.Random(seed)
    done = 0
    for number in range(kills):
        if done == kills:
            break
        door = open_door(f"killed-{number}")
        done += kill_until_finished(door, generator, kills - done)
        ran = door.run("--rounds", ROUNDS)
        assert ran.exit_code == 0, (seed, ran.stdout)
        assert bits(ran.data["rounds"]) == want, seed
        assert_once(door)
    assert done == kills, seed


def test_killed_between_any_two_effects_of_a_round(
    open_door: OpenDoor, undisturbed: list[list[tuple[object, ...]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every transaction of a round, killed before it is planned and after it is in a block."""
    from r3cli.train.rounds.window import Window

    want = expected(undisturbed, open_door)
    door = open_door("cut")
    send = Window._send

    class Killed(BaseException):
        """Nothing catches it, as nothing catches a kill."""

    for kind in ("register_node", "submit_gradient", "commit_aggregation", "reveal_aggregation"):
        for before in (True, False):

            def cut(self: Window, sent: str, *rest: Any, kind: str = kind, before: bool = before) -> Any:
                if sent != kind:
                    return send(self, sent, *rest)
                if not before:
                    send(self, sent, *rest)
                raise Killed

            with monkeypatch.context() as patch:
                patch.setattr(Window, "_send", cut)
                with pytest.raises(Killed):
                    door.run("--rounds", ROUNDS)
    ran = door.run("--rounds", ROUNDS)
    assert ran.exit_code == 0, ran.stdout
    assert bits(ran.data["rounds"]) == want
    assert_once(door)


def stop_after_a_step(door: Door, number: signal.Signals) -> tuple[int, str]:
    """Send a signal as soon as the first checkpoint lies there."""
    process = start(door, "--rounds", ROUNDS, "--miners", "1")
    deadline = time.monotonic() + SECONDS
    while not list(door.paths.train.glob("*/checkpoints/*/step-*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(number)
    out, _ = process.communicate(timeout=SECONDS)
    return process.returncode, out


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_and_the_next_run_goes_on(
    open_door: OpenDoor, undisturbed: list[list[tuple[object, ...]]], number: signal.Signals, code: int
) -> None:
    door = open_door("signalled")
    ended, out = stop_after_a_step(door, number)
    assert ended == code, out
    assert '"name":"interrupted"' in out
    ran = door.run("--rounds", ROUNDS)
    assert ran.exit_code == 0, ran.stdout
    assert bits(ran.data["rounds"]) == expected(undisturbed, open_door)
    assert_once(door)


def test_a_broken_or_foreign_checkpoint_falls_back_with_a_message(
    open_door: OpenDoor, undisturbed: list[list[tuple[object, ...]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from r3cli.train.rounds.window import Window

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    door = open_door("broken")
    with monkeypatch.context() as patch:
        patch.setattr(Window, "submit", stop)
        assert door.run("--rounds", ROUNDS).exit_code == 130
    older, newest = sorted(next(door.paths.train.glob("*/checkpoints/*")).iterdir())
    newest.write_bytes(newest.read_bytes()[:-7])
    foreign = newest.with_name("step-000000000009.checkpoint")
    foreign.write_bytes(older.read_bytes())
    ran = door.run("--rounds", ROUNDS)
    assert ran.exit_code == 0, ran.stdout
    for path in (newest, foreign):
        assert f"checkpoint {path.name} is not usable" in ran.stderr
    assert "going on after step 2" in door.r3("logs", "--state", door.state).stdout
    assert bits(ran.data["rounds"]) == expected(undisturbed, open_door)


def test_a_lost_state_sends_the_run_back_to_the_one_before(
    open_door: OpenDoor, undisturbed: list[list[tuple[object, ...]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from r3cli.train.rounds.window import Window

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    door = open_door("lost")
    with monkeypatch.context() as patch:
        patch.setattr(Window, "submit", stop)
        assert door.run("--rounds", ROUNDS).exit_code == 130
    with door.stand() as stand:
        checkpoint = max(door.paths.train.glob("*/checkpoints/*/*")).read_bytes()
        leaves = decode_leaves(checkpoint[checkpoint.index(b'{"format"') :]).leaves
        stand.store.remove(leaves[3].state)
    damaged = block_file(door, leaves[2].state)
    damaged.chmod(0o644)
    damaged.write_bytes(b"not what it was")
    ran = door.run("--rounds", ROUNDS)
    assert ran.exit_code == 0, ran.stdout
    assert ran.stderr.count("a saved state is gone") == 2
    assert bits(ran.data["rounds"]) == expected(undisturbed, open_door)


def test_a_full_disk_is_said_and_the_run_goes_on_when_there_is_room(
    open_door: OpenDoor, undisturbed: list[list[tuple[object, ...]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    room = iter(range(6))
    make = tempfile.mkstemp

    def make_while_there_is_room(*args: Any, **settings: Any) -> tuple[int, str]:
        if next(room, None) is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        return make(*args, **settings)

    door = open_door("full")
    assert door.run("--minutes", "0").exit_code == 0
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "mkstemp", make_while_there_is_room)
        ran = door.run("--rounds", ROUNDS)
    assert (ran.exit_code, ran.json["error"]["name"]) == (75, "disk_full")
    assert not door.paths.tracebacks.exists()
    ran = door.run("--rounds", ROUNDS)
    assert ran.exit_code == 0, ran.stdout
    assert bits(ran.data["rounds"]) == expected(undisturbed, open_door)


def test_three_processes_play_the_three_roles(door: Door) -> None:
    """Miner, proposer and verifier, each a process, on one state folder: two rounds close without a dispute."""
    assert door.run("--minutes", "0").exit_code == 0
    roles = ("verifier", "proposer", "miner")
    processes = {role: start(door, "--rounds", ROUNDS, "--miners", "2", "--role", role) for role in roles}
    try:
        ended = {role: process.communicate(timeout=SECONDS) for role, process in processes.items()}
    finally:
        for process in processes.values():
            process.kill()
    assert {role: process.returncode for role, process in processes.items()} == dict.fromkeys(roles, 0), ended
    assert door.statuses("aggregations") == ["pending", "pending"]
    assert [record["participant_gradient_ids"] for record in door.records("aggregations")] == [["1", "2"], ["3", "4"]]
    assert door.statuses("challenges") == []
    (mark,) = door.paths.train.glob("*/audited")
    assert mark.read_text() == "2"  # the verifier looked at both, however late it was
    rows = door.run("--rounds", ROUNDS, "--miners", "2").data["rounds"]
    assert [len(row["miners"]) for row in rows] == [2, 2]
