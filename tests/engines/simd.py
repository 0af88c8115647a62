"""A real Cosmos SDK chain (0.50) with one validator and a block every 0.3 s; it knows no `remes` messages."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.engines.missing import ENVIRON
from tests.engines.process import daemon, free_ports, get_json, wait_until

CHAIN_ID = "r3-simd-1"
DENOM = "ucoin"
PREFIX = "cosmos"
MINIMUM_GAS_PRICE = "0.001"
INCLUSION_SECONDS = 20.0
_KEYRING = ("--keyring-backend", "test")


@dataclass(frozen=True)
class Simd:
    """A running chain. `rest` and `rpc` are base URLs; `treasury` is the address that has all the money.

    `restart` ends the process and starts it again on the same data and ports.
    """

    rest: str
    rpc: str
    binary: Path
    home: Path
    treasury: str
    restart: Callable[[], None]
    chain_id: str = CHAIN_ID
    denom: str = DENOM
    prefix: str = PREFIX
    gas_price: str = MINIMUM_GAS_PRICE

    def fund(self, address: str, amount: int = 10_000_000) -> None:
        """Send base units of `denom` to an address and return when they have arrived."""
        options = [*_KEYRING, "--chain-id", self.chain_id, "--fees", f"1000{self.denom}", "-y"]
        sent = self.command("tx", "bank", "send", self.treasury, address, f"{amount}{self.denom}", *options)
        if sent["code"] != 0:
            raise RuntimeError(f"funding {address}: {sent['raw_log']}")
        deadline = time.monotonic() + INCLUSION_SECONDS
        while not self._included(sent["txhash"]):
            if time.monotonic() > deadline:
                raise RuntimeError(f"funding {address}: not included in {INCLUSION_SECONDS} s")
            time.sleep(0.1)

    def command(self, *arguments: str) -> Any:
        """The JSON answer of `simd ...` against this node."""
        options = ["--home", str(self.home), "--node", self.rpc.replace("http://", "tcp://"), "-o", "json"]
        return json.loads(_simd(self.binary, self.home, *arguments, *options))

    def _included(self, tx_hash: str) -> bool:
        found = get_json(int(self.rest.rpartition(":")[2]), f"/cosmos/tx/v1beta1/txs/{tx_hash}")
        return found is not None and found["tx_response"]["code"] == 0


@contextmanager
def run_simd(binary: Path, folder: Path, funded: Mapping[str, str] | None = None) -> Iterator[Simd]:
    """Start a chain with a fresh home in `folder`; it is stopped when the block ends.

    `funded` maps addresses to coins such as `1000000ucoin` that they have from the genesis.
    """
    home = folder / "simd"
    log = folder / "simd.log"
    treasury = _write_genesis(binary, home, funded or {})
    rest, rpc, grpc, peers = free_ports(4)
    listen = {"--rpc.laddr": rpc, "--p2p.laddr": peers, "--api.address": rest}
    options = [part for name, port in listen.items() for part in (name, f"tcp://127.0.0.1:{port}")]
    options += ["--grpc.address", f"127.0.0.1:{grpc}", "--minimum-gas-prices", f"{MINIMUM_GAS_PRICE}{DENOM}"]
    options += ["--api.enable", "--rpc.pprof_laddr", ""]
    with ExitStack() as running:

        def restart() -> None:
            running.close()
            command = [str(binary), "start", "--home", str(home), *options]
            process = running.enter_context(daemon(command, log, {"HOME": str(folder)}))
            wait_until(lambda: _has_block(rest), process, log)

        restart()
        yield Simd(
            rest=f"http://127.0.0.1:{rest}",
            rpc=f"http://127.0.0.1:{rpc}",
            binary=binary,
            home=home,
            treasury=treasury,
            restart=restart,
        )


def _write_genesis(binary: Path, home: Path, funded: Mapping[str, str]) -> str:
    """Set a chain up; returns the address that has all the money."""
    _simd(binary, home, "init", "t", "--chain-id", CHAIN_ID, "--home", str(home))
    _simd(binary, home, "keys", "add", "val", *_KEYRING, "--home", str(home))
    treasury = _simd(binary, home, "keys", "show", "val", "-a", *_KEYRING, "--home", str(home)).strip()
    for address, coins in {treasury: f"1000000000stake,1000000000000{DENOM}", **funded}.items():
        _simd(binary, home, "genesis", "add-genesis-account", address, coins, "--home", str(home))
    stake = ["val", "1000000stake", "--chain-id", CHAIN_ID]
    _simd(binary, home, "genesis", "gentx", *stake, *_KEYRING, "--home", str(home))
    _simd(binary, home, "genesis", "collect-gentxs", "--home", str(home))
    config = home / "config" / "config.toml"
    # Anchored: `skip_timeout_commit` stands there too.
    text, changes = re.subn(r'(?m)^timeout_commit = ".*"$', 'timeout_commit = "300ms"', config.read_text())
    if changes != 1:
        raise RuntimeError(f"{config} has {changes} lines with timeout_commit")
    config.write_text(text)
    return treasury


def _has_block(rest: int) -> bool:
    latest = get_json(rest, "/cosmos/base/tendermint/v1beta1/blocks/latest")
    return latest is not None and int(latest["block"]["header"]["height"]) >= 1


def _simd(binary: Path, home: Path, *arguments: str) -> str:
    done = subprocess.run(
        [binary, *arguments], env={**ENVIRON, "HOME": str(home.parent)}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"simd {' '.join(arguments)}: {done.stderr.strip()[-500:]}")
    return done.stdout
