"""How fast an installed r3 starts and how large it is: `python -m tests.benchmarks.bench_installed`.

CPU seconds, user and system, of the whole process, the median of seven runs; a busy machine makes them larger. The
wallet of `sign` is sealed at the least cost that a keystore may have, so that what is measured is r3.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from r3cli.files import atomic_write
from r3cli.journal import Journal
from r3cli.money import amount
from r3cli.network.snapshot import Holding, Snapshot, chain_folder, save_snapshot
from r3cli.paths import find_paths
from r3cli.secret import Secret
from r3cli.train.rounds.record import MinerShown, Records, TxShown, round_of
from r3cli.wallet.keystore import decode, encode
from r3cli.wallet.sealing import Cost, seal, unseal
from tests.benchmarks.figures import Figure, show
from tests.benchmarks.installed import Installed, install
from tests.contract.documents import frame

RUNS = 7
HELP_RUNS = 3  # of each command; the slowest is then measured as the others are
ROUNDS = 20
CHAIN = "remes-1"
PASSPHRASE = "correct horse battery"
CHEAP = Cost(memory_kib=1024, iterations=1, lanes=1)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="r3-bench-") as folder:
        installed = install(Path(folder))
        show("installed wheel", _figures(installed, Path(folder)))


def _figures(installed: Installed, folder: Path) -> Iterator[Figure]:
    measure = Measure(installed, folder)
    yield Figure("core install over a bare environment", installed.added_bytes / 1e6, "MB", 60)
    yield Figure("r3 --version", measure("--version"), "CPU s", 0.12)
    yield Figure("completion of a wallet's name", measure("__names", "wallets"), "CPU s", 0.12)
    slowest = max(
        (node.path[1:] for node in frame("_tree").nodes()), key=lambda words: measure(*words, "--help", runs=HELP_RUNS)
    )
    name = " ".join(("slowest help: r3", *slowest, "--help"))
    yield Figure(name, measure(*slowest, "--help"), "CPU s", 0.25)
    _remember_rounds(folder)
    _remember_transactions(folder)
    yield Figure(f"r3 status of {ROUNDS} rounds", measure("status", "--network", "bench"), "CPU s", 0.15)
    signature = _make_wallet(measure, folder)
    yield Figure("r3 wallet list", measure("wallet", "list"), "CPU s")
    yield Figure("r3 wallet show", measure("wallet", "show", "ops"), "CPU s")
    yield Figure("r3 wallet sign", measure(*SIGN, str(folder / "phrase")), "CPU s")
    verify = ("wallet", "verify", "ops", "--message", "hello", "--signature", signature)
    yield Figure("r3 wallet verify", measure(*verify), "CPU s")


SIGN = ("wallet", "sign", "ops", "--message", "hello", "--passphrase-file")


class Measure:
    """CPU seconds of one `r3 ...` in a home of its own; every call must succeed."""

    def __init__(self, installed: Installed, folder: Path) -> None:
        self._r3 = str(installed.r3)
        self._folder = folder
        self._environ = environ(folder)

    def __call__(self, *words: str, runs: int = RUNS) -> float:
        self.once(words)  # fills the page cache
        return statistics.median(self.once(words) for _ in range(runs))

    def once(self, words: Sequence[str]) -> float:
        process = subprocess.Popen(
            [self._r3, *words], env=self._environ, cwd=self._folder, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"r3 {' '.join(words)} ended with {process.returncode}")
        return usage.ru_utime + usage.ru_stime

    def document(self, *words: str) -> dict[str, object]:
        """The `data` of what a command prints with `--json`."""
        command = [self._r3, *words, "--json"]
        done = subprocess.run(command, env=self._environ, cwd=self._folder, check=True, capture_output=True)
        data: dict[str, object] = json.loads(done.stdout)["data"]
        return data


def environ(folder: Path) -> Mapping[str, str]:
    """An empty home; nothing of the real one is read."""
    home = {"HOME": str(folder), "PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": str(folder)}
    return home | {f"XDG_{kind}_HOME": str(folder / kind.lower()) for kind in ("CONFIG", "STATE", "DATA", "CACHE")}


def _remember_rounds(folder: Path) -> None:
    networks = folder / "config/r3/networks"
    networks.mkdir(parents=True)
    (networks / "bench.yaml").write_text(f'version: "1"\nchain:\n  chain_id: {CHAIN}\n', encoding="utf-8")
    chain = chain_folder(find_paths(folder / "state/r3"), CHAIN)
    records = Records(chain / "rounds")
    for number in range(1, ROUNDS + 1):
        records.save(round_of(number, "bafkreimanifest", [_work(number)]))
    holding = Holding(label="miner 1", address=_work(1).miner, balance=amount(1_500_000, "uremes"))
    snapshot = Snapshot(
        network="bench",
        chain_id=CHAIN,
        taken_at="2026-01-01T00:00:00Z",
        height=100,
        open_round=ROUNDS + 1,
        manifest=None,
        holdings=(holding,),
        works=dict.fromkeys(range(1, ROUNDS + 1), "accepted"),
    )
    save_snapshot(chain, snapshot)


def _remember_transactions(folder: Path) -> None:
    """What a run journals in that many rounds: the work, the commitment, the aggregate."""
    journal = Journal(find_paths(folder / "state/r3").journal)
    for number in range(1, 3 * ROUNDS + 1):
        entry = journal.plan("submit_gradient", "bench", "remes1", {"round": number})
        journal.sending(
            entry.id,
            f"{number:064X}",
            bytes(400),
            chain_id=CHAIN,
            account="remes1",
            sequence=number,
            timeout_height=number,
        )
        journal.confirm(entry.id, {"tx_hash": f"{number:064X}", "height": number}, tx_hash=f"{number:064X}")


def _work(number: int) -> MinerShown:
    return MinerShown(
        miner="remes1vnupqa7876prrrt0cu39uq5pqzg5nk4m6fer7d",
        digest=f"{number:064x}",
        payload_cid="bafkreihupgtfqehtt22q5ddfqnycasprabiyzjqgfbionqjdkfexbpkm2y",
        payload_bytes=15_644,
        dense_bytes=311_296,
        claimed_loss=3_055_999,
        val_bpb_before=6.0 - number / ROUNDS,
        val_bpb_after=5.0 - number / ROUNDS,
        seconds=1.0,
        gradient_id=number,
        tx=TxShown(hash=f"{number:064X}", outcome="confirmed"),
    )


def _make_wallet(measure: Measure, folder: Path) -> str:
    """A wallet that opens at next to no cost; returns its signature of a text."""
    phrase = folder / "phrase"
    phrase.write_text(PASSPHRASE, encoding="utf-8")
    phrase.chmod(0o600)
    measure.once(("wallet", "create", "ops", "--passphrase-file", str(phrase), "-q"))
    path = folder / "data/r3/wallets/ops.json"
    keystore, secret = decode(path.read_bytes()), Secret(PASSPHRASE.encode())
    atomic_write(path, encode(seal(keystore, unseal(keystore, secret), secret, cost=CHEAP)))
    return str(measure.document(*SIGN, str(phrase))["signature"])


if __name__ == "__main__":
    main()
