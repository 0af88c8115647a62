"""cosmjs accepts what we sign, makes the same bytes, and the reverse."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from r3cli.chain.cosmos.address import encode_address
from r3cli.chain.cosmos.message import Message, encode
from r3cli.chain.cosmos.messages import Coin, Fee, MsgSend
from r3cli.chain.cosmos.tx import decode_tx, sign_tx, verify_tx
from r3cli.network.r3mes.messages import MsgRegisterNode
from r3cli.network.r3mes.schema import NodeType, ResourceSpec
from tests.chain.target import key
from tests.engines.cosmjs import Cosmjs

pytestmark = pytest.mark.engine("cosmjs")

SIGNER = key(7)
ADDRESS = encode_address(SIGNER.public_key, "remes")
SEND = MsgSend(from_address=ADDRESS, to_address=ADDRESS, amount=(Coin(denom="uremes", amount="15"),))
REGISTER = MsgRegisterNode(
    node_address=ADDRESS,
    node_type=NodeType.MINING,
    resources=ResourceSpec(cpu_cores=2),
    stake="1000",
    roles=(NodeType.MINING, NodeType.PROPOSER),
)
CHAIN: dict[str, Any] = {"chain_id": "remes-test", "account_number": 42, "sequence": 7}


def _request(messages: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "action": "sign",
        "key": (bytes([7]) * 32).hex(),
        "prefix": "remes",
        "messages": messages,
        "memo": "",
        "timeoutHeight": "120",
        "sequence": 7,
        "accountNumber": 42,
        "chainId": "remes-test",
        "fee": [{"denom": "uremes", "amount": "500"}],
        "gas": "200000",
    }


def _ours(*messages: Message) -> bytes:
    fee = Fee(amount=(Coin(denom="uremes", amount="500"),), gas_limit=200_000)
    return sign_tx(messages, SIGNER, fee=fee, timeout_height=120, **CHAIN).raw


def test_both_sign_the_same_bytes(cosmjs: Cosmjs) -> None:
    send = {"fromAddress": ADDRESS, "toAddress": ADDRESS, "amount": [{"denom": "uremes", "amount": "15"}]}
    packed = {"typeUrl": MsgRegisterNode.url(), "value": encode(REGISTER).hex()}
    theirs = cosmjs.run("transactions.mjs", _request([{"send": send}, packed]))
    assert theirs["address"] == ADDRESS
    assert bytes.fromhex(theirs["raw"]) == _ours(SEND, REGISTER)
    tx = decode_tx(bytes.fromhex(theirs["raw"]))
    assert tx.tx_hash == theirs["hash"]
    assert verify_tx(tx, SIGNER.public_key, chain_id="remes-test", account_number=42)


def test_cosmjs_accepts_what_we_sign(cosmjs: Cosmjs) -> None:
    raw = _ours(SEND, REGISTER)
    request = {"action": "verify", "prefix": "remes", "chainId": "remes-test", "accountNumber": 42, "raw": raw.hex()}
    seen = cosmjs.run("transactions.mjs", request)
    assert seen == {
        "valid": True,
        "address": ADDRESS,
        "types": [MsgSend.url(), MsgRegisterNode.url()],
        "send": [{"fromAddress": ADDRESS, "toAddress": ADDRESS, "amount": [{"denom": "uremes", "amount": "15"}]}],
        "timeoutHeight": "120",
        "sequence": "7",
        "gas": "200000",
        "reencoded": raw.hex(),
    }
    assert not cosmjs.run("transactions.mjs", {**request, "accountNumber": 43})["valid"]


def test_cosmjs_accepts_the_golden_transaction(cosmjs: Cosmjs) -> None:
    vector = json.loads((Path(__file__).parents[1] / "vectors/r3mes_tx.json").read_text())
    raw = base64.b64decode(vector["tx_raw_base64"])
    request = {"action": "verify", "prefix": "remes", "chainId": "remes-test", "accountNumber": 12, "raw": raw.hex()}
    seen = cosmjs.run("transactions.mjs", request)
    assert (seen["valid"], seen["address"]) == (True, vector["address"])
