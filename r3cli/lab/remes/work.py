"""Joining the network and handing in work."""

from __future__ import annotations

import msgspec

from r3cli.lab.genesis import STAKES
from r3cli.lab.proto_json import Timestamp
from r3cli.lab.rejection import REMES, Rejection
from r3cli.lab.remes.module import EMPTY_IPFS_HASH, MIN_STAKE, Module, refuse
from r3cli.lab.remes.records import AggregationCommitment, NodeRegistration, StoredGradient
from r3cli.network.r3mes.messages import (
    MsgRegisterNode,
    MsgRegisterNodeResponse,
    MsgSubmitGradient,
    MsgSubmitGradientResponse,
)
from r3cli.network.r3mes.schema import NodeStatus, NodeType

_MAX_STAKE_DIGITS = 18


def register_node(module: Module, message: MsgRegisterNode) -> MsgRegisterNodeResponse:
    """Lock the stake and grant the roles. Registering again may add stake and change roles, never take stake out."""
    stake = _read_stake(message.stake)
    found = module.records.find(NodeRegistration, owner=message.node_address)
    locked = int(found[0].stake) if found else 0
    if stake < locked:
        raise refuse("invalid stake", f"a stake of {stake} is less than the {locked} that are locked")
    roles = tuple(sorted({message.node_type, *message.roles} - {NodeType.UNSPECIFIED}))
    if not roles:
        raise refuse("invalid field", "no role was asked for")
    if stake > locked:
        module.lock(message.node_address, stake - locked, into=STAKES, reason="stake")
    identity = module.store(
        NodeRegistration(
            node_address=message.node_address,
            node_type=message.node_type or roles[0],
            resources=message.resources,
            stake=str(stake),
            status=NodeStatus.ACTIVE,
            roles=roles,
            role_allocations=message.role_allocations,
            registered_at_height=module.height,
            registered_at_time=Timestamp.of(module.context.genesis.block_time(module.height)),
            resource_proof_ipfs_hash=message.resource_proof_ipfs_hash,
            last_heartbeat_height=module.height,
            slashing_events=found[0].slashing_events if found else 0,
        )
    )
    return MsgRegisterNodeResponse(registration_id=identity)


def submit_gradient(module: Module, message: MsgSubmitGradient) -> MsgSubmitGradientResponse:
    """Take a miner's work of the open round."""
    module.node(message.miner, NodeType.MINING)
    check_ipfs_hash(message)
    check_round_open(module, message.training_round_id)
    if message.global_seed != module.context.genesis.round_seed(message.training_round_id):
        text = f"{message.global_seed} is not the seed of round {message.training_round_id}"
        raise refuse("wrong global seed", text)
    handed_in = module.records.find(StoredGradient, owner=message.miner, training_round=message.training_round_id)
    earlier = [work for work in handed_in if work.status != "void"]
    if earlier:
        text = f"{message.miner} handed in gradient {earlier[0].id} for round {message.training_round_id}"
        raise refuse("already submitted", text)
    identity = module.records.next_id(StoredGradient)
    module.context.meter.read(1, 8)
    module.context.meter.write(1, 8)
    module.store(_stored(message, identity, module))
    module.context.emit("remes_gradient", stored_gradient_id=str(identity), miner=message.miner)
    return MsgSubmitGradientResponse(stored_gradient_id=identity)


def check_ipfs_hash(message: MsgSubmitGradient) -> None:
    """The one check that the published chain makes too, with its code and words."""
    if not message.ipfs_hash:
        raise Rejection(EMPTY_IPFS_HASH, REMES, "IPFS hash cannot be empty: invalid request")


def check_round_open(module: Module, training_round: int) -> None:
    """Raise `Rejection` unless this round takes work: it is the open one and nobody has committed to it."""
    model = module.model
    if model is None or model.training_round_id != training_round:
        now = f"round {model.training_round_id} is open" if model else "no round is open yet"
        raise refuse("round not open", f"round {training_round} takes no work, {now}")
    if module.records.count(AggregationCommitment, training_round=training_round, status="live"):
        raise refuse("round already committed", f"round {training_round} has a live commitment")


def _read_stake(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > _MAX_STAKE_DIGITS:
        raise refuse("invalid stake", f"{text[:40]!r} is not an integer number of base units")
    stake = int(text)
    if stake < MIN_STAKE:
        raise refuse("invalid stake", f"a stake of {stake} is less than the minimum of {MIN_STAKE}")
    return stake


def _stored(message: MsgSubmitGradient, identity: int, module: Module) -> StoredGradient:
    shared = set(StoredGradient.__struct_fields__) & set(message.__struct_fields__)
    copied = {name: value for name, value in msgspec.structs.asdict(message).items() if name in shared}
    return StoredGradient(id=identity, submitted_at_height=module.height, status="pending", **copied)
