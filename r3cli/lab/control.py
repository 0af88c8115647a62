"""`/lab/v1`: what only a lab can be told, and what the schema of the network has no query for."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool  # noqa: TID253 - the lab's servers exist to use it
from starlette.requests import Request  # noqa: TID253 - as above
from starlette.responses import Response  # noqa: TID253 - as above
from starlette.routing import Route  # noqa: TID253 - as above

from r3cli.errors import R3Error
from r3cli.lab.bank import check_bech32
from r3cli.lab.chain import Chain
from r3cli.lab.faults import DEFAULT_SECONDS, Faults
from r3cli.lab.genesis import FAUCET, REMES
from r3cli.lab.proto_json import show_time, to_json
from r3cli.lab.rejection import Rejection
from r3cli.lab.remes.module import Module
from r3cli.lab.remes.records import (
    AggregationCommitment,
    AggregationRecord,
    ChallengeRecord,
    GlobalModelState,
    NodeRegistration,
    Payment,
    Record,
    StoredGradient,
)
from r3cli.lab.web import GatewayError, answer, endpoint, query_number, read_json

PREFIX = "/lab/v1"
_PAGE = 1000

_LISTS: dict[str, type[Record]] = {
    "aggregations": AggregationRecord,
    "challenges": ChallengeRecord,
    "commitments": AggregationCommitment,
    "gradients": StoredGradient,
    "nodes": NodeRegistration,
    "payments": Payment,
}


class _Faucet(msgspec.Struct):
    address: str
    amount: int = 100 * REMES


class _Mine(msgspec.Struct):
    blocks: int = 1


class _Model(msgspec.Struct):
    manifest_cid: str


class _Fault(msgspec.Struct):
    name: str
    count: int | None = None
    seconds: float = DEFAULT_SECONDS
    off: bool = False


class Control:
    """The routes over one chain. `freeze` makes reads stale from now on."""

    def __init__(self, chain: Chain, faults: Faults, freeze: Callable[[], None]) -> None:
        self._chain = chain
        self._faults = faults
        self._freeze = freeze

    def routes(self) -> list[Route]:
        get, post = ["GET"], ["POST"]
        return [
            Route(f"{PREFIX}/status", endpoint(self.status), methods=get),
            Route(f"{PREFIX}/faucet", self.faucet, methods=post),
            Route(f"{PREFIX}/mine", self.mine, methods=post),
            Route(f"{PREFIX}/model", self.model, methods=post),
            Route(f"{PREFIX}/fault", endpoint(self.list_faults), methods=get),
            Route(f"{PREFIX}/fault", self.fault, methods=post),
            Route(f"{PREFIX}/{{kind}}", endpoint(self.records, "kind"), methods=get),
        ]

    def status(self, _: Request) -> Any:
        """Which network this is and where it stands."""
        view, genesis = self._chain.view(), self._chain.genesis
        height = view.height()
        with view.records() as records:
            model = records.get(GlobalModelState, 0)
            commitments = records.find(AggregationCommitment, status="live")
        return {
            "chain_id": genesis.chain_id,
            "mode": genesis.mode,
            "seed": genesis.seed,
            "prefix": genesis.prefix,
            "denom": genesis.denom,
            "height": height,
            "time": show_time(genesis.block_time(height)),
            "model": to_json(model) if model else None,
            "live_commitment": to_json(commitments[0]) if commitments else None,
            "faults": msgspec.to_builtins(self._faults.active()),
            "resolver": genesis.resolver,
            FAUCET: genesis.faucet,
            "pid": os.getpid(),
        }

    def records(self, request: Request, kind: str) -> Any:
        """`challenges?status=open` and the like: status, round, owner, limit and offset narrow it down."""
        if kind not in _LISTS:
            raise GatewayError(5, f"the lab has no list of {kind[:40]}: " + ", ".join(_LISTS))
        query = request.query_params
        with self._chain.view().records() as records:
            found = records.find(
                _LISTS[kind],
                status=query.get("status"),
                owner=query.get("owner"),
                training_round=query_number(request, "round", 0, most=1 << 62) if "round" in query else None,
                offset=query_number(request, "offset", 0, most=1 << 62),
                limit=query_number(request, "limit", _PAGE, most=_PAGE),
            )
        return {kind: [to_json(record) for record in found]}

    async def faucet(self, request: Request) -> Response:
        wanted = await read_json(request, _Faucet)
        return answer(await run_in_threadpool(self._give, wanted))

    async def mine(self, request: Request) -> Response:
        wanted = await read_json(request, _Mine)
        return answer({"height": await run_in_threadpool(self._mine, wanted.blocks)})

    async def model(self, request: Request) -> Response:
        wanted = await read_json(request, _Model)
        return answer(await run_in_threadpool(self._publish_model, wanted.manifest_cid))

    def list_faults(self, _: Request) -> Any:
        return {"faults": msgspec.to_builtins(self._faults.active())}

    async def fault(self, request: Request) -> Response:
        wanted = await read_json(request, _Fault)
        await run_in_threadpool(self._set_fault, wanted)
        return answer(await run_in_threadpool(self.list_faults, request))

    def _give(self, wanted: _Faucet) -> Any:
        genesis = self._chain.genesis
        try:
            check_bech32(wanted.address, genesis.prefix)
        except Rejection as error:
            raise GatewayError(3, error.log) from error

        def give(module: Module) -> None:
            state = module.context.state
            if not 0 < wanted.amount <= state.balance(genesis.faucet, genesis.denom):
                raise GatewayError(3, f"the faucet cannot give {wanted.amount}{genesis.denom}")
            state.move(genesis.faucet, wanted.address, wanted.amount)
            module.context.emit("lab_faucet", receiver=wanted.address, amount=f"{wanted.amount}{genesis.denom}")

        height = self._chain.intervene(give)
        with self._chain.view().state() as state:
            balance = state.balance(wanted.address, genesis.denom)
        return {"height": height, "address": wanted.address, "balance": str(balance), "denom": genesis.denom}

    def _mine(self, blocks: int) -> int:
        try:
            return self._chain.mine(blocks)
        except R3Error as error:
            raise GatewayError(3, error.message) from error

    def _publish_model(self, manifest_cid: str) -> Any:
        if not manifest_cid or len(manifest_cid) > 200:
            raise GatewayError(3, "manifest_cid is not a CID")
        published: list[str] = []

        def publish(module: Module) -> None:
            published.append(module.first_manifest)
            if not published[0]:
                module.publish_model(manifest_cid)

        with self._chain.view().state() as state:
            known = state.first_manifest()
        if not known:
            self._chain.intervene(publish)
            known = published[0] or manifest_cid
        if known != manifest_cid:
            raise GatewayError(9, f"the first manifest is {known} already", status=409)
        with self._chain.view().records() as records:
            model = records.get(GlobalModelState, 0)
        return {"state": to_json(model) if model else None}

    def _set_fault(self, wanted: _Fault) -> None:
        try:
            if wanted.off:
                self._faults.switch_off(wanted.name)
            elif wanted.name == "forget-mempool-cache":
                self._chain.forget_mempool()
            else:
                if wanted.name == "stale":
                    self._freeze()
                self._faults.switch_on(wanted.name, count=wanted.count, seconds=wanted.seconds)
        except R3Error as error:
            raise GatewayError(3, f"{error.message}; {error.hint}" if error.hint else error.message) from error
