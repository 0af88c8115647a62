"""The module's REST queries (networks/r3mes.md 1.3), in either mode.

In mode `published` the lists, seeds and statistics are empty although work exists, as they were seen to be; what the
schema cannot answer in mode `full` is said to be not implemented, never answered with zeros.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any, TypeVar

from starlette.requests import Request  # noqa: TID253 - the lab's servers exist to use it
from starlette.routing import Route  # noqa: TID253 - as above

from r3cli.lab.proto_json import to_json
from r3cli.lab.remes.module import CHALLENGE_BLOCKS, MIN_STAKE
from r3cli.lab.remes.records import (
    AggregationRecord,
    GlobalModelState,
    NodeRegistration,
    Record,
    StoredGradient,
)
from r3cli.lab.view import ChainView
from r3cli.lab.web import GatewayError, endpoint, query_number
from r3cli.network.r3mes.schema import NodeType

PREFIX = "/remes/remes/v1"
_PAGE = 100
_MAX_PAGE = 1000
_MAX_UINT64 = (1 << 64) - 1

R = TypeVar("R", bound=Record)


class Queries:
    """The routes over one chain."""

    def __init__(self, view: Callable[[], ChainView], mode: str) -> None:
        self._view = view
        self._published = mode == "published"

    def routes(self) -> list[Route]:
        table: list[tuple[str, Callable[..., Any]]] = [
            ("params", self.params),
            ("gradient/{id}", self.gradient),
            ("stored_gradient", self.gradients),
            ("stored_gradient/{id}", self.stored_gradient),
            ("aggregation/{id}", self.aggregation),
            ("model_params", self.model_params),
            ("global_model_state", self.global_model_state),
            ("global_seed/{round}", self.global_seed),
            ("node_registration/{address}", self.node),
            ("node_registrations", self.nodes),
            ("miner_score/{address}", self.miner_score),
            ("dashboard/statistics", self.statistics),
            ("dashboard/miners", self.miners),
            ("dashboard/blocks", self.blocks),
            ("dashboard/block/{height}", self.block),
            ("task_pool/active", self.task_pool),
            ("task_pool/{pool}/available_chunks", self.task_chunks),
        ]
        return [_route(path, function) for path, function in table]

    def params(self, _: Request) -> Any:
        """Module parameters; `full` has the ones by which it really plays."""
        full = not self._published
        return {
            "params": {
                "nonce_window_size": "10000",
                "min_stake": str(MIN_STAKE) if full else "1000",
                "stake_denom": self._view().genesis.denom if full else "remes",
                "mining_difficulty": "1234.0",
                "reward_per_gradient": "0.1",
                "max_validators": "100",
                "slashing_penalty": "0.05",
                "challenge_period_blocks": str(CHALLENGE_BLOCKS if full else 100),
                "scalability_params": None,
            }
        }

    def gradient(self, _: Request, identity: str) -> Any:
        return {"gradient": to_json(self._get(StoredGradient, identity))}

    def stored_gradient(self, _: Request, identity: str) -> Any:
        return {"stored_gradient": to_json(self._get(StoredGradient, identity))}

    def gradients(self, request: Request) -> Any:
        return self._page(request, StoredGradient, "stored_gradients")

    def aggregation(self, _: Request, identity: str) -> Any:
        """The schema's answer; `full` adds what a verifier needs and the schema keeps on chain without a query."""
        found = self._get(AggregationRecord, identity)
        shown = {
            "aggregation_id": str(found.aggregation_id),
            "proposer": found.proposer,
            "aggregated_gradient_ipfs_hash": found.aggregated_gradient_ipfs_hash,
            "merkle_root": found.merkle_root,
            "participant_count": str(len(found.participant_gradient_ids)),
            "training_round_id": str(found.training_round_id),
        }
        return shown if self._published else {**to_json(found), **shown}

    def model_params(self, _: Request) -> Any:
        shown = to_json(self._get(GlobalModelState, "0"))
        return {name: shown[name] for name in ("model_ipfs_hash", "model_version", "last_updated_height")}

    def global_model_state(self, _: Request) -> Any:
        return {"state": to_json(self._get(GlobalModelState, "0"))}

    def global_seed(self, _: Request, training_round: str) -> Any:
        number, genesis = _read_number("training_round_id", training_round), self._view().genesis
        return {
            "global_seed": "0" if self._published else str(genesis.round_seed(number)),
            "block_hash": "" if self._published else genesis.block_hash.hex(),
            "training_round_id": "0" if self._published else str(number),
        }

    def node(self, _: Request, address: str) -> Any:
        with self._view().records() as records:
            found = records.find(NodeRegistration, owner=address)
        if not found:
            raise _missing()
        return {"registration": to_json(found[0])}

    def nodes(self, request: Request) -> Any:
        with self._view().records() as records:
            total = records.count(NodeRegistration)
            offset, limit = _window(request)
            found = records.find(NodeRegistration, offset=offset, limit=limit)
        return {"registrations": [to_json(node) for node in found], "pagination": _pagination(offset, limit, total)}

    def miner_score(self, _: Request, address: str) -> Any:
        score = {"total_submissions": "0", "successful_submissions": "0", "slashing_events": "0"}
        if not self._published:
            score = _count_work(self._view(), address)
        return {"miner": address, "trust_score": "", "reputation_tier": "", **score}

    def statistics(self, _: Request) -> Any:
        view = self._view()
        with view.records() as records:
            miners = _miners(records.find(NodeRegistration))
            numbers = {
                "total_miners": len(miners),
                "active_miners": sum(node.status.name == "ACTIVE" for node in miners),
                "total_gradients": records.count(StoredGradient),
                "total_aggregations": records.count(AggregationRecord),
                "pending_gradients": records.count(StoredGradient, status="pending"),
                "pending_aggregations": records.count(AggregationRecord, status="pending"),
                "average_gradient_size": 0,
                "last_updated": view.height(),
            }
        return {name: "0" if self._published else str(number) for name, number in numbers.items()}

    def miners(self, _: Request) -> Any:
        view, found = self._view(), []
        if not self._published:
            with view.records() as records:
                found = _miners(records.find(NodeRegistration, limit=_MAX_PAGE))
        shown = [
            {
                "address": node.node_address,
                "status": node.status.name.lower(),
                "trust_score": "",
                "reputation_tier": "",
                **_count_work(view, node.node_address),
            }
            for node in found
        ]
        return {"miners": shown, "total": str(len(shown)), "pagination": None}

    def blocks(self, _: Request) -> Any:
        view = self._view()
        newest = view.height()
        heights = [] if self._published else range(newest, max(0, newest - _PAGE), -1)
        shown = [_show_block(view, height) for height in heights]
        return {"blocks": shown, "total": "0" if self._published else str(newest)}

    def block(self, _: Request, height: str) -> Any:
        if self._published:
            return {"block": None}
        return {"block": _show_block(self._view(), _read_number("height", height))}

    def task_pool(self, _: Request) -> Any:
        self._refuse_unless_published()
        return {"pool_id": "0", "has_active_pool": False}

    def task_chunks(self, _: Request, pool: str) -> Any:
        self._refuse_unless_published()
        _read_number("pool_id", pool)
        return {"chunks": [], "total_available": "0"}

    def _refuse_unless_published(self) -> None:
        if not self._published:
            raise GatewayError(12, "the lab network has no task pools")

    def _get(self, cls: type[R], identity: str) -> R:
        with self._view().records() as records:
            found = records.get(cls, _read_number("id", identity))
        if found is None:
            raise _missing()
        return found

    def _page(self, request: Request, cls: type[Record], name: str) -> Any:
        if self._published:
            return {name: [], "pagination": None}
        offset, limit = _window(request)
        with self._view().records() as records:
            total = records.count(cls)
            newest_first = request.query_params.get("pagination.reverse", "") == "true"
            found = records.find(cls, offset=offset, limit=limit, newest_first=newest_first)
        return {name: [to_json(record) for record in found], "pagination": _pagination(offset, limit, total)}


def _route(path: str, function: Callable[..., Any]) -> Route:
    names = [part.strip("{}") for part in path.split("/") if part.startswith("{")]
    return Route(f"{PREFIX}/{path}", endpoint(function, *names), methods=["GET"])


def _missing() -> GatewayError:
    return GatewayError(2, "collections: not found")  # HTTP 500, as the published chain answers


def _read_number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 20 or int(text) > _MAX_UINT64:
        problem = f'strconv.ParseUint: parsing "{text[:40]}": invalid syntax'
        raise GatewayError(3, f"type mismatch, parameter: {name}, error: {problem}")
    return int(text)


def _window(request: Request) -> tuple[int, int]:
    """Offset and limit of a page; the key of a page is its offset, seven bytes in base64."""
    limit = query_number(request, "pagination.limit", _PAGE, most=_MAX_PAGE) or _PAGE
    key = request.query_params.get("pagination.key", "")
    if not key:
        return query_number(request, "pagination.offset", 0, most=(1 << 62)), limit
    try:
        return int.from_bytes(base64.b64decode(key, validate=True)[:7], "big"), limit
    except ValueError as error:
        raise GatewayError(3, "pagination.key is not base64") from error


def _pagination(offset: int, limit: int, total: int) -> Any:
    end = offset + limit
    next_key = base64.b64encode(end.to_bytes(7, "big")).decode() if end < total else None
    return {"next_key": next_key, "total": str(total)}


def _count_work(view: ChainView, address: str) -> dict[str, str]:
    with view.records() as records:
        nodes = records.find(NodeRegistration, owner=address)
        return {
            "total_submissions": str(records.count(StoredGradient, owner=address)),
            "successful_submissions": str(records.count(StoredGradient, owner=address, status="accepted")),
            "slashing_events": str(nodes[0].slashing_events if nodes else 0),
        }


def _miners(nodes: list[NodeRegistration]) -> list[NodeRegistration]:
    return [node for node in nodes if NodeType.MINING in node.roles]


def _show_block(view: ChainView, height: int) -> Any:
    block = view.block(height)
    if block is None:
        raise GatewayError(5, f"block {height} not found")
    timestamp = int(view.genesis.block_time(height).timestamp())
    return {
        "height": str(height),
        "hash": block.hash.hex().upper(),
        "timestamp": str(timestamp),
        "tx_count": str(len(block.txs)),
    }
