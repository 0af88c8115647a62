"""ADR-036: what is signed when a person signs a text, not a transaction.

The document has the form of an amino transaction that no chain can accept: no chain id, no fee, and a message of
a type that no module handles. It also cannot be read as a SIGN_MODE_DIRECT document, whose first byte is never `{`.
So a signed text can never be replayed as a payment. Keplr and cosmjs sign and verify the same bytes.
"""

from __future__ import annotations

import base64
import json


def text_sign_bytes(signer: str, content: bytes) -> bytes:
    """The bytes whose SHA-256 is signed when the account `signer` (its address) signs `content`."""
    document = {
        "account_number": "0",
        "chain_id": "",
        "fee": {"amount": [], "gas": "0"},
        "memo": "",
        "msgs": [
            {"type": "sign/MsgSignData", "value": {"data": base64.b64encode(content).decode(), "signer": signer}},
        ],
        "sequence": "0",
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
