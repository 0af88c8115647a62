import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r3cli.chain.cosmos.message import encode
from r3cli.chain.cosmos.messages import Coin, Fee, TxRaw
from r3cli.chain.cosmos.tx import decode_tx, sign_tx, tx_hash, unsigned_tx, verify_tx
from r3cli.errors import Malformed, TooLarge
from r3cli.network.r3mes.messages import MsgSubmitGradient
from r3cli.secret import Secret
from r3cli.wallet.signer import LocalSigner

VECTOR = json.loads((Path(__file__).parents[1] / "vectors/r3mes_tx.json").read_text())
SIGNER = LocalSigner(Secret(bytes.fromhex(VECTOR["priv_hex"])))
RAW = base64.b64decode(VECTOR["tx_raw_base64"])
MESSAGE = MsgSubmitGradient(**VECTOR["msg_values"])


def test_the_golden_transaction_byte_for_byte() -> None:
    assert encode(MESSAGE).hex() == VECTOR["msg_hex"]
    signed = sign_tx(
        [MESSAGE],
        SIGNER,
        chain_id=VECTOR["chain_id"],
        account_number=VECTOR["account_number"],
        sequence=VECTOR["sequence"],
        fee=Fee(amount=(Coin(**VECTOR["fee"]),), gas_limit=VECTOR["gas_limit"]),
    )
    assert signed.raw == RAW
    assert signed.tx_hash == VECTOR["tx_hash"]


def test_the_golden_transaction_taken_apart() -> None:
    tx = decode_tx(RAW)
    assert tx.tx_hash == VECTOR["tx_hash"]
    assert (tx.body_bytes.hex(), tx.auth_info_bytes.hex()) == (VECTOR["body_hex"], VECTOR["auth_info_hex"])
    assert tx.signatures[0].hex() == VECTOR["signature_hex"]
    assert tx.messages[0].type_url == MsgSubmitGradient.url()
    assert tx.public_key() == SIGNER.public_key
    assert verify_tx(tx, SIGNER.public_key, chain_id=VECTOR["chain_id"], account_number=VECTOR["account_number"])


@pytest.mark.parametrize(("chain_id", "account_number"), [("remes-test", 13), ("remes-tess", 12)])
def test_a_signature_holds_for_one_chain_and_account_number(chain_id: str, account_number: int) -> None:
    assert not verify_tx(decode_tx(RAW), SIGNER.public_key, chain_id=chain_id, account_number=account_number)


def test_a_simulated_transaction_has_one_empty_signature() -> None:
    tx = decode_tx(unsigned_tx([MESSAGE], SIGNER.public_key, sequence=5, fee=Fee()))
    assert (tx.signatures, tx.auth_info.signer_infos[0].sequence) == ((b"",), 5)


def test_signatures_must_match_signers() -> None:
    tx = decode_tx(RAW)
    for signatures in ((), tx.signatures * 2):
        raw = encode(TxRaw(body_bytes=tx.body_bytes, auth_info_bytes=tx.auth_info_bytes, signatures=signatures))
        with pytest.raises(Malformed, match="signature"):
            decode_tx(raw)


@pytest.mark.parametrize("place", range(0, len(RAW), 7))
def test_no_flipped_bit_keeps_the_signature(place: int) -> None:
    changed = bytearray(RAW)
    changed[place] ^= 1
    try:
        tx = decode_tx(bytes(changed))
    except Malformed:
        return
    assert tx_hash(bytes(changed)) != VECTOR["tx_hash"]
    assert tx.public_key() != SIGNER.public_key or not verify_tx(
        tx, SIGNER.public_key, chain_id=VECTOR["chain_id"], account_number=VECTOR["account_number"]
    )


@given(st.binary(max_size=400) | st.integers(0, len(RAW)).map(lambda cut: RAW[:cut] + RAW[cut + 1 :]))
def test_the_decoder_is_total(raw: bytes) -> None:
    try:
        tx = decode_tx(raw)
    except (Malformed, TooLarge):
        return
    assert tx.tx_hash == tx_hash(raw)
