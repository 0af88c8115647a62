"""A lab server that the tests of a module share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from r3cli.lab import operations
from r3cli.lab.launch import ensure_local, release_local
from r3cli.lab.talk import LabClient
from r3cli.paths import Paths
from tests.chain.target import Target, key
from tests.lab.driver import SEED

FUNDS = 1_000_000_000


@pytest.fixture(scope="module")
def lab_target(tmp_path_factory: pytest.TempPathFactory, runtime_base: Path) -> Iterator[Target]:
    """The lab's node as a target of the bank suite, with a funded account."""
    folder = tmp_path_factory.mktemp("lab")
    runtime = runtime_base / folder.name
    paths = Paths(config=folder, state=folder / "state", data=folder, cache=folder, runtime=runtime)
    lab = LabClient(ensure_local(paths, seed=SEED, linger=0.2))
    status = lab.get("status")

    def restart() -> None:
        pid = lab.process()
        assert pid is not None
        os.kill(pid, 9)
        ensure_local(paths, seed=SEED, linger=0.2)
        # The lab's memory of bytes outlives its servers; forgetting, as real nodes do, is a fault on demand.
        lab.post("fault", {"name": "forget-mempool-cache"})

    running = Target(lab.endpoint, status["chain_id"], status["prefix"], status["denom"], key(1), restart)
    lab.post("faucet", {"address": running.address(running.funded), "amount": FUNDS})
    yield running
    running.http.close()
    release_local(paths)
    operations.down(paths)
