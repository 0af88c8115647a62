"""Merkle trees: a recursive twin gives the same roots, proofs prove exactly one leaf, the seed's vectors hold."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r3cli.errors import Malformed, Usage
from r3cli.kernels.merkle import (
    merkle_proof,
    merkle_root,
    seed_merkle_proof,
    seed_merkle_root,
    verify_merkle_proof,
    verify_seed_merkle_proof,
)

VECTORS = Path(__file__).parents[1] / "vectors"
SEED_TREES = json.loads((VECTORS / "r3mes_merkle.json").read_text())["trees"]
OWN_TREES = json.loads((VECTORS / "merkle.json").read_text())["trees"]

leaf_lists = st.lists(st.binary(max_size=40), min_size=1, max_size=40)
digest_lists = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40)


def _sha(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def _recursive_top(leaves: list[bytes]) -> bytes:
    """Top down: the left subtree is the largest power of two that leaves something to the right."""
    if len(leaves) == 1:
        return _sha(b"r3/merkle/1\0", leaves[0])
    left = 1 << (len(leaves) - 1).bit_length() - 1
    return _sha(b"r3/merkle/1\1", _recursive_top(leaves[:left]), _recursive_top(leaves[left:]))


def _recursive_root(leaves: list[bytes]) -> bytes:
    return _sha(b"r3/merkle/1\2", len(leaves).to_bytes(8, "big"), _recursive_top(leaves))


def _seed_root(leaves: list[bytes]) -> bytes:
    """Padded with the last leaf, level by level."""
    while len(leaves) > 1:
        leaves = leaves + leaves[-1:] * (len(leaves) % 2)
        leaves = [_sha(leaves[index], leaves[index + 1]) for index in range(0, len(leaves), 2)]
    return leaves[0]


@given(leaf_lists)
def test_a_recursive_twin_gives_the_same_root(leaves: list[bytes]) -> None:
    assert merkle_root(leaves) == _recursive_root(leaves)


@given(digest_lists)
def test_the_seed_twin_gives_the_same_root(leaves: list[bytes]) -> None:
    assert seed_merkle_root(leaves) == _seed_root(leaves)


@given(leaf_lists, st.data())
def test_a_proof_proves_its_leaf_and_no_other(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    root, proof = merkle_root(leaves), merkle_proof(leaves, index)
    count = len(leaves)
    assert verify_merkle_proof(root, leaves[index], index, count, proof)
    assert not verify_merkle_proof(root, leaves[index] + b"x", index, count, proof)
    assert not verify_merkle_proof(root, leaves[index], index, count + 1, proof)
    assert not verify_merkle_proof(root, leaves[index], index, count, [*proof, bytes(32)])
    for other in range(count):
        if leaves[other] != leaves[index]:
            assert not verify_merkle_proof(root, leaves[other], other, count, proof)
    if proof:
        assert not verify_merkle_proof(root, leaves[index], index, count, proof[:-1])
        assert not verify_merkle_proof(root, leaves[index], index, count, [*proof[:-1], proof[-1] + b"x"])


@given(digest_lists, st.data())
def test_a_seed_proof_proves_its_leaf(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    root, proof = seed_merkle_root(leaves), seed_merkle_proof(leaves, index)
    assert verify_seed_merkle_proof(root, leaves[index], index, len(leaves), proof)
    assert not verify_seed_merkle_proof(root, _sha(leaves[index]), index, len(leaves), proof)
    assert not verify_seed_merkle_proof(root, leaves[index], index, len(leaves), [*proof, bytes(32)])


@given(st.binary(max_size=40), st.binary(max_size=40), st.integers(-5, 1 << 50), st.integers(-5, 1 << 50), st.data())
def test_any_proof_is_answered(root: bytes, leaf: bytes, index: int, count: int, data: st.DataObject) -> None:
    proof = data.draw(st.lists(st.binary(max_size=40), max_size=60))
    assert not verify_merkle_proof(root, leaf, index, count, proof)
    assert not verify_seed_merkle_proof(root, leaf, index, count, proof) or (root == leaf and count == 1)


@given(digest_lists)
def test_the_count_is_bound(leaves: list[bytes]) -> None:
    doubled = [*leaves, leaves[-1]]
    assert merkle_root(doubled) != merkle_root(leaves)
    if len(leaves) % 2 and len(leaves) > 1:
        assert seed_merkle_root(doubled) == seed_merkle_root(leaves)  # the known weakness of variant C


def test_leaves_nodes_and_roots_are_kept_apart() -> None:
    left, right = b"left", b"right"
    inner = _sha(b"r3/merkle/1\0", left) + _sha(b"r3/merkle/1\0", right)
    assert merkle_root([inner]) != merkle_root([left, right])


@pytest.mark.parametrize("tree", SEED_TREES, ids=lambda tree: str(len(tree["leaves"])))
def test_the_seed_vectors(tree: dict[str, Any]) -> None:
    leaves = [bytes.fromhex(leaf) for leaf in tree["leaves"]]
    root = seed_merkle_root(leaves)
    assert root.hex() == tree["go_keeper_rawconcat_dup"]
    last = len(leaves) - 1
    proof = seed_merkle_proof(leaves, last)
    assert verify_seed_merkle_proof(root, leaves[last], last, len(leaves), proof)
    assert len(proof) == len(tree["last_leaf_proof"])  # variant A hashes otherwise but has the same shape


@pytest.mark.parametrize("tree", OWN_TREES, ids=lambda tree: str(tree["count"]))
def test_published_vectors(tree: dict[str, Any]) -> None:
    leaves = [f"leaf {number}".encode() for number in range(tree["count"])]
    assert merkle_root(leaves).hex() == tree["root"]
    assert [sibling.hex() for sibling in merkle_proof(leaves, tree["count"] - 1)] == tree["last_leaf_proof"]


@pytest.mark.parametrize("root", [merkle_root, seed_merkle_root])
def test_no_leaves_have_no_root(root: Callable[[list[bytes]], bytes]) -> None:
    with pytest.raises(Usage):
        root([])


def test_what_does_not_exist_has_no_proof() -> None:
    for prove in (merkle_proof, seed_merkle_proof):
        with pytest.raises(Usage):
            prove([bytes(32)], 1)
    with pytest.raises(Malformed):
        seed_merkle_root([b"not a hash"])
