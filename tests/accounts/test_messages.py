"""Signed texts: ADR-036 bytes, and every way in which a signature may be wrong."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r3cli.accounts.importing import import_private_key, watch_wallet
from r3cli.accounts.messages import SignedMessage, read_text, sign_message, verify_message
from r3cli.chain.cosmos.adr036 import text_sign_bytes
from r3cli.errors import NeedsInput, NotFound, Refused, TooLarge, Usage
from r3cli.paths import Paths
from r3cli.secret import Secret
from r3cli.wallet.sealing import Cost
from r3cli.wallet.signer import CURVE_ORDER, LocalSigner, verify_signature
from r3cli.wallet.unlock import PassphraseSource

CHEAP = Cost(memory_kib=1024, iterations=1, lanes=1)
SOURCE = PassphraseSource(ask=lambda _: Secret("correct horse"))
VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "r3mes_wallets.json").read_text())
WALLET = VECTORS["wallets"][1]
SIGNER = LocalSigner(Secret(bytes.fromhex(WALLET["priv_hex"])))
NOWHERE = Paths(*[Path("/nonexistent")] * 5)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    made = Paths(*(tmp_path / folder for folder in ("config", "state", "data", "cache", "runtime")))
    import_private_key(made, "ops", Secret(WALLET["priv_hex"]), SOURCE, prefix="remes", cost=CHEAP)
    return made


def test_sign_then_verify(paths: Paths) -> None:
    signed = sign_message(paths, "ops", b"hello", SOURCE, prefix="remes").data
    assert (signed.wallet, signed.address, signed.public_key) == (
        "ops",
        WALLET["address"],
        WALLET["pub_compressed_hex"],
    )
    assert base64.b64decode(signed.signature).hex() == signed.signature_hex
    for signature in (signed.signature, signed.signature_hex):
        result = verify_message(paths, b"hello", signature, wallet="ops", address=signed.address, prefix="remes")
        assert result.ok
        assert result.data.valid


def test_the_document_is_adr036() -> None:
    document = text_sign_bytes("remes1signer", "h\u00e9<&>".encode())
    assert document == (
        b'{"account_number":"0","chain_id":"","fee":{"amount":[],"gas":"0"},"memo":"","msgs":[{"type":"sign/MsgSignData",'
        b'"value":{"data":"aMOpPCY+","signer":"remes1signer"}}],"sequence":"0"}'
    )


def test_cosmjs_makes_the_same_signature() -> None:
    """Made with @cosmjs/amino 0.39.0: `Secp256k1Wallet.signAmino` over `makeSignDoc` of the ADR-036 message."""
    signature = SIGNER.sign(text_sign_bytes(WALLET["address"], b"hello"), purpose="test")
    assert signature.hex() == (
        "c7bd82389edecb93cc11a2a249fc51c6bf6c1834c38c09be5a429deb4d39dbba"
        "2e2a94dd48682d323a848c9529d356befa0f5a45559551ae301fa857d1796954"
    )


def test_a_text_is_never_signed_as_such(paths: Paths) -> None:
    """Bytes that are a transaction's sign document do not become a valid signature over it."""
    sign_document = b"\n\x02hi\x12\x00"
    signed = sign_message(paths, "ops", sign_document, SOURCE, prefix="remes").data
    assert not verify_signature(SIGNER.public_key, sign_document, bytes.fromhex(signed.signature_hex))


def forged(signed: SignedMessage, what: str) -> tuple[bytes, str]:
    r, s = signed.signature_hex[:64], int(signed.signature_hex[64:], 16)
    return {
        "text": (b"hello!", signed.signature),
        "high s": (b"hello", r + f"{CURVE_ORDER - s:064x}"),
        "zero": (b"hello", "00" * 64),
        "overflow": (b"hello", "ff" * 64),
        "swapped": (b"hello", signed.signature_hex[64:] + r),
    }[what]


@pytest.mark.parametrize("what", ["text", "high s", "zero", "overflow", "swapped"])
def test_forgeries(paths: Paths, what: str) -> None:
    text, signature = forged(sign_message(paths, "ops", b"hello", SOURCE, prefix="remes").data, what)
    result = verify_message(NOWHERE, text, signature, public_key=SIGNER.public_key.hex(), address=None, prefix="remes")
    assert result.exit_code == 3
    assert result.failures[0].name == "verification_failed"
    assert result.data.reason == "signature_mismatch"


def test_key_of_somebody_else(paths: Paths) -> None:
    other = LocalSigner(Secret(b"\x01" * 32))
    document = text_sign_bytes(WALLET["address"], b"hello")
    signature = other.sign(document, purpose="test").hex()
    result = verify_message(
        NOWHERE, b"hello", signature, public_key=other.public_key.hex(), address=WALLET["address"], prefix="remes"
    )
    assert (result.exit_code, result.data.reason) == (3, "address_mismatch")


@pytest.mark.parametrize(
    ("signature", "public_key", "address"),
    [
        ("", WALLET["pub_compressed_hex"], None),
        ("not base64!", WALLET["pub_compressed_hex"], None),
        ("00" * 63, WALLET["pub_compressed_hex"], None),
        ("00" * 64, "00" * 33, None),
        ("00" * 64, "", None),
        ("00" * 64, WALLET["pub_compressed_hex"], "remes1oops"),
        ("00" * 64, WALLET["pub_compressed_hex"], VECTORS["cosmos_control"]),
    ],
)
def test_texts_that_are_no_signature_key_or_address(signature: str, public_key: str, address: str | None) -> None:
    with pytest.raises(Usage):
        verify_message(NOWHERE, b"hello", signature, public_key=public_key, address=address, prefix="remes")


@given(st.text(max_size=200), st.text(max_size=80))
def test_any_text_is_judged_or_refused(signature: str, public_key: str) -> None:
    with pytest.raises(Usage):
        verify_message(NOWHERE, b"hello", signature, public_key=public_key, address=None, prefix="remes")


def test_watch_only_cannot_sign(paths: Paths) -> None:
    watch_wallet(paths, "eyes", WALLET["address"], prefix="remes")
    with pytest.raises(Refused):
        sign_message(paths, "eyes", b"hello", SOURCE, prefix="remes")
    with pytest.raises(Usage, match="no public key"):
        verify_message(paths, b"hello", "00" * 64, wallet="eyes", prefix="remes")
    with pytest.raises(Usage, match="another chain"):
        sign_message(paths, "eyes", b"hello", SOURCE, prefix="cosmos")


def test_watched_address_must_be_the_keys(paths: Paths) -> None:
    watch_wallet(paths, "eyes", VECTORS["wallets"][0]["address"], prefix="remes")
    signed = sign_message(paths, "ops", b"hello", SOURCE, prefix="remes").data
    result = verify_message(
        paths, b"hello", signed.signature, wallet="eyes", public_key=signed.public_key, prefix="remes"
    )
    assert (result.exit_code, result.data.reason) == (3, "address_mismatch")


def test_reading_the_text(tmp_path: Path) -> None:
    file = tmp_path / "text"
    file.write_bytes(b"\xff\x00")
    assert read_text("h\u00e9", None) == "h\u00e9".encode()
    assert read_text("", None) == b""
    assert read_text(None, file) == b"\xff\x00"
    for text, place, error in (
        ("a", file, Usage),
        (None, None, NeedsInput),
        (None, tmp_path / "none", NotFound),
        (None, tmp_path, NotFound),
    ):
        with pytest.raises(error):
            read_text(text, place)
    file.write_bytes(bytes((1 << 20) + 1))
    with pytest.raises(TooLarge):
        read_text(None, file)
