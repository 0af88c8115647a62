"""From settings to a chain that can be asked and written to; on `local` the node is started when none is there."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

from r3cli.chain.cosmos.adapter import CosmosChain
from r3cli.chain.cosmos.client import CosmosClient
from r3cli.chain.cosmos.plan import ChainConfig
from r3cli.errors import NotFound
from r3cli.events import Report, silent
from r3cli.journal import Journal
from r3cli.money import parse_amount
from r3cli.network.r3mes.queries import R3mesQueries
from r3cli.paths import Paths
from r3cli.settings import ChainSettings, Settings


@dataclass(frozen=True)
class Connection:
    """A network in use: its chain, its module's queries, the journal. Close it, or use it as a context."""

    network: str
    chain: CosmosChain
    queries: R3mesQueries
    journal: Journal
    is_lab: bool = False  # the chain is the lab node that ships with r3

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection to the chain's nodes."""
        self.chain.client.close()


# Which local network is meant: one of the settings' seed, the one in the state folder, or whichever there is.
LocalChoice = Literal["of-settings", "there-is", "any"]


def connect(
    settings: Settings, paths: Paths, report: Report = silent, *, local_network: LocalChoice = "of-settings"
) -> Connection:
    """Connect to the configured network; a network without endpoints is the local one, whose server starts on demand.

    Raises `NotFound` for `there-is` where no local network was founded: looking must not found one.
    """
    values = settings.values
    config = chain_config(values.chain)
    local = not values.chain.endpoints
    endpoints = values.chain.endpoints or (_local_endpoint(settings, paths, local_network),)
    # The lab's blocks have logical times, which say nothing about how fresh it is.
    client = CosmosClient(endpoints, chain_id=config.chain_id, max_head_age=None if local else 120.0)
    journal = Journal(paths.journal)
    return Connection(
        network=values.network,
        chain=CosmosChain(config, client, journal, paths, report),
        queries=R3mesQueries(client),
        journal=journal,
        is_lab=local,
    )


def chain_config(chain: ChainSettings) -> ChainConfig:
    """The adapter's view of the chain settings."""
    return ChainConfig(
        prefix=chain.prefix,
        denom=chain.denom,
        chain_id=chain.chain_id,
        exponent=chain.exponent,
        gas_price=chain.gas_price,
        gas_adjustment=chain.gas_adjustment,
        max_fee=parse_amount(chain.max_fee, chain.denom, chain.exponent).base,
        timeout_blocks=chain.timeout_blocks,
        confirm_seconds=chain.confirm_seconds,
    )


def _local_endpoint(settings: Settings, paths: Paths, choice: LocalChoice) -> str:
    from r3cli.lab.launch import ensure_local  # not every network needs the lab
    from r3cli.lab.ledger import founded_genesis

    founded = None if choice == "of-settings" else founded_genesis(paths)
    if founded is not None:
        return ensure_local(paths, seed=founded.seed, mode=founded.mode)
    if choice == "there-is":
        raise NotFound(f"no local network was started in {paths.state}", hint="r3 train run --network local")
    return ensure_local(paths, seed=settings.values.train.seed, mode=settings.values.lab.mode)
