"""What each step commits to: a leaf of the training state after it and its loss; the leaves form a tree.

Leaf k = SHA-256(domain, k, CID of the state after step k, loss of step k). Leaf 0 is the manifest's adapter
with a fresh optimiser and loss 0. The root of the tree is the *digest* of a round.
"""

from __future__ import annotations

import hashlib
import struct
from typing import Annotated

from msgspec import Meta

from r3cli.errors import Malformed
from r3cli.kernels.merkle import merkle_root
from r3cli.train.rounds.canonical import Document, decode_document
from r3cli.train.rounds.manifest import Cid

DOMAIN = b"r3/step-leaf/1"
GRID_BITS = 36  # losses are integers on the grid 2^-36 nats, summed over the tokens of a step


class Leaf(Document, frozen=True, kw_only=True):
    """A step's commitment: `loss` in units of 2^-36 nats, summed over the step's tokens."""

    loss: Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
    state: Cid

    def digest(self, step: int) -> bytes:
        """32 bytes that bind step, state and loss."""
        state = self.state.encode()
        return hashlib.sha256(DOMAIN + struct.pack(">QHq", step, len(state), self.loss) + state).digest()


class LeafList(Document, frozen=True, kw_only=True, tag_field="format", tag="r3/leaves/1"):
    """The leaves of a round from 0 to H, as content of its own."""

    leaves: list[Leaf]

    @property
    def root(self) -> str:
        """The step root, 64 hex digits."""
        return merkle_root([leaf.digest(step) for step, leaf in enumerate(self.leaves)]).hex()

    def claimed_loss(self, tokens_per_step: int) -> int:
        """Mean training loss over the round in micro-nats per token, rounded half to even."""
        steps = len(self.leaves) - 1
        total = sum(leaf.loss for leaf in self.leaves[1:])
        return round_half_even(total * 1_000_000, steps * tokens_per_step << GRID_BITS)


def decode_leaves(content: bytes) -> LeafList:
    """Read a list of leaves; raises `Malformed` for an empty one too."""
    listed = decode_document(LeafList, content)
    if not listed.leaves:
        raise Malformed("a list of leaves without leaf 0")
    return listed


def round_half_even(numerator: int, denominator: int) -> int:
    """The integer nearest to a fraction (denominator > 0); a tie goes to the even one."""
    quotient, rest = divmod(numerator, denominator)
    if 2 * rest > denominator or (2 * rest == denominator and quotient % 2):
        quotient += 1
    return quotient
