"""Transactions, results and blocks as the gateway shows them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from r3cli.chain.cosmos.message import decode
from r3cli.chain.cosmos.messages import AnyMessage, Fee, PubKey, SignerInfo, TxMsgData, unpack
from r3cli.lab.context import ChainEvent
from r3cli.lab.execution import KNOWN_MESSAGES, TxResult
from r3cli.lab.genesis import Genesis
from r3cli.lab.proto_json import show_time, to_any_json, to_json
from r3cli.lab.transaction import Transaction, read_transaction
from r3cli.lab.view import Block, IncludedTx

Json = dict[str, Any]


def show_check(tx_hash: str, result: TxResult | None) -> Json:
    """The answer to a broadcast: what CheckTx said (nothing when the client did not want to wait for it)."""
    return _tx_response(
        tx_hash,
        height=0,
        codespace=result.codespace if result else "",
        code=result.code if result else 0,
        raw_log=result.log if result and result.code else "",
    )


def show_simulation(result: TxResult) -> Json:
    """The answer to a simulation that succeeded."""
    responses = decode(TxMsgData, result.data).msg_responses
    return {
        "gas_info": {"gas_wanted": str(result.gas_wanted), "gas_used": str(result.gas_used)},
        "result": {
            "data": base64.b64encode(result.data).decode(),
            "log": "",
            "events": show_events(result.events, index=False),
            "msg_responses": [{"@type": response.type_url} for response in responses],
        },
    }


def show_included(found: IncludedTx, genesis: Genesis) -> Json:
    """A transaction in a block, with its result."""
    transaction = read_transaction(found.raw, KNOWN_MESSAGES)
    shown = _show_tx(transaction)
    result = found.result
    response = _tx_response(
        transaction.tx.tx_hash,
        height=found.height,
        codespace=result.codespace,
        code=result.code,
        raw_log=result.log,
        data=result.data.hex().upper(),
        gas_wanted=result.gas_wanted,
        gas_used=result.gas_used,
        tx={"@type": "/cosmos.tx.v1beta1.Tx", **shown},
        timestamp=show_time(genesis.block_time(found.height)),
        events=show_events(result.events, index=True),
    )
    return {"tx": shown, "tx_response": response}


def show_block(block: Block, proposer: str) -> Json:
    """A block in the gateway's two forms; `proposer` is the proposer's consensus address in bech32."""
    header = block.header
    data = {"txs": [base64.b64encode(raw).decode() for raw in block.txs]}
    commit = {"height": str(block.height - 1), "round": 0, "block_id": header["last_block_id"], "signatures": []}
    rest = {"data": data, "evidence": {"evidence": []}, "last_commit": commit}
    block_id = {"hash": base64.b64encode(block.hash).decode()}
    return {
        # A lab block is one part, whose hash is taken to be the block's.
        "block_id": {**block_id, "part_set_header": {"total": 1, **block_id}},
        "block": {"header": header, **rest},
        "sdk_block": {"header": {**header, "proposer_address": proposer}, **rest},
    }


def show_events(events: Sequence[ChainEvent], *, index: bool) -> list[Json]:
    """Events with their attributes; `index` says whether an indexer keeps them."""
    return [
        {
            "type": event.type,
            "attributes": [{"key": key, "value": value, "index": index} for key, value in event.attributes],
        }
        for event in events
    ]


def _tx_response(
    tx_hash: str,
    *,
    height: int,
    codespace: str,
    code: int,
    raw_log: str,
    data: str = "",
    gas_wanted: int = 0,
    gas_used: int = 0,
    tx: Json | None = None,
    timestamp: str = "",
    events: list[Json] | None = None,
) -> Json:
    return {
        "height": str(height),
        "txhash": tx_hash,
        "codespace": codespace,
        "code": code,
        "data": data,
        "raw_log": raw_log,
        "logs": [],
        "info": "",
        "gas_wanted": str(gas_wanted),
        "gas_used": str(gas_used),
        "tx": tx,
        "timestamp": timestamp,
        "events": events or [],
    }


def _show_tx(transaction: Transaction) -> Json:
    body, auth_info = transaction.tx.body, transaction.tx.auth_info
    return {
        "body": {
            "messages": [to_any_json(message) for message in transaction.messages],
            "memo": body.memo,
            "timeout_height": str(body.timeout_height),
            "extension_options": [],
            "non_critical_extension_options": [],
        },
        "auth_info": {
            "signer_infos": [_show_signer(signer_info) for signer_info in auth_info.signer_infos],
            "fee": to_json(auth_info.fee or Fee()),
            "tip": None,
        },
        "signatures": [base64.b64encode(signature).decode() for signature in transaction.tx.signatures],
    }


def _show_signer(signer_info: SignerInfo) -> Json:
    public_key = signer_info.public_key
    return {
        "public_key": _show_public_key(public_key) if public_key else None,
        "mode_info": to_json(signer_info.mode_info) if signer_info.mode_info else None,
        "sequence": str(signer_info.sequence),
    }


def _show_public_key(envelope: AnyMessage) -> Json:
    if envelope.type_url == PubKey.url():
        return to_any_json(unpack(envelope, PubKey))
    return {"@type": envelope.type_url, "value": base64.b64encode(envelope.value).decode()}
