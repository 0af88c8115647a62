"""Typed reads of the R3MES module over REST (networks/r3mes.md 1.3).

Answers may have more fields than are named here; a field that is missing has its protobuf default, because the
published chain leaves most of them empty. What does not exist is None: the chain answers `collections: not found`,
or with zeros.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, TypeVar
from urllib.parse import quote

import msgspec

from r3cli.chain.cosmos.client import CosmosClient
from r3cli.chain.cosmos.rest import GatewayRefusal
from r3cli.errors import ServerFault

PREFIX = "/remes/remes/v1"
PAGE_LIMIT = 100
MAX_PAGES = 10_000

U64 = Annotated[int, msgspec.Meta(ge=0)]  # a decimal string in protobuf's JSON
T = TypeVar("T")


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Base of what the module answers."""


class Params(Answer, frozen=True, kw_only=True):
    """The module's parameters; decimals are strings, amounts base units."""

    min_stake: str = ""
    stake_denom: str = ""
    mining_difficulty: str = ""
    reward_per_gradient: str = ""
    slashing_penalty: str = ""
    nonce_window_size: U64 = 0
    max_validators: U64 = 0
    challenge_period_blocks: int = 0


class StoredGradient(Answer, frozen=True, kw_only=True):
    """A submission as the chain keeps it. The published chain fills the first seven of the schema's fields only."""

    id: U64 = 0
    miner: str = ""
    ipfs_hash: str = ""
    model_version: str = ""
    training_round_id: U64 = 0
    shard_id: U64 = 0
    gradient_hash: str = ""
    gpu_architecture: str = ""
    submitted_at_height: int = 0
    status: str = ""
    model_config_id: U64 = 0
    container_hash: str = ""
    global_seed: U64 = 0
    claimed_loss: str = ""
    porep_proof_ipfs_hash: str = ""


class Aggregation(Answer, frozen=True, kw_only=True):
    """An accepted aggregate. The schema's answer ends with `training_round_id`; the lab node adds the rest."""

    aggregation_id: U64 = 0
    proposer: str = ""
    aggregated_gradient_ipfs_hash: str = ""
    merkle_root: str = ""
    participant_count: U64 = 0
    training_round_id: U64 = 0
    participant_gradient_ids: tuple[U64, ...] = ()
    model_version: str = ""
    submitted_at_height: int = 0
    status: str = ""
    challenge_deadline_height: int = 0


class Resources(Answer, frozen=True, kw_only=True):
    """What a node said that it has."""

    cpu_cores: int = 0
    memory_gb: int = 0
    gpu_count: int = 0
    gpu_memory_gb: int = 0
    storage_gb: int = 0
    network_bandwidth_mbps: int = 0


class NodeRegistration(Answer, frozen=True, kw_only=True):
    """A registered node; `node_type`, `roles` and `status` are enumeration names such as `NODE_TYPE_MINING`."""

    node_address: str = ""
    node_type: str = ""
    resources: Resources | None = None
    stake: str = ""
    status: str = ""
    roles: tuple[str, ...] = ()
    registered_at_height: int = 0
    resource_proof_ipfs_hash: str = ""
    last_heartbeat_height: int = 0
    slashing_events: U64 = 0


class GlobalModelState(Answer, frozen=True, kw_only=True):
    """The open round: `model_ipfs_hash` names its manifest."""

    model_ipfs_hash: str = ""
    model_version: str = ""
    last_updated_height: int = 0
    training_round_id: U64 = 0
    last_aggregation_id: U64 = 0


class GlobalSeed(Answer, frozen=True, kw_only=True):
    """The seed of a round and the block hash (hex) from which it is derived."""

    global_seed: U64 = 0
    block_hash: str = ""
    training_round_id: U64 = 0


class MinerScore(Answer, frozen=True, kw_only=True):
    """What the chain thinks of a miner."""

    miner: str = ""
    trust_score: str = ""
    reputation_tier: str = ""
    total_submissions: U64 = 0
    successful_submissions: U64 = 0
    slashing_events: U64 = 0


class ActivePool(Answer, frozen=True, kw_only=True):
    """The task pool that is open, if there is one."""

    pool_id: U64 = 0
    has_active_pool: bool = False


class TaskChunk(Answer, frozen=True, kw_only=True):
    """A chunk of a task pool that nobody has claimed."""

    chunk_id: U64 = 0
    data_hash: str = ""
    shard_id: U64 = 0


class R3mesQueries:
    """The module's queries over one client."""

    def __init__(self, client: CosmosClient) -> None:
        self._client = client

    def params(self) -> Params:
        """The module's parameters."""
        return self._get("params", _ParamsAnswer).params

    def gradient(self, gradient_id: int) -> StoredGradient | None:
        """A submission by its id."""
        found = self._find(f"stored_gradient/{gradient_id}", _GradientAnswer)
        return found.stored_gradient if found else None

    def gradients(self) -> Iterator[StoredGradient]:
        """All submissions in order of id, page by page. The published chain always lists none: walk ids there."""
        key = ""
        for _ in range(MAX_PAGES):
            params = {"pagination.limit": str(PAGE_LIMIT)} | ({"pagination.key": key} if key else {})
            page = self._get("stored_gradient", _GradientPage, params)
            yield from page.stored_gradients
            following = (page.pagination.next_key if page.pagination else None) or ""
            if not following:
                return
            if following == key:
                raise ServerFault("the chain's list of gradients goes round in a circle")
            key = following
        raise ServerFault(f"the chain's list of gradients has more than {MAX_PAGES} pages")

    def aggregation(self, aggregation_id: int) -> Aggregation | None:
        """An aggregate by its id."""
        found = self._find(f"aggregation/{aggregation_id}", Aggregation)
        return found if found and found.proposer else None

    def node_registration(self, address: str) -> NodeRegistration | None:
        """A node's registration."""
        found = self._find(f"node_registration/{quote(address, safe='')}", _RegistrationAnswer)
        return found.registration if found else None

    def node_registrations(self) -> tuple[NodeRegistration, ...]:
        """The registered nodes of the first page."""
        return self._get("node_registrations", _RegistrationsAnswer).registrations

    def global_model_state(self) -> GlobalModelState | None:
        """The open round; None before the first."""
        found = self._find("global_model_state", _StateAnswer)
        return found.state if found else None

    def global_seed(self, training_round_id: int) -> GlobalSeed | None:
        """A round's seed; None where the chain has none (the published one answers with zeros)."""
        found = self._find(f"global_seed/{training_round_id}", GlobalSeed)
        return found if found and found.block_hash else None

    def miner_score(self, miner: str) -> MinerScore | None:
        """What the chain thinks of a miner."""
        return self._find(f"miner_score/{quote(miner, safe='')}", MinerScore)

    def active_pool(self) -> ActivePool:
        """The open task pool."""
        return self._get("task_pool/active", ActivePool)

    def available_chunks(self, pool_id: int, *, limit: int = PAGE_LIMIT) -> tuple[TaskChunk, ...]:
        """Chunks that nobody has claimed."""
        return self._get(f"task_pool/{pool_id}/available_chunks", _ChunksAnswer, {"limit": str(limit)}).chunks

    def _get(self, path: str, model: type[T], params: dict[str, str] | None = None) -> T:
        return self._client.get(f"{PREFIX}/{path}", model, params)

    def _find(self, path: str, model: type[T]) -> T | None:
        try:
            return self._get(path, model)
        except GatewayRefusal as refusal:
            # Stored state that does not exist is code 5 with 404, or, as published, code 2 with 500 and this text.
            if refusal.status == 404 or "not found" in refusal.text:
                return None
            raise


class _Page(msgspec.Struct):
    next_key: str | None = None


class _ParamsAnswer(msgspec.Struct):
    params: Params


class _GradientAnswer(msgspec.Struct):
    stored_gradient: StoredGradient | None = None


class _GradientPage(msgspec.Struct):
    stored_gradients: tuple[StoredGradient, ...] = ()
    pagination: _Page | None = None


class _RegistrationAnswer(msgspec.Struct):
    registration: NodeRegistration | None = None


class _RegistrationsAnswer(msgspec.Struct):
    registrations: tuple[NodeRegistration, ...] = ()


class _StateAnswer(msgspec.Struct):
    state: GlobalModelState | None = None


class _ChunksAnswer(msgspec.Struct):
    chunks: tuple[TaskChunk, ...] = ()
