"""What several R3MES messages share: the package, enumerations, resources."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, ClassVar

from r3cli.chain.cosmos.message import Message, Tag


class R3mesMessage(Message, frozen=True, kw_only=True):
    """Base of the messages of this network's module."""

    package: ClassVar[str] = "remes.remes.v1"


class NodeType(IntEnum):
    """A role of a node; in JSON answers `NODE_TYPE_MINING` and so on."""

    UNSPECIFIED = 0
    MINING = 1
    SERVING = 2
    VALIDATOR = 3
    PROPOSER = 4


class NodeStatus(IntEnum):
    """Where a node stands; in JSON answers `NODE_STATUS_ACTIVE` and so on."""

    UNSPECIFIED = 0
    ACTIVE = 1
    INACTIVE = 2
    SLASHED = 3
    SUSPENDED = 4


class ResourceSpec(R3mesMessage, frozen=True, kw_only=True):
    """What a machine has."""

    cpu_cores: Annotated[int, Tag(1, "uint32")] = 0
    memory_gb: Annotated[int, Tag(2, "uint32")] = 0
    gpu_count: Annotated[int, Tag(3, "uint32")] = 0
    gpu_memory_gb: Annotated[int, Tag(4, "uint32")] = 0
    storage_gb: Annotated[int, Tag(5, "uint32")] = 0
    network_bandwidth_mbps: Annotated[int, Tag(6, "uint32")] = 0


class ResourceQuota(R3mesMessage, frozen=True, kw_only=True):
    """What a role may use of it."""

    role: Annotated[NodeType, Tag(1)] = NodeType.UNSPECIFIED
    cpu_cores: Annotated[int, Tag(2, "uint32")] = 0
    memory_gb: Annotated[int, Tag(3, "uint32")] = 0
    gpu_count: Annotated[int, Tag(4, "uint32")] = 0
    gpu_memory_gb: Annotated[int, Tag(5, "uint32")] = 0


class RoleAllocation(R3mesMessage, frozen=True, kw_only=True):
    """A role with its quota."""

    role: Annotated[NodeType, Tag(1)] = NodeType.UNSPECIFIED
    quota: Annotated[ResourceQuota | None, Tag(2)] = None


class LayerRange(R3mesMessage, frozen=True, kw_only=True):
    """Layers of a model, the last one included."""

    start_layer: Annotated[int, Tag(1)] = 0
    end_layer: Annotated[int, Tag(2)] = 0
