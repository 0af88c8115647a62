"""One digest over threads, instruction sets, batch splits and process counts: what makes work checkable."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.train.exact.digest_worker import SPLITS, digest

ATEN = ("default", "avx2", "avx512")
ONEDNN = ("SSE41", "AVX2", "AVX512_CORE", "ALL")
THREADS = (1, 2)
WORKER = Path(__file__).with_name("digest_worker.py")
ROOT = WORKER.parents[3]

Row = tuple[str, str, int, str]


# Changes only with the version of the arithmetic: every machine, build and release must reproduce it.
CONSTANT = "386dd88b2106ca085120f767b3e82fa2c8418add47e0805ed8af4e8d5b67df42"


@pytest.fixture(scope="module")
def expected() -> str:
    return digest("whole")


def test_the_digest_is_a_constant(expected: str) -> None:
    assert expected == CONSTANT


def test_pairwise(expected: str) -> None:
    rows = _pairwise_rows()
    with ThreadPoolExecutor(2) as pool:
        digests = list(pool.map(lambda row: _run(row[0], row[1], threads=row[2], split=row[3]), rows))
    assert dict(zip(rows, digests, strict=True)) == {row: [expected] for row in rows}


@pytest.mark.parametrize("world", [2, 3])
def test_processes(world: int, expected: str, tmp_path: Path) -> None:
    assert _run_world(world, tmp_path, threads=1, split="fours_shuffled") == [[expected]] * world


def test_flush_to_zero(expected: str) -> None:
    assert _run("avx2", "ALL", threads=1, split="whole", flush=True) == [expected]


@pytest.mark.slow
def test_full_matrix(expected: str, tmp_path: Path) -> None:
    for aten, onednn, threads, flush in itertools.product(ATEN, ONEDNN, THREADS, (False, True)):
        row = _run(aten, onednn, threads=threads, split="all", flush=flush)
        assert row == [expected] * len(SPLITS), (aten, onednn, threads, flush)
    for world, aten, onednn in itertools.product((2, 3), ATEN, ONEDNN):
        meeting = tmp_path / f"{world}-{aten}-{onednn}"
        meeting.mkdir()
        rows = _run_world(world, meeting, threads=2, split="all", aten=aten, onednn=onednn)
        assert rows == [[expected] * len(SPLITS)] * world, (world, aten, onednn)


def _pairwise_rows() -> list[Row]:
    """Every pair of values of two factors occurs in some row."""
    splits = list(SPLITS)
    rows = [
        (aten, onednn, THREADS[(i + j) % 2], splits[(i + j) % 3])
        for (i, aten), (j, onednn) in itertools.product(enumerate(ATEN), enumerate(ONEDNN))
    ]
    factors = (ATEN, ONEDNN, THREADS, splits)
    for (a, first), (b, second) in itertools.combinations(enumerate(factors), 2):
        assert {(row[a], row[b]) for row in rows} == set(itertools.product(first, second)), (a, b)
    return rows


def _run(aten: str, onednn: str, *, threads: int, split: str, flush: bool = False) -> list[str]:
    return _finish(_start(aten, onednn, {"threads": threads, "split": split, "flush": flush}), aten)


def _run_world(
    world: int, folder: Path, *, threads: int, split: str, aten: str = "avx2", onednn: str = "ALL"
) -> list[list[str]]:
    shared = {"threads": threads, "split": split, "world": world, "meeting": str(folder / "meeting")}
    workers = [_start(aten, onednn, {**shared, "rank": rank}) for rank in range(world)]
    return [_finish(worker, aten) for worker in workers]


def _start(aten: str, onednn: str, run: dict[str, object]) -> subprocess.Popen[str]:
    settings = {"ATEN_CPU_CAPABILITY": aten, "ONEDNN_MAX_CPU_ISA": onednn, "OMP_WAIT_POLICY": "PASSIVE"}
    return subprocess.Popen(
        [sys.executable, str(WORKER), json.dumps(run)],
        env={**os.environ, **settings, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _finish(worker: subprocess.Popen[str], aten: str) -> list[str]:
    output, errors = worker.communicate(timeout=240)
    assert worker.returncode == 0, errors
    answer = json.loads(output.splitlines()[-1])
    # A CPU without the instruction set would quietly test another one: then this row says nothing new.
    assert answer["isa"].lower().replace("_", "") in (aten, "default", "avx2"), answer
    digests: list[str] = answer["digests"]
    return digests
