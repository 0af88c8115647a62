"""What `r3 lab` does: start, stop, look at, disturb, fund and reset a lab network."""

from __future__ import annotations

import shutil
import socket
from contextlib import AbstractContextManager

import msgspec

from r3cli.errors import NotFound, Refused
from r3cli.journal import Journal
from r3cli.lab.faults import DEFAULT_SECONDS, Fault, check_name
from r3cli.lab.genesis import Mode
from r3cli.lab.launch import find_server, running_client, start_server, stop_server
from r3cli.lab.ledger import LEDGER, founded_genesis
from r3cli.lab.loopback import check_loopback
from r3cli.lab.talk import LabClient
from r3cli.locks import hold_lock
from r3cli.money import Amount, amount, parse_amount
from r3cli.paths import Paths
from r3cli.result import Data, Result

DEFAULT_GRANT = "100"
_LOCK_SECONDS = 60.0

LOCAL = "local"  # the network that these servers are


class LabStatus(Data, frozen=True, kw_only=True):
    """A running lab network. `endpoint` speaks Cosmos REST, CometBFT RPC and `/lab/v1`, `storage` Kubo's RPC."""

    endpoint: str
    storage: str
    chain_id: str
    mode: str
    seed: int
    height: int
    time: str
    denom: str
    round: int | None
    manifest_cid: str | None
    faults: list[Fault]
    pid: int
    ledger: str


class LabStopped(Data, frozen=True, kw_only=True):
    """The servers that were stopped; none when none ran."""

    stopped: list[str]


class LabFaults(Data, frozen=True, kw_only=True):
    """The faults in force after the change."""

    changed: str
    faults: list[Fault]


class LabGrant(Data, frozen=True, kw_only=True):
    """What the faucet gave, and what the account has now."""

    address: str
    given: Amount
    balance: Amount
    height: int


class LabReset(Data, frozen=True, kw_only=True):
    """What was removed."""

    chain_id: str
    removed: list[str]


def up(
    paths: Paths, *, seed: int, mode: Mode = "full", host: str = "127.0.0.1", chain_port: int = 0, storage_port: int = 0
) -> Result[LabStatus]:
    """Start a lab server on loopback ports (0: any free one), or find the one that runs.

    Raises `PublicBind` for another address, `Refused` when the ledger is another network's.
    """
    check_loopback(host)
    with _launching(paths):
        server = find_server(paths)
        if server is not None and (server.seed, server.mode) != (seed, mode):
            raise Refused(
                f"a lab server of seed {server.seed}, mode {server.mode} runs here already",
                hint="stop it with `r3 lab down`, or give another --state folder",
            )
        warnings = ("it was running already",) if server else ()
        if server is None:
            ports = {"chain_port": chain_port or _free_port(host), "storage_port": storage_port or _free_port(host)}
            server = start_server(paths, seed=seed, mode=mode, host=host, **ports)
    return Result(_read_status(paths, LabClient(server.endpoint)), warnings)


def down(paths: Paths) -> Result[LabStopped]:
    """Stop every lab server of this state folder; the ledger stays."""
    stopped: list[str] = []
    with _launching(paths):
        while True:
            try:
                client = running_client(paths)
            except NotFound:
                return Result(LabStopped(stopped=stopped))
            stop_server(paths, client)
            stopped.append(client.endpoint)


def status(paths: Paths) -> Result[LabStatus]:
    """What the running lab server says of itself; raises `NotFound` when none runs."""
    return Result(_read_status(paths, running_client(paths)))


def fault(
    paths: Paths, name: str, *, count: int | None = None, seconds: float = DEFAULT_SECONDS, off: bool = False
) -> Result[LabFaults]:
    """Switch a trouble on (for `count` requests, or until off) or off."""
    check_name(name)
    body = {"name": name, "count": count, "seconds": seconds, "off": off}
    answer = running_client(paths).post("fault", body)
    return Result(LabFaults(changed=name, faults=msgspec.convert(answer["faults"], list[Fault])))


def faucet(paths: Paths, address: str, given: str = DEFAULT_GRANT) -> Result[LabGrant]:
    """Give money from the faucet's account to an address; `given` is an amount such as 1.5remes or 10uremes."""
    client = running_client(paths)
    denom = client.get("status")["denom"]
    wanted = parse_amount(given, denom)
    answer = client.post("faucet", {"address": address, "amount": wanted.base})
    balance = amount(int(answer["balance"]), denom)
    return Result(LabGrant(address=address, given=wanted, balance=balance, height=answer["height"]))


def name_to_confirm(paths: Paths) -> str:
    """What must be typed to reset: the network's chain id. Raises `NotFound` when there is no network."""
    if not (paths.lab / LEDGER).is_file():
        raise NotFound(f"there is no lab network in {paths.state}", hint="nothing needs to be reset")
    genesis = founded_genesis(paths)
    return genesis.chain_id if genesis else "empty"


def reset(paths: Paths, *, confirm: str) -> Result[LabReset]:
    """Stop the servers and remove the ledger, with the journal and the training records that speak of its chain.

    Blocks and wallets stay. A network of the same seed has the same chain id, so an old journal would claim that its
    transactions were done. `confirm` repeats the chain id.
    """
    chain_id = name_to_confirm(paths)
    if confirm != chain_id:
        raise Refused(f"{confirm!r} is not {chain_id!r}, so nothing was removed", hint=f"--confirm {chain_id}")
    down(paths)
    with _launching(paths):
        removed = sorted(str(path) for path in paths.lab.iterdir())
        shutil.rmtree(paths.lab)
        if (records := paths.train / chain_id).exists():
            removed.append(str(records))
            shutil.rmtree(records)
        if paths.journal.exists():
            Journal(paths.journal).forget(LOCAL)
    return Result(LabReset(chain_id=chain_id, removed=removed))


def _launching(paths: Paths) -> AbstractContextManager[None]:
    return hold_lock(paths.lab / "launch.lock", "starting or stopping the lab", wait_seconds=_LOCK_SECONDS)


def _free_port(host: str) -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _read_status(paths: Paths, client: LabClient) -> LabStatus:
    answer = client.get("status")
    model, server = answer["model"], find_server(paths)
    return LabStatus(
        endpoint=client.endpoint,
        storage=server.storage if server else client.endpoint,
        chain_id=answer["chain_id"],
        mode=answer["mode"],
        seed=answer["seed"],
        height=answer["height"],
        time=answer["time"],
        denom=answer["denom"],
        round=int(model["training_round_id"]) if model else None,
        manifest_cid=model["model_ipfs_hash"] if model else None,
        faults=msgspec.convert(answer["faults"], list[Fault]),
        pid=answer["pid"],
        ledger=str(paths.lab / LEDGER),
    )
