import json
from enum import IntEnum
from pathlib import Path
from typing import Any

import msgspec
import pytest

from r3cli.chain.cosmos.message import Message, decode, encode, specs
from r3cli.errors import R3Error, Usage
from r3cli.network.r3mes import messages, messages_services, schema
from r3cli.network.r3mes.assignment import global_seed, shard_of
from r3cli.network.r3mes.commitment import commitment_hash
from r3cli.network.r3mes.messages import MsgSubmitGradient
from r3cli.network.r3mes.schema import NodeStatus, NodeType, R3mesMessage
from r3cli.network.r3mes.submission import (
    check_pow,
    find_pow_nonce,
    message_hash,
    message_string,
    sign_submission,
)
from r3cli.secret import Secret
from r3cli.wallet.signer import LocalSigner

VECTORS = Path(__file__).parents[1] / "vectors"
GOLDEN = json.loads((VECTORS / "r3mes_messages.json").read_text())
PUBLISHED = json.loads((VECTORS / "r3mes_proto_fields.json").read_text())
OURS = {
    value.__name__: value
    for module in (schema, messages, messages_services)
    for value in vars(module).values()
    if isinstance(value, type) and issubclass(value, R3mesMessage) and value is not R3mesMessage
}
GRADIENT = MsgSubmitGradient(
    miner="remes1xyz",
    ipfs_hash="QmTest",
    model_version="v1.0.0",
    training_round_id=7,
    shard_id=42,
    gradient_hash="ab" * 32,
    gpu_architecture="Ada",
    nonce=1,
    proof_of_work_nonce=14,
    claimed_loss="1234",
    token_count=2048,
)
SIGNER = LocalSigner(Secret(bytes.fromhex(GOLDEN["priv_hex"])))


@pytest.mark.parametrize("name", sorted(OURS))
def test_numbers_names_and_types_are_the_published_ones(name: str) -> None:
    ours = [
        [spec.number, spec.name, _published_type(spec.kind, spec.python_type, spec.repeated)]
        for spec in specs(OURS[name])
    ]
    assert ours == PUBLISHED["messages"][name]["fields"]
    assert OURS[name].url() == f"/remes.remes.v1.{name}"


def _published_type(kind: str, python_type: type[Any], repeated: bool) -> str:
    if kind == "message":
        assert issubclass(python_type, Message)
        kind = python_type.full_name()
    elif kind == "enum":
        kind = f"remes.remes.v1.{python_type.__name__}"
    return f"repeated {kind}" if repeated else kind


@pytest.mark.parametrize(("enum", "prefix"), [(NodeType, "NODE_TYPE_"), (NodeStatus, "NODE_STATUS_")])
def test_enumerations(enum: type[IntEnum], prefix: str) -> None:
    assert {prefix + member.name: member.value for member in enum} == PUBLISHED["enums"][enum.__name__]


@pytest.mark.parametrize("name", sorted(GOLDEN["other_messages"]))
def test_bytes_of_every_golden_message(name: str) -> None:
    golden = GOLDEN["other_messages"][name]
    message = _from_plain(OURS[name], golden["values"])
    assert encode(message).hex() == golden["hex"]
    assert decode(OURS[name], bytes.fromhex(golden["hex"])) == message
    assert OURS[name].url() == golden["type_url"]


def _from_plain(cls: type[Message], values: dict[str, Any]) -> Message:
    by_name = {spec.name: spec for spec in specs(cls)}

    def one(name: str, value: Any) -> Any:
        python_type = by_name[name].python_type
        return _from_plain(python_type, value) if isinstance(value, dict) else python_type(value)

    return cls(
        **{name: tuple(one(name, item) for item in value) if isinstance(value, list) else one(name, value)
           for name, value in values.items()}
    )  # fmt: skip


def test_the_golden_submission_with_signature_and_proof_of_work() -> None:
    chain_id = "remes-test"
    assert message_string(GRADIENT, chain_id) == GOLDEN["message_string"]
    assert message_hash(GRADIENT, chain_id).hex() == GOLDEN["message_hash"]
    signature = sign_submission(GRADIENT, chain_id, SIGNER)
    assert signature.hex() == GOLDEN["signature_der_hex"]
    assert find_pow_nonce(GRADIENT, chain_id) == GOLDEN["pow4_nonce_first"]
    whole = msgspec.structs.replace(GRADIENT, signature=signature)
    assert encode(whole).hex() == GOLDEN["MsgSubmitGradient_hex"]


def test_proof_of_work_of_sixteen_bits() -> None:
    digest = message_hash(GRADIENT, "remes-test")
    assert check_pow(digest, GOLDEN["pow16_nonce_first"], 16)
    assert not check_pow(digest, GOLDEN["pow16_nonce_first"] - 1, 16)
    with pytest.raises(R3Error):
        find_pow_nonce(GRADIENT, "remes-test", difficulty=33)


@pytest.mark.parametrize("vector", GOLDEN["seed_vectors"], ids=lambda vector: str(vector["round"]))
def test_global_seed(vector: dict[str, Any]) -> None:
    assert global_seed(bytes.fromhex(vector["block_hash"]), vector["round"]) == vector["seed"]


@pytest.mark.parametrize("vector", GOLDEN["shard_vectors"], ids=lambda vector: str(vector["round"]))
def test_shards(vector: dict[str, Any]) -> None:
    block_hash = bytes.fromhex(vector["block_hash"])
    assert shard_of(vector["miner"], block_hash, vector["round"], shards=vector["total"]) == vector["shard"]


def test_a_number_that_does_not_fit_is_a_usage_error() -> None:
    with pytest.raises(Usage, match="shard_id"):
        encode(MsgSubmitGradient(shard_id=1 << 64))


COMMITMENT: dict[str, Any] = {
    "chain_id": "remes-test",
    "proposer": "remes1xyz",
    "training_round_id": 7,
    "aggregate_cid": "QmAgg",
    "merkle_root": "ef" * 32,
    "gradient_ids": [1, 2, 300],
    "salt": "s3cret",
}


def test_the_commitment_of_the_published_vector() -> None:
    assert commitment_hash(**COMMITMENT) == GOLDEN_COMMITMENT


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("chain_id", "remes-tes"),
        ("proposer", "tremes1xyz"),
        ("training_round_id", 8),
        ("aggregate_cid", "QmAgh"),
        ("merkle_root", "ee" * 32),
        ("gradient_ids", [1, 2]),
        ("salt", ""),
    ],
)
def test_every_field_of_a_commitment_counts(field: str, value: Any) -> None:
    assert commitment_hash(**{**COMMITMENT, field: value}) != commitment_hash(**COMMITMENT)


def test_bytes_cannot_move_between_the_fields_of_a_commitment() -> None:
    moved = {**COMMITMENT, "chain_id": "remes-testr", "proposer": "emes1xyz"}
    assert commitment_hash(**moved) != commitment_hash(**COMMITMENT)


# Computed once by hand with the shell: printf the fields with their lengths, then sha256sum.
GOLDEN_COMMITMENT = "b284d8ca022633d780acbbe32383a46f0b26007189a1b74c8adc77ea7a43db6d"
