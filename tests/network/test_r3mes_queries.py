"""Queries against what a published, a newer or a broken node may answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from r3cli.chain.cosmos.client import CosmosClient
from r3cli.errors import ServerFault
from r3cli.network.r3mes.queries import PREFIX, R3mesQueries
from tests.chain.scripted import ScriptedChain, reply, serve


class Module:
    """Answers by path; what is not listed is left to the node."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.asked: list[str] = []

    def __call__(self, handler: BaseHTTPRequestHandler) -> bool:
        path = handler.path.removeprefix(f"{PREFIX}/")
        if path not in self.answers:
            return False
        self.asked.append(path)
        status, content = self.answers[path] if isinstance(self.answers[path], tuple) else (200, self.answers[path])
        reply(handler, json.dumps(content).encode(), status=status)
        return True


@pytest.fixture
def module() -> Module:
    return Module()


@pytest.fixture
def queries(module: Module) -> Iterator[R3mesQueries]:
    with serve(ScriptedChain(on_request=module)) as endpoint, CosmosClient([endpoint]) as client:
        yield R3mesQueries(client)


def test_numbers_come_as_strings_and_unknown_fields_are_passed_over(module: Module, queries: R3mesQueries) -> None:
    seed = {"global_seed": str(2**64 - 1), "block_hash": "ab", "training_round_id": "7", "news": [1]}
    module.answers["global_seed/7"] = seed
    found = queries.global_seed(7)
    assert found is not None
    assert (found.global_seed, found.block_hash, found.training_round_id) == (2**64 - 1, "ab", 7)


def test_zeros_of_the_published_chain_are_nothing(module: Module, queries: R3mesQueries) -> None:
    module.answers["global_seed/7"] = {"global_seed": "0", "block_hash": "", "training_round_id": "0"}
    module.answers["aggregation/1"] = {"aggregation_id": "0", "proposer": ""}
    assert queries.global_seed(7) is None
    assert queries.aggregation(1) is None


@pytest.mark.parametrize(
    "refusal",
    [
        (404, {"code": 5, "message": "gradient 9 not found"}),
        (500, {"code": 2, "message": "collections: not found: key '9' of type uint64"}),
    ],
)
def test_what_does_not_exist_is_none(module: Module, queries: R3mesQueries, refusal: tuple[int, Any]) -> None:
    module.answers["stored_gradient/9"] = module.answers["global_model_state"] = refusal
    assert queries.gradient(9) is None
    assert queries.global_model_state() is None


def test_pages_are_walked_to_the_end(module: Module, queries: R3mesQueries) -> None:
    first, second = "stored_gradient?pagination.limit=100", "stored_gradient?pagination.limit=100&pagination.key=AAE%3D"
    module.answers[first] = {"stored_gradients": [{"id": "1"}, {"id": "2"}], "pagination": {"next_key": "AAE="}}
    module.answers[second] = {"stored_gradients": [{"id": "3"}], "pagination": {"next_key": None, "total": "0"}}
    assert [gradient.id for gradient in queries.gradients()] == [1, 2, 3]
    assert module.asked == [first, second]


def test_pages_that_go_round_in_a_circle_end(module: Module, queries: R3mesQueries) -> None:
    page = {"stored_gradients": [], "pagination": {"next_key": "AAE="}}
    module.answers["stored_gradient?pagination.limit=100"] = page
    module.answers["stored_gradient?pagination.limit=100&pagination.key=AAE%3D"] = page
    with pytest.raises(ServerFault, match="circle"):
        list(queries.gradients())


@pytest.mark.parametrize("state", [{"training_round_id": "-1"}, {"training_round_id": "x"}, {"model_ipfs_hash": 5}])
def test_wrong_types_are_nonsense(module: Module, queries: R3mesQueries, state: Any) -> None:
    module.answers["global_model_state"] = {"state": state}
    with pytest.raises(ServerFault, match="nonsense"):
        queries.global_model_state()


def test_names_cannot_leave_their_path(module: Module, queries: R3mesQueries) -> None:
    module.answers["miner_score/..%2Fparams"] = {"miner": "asked"}
    found = queries.miner_score("../params")
    assert found is not None
    assert found.miner == "asked"
