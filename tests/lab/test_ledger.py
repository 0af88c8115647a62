"""The ledger keeps its promises: money is conserved, kills and crowds are harmless."""

from __future__ import annotations

import base64
import signal
import sqlite3
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r3cli.chain.cosmos.headers import header_hash
from r3cli.errors import Refused
from r3cli.lab.chain import Chain
from r3cli.lab.genesis import make_genesis
from tests.lab.driver import SEED, Actor, open_chain

STEPS = st.lists(
    st.tuples(
        st.integers(0, 2),  # who pays
        st.integers(0, 2),  # whom
        st.one_of(st.integers(-5, 10), st.integers(0, 1 << 70)),  # how much
        st.sampled_from([10, 20_000, 50_000, 200_000]),  # gas
        st.integers(-1, 1),  # how wrong the sequence is
    ),
    max_size=12,
)

PAYER = """
import sys
from pathlib import Path
from tests.lab.driver import Actor, open_chain
chain = open_chain(Path(sys.argv[1]))
payer, payee = Actor(chain, sys.argv[2]), Actor(chain, "miner-15")
for _ in range(int(sys.argv[3])):
    assert chain.broadcast(payer.sign(payer.pay(payee.address, 3))).code == 0
    print("paid", flush=True)
"""


@settings(max_examples=25, deadline=None)
@given(STEPS)
def test_no_transaction_makes_or_destroys_money(steps: list[tuple[int, int, int, int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        chain = open_chain(Path(folder))
        actors = [Actor(chain, f"miner-{index}") for index in range(3)]
        supply = total(chain)
        for payer, payee, amount, gas, shift in steps:
            with chain.view().state() as state:
                account = state.account(actors[payer].address)
            assert account is not None
            height = chain.view().height()
            message = actors[payer].pay(actors[payee].address, amount)
            raw = actors[payer].sign(message, gas=gas, sequence=max(0, account.sequence + shift))
            accepted = chain.broadcast(raw).code == 0
            assert chain.view().height() == height + accepted
            assert total(chain) == supply
        check_chain(chain)
        chain.close()


@pytest.mark.parametrize("after", [1, 7, 19])
def test_a_kill_leaves_whole_blocks_only(tmp_path: Path, after: int) -> None:
    chain = open_chain(tmp_path)
    supply = total(chain)
    with start_payer(tmp_path, "miner-0", 10_000) as process:
        assert process.stdout is not None
        for _ in range(after):
            assert process.stdout.readline() == b"paid\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
    payer, payee = Actor(chain, "miner-0"), Actor(chain, "miner-15")
    assert total(chain) == supply
    check_chain(chain)
    with chain.view().state() as state:
        account = state.account(payer.address)
    assert account is not None
    assert account.sequence >= after
    assert payee.balance == make_genesis(SEED).funds[payee.address] + 3 * account.sequence
    assert chain.view().height() == 1 + account.sequence
    assert payer.send(payer.pay(payee.address, 1)).code == 0  # and it goes on


def test_many_processes_share_a_ledger(tmp_path: Path) -> None:
    names = [f"miner-{index}" for index in range(4)]
    processes = [start_payer(tmp_path, name, 10) for name in names]
    for process in processes:
        with process:
            assert process.wait(timeout=60) == 0
    chain = open_chain(tmp_path)
    payee = Actor(chain, "miner-15")
    assert payee.balance == make_genesis(SEED).funds[payee.address] + 3 * 10 * len(names)
    assert chain.view().height() == 1 + 10 * len(names)
    check_chain(chain)


def test_a_ledger_belongs_to_one_network(tmp_path: Path) -> None:
    open_chain(tmp_path).close()
    for other in (make_genesis(SEED + 1), make_genesis(SEED, mode="published")):
        with pytest.raises(Refused, match="not of"):
            open_chain(tmp_path, genesis=other)


def test_the_same_transactions_make_the_same_chain(tmp_path: Path) -> None:
    hashes = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        chain = open_chain(folder)
        payer = Actor(chain, "miner-0")
        payer.send(payer.pay(Actor(chain, "miner-1").address, 5))
        chain.mine(3)
        block = chain.view().block(5)
        assert block is not None
        hashes.append(block.hash)
    assert hashes[0] == hashes[1]


def total(chain: Chain) -> int:
    with chain.view().state() as state:
        return sum(amount for _, amount in state.supply())


def check_chain(chain: Chain) -> None:
    """Every header hashes to its block's hash and names the block before."""
    view = chain.view()
    blocks = [view.block(height) for height in range(1, view.height() + 1)]
    assert None not in blocks
    for block in blocks:
        assert block is not None
        assert header_hash(block.header) == block.hash
    for before, after in pairwise(blocks):
        assert before is not None
        assert after is not None
        assert base64.b64decode(after.header["last_block_id"]["hash"]) == before.hash
    with sqlite3.connect(chain.ledger.path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def start_payer(folder: Path, name: str, payments: int) -> subprocess.Popen[bytes]:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", PAYER, str(folder), name, str(payments)]
    return subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE)
