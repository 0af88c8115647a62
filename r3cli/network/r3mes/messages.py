"""Messages of a training round: nodes, gradients, tasks, aggregates, disputes (package `remes.remes.v1`)."""

from __future__ import annotations

from typing import Annotated

from r3cli.chain.cosmos.message import Tag
from r3cli.chain.cosmos.messages import Coin
from r3cli.network.r3mes.schema import NodeType, R3mesMessage, ResourceSpec, RoleAllocation


class MsgSubmitGradient(R3mesMessage, frozen=True, kw_only=True):
    """A miner hands in the work of a round: `ipfs_hash` is the payload, `gradient_hash` the root of its steps."""

    miner: Annotated[str, Tag(1)] = ""
    ipfs_hash: Annotated[str, Tag(2)] = ""
    model_version: Annotated[str, Tag(3)] = ""
    training_round_id: Annotated[int, Tag(4)] = 0
    shard_id: Annotated[int, Tag(5)] = 0
    gradient_hash: Annotated[str, Tag(6)] = ""
    gpu_architecture: Annotated[str, Tag(7)] = ""
    nonce: Annotated[int, Tag(8)] = 0
    signature: Annotated[bytes, Tag(9)] = b""
    proof_of_work_nonce: Annotated[int, Tag(10)] = 0
    model_config_id: Annotated[int, Tag(11)] = 0
    container_hash: Annotated[str, Tag(12)] = ""
    container_signature: Annotated[bytes, Tag(13)] = b""
    global_seed: Annotated[int, Tag(14)] = 0
    claimed_loss: Annotated[str, Tag(15)] = ""
    porep_proof_ipfs_hash: Annotated[str, Tag(16)] = ""
    token_count: Annotated[int, Tag(17)] = 0


class MsgSubmitGradientResponse(R3mesMessage, frozen=True, kw_only=True):
    """The answer to `MsgSubmitGradient`."""

    stored_gradient_id: Annotated[int, Tag(1)] = 0
    tx_hash: Annotated[str, Tag(2)] = ""


class MsgRegisterNode(R3mesMessage, frozen=True, kw_only=True):
    """Join the network in one or more roles, with a stake in base units."""

    node_address: Annotated[str, Tag(1)] = ""
    node_type: Annotated[NodeType, Tag(2)] = NodeType.UNSPECIFIED
    resources: Annotated[ResourceSpec | None, Tag(3)] = None
    stake: Annotated[str, Tag(4)] = ""
    roles: Annotated[tuple[NodeType, ...], Tag(5)] = ()
    role_allocations: Annotated[tuple[RoleAllocation, ...], Tag(6)] = ()
    resource_proof_ipfs_hash: Annotated[str, Tag(7)] = ""


class MsgRegisterNodeResponse(R3mesMessage, frozen=True, kw_only=True):
    """The answer to `MsgRegisterNode`."""

    registration_id: Annotated[int, Tag(1)] = 0


class MsgUpdateNodeRegistration(R3mesMessage, frozen=True, kw_only=True):
    """Change what a registered node offers."""

    node_address: Annotated[str, Tag(1)] = ""
    resources: Annotated[ResourceSpec | None, Tag(2)] = None
    roles: Annotated[tuple[NodeType, ...], Tag(3)] = ()
    role_allocations: Annotated[tuple[RoleAllocation, ...], Tag(4)] = ()
    resource_proof_ipfs_hash: Annotated[str, Tag(5)] = ""


class MsgUpdateNodeRegistrationResponse(R3mesMessage, frozen=True, kw_only=True):
    """The answer to `MsgUpdateNodeRegistration`: nothing."""


class MsgSubmitResourceUsage(R3mesMessage, frozen=True, kw_only=True):
    """Report what a role uses: the nearest thing to a heartbeat that the schema has."""

    node_address: Annotated[str, Tag(1)] = ""
    role: Annotated[NodeType, Tag(2)] = NodeType.UNSPECIFIED
    resource_usage: Annotated[ResourceSpec | None, Tag(3)] = None
    proof_ipfs_hash: Annotated[str, Tag(4)] = ""


class MsgSubmitResourceUsageResponse(R3mesMessage, frozen=True, kw_only=True):
    """The answer to `MsgSubmitResourceUsage`."""

    is_valid: Annotated[bool, Tag(1)] = False
    violation_detected: Annotated[bool, Tag(2)] = False


class MsgClaimTask(R3mesMessage, frozen=True, kw_only=True):
    """Take a chunk of a task pool."""

    miner: Annotated[str, Tag(1)] = ""
    pool_id: Annotated[int, Tag(2)] = 0
    chunk_id: Annotated[int, Tag(3)] = 0


class MsgClaimTaskResponse(R3mesMessage, frozen=True, kw_only=True):
    """The answer to `MsgClaimTask`."""

    success: Annotated[bool, Tag(1)] = False
    tx_hash: Annotated[str, Tag(2)] = ""


class MsgCompleteTask(R3mesMessage, frozen=True, kw_only=True):
    """Hand in the work on a chunk."""

    miner: Annotated[str, Tag(1)] = ""
    pool_id: Annotated[int, Tag(2)] = 0
    chunk_id: Annotated[int, Tag(3)] = 0
    gradient_hash: Annotated[str, Tag(4)] = ""
    gradient_ipfs_hash: Annotated[str, Tag(5)] = ""
    miner_gpu: Annotated[str, Tag(6)] = ""


class MsgCompleteTaskResponse(R3mesMessage, frozen=True, kw_only=True):
    """The answer to `MsgCompleteTask`."""

    success: Annotated[bool, Tag(1)] = False
    tx_hash: Annotated[str, Tag(2)] = ""


class MsgCommitAggregation(R3mesMessage, frozen=True, kw_only=True):
    """A proposer binds itself to an aggregate before anyone sees it."""

    proposer: Annotated[str, Tag(1)] = ""
    commitment_hash: Annotated[str, Tag(2)] = ""
    training_round_id: Annotated[int, Tag(3)] = 0
    participant_gradient_ids: Annotated[tuple[int, ...], Tag(4)] = ()


class MsgCommitAggregationResponse(R3mesMessage, frozen=True, kw_only=True):
    """The answer to `MsgCommitAggregation`."""

    commitment_id: Annotated[int, Tag(1)] = 0
    reveal_deadline_height: Annotated[int, Tag(2, "int64")] = 0


class MsgRevealAggregation(R3mesMessage, frozen=True, kw_only=True):
    """The proposer opens its commitment."""

    proposer: Annotated[str, Tag(1)] = ""
    commitment_id: Annotated[int, Tag(2)] = 0
    aggregated_gradient_ipfs_hash: Annotated[str, Tag(3)] = ""
    merkle_root: Annotated[str, Tag(4)] = ""
    participant_gradient_ids: Annotated[tuple[int, ...], Tag(5)] = ()
    training_round_id: Annotated[int, Tag(6)] = 0
    model_version: Annotated[str, Tag(7)] = ""
    salt: Annotated[str, Tag(8)] = ""


class MsgRevealAggregationResponse(R3mesMessage, frozen=True, kw_only=True):
    """The answer to `MsgRevealAggregation`."""

    aggregation_id: Annotated[int, Tag(1)] = 0
    commitment_verified: Annotated[bool, Tag(2)] = False


class MsgSubmitAggregation(R3mesMessage, frozen=True, kw_only=True):
    """An aggregate without commitment."""

    proposer: Annotated[str, Tag(1)] = ""
    aggregated_gradient_ipfs_hash: Annotated[str, Tag(2)] = ""
    merkle_root: Annotated[str, Tag(3)] = ""
    participant_gradient_ids: Annotated[tuple[int, ...], Tag(4)] = ()
    training_round_id: Annotated[int, Tag(5)] = 0
    model_version: Annotated[str, Tag(6)] = ""


class MsgSubmitAggregationResponse(R3mesMessage, frozen=True, kw_only=True):
    """The answer to `MsgSubmitAggregation`."""

    aggregation_id: Annotated[int, Tag(1)] = 0


class MsgChallengeAggregation(R3mesMessage, frozen=True, kw_only=True):
    """Dispute an aggregate, with evidence and a bond."""

    challenger: Annotated[str, Tag(1)] = ""
    aggregation_id: Annotated[int, Tag(2)] = 0
    reason: Annotated[str, Tag(3)] = ""
    evidence_ipfs_hash: Annotated[str, Tag(4)] = ""
    bond_amount: Annotated[tuple[Coin, ...], Tag(5)] = ()


class MsgChallengeAggregationResponse(R3mesMessage, frozen=True, kw_only=True):
    """The answer to `MsgChallengeAggregation`."""

    challenge_id: Annotated[int, Tag(1)] = 0


class MsgResolveChallenge(R3mesMessage, frozen=True, kw_only=True):
    """Decide a dispute."""

    resolver: Annotated[str, Tag(1)] = ""
    challenge_id: Annotated[int, Tag(2)] = 0
    fraud_detected: Annotated[bool, Tag(3)] = False
    resolution_reason: Annotated[str, Tag(4)] = ""


class MsgResolveChallengeResponse(R3mesMessage, frozen=True, kw_only=True):
    """The answer to `MsgResolveChallenge`."""

    resolved: Annotated[bool, Tag(1)] = False


class MsgSubmitRandomVerifierResult(R3mesMessage, frozen=True, kw_only=True):
    """What a drawn verifier found."""

    verifier: Annotated[str, Tag(1)] = ""
    challenge_id: Annotated[int, Tag(2)] = 0
    result: Annotated[str, Tag(3)] = ""
    gradient_hash: Annotated[str, Tag(4)] = ""
    evidence_ipfs_hash: Annotated[str, Tag(5)] = ""
    verifier_loss: Annotated[str, Tag(6)] = ""
    loss_match: Annotated[bool, Tag(7)] = False
    data_batch_seed: Annotated[int, Tag(8)] = 0


class MsgSubmitRandomVerifierResultResponse(R3mesMessage, frozen=True, kw_only=True):
    """The answer to `MsgSubmitRandomVerifierResult`."""

    accepted: Annotated[bool, Tag(1)] = False
    layer_3_triggered: Annotated[bool, Tag(2)] = False


class MsgSubmitCPUVerification(R3mesMessage, frozen=True, kw_only=True):
    """What a validator of the panel found."""

    validator: Annotated[str, Tag(1)] = ""
    challenge_id: Annotated[int, Tag(2)] = 0
    is_valid: Annotated[bool, Tag(3)] = False
    computed_hash: Annotated[str, Tag(4)] = ""
    expected_hash: Annotated[str, Tag(5)] = ""


class MsgSubmitCPUVerificationResponse(R3mesMessage, frozen=True, kw_only=True):
    """The answer to `MsgSubmitCPUVerification`."""

    accepted: Annotated[bool, Tag(1)] = False
