"""The miner's side of a round: execute the steps, keep every state, make the payload.

Each step's state lies in the content store under its CID, and the checkpoint is only the list of leaves so far. A
run that was killed goes on from the newest leaf whose state is still whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np  # noqa: TID253 - adapters are named arrays

from r3cli.errors import BadContent, NotFound
from r3cli.events import Report, event, silent
from r3cli.kernels.codec import compress
from r3cli.signals import Stop
from r3cli.train.checkpoint import CheckpointFolder
from r3cli.train.evaluate import LossSum
from r3cli.train.rounds.bench import TENSORS_LIMIT, Bench, Executed, load_tensors
from r3cli.train.rounds.leaves import Leaf, LeafList, decode_leaves
from r3cli.train.rounds.payload import Header, Payload
from r3cli.train.rounds.verify import read_header
from r3cli.train.state import TrainState


@dataclass(frozen=True)
class Work:
    """A finished round of one miner, kept in the store and not yet sent."""

    miner: str
    payload_cid: str
    payload_bytes: int
    header: Header
    adapter: dict[str, np.ndarray]


def mine_round(
    bench: Bench, miner: str, previous: str | None, checkpoints: CheckpointFolder, stop: Stop, report: Report = silent
) -> Work:
    """Train one round as `miner` and keep its payload.

    `previous` is the CID of the miner's last revealed payload since residuals were reset. Raises `Interrupted`,
    after saving, when a stop was asked for.
    """
    leaves, state = _resume(bench, checkpoints, report)
    total = bench.manifest.steps
    for number in range(len(leaves), total + 1):
        executed = bench.step(state, miner, number)
        _keep(bench, executed)
        leaves.append(executed.leaf)
        state = executed.state
        checkpoints.save(number, LeafList(leaves=leaves).encode())
        loss = LossSum(executed.leaf.loss, bench.tokens_per_step).nats_per_token
        report(
            event(
                "train.step",
                f"round {bench.manifest.round}, step {number} of {total}: loss {loss:.4f}",
                level="debug",
                round=bench.manifest.round,
                miner=miner,
                done=number,
                total=total,
                loss=round(loss, 6),
            )
        )
        stop.raise_if_requested(
            f"stopped after step {number} of round {bench.manifest.round}; it is saved",
            "run the same command again to go on from there",
        )
    return _finish(bench, miner, previous, leaves, state)


def _resume(bench: Bench, checkpoints: CheckpointFolder, report: Report) -> tuple[list[Leaf], TrainState]:
    start = bench.start()
    saved = checkpoints.load_latest(report)
    if saved is not None:
        _, content = saved
        leaves = decode_leaves(content).leaves
        if leaves[0] == start.leaf:
            while len(leaves) > 1:
                state = _load_state(bench, leaves[-1], report)
                if state is not None:
                    report(event("train.resumed", f"going on after step {len(leaves) - 1}", step=len(leaves) - 1))
                    return leaves, state
                leaves = leaves[:-1]
    _keep(bench, start)
    return [start.leaf], start.state


def _load_state(bench: Bench, leaf: Leaf, report: Report) -> TrainState | None:
    try:
        return bench.restore(bench.store.get(leaf.state, limit=TENSORS_LIMIT))
    except (BadContent, NotFound) as error:
        report(event("train.state_lost", f"a saved state is gone: {error.message}", level="warning"))
        return None


def _keep(bench: Bench, executed: Executed) -> None:
    bench.store.put(executed.content)


def _finish(bench: Bench, miner: str, previous: str | None, leaves: list[Leaf], state: TrainState) -> Work:
    listed = LeafList(leaves=leaves)
    before = read_header(bench.store, previous).residual_after if previous else None
    residual = load_tensors(bench.store, before) if before else None
    update, after = compress(bench.delta(state), residual, bench.manifest.density_fraction)
    header = Header(
        claimed_loss=listed.claimed_loss(bench.tokens_per_step),
        leaves=bench.store.put(listed.encode()),
        manifest=bench.manifest_cid,
        miner=miner,
        previous=previous,
        residual_after=bench.store.put(after),
        residual_before=before,
        round=bench.manifest.round,
        step_root=listed.root,
        steps=bench.manifest.steps,
    )
    content = Payload(header, update).encode()
    return Work(miner, bench.store.put(content), len(content), header, dict(state.parameters))
