"""The module as the published chain was seen to behave (networks/r3mes.md 1.4 and 1.7), faults included."""

from __future__ import annotations

from r3cli.lab.rejection import undefined
from r3cli.lab.remes.module import Module
from r3cli.lab.remes.records import NodeRegistration, StoredGradient
from r3cli.lab.remes.work import check_ipfs_hash
from r3cli.network.r3mes.messages import (
    MsgRegisterNode,
    MsgRegisterNodeResponse,
    MsgSubmitGradient,
    MsgSubmitGradientResponse,
)

_TRAPS = range(1_000_000_000, 2_000_000_000)


def submit_gradient(module: Module, message: MsgSubmitGradient) -> MsgSubmitGradientResponse:
    """Store fields 1 to 7; no round, seed, role or duplicate is looked at, and the answer always says id 0."""
    check_ipfs_hash(message)
    if message.training_round_id in _TRAPS:
        # Nothing on that chain can create a trap, so a round id in this range always fails.
        raise undefined(f"failed to get trap job for round {message.training_round_id}: collections: not found")
    identity = module.records.next_id(StoredGradient, first=0)
    module.context.meter.read(1, 8)
    module.context.meter.write(1, 8)
    module.store(
        StoredGradient(
            id=identity,
            miner=message.miner,
            ipfs_hash=message.ipfs_hash,
            model_version=message.model_version,
            training_round_id=message.training_round_id,
            shard_id=message.shard_id,
            gradient_hash=message.gradient_hash,
            gpu_architecture=message.gpu_architecture,
        )
    )
    return MsgSubmitGradientResponse()


def register_node(module: Module, message: MsgRegisterNode) -> MsgRegisterNodeResponse:
    """Keep address, type and the stake's text; nothing is locked, and a second registration replaces the first."""
    module.store(NodeRegistration(node_address=message.node_address, node_type=message.node_type, stake=message.stake))
    return MsgRegisterNodeResponse()
