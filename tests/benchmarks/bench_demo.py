"""The demo and how long it takes: `python -m tests.benchmarks.bench_demo`.

Five rounds of thirty steps on the network in a box, then one random step of each recomputed. Seconds are those of a
clock on the wall, on whatever cores this process may use.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.benchmarks.bench_installed import environ
from tests.benchmarks.figures import Figure, show

ROUNDS, STEPS = 5, 30


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="r3-bench-") as folder:
        show(f"demo on {len(os.sched_getaffinity(0))} cores", _figures(Path(folder)))


def _figures(folder: Path) -> Iterator[Figure]:
    began = time.perf_counter()
    run = _r3(folder, "train", "run", "--network", "local", "--rounds", str(ROUNDS), "--steps", str(STEPS))
    trained = time.perf_counter() - began
    for number in range(1, ROUNDS + 1):
        _r3(folder, "train", "verify", str(number), "--step", "random")
    taken = time.perf_counter() - began
    _r3(folder, "lab", "down")  # not left behind in a folder that is gone
    yield Figure(f"{ROUNDS} rounds of {STEPS} steps, each checked", taken, "s", 90)
    yield Figure("  of that the run itself", trained, "s")
    first, last = run["rounds"][0], run["rounds"][-1]
    start = first["val_bpb_before"]
    yield Figure("bits per byte at the start", start, "bpb")
    yield Figure("  at the end of the last miner's steps", last["val_bpb_after"], "bpb", run["bigram_bpb"])
    yield Figure("  down, of the miner's adapter", 100 * (1 - last["val_bpb_after"] / start), "%", 35, at_least=True)
    yield Figure("  down, of the global adapter", 100 * (1 - last["global_bpb_after"] / start), "%", 20, at_least=True)
    heaviest = max(seen["payload_bytes"] / seen["dense_bytes"] for seen in run["rounds"])
    yield Figure("payload / dense update in bf16", heaviest, "", 1 / 8)


def _r3(folder: Path, *words: str) -> dict[str, Any]:
    """The `data` of what a command prints with `--json`; it must succeed."""
    command = [sys.executable, "-m", "r3cli", *words, "--state", str(folder / "state"), "--json", "-q"]
    done = subprocess.run(command, env={**os.environ, **environ(folder)}, check=True, stdout=subprocess.PIPE)
    data: dict[str, Any] = json.loads(done.stdout)["data"]
    return data


if __name__ == "__main__":
    main()
