"""What the module stores: the records of the R3MES schema, and money paid or taken for work."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from enum import IntEnum
from typing import Annotated, ClassVar, TypeVar

from r3cli.chain.cosmos.message import Tag, decode, encode
from r3cli.lab.proto_json import Timestamp
from r3cli.network.r3mes.schema import NodeStatus, NodeType, R3mesMessage, ResourceSpec, RoleAllocation

_MAX_KEY = (1 << 63) - 1  # SQLite's integers are signed; a round beyond is searched for as this one


class EncryptionType(IntEnum):
    """How a payload is encrypted; never, so far."""

    UNSPECIFIED = 0
    PLAINTEXT = 1
    TEE_SGX = 2
    HOMOMORPHIC = 3
    ZERO_KNOWLEDGE = 4


class Record(R3mesMessage, frozen=True, kw_only=True):
    """A stored message. `kind` names its table; id, round, status and owner can be searched for."""

    kind: ClassVar[str]
    id_field: ClassVar[str]
    owner_field: ClassVar[str] = ""


class StoredGradient(Record, frozen=True, kw_only=True):
    """A miner's work. Status: pending, accepted (paid), slashed, void (a rollback took its round away)."""

    kind: ClassVar[str] = "gradient"
    id_field: ClassVar[str] = "id"
    owner_field: ClassVar[str] = "miner"
    id: Annotated[int, Tag(1)] = 0
    miner: Annotated[str, Tag(2)] = ""
    ipfs_hash: Annotated[str, Tag(3)] = ""
    model_version: Annotated[str, Tag(4)] = ""
    training_round_id: Annotated[int, Tag(5)] = 0
    shard_id: Annotated[int, Tag(6)] = 0
    gradient_hash: Annotated[str, Tag(7)] = ""
    gpu_architecture: Annotated[str, Tag(8)] = ""
    submitted_at_height: Annotated[int, Tag(9, "int64")] = 0
    status: Annotated[str, Tag(10)] = ""
    model_config_id: Annotated[int, Tag(11)] = 0
    encryption_type: Annotated[EncryptionType, Tag(12)] = EncryptionType.UNSPECIFIED
    encrypted_gradient_ipfs_hash: Annotated[str, Tag(13)] = ""
    container_hash: Annotated[str, Tag(14)] = ""
    container_signature: Annotated[bytes, Tag(15)] = b""
    global_seed: Annotated[int, Tag(16)] = 0
    claimed_loss: Annotated[str, Tag(17)] = ""
    porep_proof_ipfs_hash: Annotated[str, Tag(18)] = ""


class NodeRegistration(Record, frozen=True, kw_only=True):
    """A registered node; `stake` is in base units and lies in the module's account."""

    kind: ClassVar[str] = "node"
    id_field: ClassVar[str] = ""
    owner_field: ClassVar[str] = "node_address"
    node_address: Annotated[str, Tag(1)] = ""
    node_type: Annotated[NodeType, Tag(2)] = NodeType.UNSPECIFIED
    resources: Annotated[ResourceSpec | None, Tag(3)] = None
    stake: Annotated[str, Tag(4)] = ""
    status: Annotated[NodeStatus, Tag(5)] = NodeStatus.UNSPECIFIED
    roles: Annotated[tuple[NodeType, ...], Tag(6)] = ()
    role_allocations: Annotated[tuple[RoleAllocation, ...], Tag(7)] = ()
    registered_at_height: Annotated[int, Tag(8, "int64")] = 0
    registered_at_time: Annotated[Timestamp | None, Tag(9)] = None
    resource_proof_ipfs_hash: Annotated[str, Tag(10)] = ""
    last_heartbeat_height: Annotated[int, Tag(11, "int64")] = 0
    slashing_events: Annotated[int, Tag(12)] = 0


class AggregationCommitment(Record, frozen=True, kw_only=True):
    """A proposer's commitment. Status: live, revealed, expired (slashed), void."""

    kind: ClassVar[str] = "commitment"
    id_field: ClassVar[str] = "commitment_id"
    owner_field: ClassVar[str] = "proposer"
    commitment_id: Annotated[int, Tag(1)] = 0
    proposer: Annotated[str, Tag(2)] = ""
    commitment_hash: Annotated[str, Tag(3)] = ""
    training_round_id: Annotated[int, Tag(4)] = 0
    participant_gradient_ids: Annotated[tuple[int, ...], Tag(5)] = ()
    committed_at_height: Annotated[int, Tag(6, "int64")] = 0
    reveal_deadline_height: Annotated[int, Tag(7, "int64")] = 0
    status: Annotated[str, Tag(8)] = ""
    revealed_aggregation_id: Annotated[int, Tag(9)] = 0


class AggregationRecord(Record, frozen=True, kw_only=True):
    """A revealed aggregate; `model_version` is the manifest that it opens. Status: pending, final, rejected, void."""

    kind: ClassVar[str] = "aggregation"
    id_field: ClassVar[str] = "aggregation_id"
    owner_field: ClassVar[str] = "proposer"
    aggregation_id: Annotated[int, Tag(1)] = 0
    proposer: Annotated[str, Tag(2)] = ""
    aggregated_gradient_ipfs_hash: Annotated[str, Tag(3)] = ""
    merkle_root: Annotated[str, Tag(4)] = ""
    participant_gradient_ids: Annotated[tuple[int, ...], Tag(5)] = ()
    training_round_id: Annotated[int, Tag(6)] = 0
    model_version: Annotated[str, Tag(7)] = ""
    submitted_at_height: Annotated[int, Tag(8, "int64")] = 0
    status: Annotated[str, Tag(9)] = ""
    challenge_deadline_height: Annotated[int, Tag(10, "int64")] = 0


class ChallengeRecord(Record, frozen=True, kw_only=True):
    """A dispute. Status: open, upheld, rejected, void. `bond_amount` is in base units."""

    kind: ClassVar[str] = "challenge"
    id_field: ClassVar[str] = "challenge_id"
    owner_field: ClassVar[str] = "challenger"
    challenge_id: Annotated[int, Tag(1)] = 0
    challenger: Annotated[str, Tag(2)] = ""
    aggregation_id: Annotated[int, Tag(3)] = 0
    reason: Annotated[str, Tag(4)] = ""
    evidence_ipfs_hash: Annotated[str, Tag(5)] = ""
    status: Annotated[str, Tag(6)] = ""
    created_at_height: Annotated[int, Tag(7, "int64")] = 0
    resolution_height: Annotated[int, Tag(10, "int64")] = 0
    fraud_detected: Annotated[bool, Tag(11)] = False
    bond_amount: Annotated[str, Tag(13)] = ""


class GlobalModelState(Record, frozen=True, kw_only=True):
    """The open round and its manifest; one row."""

    kind: ClassVar[str] = "model"
    id_field: ClassVar[str] = ""
    model_ipfs_hash: Annotated[str, Tag(1)] = ""
    model_version: Annotated[str, Tag(2)] = ""
    last_updated_height: Annotated[int, Tag(3, "int64")] = 0
    last_updated_time: Annotated[Timestamp | None, Tag(4)] = None
    training_round_id: Annotated[int, Tag(5)] = 0
    last_aggregation_id: Annotated[int, Tag(6)] = 0


class Payment(Record, frozen=True, kw_only=True):
    """Money that the module moved: reward, slash, bounty, burn, stake, bond, bond_back. `amount` in base units."""

    kind: ClassVar[str] = "payment"
    id_field: ClassVar[str] = "payment_id"
    owner_field: ClassVar[str] = "address"
    payment_id: Annotated[int, Tag(1)] = 0
    height: Annotated[int, Tag(2, "int64")] = 0
    reason: Annotated[str, Tag(3)] = ""
    address: Annotated[str, Tag(4)] = ""
    amount: Annotated[int, Tag(5)] = 0
    training_round_id: Annotated[int, Tag(6)] = 0
    subject: Annotated[str, Tag(7)] = ""


R = TypeVar("R", bound=Record)


class Records:
    """The module's records inside one transaction of the ledger."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def next_id(self, cls: type[Record], *, first: int = 1) -> int:
        """The id that a new record gets: ids are never used twice, whatever is rolled back."""
        row = self._connection.execute("SELECT max(id) + 1 FROM record WHERE kind = ?", (cls.kind,)).fetchone()
        return first if row[0] is None else int(row[0])

    def put(self, record: Record) -> int:
        """Store a record under its id (an owner's second record of a kind without ids replaces the first)."""
        identity = self._identity(record)
        self._connection.execute(
            "INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?, ?, ?)",
            (
                record.kind,
                identity,
                min(getattr(record, "training_round_id", 0), _MAX_KEY),
                str(getattr(record, "status", "")),
                getattr(record, record.owner_field) if record.owner_field else "",
                encode(record),
            ),
        )
        return identity

    def get(self, cls: type[R], identity: int) -> R | None:
        row = self._connection.execute(
            "SELECT body FROM record WHERE kind = ? AND id = ?", (cls.kind, min(identity, _MAX_KEY))
        ).fetchone()
        return decode(cls, row[0]) if row else None

    def find(
        self,
        cls: type[R],
        *,
        training_round: int | None = None,
        status: str | None = None,
        owner: str | None = None,
        offset: int = 0,
        limit: int = -1,
        newest_first: bool = False,
    ) -> list[R]:
        """Records in order of their ids that match all of what is given."""
        where, values = _conditions(cls, training_round, status, owner)
        order = "DESC" if newest_first else "ASC"
        rows = self._connection.execute(
            f"SELECT body FROM record WHERE {where} ORDER BY id {order} LIMIT ? OFFSET ?",  # noqa: S608 - our own words
            (*values, limit, offset),
        )
        return [decode(cls, row[0]) for row in rows]

    def count(
        self,
        cls: type[Record],
        *,
        training_round: int | None = None,
        status: str | None = None,
        owner: str | None = None,
    ) -> int:
        where, values = _conditions(cls, training_round, status, owner)
        (number,) = self._connection.execute(
            f"SELECT count(*) FROM record WHERE {where}",  # noqa: S608 - our own words
            values,
        ).fetchone()
        return int(number)

    def _identity(self, record: Record) -> int:
        if record.id_field:
            return int(getattr(record, record.id_field))
        if not record.owner_field:
            return 0
        row = self._connection.execute(
            "SELECT id FROM record WHERE kind = ? AND owner = ?", (record.kind, getattr(record, record.owner_field))
        ).fetchone()
        return int(row[0]) if row else self.next_id(type(record))


def _conditions(
    cls: type[Record], training_round: int | None, status: str | None, owner: str | None
) -> tuple[str, Sequence[object]]:
    wanted = {"kind": cls.kind, "round": training_round, "status": status, "owner": owner}
    given = {column: value for column, value in wanted.items() if value is not None}
    return " AND ".join(f"{column} = ?" for column in given), list(given.values())
