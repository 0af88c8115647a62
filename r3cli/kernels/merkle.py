"""Merkle trees over SHA-256: r3's own tree, and the seed network's variant C for its messages.

r3's tree keeps leaves, nodes and roots apart by a tag and binds the number of leaves into the root, so that no other
list of leaves has the same root:

    leaf node = SHA-256("r3/merkle/1" | 0x00 | leaf)
    node      = SHA-256("r3/merkle/1" | 0x01 | left | right); an odd last node moves up as it is
    root      = SHA-256("r3/merkle/1" | 0x02 | number of leaves u64 BE | top node)

The seed's variant C hashes raw 32-byte leaves pairwise and pairs an odd last node with itself. It has no separation,
so lists that differ (a, b, c and a, b, c, c) share a root: it is for speaking to the seed, not for trust.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Sequence

from r3cli.errors import Malformed, Usage

DOMAIN = b"r3/merkle/1"
DIGEST_BYTES = 32
MOST_LEAVES = 1 << 40

Combine = Callable[[bytes, bytes], bytes]


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """The root (32 bytes) over at least one leaf of any length."""
    level = [_tagged(0, leaf) for leaf in _required(leaves)]
    while len(level) > 1:
        level = _parents(level, _node, duplicate=False)
    return _root(len(leaves), level[0])


def merkle_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The siblings from the leaf upwards that prove leaf `index`; at most one for each level."""
    level = [_tagged(0, leaf) for leaf in _required(leaves)]
    _check_index(index, len(leaves))
    proof = []
    while len(level) > 1:
        if index ^ 1 < len(level):
            proof.append(level[index ^ 1])
        level = _parents(level, _node, duplicate=False)
        index //= 2
    return proof


def verify_merkle_proof(root: bytes, leaf: bytes, index: int, count: int, proof: Sequence[bytes]) -> bool:
    """Whether `leaf` stands at `index` among `count` leaves under `root`. Never raises for what a stranger sent."""
    if not 0 <= index < count <= MOST_LEAVES or any(len(sibling) != DIGEST_BYTES for sibling in proof):
        return False
    node, siblings, width = _tagged(0, leaf), iter(proof), count
    while width > 1:
        if index ^ 1 < width:
            sibling = next(siblings, None)
            if sibling is None:
                return False
            node = _node(sibling, node) if index % 2 else _node(node, sibling)
        index, width = index // 2, (width + 1) // 2
    return next(siblings, None) is None and _root(count, node) == root


def seed_merkle_root(leaves: Sequence[bytes]) -> bytes:
    """Variant C's root over leaves that are 32-byte hashes; a single leaf is its own root."""
    level = _seed_leaves(leaves)
    while len(level) > 1:
        level = _parents(level, _seed_node, duplicate=True)
    return level[0]


def seed_merkle_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The siblings from the leaf upwards, one for each level; an odd last node is its own sibling."""
    level = _seed_leaves(leaves)
    _check_index(index, len(leaves))
    proof = []
    while len(level) > 1:
        proof.append(level[min(index ^ 1, len(level) - 1)])
        level = _parents(level, _seed_node, duplicate=True)
        index //= 2
    return proof


def verify_seed_merkle_proof(root: bytes, leaf: bytes, index: int, count: int, proof: Sequence[bytes]) -> bool:
    """Whether variant C leads from `leaf` at `index` of `count` to `root`."""
    if not 0 <= index < count <= MOST_LEAVES or len(proof) != (count - 1).bit_length():
        return False
    node = leaf
    for sibling in proof:
        node = _seed_node(sibling, node) if index % 2 else _seed_node(node, sibling)
        index //= 2
    return node == root


def _parents(level: list[bytes], combine: Combine, *, duplicate: bool) -> list[bytes]:
    parents = [combine(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
    if len(level) % 2:
        parents.append(combine(level[-1], level[-1]) if duplicate else level[-1])
    return parents


def _tagged(tag: int, *parts: bytes) -> bytes:
    return hashlib.sha256(DOMAIN + bytes((tag,)) + b"".join(parts)).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return _tagged(1, left, right)


def _root(count: int, top: bytes) -> bytes:
    return _tagged(2, struct.pack(">Q", count), top)


def _seed_node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(left + right).digest()


def _seed_leaves(leaves: Sequence[bytes]) -> list[bytes]:
    if any(len(leaf) != DIGEST_BYTES for leaf in _required(leaves)):
        raise Malformed(f"a leaf of the seed's tree is a hash of {DIGEST_BYTES} bytes")
    return list(leaves)


def _required(leaves: Sequence[bytes]) -> Sequence[bytes]:
    if not leaves:
        raise Usage("a Merkle tree needs at least one leaf")
    return leaves


def _check_index(index: int, count: int) -> None:
    if not 0 <= index < count:
        raise Usage(f"leaf {index} of {count} does not exist")
