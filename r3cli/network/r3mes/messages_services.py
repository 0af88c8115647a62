"""Messages beside the training round: serving, trap jobs, pinning, windows and subnets."""

from __future__ import annotations

from typing import Annotated

from r3cli.chain.cosmos.message import Tag
from r3cli.network.r3mes.schema import LayerRange, R3mesMessage


class MsgUpdateServingNodeStatus(R3mesMessage, frozen=True, kw_only=True):
    """Say which model a serving node offers."""

    serving_node: Annotated[str, Tag(1)] = ""
    model_version: Annotated[str, Tag(2)] = ""
    model_ipfs_hash: Annotated[str, Tag(3)] = ""
    is_available: Annotated[bool, Tag(4)] = False


class MsgUpdateServingNodeStatusResponse(R3mesMessage, frozen=True, kw_only=True):
    """The answer to `MsgUpdateServingNodeStatus`."""

    updated: Annotated[bool, Tag(1)] = False


class MsgRequestInference(R3mesMessage, frozen=True, kw_only=True):
    """Ask a serving node for an answer."""

    requester: Annotated[str, Tag(1)] = ""
    serving_node: Annotated[str, Tag(2)] = ""
    model_version: Annotated[str, Tag(3)] = ""
    input_data_ipfs_hash: Annotated[str, Tag(4)] = ""
    fee: Annotated[str, Tag(5)] = ""


class MsgRequestInferenceResponse(R3mesMessage, frozen=True, kw_only=True):
    """The answer to `MsgRequestInference`."""

    request_id: Annotated[str, Tag(1)] = ""


class MsgSubmitInferenceResult(R3mesMessage, frozen=True, kw_only=True):
    """Hand in an answer."""

    serving_node: Annotated[str, Tag(1)] = ""
    request_id: Annotated[str, Tag(2)] = ""
    result_ipfs_hash: Annotated[str, Tag(3)] = ""
    latency_ms: Annotated[int, Tag(4)] = 0


class MsgSubmitInferenceResultResponse(R3mesMessage, frozen=True, kw_only=True):
    """The answer to `MsgSubmitInferenceResult`."""

    accepted: Annotated[bool, Tag(1)] = False


class MsgCreateTrapJob(R3mesMessage, frozen=True, kw_only=True):
    """Plant a job with a known result."""

    creator: Annotated[str, Tag(1)] = ""
    target_miner: Annotated[str, Tag(2)] = ""
    dataset_ipfs_hash: Annotated[str, Tag(3)] = ""
    expected_gradient_hash: Annotated[str, Tag(4)] = ""
    deadline_blocks: Annotated[int, Tag(5)] = 0
    obfuscate_with_dummy_data: Annotated[bool, Tag(6)] = False
    federated_signatures: Annotated[tuple[bytes, ...], Tag(7)] = ()


class MsgCreateTrapJobResponse(R3mesMessage, frozen=True, kw_only=True):
    """The answer to `MsgCreateTrapJob`."""

    trap_job_id: Annotated[str, Tag(1)] = ""


class MsgSubmitTrapJobResult(R3mesMessage, frozen=True, kw_only=True):
    """Hand in the result of a trap job."""

    miner: Annotated[str, Tag(1)] = ""
    trap_job_id: Annotated[str, Tag(2)] = ""
    gradient_ipfs_hash: Annotated[str, Tag(3)] = ""
    gradient_hash: Annotated[str, Tag(4)] = ""


class MsgSubmitTrapJobResultResponse(R3mesMessage, frozen=True, kw_only=True):
    """The answer to `MsgSubmitTrapJobResult`."""

    verified: Annotated[bool, Tag(1)] = False


class MsgAppealTrapJobSlashing(R3mesMessage, frozen=True, kw_only=True):
    """Appeal against a slashing for a trap job."""

    appellant: Annotated[str, Tag(1)] = ""
    trap_job_id: Annotated[str, Tag(2)] = ""
    reason: Annotated[str, Tag(3)] = ""
    evidence_ipfs_hash: Annotated[str, Tag(4)] = ""


class MsgAppealTrapJobSlashingResponse(R3mesMessage, frozen=True, kw_only=True):
    """The answer to `MsgAppealTrapJobSlashing`."""

    appeal_id: Annotated[str, Tag(1)] = ""


class MsgCommitPinning(R3mesMessage, frozen=True, kw_only=True):
    """Promise to keep content for a number of blocks."""

    node_address: Annotated[str, Tag(1)] = ""
    ipfs_hash: Annotated[str, Tag(2)] = ""
    stake: Annotated[str, Tag(3)] = ""
    commitment_duration_blocks: Annotated[int, Tag(4)] = 0


class MsgCommitPinningResponse(R3mesMessage, frozen=True, kw_only=True):
    """The answer to `MsgCommitPinning`."""

    pinning_id: Annotated[str, Tag(1)] = ""


class MsgChallengePinning(R3mesMessage, frozen=True, kw_only=True):
    """Ask a node to prove that it keeps content."""

    challenger: Annotated[str, Tag(1)] = ""
    node_address: Annotated[str, Tag(2)] = ""
    ipfs_hash: Annotated[str, Tag(3)] = ""


class MsgChallengePinningResponse(R3mesMessage, frozen=True, kw_only=True):
    """The answer to `MsgChallengePinning`."""

    challenge_id: Annotated[int, Tag(1)] = 0


class MsgRespondToChallenge(R3mesMessage, frozen=True, kw_only=True):
    """Prove that content is kept."""

    node_address: Annotated[str, Tag(1)] = ""
    challenge_id: Annotated[int, Tag(2)] = 0
    proof_ipfs_hash: Annotated[str, Tag(3)] = ""


class MsgRespondToChallengeResponse(R3mesMessage, frozen=True, kw_only=True):
    """The answer to `MsgRespondToChallenge`."""

    is_valid: Annotated[bool, Tag(1)] = False


class MsgSubmitAsyncGradient(R3mesMessage, frozen=True, kw_only=True):
    """Hand in work on a training window."""

    miner: Annotated[str, Tag(1)] = ""
    window_id: Annotated[int, Tag(2)] = 0
    gradient_hash: Annotated[str, Tag(3)] = ""
    subnet_id: Annotated[int, Tag(4)] = 0
    layer_range: Annotated[LayerRange | None, Tag(5)] = None


class MsgSubmitAsyncGradientResponse(R3mesMessage, frozen=True, kw_only=True):
    """The answer to `MsgSubmitAsyncGradient`."""

    submission_id: Annotated[int, Tag(1)] = 0


class MsgCreateTrainingWindow(R3mesMessage, frozen=True, kw_only=True):
    """Open a training window."""

    authority: Annotated[str, Tag(1)] = ""
    window_id: Annotated[int, Tag(2)] = 0
    start_height: Annotated[int, Tag(3, "int64")] = 0
    aggregator_node: Annotated[str, Tag(4)] = ""


class MsgCreateTrainingWindowResponse(R3mesMessage, frozen=True, kw_only=True):
    """The answer to `MsgCreateTrainingWindow`."""

    window_id: Annotated[int, Tag(1)] = 0


class MsgSubmitLazyAggregation(R3mesMessage, frozen=True, kw_only=True):
    """Aggregate a training window."""

    aggregator: Annotated[str, Tag(1)] = ""
    window_id: Annotated[int, Tag(2)] = 0
    collected_gradients: Annotated[tuple[str, ...], Tag(3)] = ()
    aggregation_method: Annotated[str, Tag(4)] = ""
    result_hash: Annotated[str, Tag(5)] = ""
    merkle_root: Annotated[bytes, Tag(6)] = b""


class MsgSubmitLazyAggregationResponse(R3mesMessage, frozen=True, kw_only=True):
    """The answer to `MsgSubmitLazyAggregation`."""

    aggregation_id: Annotated[int, Tag(1)] = 0


class MsgSubmitSubnetActivation(R3mesMessage, frozen=True, kw_only=True):
    """Pass the activations of a subnet on."""

    proposer: Annotated[str, Tag(1)] = ""
    subnet_id: Annotated[int, Tag(2)] = 0
    activation_hash: Annotated[str, Tag(3)] = ""
    next_subnet_id: Annotated[int, Tag(4)] = 0
    signature: Annotated[bytes, Tag(5)] = b""


class MsgSubmitSubnetActivationResponse(R3mesMessage, frozen=True, kw_only=True):
    """The answer to `MsgSubmitSubnetActivation`."""

    transmission_id: Annotated[int, Tag(1)] = 0


class MsgAssignMinerToSubnet(R3mesMessage, frozen=True, kw_only=True):
    """Join a subnet."""

    miner: Annotated[str, Tag(1)] = ""
    subnet_id: Annotated[int, Tag(2)] = 0
    window_id: Annotated[int, Tag(3)] = 0


class MsgAssignMinerToSubnetResponse(R3mesMessage, frozen=True, kw_only=True):
    """The answer to `MsgAssignMinerToSubnet`."""

    subnet_id: Annotated[int, Tag(1)] = 0
    layer_range: Annotated[LayerRange | None, Tag(2)] = None
