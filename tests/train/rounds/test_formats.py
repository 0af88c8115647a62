"""The documents of a round: one encoding each, decoders that take any bytes, vectors for another implementation."""

from __future__ import annotations

import json
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r3cli.errors import BadContent
from r3cli.network.r3mes.commitment import commitment_hash
from r3cli.storage.cid import cid_of
from r3cli.train.rounds.aggregate import Aggregate, Exclusion, Participant, decode_aggregate
from r3cli.train.rounds.canonical import Document, decode_document
from r3cli.train.rounds.challenge import Evidence, decode_evidence
from r3cli.train.rounds.leaves import Leaf, LeafList, decode_leaves
from r3cli.train.rounds.manifest import LoraTerms, Manifest, OptimizerTerms, decode_manifest
from r3cli.train.rounds.payload import Header, Payload, decode_payload
from r3cli.train.rounds.receipt import Receipt, ResultProof, TxProof

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "rounds.json").read_text())


def cid(text: str) -> str:
    return cid_of(text.encode())


MANIFEST = Manifest(
    adapter=cid("adapter"),
    aggregation="mean",
    arithmetic="r3/exact/1",
    base=cid("base"),
    batch_size=8,
    chain_id="r3-local-28b96d3d",
    data=cid("data"),
    density="1/8",
    lora=LoraTerms(alpha="16", rank=8, targets=["o_proj", "q_proj"]),
    optimizer=OptimizerTerms(
        beta1="0.9", beta2="0.999", clip_norm="1", epsilon="0.00000001", learning_rate="0.01", weight_decay="0"
    ),
    outer_learning_rate="0.7",
    preset="nano",
    residual_reset_rounds=10,
    residuals_reset=1,
    round=3,
    seed=1,
    sequence_length=128,
    steps=2,
)
LEAVES = LeafList(
    leaves=[
        Leaf(loss=0, state=cid("state 0")),
        Leaf(loss=(3 << 36) + 5, state=cid("state 1")),
        Leaf(loss=2 << 36, state=cid("state 2")),
    ]
)
HEADER = Header(
    claimed_loss=LEAVES.claimed_loss(1024),
    leaves=cid_of(LEAVES.encode()),
    manifest=cid_of(MANIFEST.encode()),
    miner="remes1vnupqa7876prrrt0cu39uq5pqzg5nk4m6fer7d",
    previous=None,
    residual_after=cid("residual"),
    residual_before=None,
    round=3,
    step_root=LEAVES.root,
    steps=2,
)
PAYLOAD = Payload(HEADER, b"an update")
AGGREGATE = Aggregate(
    adapter=cid("adapter 4"),
    chain_id=MANIFEST.chain_id,
    excluded=[Exclusion(gradient_id=9, reason="step_mismatch", step=2), Exclusion(gradient_id=11, reason="é")],
    manifest=cid_of(MANIFEST.encode()),
    next_manifest=cid_of(MANIFEST.next(cid("adapter 4")).encode()),
    participants=[
        Participant(gradient_id=7, miner=HEADER.miner, payload=cid_of(PAYLOAD.encode()), step_root=HEADER.step_root),
        Participant(gradient_id=10, miner="remes1other", payload=cid("other payload"), step_root="ab" * 32),
    ],
    proposer="remes1proposer",
    round=3,
)
EVIDENCE = Evidence(aggregation_id=4, explanation="step 2 differs", gradient_id=7, reason="step_mismatch", step=2)
PROOF = TxProof(
    header={"height": "7", "last_block_id": {"hash": ""}},
    hash="AB" * 32,
    height=7,
    next_header=None,
    results=[ResultProof(code=0, data="", gas_used=5, gas_wanted=6)],
    transactions=["AAAA"],
)
RECEIPT = Receipt(
    aggregate=AGGREGATE,
    chain_id=MANIFEST.chain_id,
    global_seed=(1 << 64) - 1,
    gradient_id=7,
    header=HEADER,
    leaves=LEAVES,
    manifest=MANIFEST,
    payload=cid_of(PAYLOAD.encode()),
    previous_payload=None,
    reveal=None,
    submission=PROOF,
)


def decode_receipt(content: bytes) -> Receipt:
    return decode_document(Receipt, content)


Decoder = Callable[[bytes], Any]
DOCUMENTS: dict[str, tuple[Document | Payload, Decoder]] = {
    "manifest": (MANIFEST, decode_manifest),
    "leaves": (LEAVES, decode_leaves),
    "payload": (PAYLOAD, decode_payload),
    "aggregate": (AGGREGATE, decode_aggregate),
    "evidence": (EVIDENCE, decode_evidence),
    "receipt": (RECEIPT, decode_receipt),
}
every_document = pytest.mark.parametrize("name", DOCUMENTS)


def attempt(decode: Decoder, content: bytes) -> Any:
    """The document, or None when the bytes are refused as they should be."""
    try:
        return decode(content)
    except BadContent:
        return None


@every_document
def test_what_is_encoded_is_decoded_and_is_canonical(name: str) -> None:
    document, decode = DOCUMENTS[name]
    content = document.encode()
    assert decode(content) == document
    if name != "payload":
        text = json.dumps(json.loads(content), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert content == text.encode()


@every_document
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_decoders_are_total(name: str, data: st.DataObject) -> None:
    """Any bytes, and valid ones with a piece replaced, are a document with these very bytes or are refused."""
    document, decode = DOCUMENTS[name]
    valid = document.encode()
    start = data.draw(st.integers(0, len(valid)))
    end = data.draw(st.integers(start, min(len(valid), start + 12)))
    piece = data.draw(
        st.binary(max_size=12) | st.sampled_from([b"null", b"1e5", b"1.0", b"-1", b'"\\ud800"', b"[[", b"9" * 30])
    )
    for content in (data.draw(st.binary(max_size=200)), valid[:start] + piece + valid[end:]):
        found = attempt(decode, content)
        assert found is None or found.encode() == content


def nested(document: Any) -> list[tuple[Any, ...]]:
    """The paths of every value in a JSON document."""
    paths: list[tuple[Any, ...]] = []
    items = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in items:
        paths += [(key,), *((key, *rest) for rest in nested(value))]
    return paths


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 70), 1 << 70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(string.printable, max_size=80),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if name != "payload"])
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_decoders_take_any_value_in_any_place(name: str, data: st.DataObject) -> None:
    document, decode = DOCUMENTS[name]
    plain = json.loads(document.encode())
    path = data.draw(st.sampled_from(nested(plain)))
    place = plain
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = data.draw(VALUES)
    content = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    found = attempt(decode, content)
    assert found is None or found.encode() == content


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: b" " + content,
        lambda content: content + b"\n",
        lambda content: content.replace(b",", b", ", 1),
        lambda content: content.replace(b'"round"', b'"r\\u006fund"'),
        lambda content: content.replace(b'"round":3', b'"round":3.0'),
        lambda content: content.replace(b'"round":3', b'"round":3,"round":3'),
        lambda content: content[:-1] + b',"zzz":1}',
        lambda content: b'{"format":' + content.split(b'"format":')[1][:15] + b"}",
    ],
)
def test_there_is_one_encoding_and_no_other(spoil: Callable[[bytes], bytes]) -> None:
    content = spoil(MANIFEST.encode())
    assert content != MANIFEST.encode()
    with pytest.raises(BadContent):
        decode_manifest(content)


@given(
    leaves=st.lists(
        st.builds(Leaf, loss=st.integers(0, (1 << 63) - 1), state=st.text("abcdef234567", min_size=46, max_size=80)),
        min_size=1,
        max_size=6,
    )
)
def test_every_list_of_leaves_has_one_root(leaves: list[Leaf]) -> None:
    listed = LeafList(leaves=leaves)
    assert decode_leaves(listed.encode()) == listed
    assert len(bytes.fromhex(listed.root)) == 32
    assert LeafList(leaves=[*leaves, leaves[-1]]).root != listed.root
    changed = msgspec.structs.replace(leaves[-1], loss=leaves[-1].loss ^ 1)
    assert LeafList(leaves=[*leaves[:-1], changed]).root != listed.root


def test_participants_are_in_order_and_one_a_miner() -> None:
    first, second = AGGREGATE.participants
    wrong = [
        [],
        [second, first],
        [first, first],
        [first, msgspec.structs.replace(second, miner=first.miner)],
    ]
    for participants in wrong:
        content = msgspec.structs.replace(AGGREGATE, participants=participants).encode()
        with pytest.raises(BadContent):
            decode_aggregate(content)


def vectors() -> dict[str, Any]:
    """What `tests/vectors/rounds.json` pins, computed anew."""
    sealed = commitment_hash(
        chain_id=AGGREGATE.chain_id,
        proposer=AGGREGATE.proposer,
        training_round_id=AGGREGATE.round,
        aggregate_cid=cid_of(AGGREGATE.encode()),
        merkle_root=AGGREGATE.merkle_root,
        gradient_ids=AGGREGATE.ids,
        salt="00112233",
    )
    return {
        "manifest": {"text": MANIFEST.encode().decode(), "cid": cid_of(MANIFEST.encode())},
        "leaves": {
            "text": LEAVES.encode().decode(),
            "cid": cid_of(LEAVES.encode()),
            "digests": [leaf.digest(step).hex() for step, leaf in enumerate(LEAVES.leaves)],
            "root": LEAVES.root,
            "tokens_per_step": 1024,
            "claimed_loss": LEAVES.claimed_loss(1024),
        },
        "payload": {"hex": PAYLOAD.encode().hex(), "cid": cid_of(PAYLOAD.encode()), "update_hex": PAYLOAD.update.hex()},
        "aggregate": {
            "text": AGGREGATE.encode().decode(),
            "cid": cid_of(AGGREGATE.encode()),
            "leaves": [participant.leaf().hex() for participant in AGGREGATE.participants],
            "root": AGGREGATE.merkle_root,
            "seed_root": AGGREGATE.seed_merkle_root,
        },
        "commitment": {"salt": "00112233", "hash": sealed},
        "evidence": {"text": EVIDENCE.encode().decode(), "cid": cid_of(EVIDENCE.encode())},
    }


@pytest.mark.parametrize("name", VECTORS)
def test_the_vectors_hold(name: str) -> None:
    assert vectors()[name] == VECTORS[name]


def test_the_vectors_cover_every_pinned_document() -> None:
    assert set(vectors()) == set(VECTORS)


def test_the_vectors_follow_from_the_page_alone() -> None:
    """docs/rounds.md read literally, with nothing of r3: leaf, tree, claimed loss, aggregate leaf, commitment."""
    import hashlib
    import struct

    leaves = json.loads(VECTORS["leaves"]["text"])["leaves"]
    digests = [
        hashlib.sha256(
            b"r3/step-leaf/1" + struct.pack(">QHq", step, len(leaf["state"]), leaf["loss"]) + leaf["state"].encode()
        ).hexdigest()
        for step, leaf in enumerate(leaves)
    ]
    assert digests == VECTORS["leaves"]["digests"]
    nats = sum(leaf["loss"] for leaf in leaves[1:]) / 2**36 / (2 * 1024)
    assert VECTORS["leaves"]["claimed_loss"] == round(nats * 1e6)
    aggregate = json.loads(VECTORS["aggregate"]["text"])
    work = aggregate["participants"][0]
    head = struct.pack(">QH", work["gradient_id"], len(work["payload"])) + work["payload"].encode()
    leaf = hashlib.sha256(b"r3/aggregate-leaf/1" + head + bytes.fromhex(work["step_root"])).hexdigest()
    assert leaf == VECTORS["aggregate"]["leaves"][0]
    parts = [
        aggregate["chain_id"].encode(),
        aggregate["proposer"].encode(),
        struct.pack(">Q", aggregate["round"]),
        VECTORS["aggregate"]["cid"].encode(),
        VECTORS["aggregate"]["root"].encode(),
        b"".join(struct.pack(">Q", work["gradient_id"]) for work in aggregate["participants"]),
        VECTORS["commitment"]["salt"].encode(),
    ]
    sealed = b"r3/aggregation-commitment/1" + b"".join(struct.pack(">I", len(part)) + part for part in parts)
    assert hashlib.sha256(sealed).hexdigest() == VECTORS["commitment"]["hash"]
