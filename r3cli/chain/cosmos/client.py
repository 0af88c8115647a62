"""Several endpoints of one chain as one: wrong chains and stale nodes are passed over, reads are tried on the next.

A broadcast is never repeated here: whether that is safe is the adapter's knowledge.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Self, TypeVar

from r3cli.chain.cosmos.answers import Answer
from r3cli.chain.cosmos.node import Account, Block, Head, Included, Node
from r3cli.chain.cosmos.rest import GatewayRefusal, NoReply
from r3cli.errors import BadSetting, NotFound, R3Error, StaleNode, Temporary, Unreachable, WrongChain

T = TypeVar("T")

_SURVEY_SECONDS = 5.0
_READ_ROUNDS = 2
_PAUSE_SECONDS = 0.2


class Unanswered(Temporary):
    """A transaction was handed in, and what became of it was not said."""

    name = "unanswered"


class CosmosClient:
    """Asks the first endpoint that is reachable, of the right chain and fresh.

    `chain_id` None takes the first healthy endpoint's and holds on to it. `max_head_age` (seconds) None is for
    chains whose block times are logical; a lag of more than `max_lag` blocks behind the highest head seen is stale
    in any case.
    """

    def __init__(
        self,
        endpoints: Sequence[str],
        *,
        chain_id: str | None = None,
        max_head_age: float | None = 120.0,
        max_lag: int = 5,
        timeout: float = 10.0,
    ) -> None:
        if not endpoints:
            raise BadSetting("the network has no endpoint", hint="set chain.endpoints")
        self._nodes = [Node(url, timeout=timeout) for url in endpoints]
        self._expected = chain_id
        self._max_head_age = max_head_age
        self._max_lag = max_lag
        self._highest = 0
        self._fresh: list[tuple[Node, Head]] = []
        self._surveyed = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        for node in self._nodes:
            node.close()

    @property
    def endpoints(self) -> tuple[str, ...]:
        """The addresses of the nodes, as configured."""
        return tuple(node.url for node in self._nodes)

    @property
    def chain_id(self) -> str:
        """The chain's id, checked against the expected one."""
        if self._expected is None:
            self._expected = self._fresh_nodes()[0][1].chain_id
        return self._expected

    def read(self, ask: Callable[[Node], T]) -> T:
        """What `ask` finds on one fresh node; all its questions go to the same node, a passing trouble to the next."""
        trouble: Temporary | None = None
        for round_number in range(_READ_ROUNDS):
            if round_number:
                time.sleep(_PAUSE_SECONDS)
            for node, _ in self._fresh_nodes():
                try:
                    return ask(node)
                except Temporary as error:
                    trouble = error
                    self._surveyed = 0.0  # whatever was known about the nodes is out of date
        raise trouble or Unreachable("no endpoint answered")

    def broadcast(self, raw: bytes) -> Answer:
        """CheckTx's answer. Raises `Unanswered` when it may have arrived; any other failure means that it did not."""
        trouble: Unreachable | None = None
        for node, _ in self._fresh_nodes():
            try:
                return node.broadcast(raw)
            except NoReply as error:
                raise Unanswered(error.message, target=node.url) from error
            except Unreachable as error:
                trouble = error
            except R3Error as error:
                raise Unanswered(error.message, target=node.url) from error
        raise trouble or Unreachable("no endpoint answered")

    def head(self) -> Head:
        """The newest block of a fresh node, asked now."""
        return self.read(self.check)

    def account(self, address: str) -> Account | None:
        """Number and sequence; None while the account has never received anything."""
        return self.read(lambda node: node.account(address))

    def balance(self, address: str, denom: str) -> int:
        """Base units of one denomination."""
        return self.read(lambda node: node.balance(address, denom))

    def block(self, height: int | None = None) -> Block:
        """The block at a height (the newest by default); raises `NotFound`."""
        return self.read(lambda node: node.block(height))

    def simulate(self, raw: bytes) -> int:
        """The gas that the transaction would use; raises `ChainRefused`."""
        return self.read(lambda node: node.simulate(raw))

    def tx(self, tx_hash: str) -> Included | None:
        """An included transaction, or None."""
        return self.read(lambda node: node.tx(tx_hash))

    def get(self, path: str, model: type[T], params: dict[str, str] | None = None) -> T:
        """Any typed read; raises `GatewayRefusal` when the node says no."""
        return self.read(lambda node: node.get(path, model, params))

    def check(self, node: Node) -> Head:
        """A node's head; raises `WrongChain` or `StaleNode` when the node is not to be believed."""
        try:
            head = node.head()
        except (GatewayRefusal, NotFound) as error:
            raise Unreachable(f"{node.url} is not the REST gateway of a Cosmos chain", target=node.url) from error
        if self._expected not in (None, head.chain_id):
            raise WrongChain(
                f"{node.url} belongs to chain {head.chain_id!r}, not {self._expected!r}",
                hint="correct chain.endpoints or chain.chain_id",
                target=node.url,
            )
        self._highest = max(self._highest, head.height)
        age = (datetime.now(UTC) - head.time).total_seconds()
        if self._max_head_age is not None and age > self._max_head_age:
            raise StaleNode(f"{node.url} has no block younger than {age:.0f} s", target=node.url)
        if head.height < self._highest - self._max_lag:
            raise StaleNode(f"{node.url} is {self._highest - head.height} blocks behind", target=node.url)
        return head

    def _fresh_nodes(self) -> list[tuple[Node, Head]]:
        if not self._fresh or time.monotonic() - self._surveyed > _SURVEY_SECONDS:
            self._fresh = self._survey()
            self._surveyed = time.monotonic()
        return self._fresh

    def _survey(self) -> list[tuple[Node, Head]]:
        """Ask every node for its head; the usable ones in configured order, or the most telling of the failures."""
        found: list[tuple[Node, Head]] = []
        failures: list[R3Error] = []
        for node in self._nodes:
            try:
                head = self.check(node)
                if node.syncing():
                    raise StaleNode(f"{node.url} is still catching up with the chain", target=node.url)
            except (Temporary, WrongChain, GatewayRefusal) as error:
                failures.append(error)
            else:
                found.append((node, head))
        # A node that was asked before the highest head was known may have turned out to lag.
        fresh = [(node, head) for node, head in found if head.height >= self._highest - self._max_lag]
        if fresh:
            return fresh
        failures += [StaleNode(f"{node.url} lags behind", target=node.url) for node, _ in found]
        raise min(failures, key=_telling)


def _telling(failure: R3Error) -> int:
    order = (WrongChain, StaleNode)
    return next((place for place, kind in enumerate(order) if isinstance(failure, kind)), len(order))
