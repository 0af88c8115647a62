import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r3cli.chain.cosmos.address import decode_address, encode_address, encode_bech32, require_address
from r3cli.chain.cosmos.ripemd160 import plain_ripemd160, ripemd160
from r3cli.errors import Malformed, Usage

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/r3mes_wallets.json").read_text())


@pytest.mark.parametrize("wallet", VECTORS["wallets"], ids=lambda wallet: wallet["how"][:12])
def test_addresses_of_the_seed(wallet: dict[str, str]) -> None:
    public_key = bytes.fromhex(wallet["pub_compressed_hex"])
    assert encode_address(public_key, "remes") == wallet["address"]
    payload = hashlib.new("ripemd160", hashlib.sha256(public_key).digest()).digest()
    assert decode_address(wallet["address"]) == ("remes", payload)


def test_the_prefix_changes_the_address() -> None:
    keplr = VECTORS["wallets"][1]
    assert encode_address(bytes.fromhex(keplr["pub_compressed_hex"]), "cosmos") == VECTORS["cosmos_control"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "remes1",
        "remes",
        "remes19rl4cm2hmr8afy4kldpxz3fka4jguq0arlkp9j",  # one letter changed
        "remes19Rl4cm2hmr8afy4kldpxz3fka4jguq0arlkp9h",  # mixed case
        VECTORS["wallets"][0]["python_bridge_fake_address"],
        "remes1\u0661" + "q" * 40,
        encode_bech32("remes", bytes(19)),
        encode_bech32("remes", bytes(21)),
        "q" * 91,
    ],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(Malformed):
        decode_address(text)


def test_wrong_padding_is_refused() -> None:
    # 20 bytes are exactly 32 groups; 33 groups hold 20.6 bytes, so a valid checksum alone must not suffice.
    from r3cli.chain.cosmos import address

    values = [0] * 33
    checksum = address._polymod(address._expand("remes") + values + [0] * 6) ^ 1
    tail = [(checksum >> 5 * (5 - place)) & 31 for place in range(6)]
    with pytest.raises(Malformed, match="padding"):
        decode_address("remes1" + "".join(address._CHARSET[value] for value in values + tail))


def test_typed_addresses_are_made_canonical_or_are_usage_errors() -> None:
    address = VECTORS["wallets"][1]["address"]
    assert require_address(address.upper(), "remes") == address
    with pytest.raises(Usage, match="another chain"):
        require_address(VECTORS["cosmos_control"], "remes")
    with pytest.raises(Usage, match="mistyped"):
        require_address(address[:-1] + "q", "remes")


@given(st.binary(min_size=20, max_size=20) | st.binary(min_size=32, max_size=32))
def test_round_trip(payload: bytes) -> None:
    assert decode_address(encode_bech32("remes", payload)) == ("remes", payload)


@given(st.text(max_size=120))
def test_the_decoder_is_total(text: str) -> None:
    try:
        prefix, payload = decode_address(text)
    except Malformed:
        return
    assert encode_bech32(prefix, payload) == text.lower()


@given(st.binary(max_size=300))
def test_plain_ripemd160_equals_openssl(content: bytes) -> None:
    assert plain_ripemd160(content) == ripemd160(content)
