"""Receipts: one file that lets a stranger check a piece of work and that a chain paid attention to it.

A receipt holds the documents themselves, the transactions, and the block headers around them. The header of a
block commits to its transactions, the header after it to their results, so inclusion *and success* follow from two
hashes. Whether those hashes are the chain's own is something only the reader can know: `anchored` is said when he
supplied one of them.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from r3cli.chain.cosmos.client import CosmosClient
from r3cli.chain.cosmos.headers import data_hash, encode_result, header_hash, results_hash
from r3cli.chain.cosmos.messages import unpack
from r3cli.chain.cosmos.node import Included
from r3cli.chain.cosmos.tx import decode_tx, tx_hash
from r3cli.errors import Malformed, NotFound, TooLarge, VerificationFailed
from r3cli.network.r3mes.messages import MsgRevealAggregation, MsgSubmitGradient
from r3cli.storage.cid import cid_of
from r3cli.train.rounds.aggregate import Aggregate
from r3cli.train.rounds.canonical import DOCUMENT_LIMIT, Document, decode_document
from r3cli.train.rounds.leaves import LeafList
from r3cli.train.rounds.manifest import Manifest
from r3cli.train.rounds.payload import Header
from r3cli.train.rounds.verify import Claim


class ResultProof(Document, frozen=True, kw_only=True):
    """The part of a transaction's result that the chain's headers cover; `data` is base64."""

    code: int
    data: str
    gas_used: int
    gas_wanted: int


class TxProof(Document, frozen=True, kw_only=True):
    """A transaction in its block.

    `transactions` are all of the block's, base64, `results` theirs in the same order; `header` is the block's,
    `next_header` the one after it (None while there is none), both as the node's gateway shows them.
    """

    header: dict[str, Any]
    hash: str
    height: int
    next_header: dict[str, Any] | None
    results: list[ResultProof]
    transactions: list[str]


class Receipt(Document, frozen=True, kw_only=True, tag_field="format", tag="r3/receipt/1"):
    """One miner's work of one round with everything that stands around it."""

    aggregate: Aggregate | None
    chain_id: str
    global_seed: int
    gradient_id: int
    header: Header
    leaves: LeafList
    manifest: Manifest
    payload: str
    previous_payload: str | None
    reveal: TxProof | None
    submission: TxProof


class ReceiptFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What follows from a receipt alone.

    `block_hashes` are those of its headers, the first that of the block with the work; `result_hash` is that of the
    block after it, which covers the result. `anchored` is about that work; a reveal has blocks of its own.
    """

    claim: Claim
    included: bool
    succeeded: bool | None  # None: the receipt does not have the header that covers the result
    revealed: bool
    block_hashes: tuple[str, ...]
    result_hash: str | None
    anchored: bool


def prove_transaction(client: CosmosClient, found: Included) -> TxProof:
    """Everything that the node gives about a transaction's inclusion and result."""
    block = client.block(found.height)
    try:
        following = client.block(found.height + 1).header
    except NotFound:
        following = None
    results = []
    for raw in block.transactions:
        other = found if tx_hash(raw) == found.tx_hash else client.tx(tx_hash(raw))
        if other is None:
            raise NotFound(f"the node lost transaction {tx_hash(raw)} of block {found.height}", tx=tx_hash(raw))
        results.append(
            ResultProof(
                code=other.code,
                data=base64.b64encode(other.data).decode(),
                gas_used=other.gas_used,
                gas_wanted=other.gas_wanted,
            )
        )
    return TxProof(
        header=block.header,
        hash=found.tx_hash,
        height=found.height,
        next_header=following,
        results=results,
        transactions=[base64.b64encode(raw).decode() for raw in block.transactions],
    )


def read_receipt(path: Path) -> Receipt:
    """A receipt from a file; raises `NotFound` or `Malformed`."""
    try:
        with path.open("rb") as stream:
            content = stream.read(DOCUMENT_LIMIT + 1)
    except (FileNotFoundError, IsADirectoryError) as error:
        raise NotFound(f"{path} is not a receipt file", target=str(path)) from error
    if len(content) > DOCUMENT_LIMIT:
        raise TooLarge(f"{path} is larger than any receipt", target=str(path))
    return decode_document(Receipt, content.rstrip(b"\n"))


def check_receipt(receipt: Receipt, *, trust: Sequence[str] = ()) -> ReceiptFacts:
    """Check a receipt against itself; raises `VerificationFailed` naming the first contradiction.

    `trust` are block hashes (hex) that the reader has from elsewhere.
    """
    submission = _message(receipt, receipt.submission, MsgSubmitGradient)
    header, manifest = receipt.header, receipt.manifest
    _require(cid_of(manifest.encode()) == header.manifest, "the manifest is not the one that the payload names")
    _require(cid_of(receipt.leaves.encode()) == header.leaves, "the leaves are not those that the payload names")
    _require(receipt.leaves.root == header.step_root, "the leaves do not have the claimed step root")
    _require(header.steps == len(receipt.leaves.leaves) - 1, "the leaves are of another number of steps")
    _require(manifest.chain_id == receipt.chain_id, "manifest and receipt are of different chains")
    said = (submission.miner, submission.ipfs_hash, submission.gradient_hash, submission.training_round_id)
    shown = (header.miner, receipt.payload, header.step_root, header.round)
    _require(said == shown, "the transaction is about other work than the receipt")
    _require(submission.claimed_loss == str(header.claimed_loss), "the transaction claims another loss")
    _require(submission.global_seed == receipt.global_seed, "the transaction names another global seed")
    _require(receipt.previous_payload == header.previous, "the payload goes on from other work than the receipt says")
    blocks, succeeded = _check_block(receipt.chain_id, receipt.submission)
    revealed, reveal_blocks = _check_reveal(receipt)
    trusted = {text.upper().removeprefix("0X") for text in trust}
    if trusted & set(blocks) and blocks[-1] not in trusted:
        succeeded = None  # the trusted header covers the transaction, only the one after it the result
    return ReceiptFacts(
        claim=Claim(
            gradient_id=receipt.gradient_id,
            miner=header.miner,
            round=header.round,
            payload_cid=receipt.payload,
            gradient_hash=submission.gradient_hash,
            claimed_loss=submission.claimed_loss,
            previous=receipt.previous_payload,
        ),
        included=True,
        succeeded=succeeded,
        revealed=revealed,
        block_hashes=tuple(dict.fromkeys([*blocks, *reveal_blocks])),
        result_hash=blocks[1] if len(blocks) > 1 else None,
        anchored=bool(trusted & set(blocks)),
    )


def _check_block(chain_id: str, proof: TxProof) -> tuple[list[str], bool | None]:
    """The hashes of a proof's headers, and that its transaction succeeded (None: no header covers its result)."""
    raws = [_bytes(text) for text in proof.transactions]
    own = [index for index, raw in enumerate(raws) if tx_hash(raw) == proof.hash]
    _require(len(own) == 1, f"the block does not hold transaction {proof.hash}")
    _require(proof.header.get("chain_id") == chain_id, "a header is of another chain")
    _require(str(proof.header.get("height")) == str(proof.height), "a header is of another height")
    _require(_bytes(str(proof.header.get("data_hash"))) == data_hash(raws), "a header does not cover its transactions")
    first = header_hash(proof.header).hex().upper()
    if proof.next_header is None:
        return [first], None
    after = header_hash(proof.next_header).hex().upper()
    follows = _bytes(proof.next_header["last_block_id"]["hash"]).hex().upper()
    _require(follows == first, "the second header does not follow the first")
    results = [encode_result(r.code, _bytes(r.data), r.gas_wanted, r.gas_used) for r in proof.results]
    _require(str(proof.next_header["chain_id"]) == chain_id, "a header is of another chain")
    covered = _bytes(str(proof.next_header.get("last_results_hash"))) == results_hash(results)
    _require(covered and len(results) == len(raws), "the second header does not cover the results")
    _require(proof.results[own[0]].code == 0, "a transaction of the receipt was included with an error")
    return [first, after], True


def _check_reveal(receipt: Receipt) -> tuple[bool, list[str]]:
    """Whether the work was revealed, and the hashes of the headers that say so."""
    _require((receipt.reveal is None) == (receipt.aggregate is None), "an aggregate without its reveal")
    if receipt.reveal is None or receipt.aggregate is None:
        return False, []
    blocks, _ = _check_block(receipt.chain_id, receipt.reveal)
    reveal = _message(receipt, receipt.reveal, MsgRevealAggregation)
    aggregate = receipt.aggregate
    _require(
        cid_of(aggregate.encode()) == reveal.aggregated_gradient_ipfs_hash, "the aggregate is not the revealed one"
    )
    _require(aggregate.merkle_root == reveal.merkle_root, "the aggregate does not have the revealed root")
    included = {(work.gradient_id, work.miner, work.payload, work.step_root) for work in aggregate.participants}
    work = (receipt.gradient_id, receipt.header.miner, receipt.payload, receipt.header.step_root)
    _require(work in included, "the aggregate does not hold this work")
    _require(aggregate.manifest == receipt.header.manifest, "the aggregate is of another manifest")
    return True, blocks


def _message(receipt: Receipt, proof: TxProof, kind: type[Any]) -> Any:
    for text in proof.transactions:
        raw = _bytes(text)
        if tx_hash(raw) == proof.hash:
            messages = decode_tx(raw).messages
            _require(len(messages) == 1 and messages[0].type_url == kind.url(), f"not a {kind.__name__}")
            return unpack(messages[0], kind)
    raise VerificationFailed(f"the receipt does not hold transaction {proof.hash}", target=receipt.payload)


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed("a receipt with broken base64") from error


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise VerificationFailed(otherwise)
