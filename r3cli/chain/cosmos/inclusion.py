"""What became of a signed transaction: in a block, still possible, or never.

*Never* needs proof, because the next step after it may be to pay again: the chain's head has passed the
transaction's timeout height and the node, asked after that, does not know the hash. A sequence that is used up
proves less than it seems: behind one address there may be several nodes, the one that knows the sequence ahead of the
one that is asked for the hash.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import Enum

from r3cli.chain.cosmos.answers import Meaning
from r3cli.chain.cosmos.client import CosmosClient, Unanswered
from r3cli.chain.cosmos.node import Included, Node
from r3cli.errors import R3Error, Temporary
from r3cli.journal import Attempt

# Nodes index transactions a moment after they show the block.
_INDEX_LAG_BLOCKS = 1
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 1.0
_RESEND_SECONDS = (0.5, 2.0, 8.0)


class Fate(Enum):
    """Of a transaction that is in no block that the node knows."""

    POSSIBLE = "possible"
    NEVER = "never"


Outcome = Included | Fate


def look_up(client: CosmosClient, attempt: Attempt) -> Outcome:
    """What one fresh node knows; raises `Temporary` failures when none answers."""
    return client.read(lambda node: _ask(node, client, attempt))


def wait_for(
    client: CosmosClient, attempt: Attempt, *, seconds: float, resend: bool, now: Callable[[], float] = time.monotonic
) -> Outcome:
    """Watch until the fate is known or the time is over (`Fate.POSSIBLE`).

    `resend` hands the same bytes in again when the first reply was lost: identical bytes can be included only once.
    """
    started = now()
    pause = _FIRST_PAUSE
    resend_after = list(_RESEND_SECONDS) if resend else []
    while True:
        outcome = _try_look_up(client, attempt)
        elapsed = now() - started
        if outcome is not Fate.POSSIBLE or elapsed >= seconds:
            return outcome
        if resend_after and elapsed >= resend_after[0]:
            resend_after = [] if _arrived(client, attempt) else resend_after[1:]
        time.sleep(min(pause, max(seconds - elapsed, 0.01)))
        pause = min(2 * pause, _LONGEST_PAUSE)


def _ask(node: Node, client: CosmosClient, attempt: Attempt) -> Outcome:
    included = node.tx(attempt.tx_hash)
    if included is not None:
        return included
    if client.check(node).height <= attempt.timeout_height + _INDEX_LAG_BLOCKS:
        return Fate.POSSIBLE
    # Only an answer that is younger than the head proves anything.
    return node.tx(attempt.tx_hash) or Fate.NEVER


def _try_look_up(client: CosmosClient, attempt: Attempt) -> Outcome:
    try:
        return look_up(client, attempt)
    except Temporary:
        return Fate.POSSIBLE


def _arrived(client: CosmosClient, attempt: Attempt) -> bool:
    """Hand the bytes in again; whether the node has them now. A refusal proves nothing about the first time."""
    try:
        answer = client.broadcast(attempt.raw)
    except (Unanswered, R3Error):
        return False
    return answer.meaning in (Meaning.ACCEPTED, Meaning.ALREADY_KNOWN)
