"""Header hashes, against a block that a real `simd` made."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import pytest

from r3cli.chain.cosmos.headers import data_hash, header_hash, merkle_root
from r3cli.errors import Malformed

HEADER: dict[str, Any] = {
    "version": {"block": "11", "app": "0"},
    "chain_id": "lab-1",
    "height": "617",
    "time": "2026-11-21T11:20:23.729223582Z",
    "last_block_id": {
        "hash": "6IXwF4OscASHxb9oWGL9ATG7Cytd0diZkLvh/SMnA3g=",
        "part_set_header": {"total": 1, "hash": "WRnAHQhM/qUroNwxpDRY/Uve5jDEfovSTs9w8Ee54f8="},
    },
    "last_commit_hash": "jkWjmg9e0TirGqpqUDIEB4N/QrVajPa+YPZYYbySzaE=",
    "data_hash": "J1LI+1UMHwGYPBchX4auzvZGV/dE/vJpBNJLX7I2W30=",
    "validators_hash": "QLijs5DINKekuwZ4gaEUEmKluFAxwnzaJy3MjFwn5dg=",
    "next_validators_hash": "QLijs5DINKekuwZ4gaEUEmKluFAxwnzaJy3MjFwn5dg=",
    "consensus_hash": "BICRvH3cKD93v7+R1zxE2ljD34qcvIZ0Bdi389qtoi8=",
    "app_hash": "6ScJvGboOC7LVYV+HxjYJ8+NOpuErhb8RQfmFq+lOYg=",
    "last_results_hash": "AeZBAV1NVCbyb0vVyagAE5B0XGU7S5TpBepKfzySQhA=",
    "evidence_hash": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    "proposer_address": "PPplfGzN9BpAao84Gzi6k6dG9kA=",
}
BLOCK_HASH = "KAeprmZZHW4o1s4g8YEnal7LVZeNwPLX/9UGnvoaL6I="
TX = (
    "Co0BCooBChwvY29zbW9zLmJhbmsudjFiZXRhMS5Nc2dTZW5kEmoKLWNvc21vczF4d3U1a3U5bTZzNjBwdGdwamZ0eG4wa2x4MzVj"
    "eDI2Y3h0NTM1NRItY29zbW9zMTBqOTJwNzBoZXVrMGc5emh5eWxjcHowZnR3OGVkNWtzOTBjNXh2GgoKBXVjb2luEgExEmYKUApG"
    "Ch8vY29zbW9zLmNyeXB0by5zZWNwMjU2azEuUHViS2V5EiMKIQOZl6SX2WT8GmKIWwWlEWamWpDfAEksjXz2HWrM9UgDvhIECgII"
    "ARgFEhIKDAoFdWNvaW4SAzIwMBDo+wMaQFuzbo7bS+3rsBBV7ECozQBm1lEyfQr4QpxZeTOOP2/HSqOW7T8Sa2vKPSs/hlnJyhDJ"
    "DWtSjudekoF+CqviYm4="
)


def test_a_real_header_and_its_transaction() -> None:
    assert header_hash(HEADER) == b64decode(BLOCK_HASH)
    assert data_hash([b64decode(TX)]) == b64decode(HEADER["data_hash"])


@pytest.mark.parametrize("name", list(HEADER))
def test_every_field_is_in_the_hash(name: str) -> None:
    without = {key: value for key, value in HEADER.items() if key != name}
    with pytest.raises(Malformed):
        header_hash(without)


@pytest.mark.parametrize("value", [None, 5, "x", "2026-11-21", {}])
def test_nonsense_is_malformed(value: object) -> None:
    with pytest.raises(Malformed):
        header_hash({**HEADER, "time": value})


def test_the_tree_splits_at_the_largest_power_of_two() -> None:
    leaves = [bytes([number]) for number in range(5)]
    left, right = merkle_root(leaves[:4]), merkle_root(leaves[4:])
    assert merkle_root(leaves) != merkle_root([left, right])  # leaves and nodes have different domains
    assert merkle_root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert len(left) == len(right) == 32
