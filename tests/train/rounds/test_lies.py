"""Every lie about a round that the issue names is caught by a full verification, and called by its name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np  # noqa: TID253 - liars make tensors
import pytest

from r3cli.errors import ContentMissing
from r3cli.kernels.codec import compress
from r3cli.kernels.tensors import encode_tensors
from r3cli.train.rounds.leaves import Leaf, LeafList, decode_leaves
from r3cli.train.rounds.mine import Work
from r3cli.train.rounds.verify import Reason, verify_work
from r3cli.train.state import TrainState, fresh_state

from .world import ALICE, BOB, LIMIT, World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World.make(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def honest(world: World) -> Work:
    return world.work()


def _leaves(world: World, work: Work) -> list[Leaf]:
    return decode_leaves(world.store.get(work.header.leaves, limit=LIMIT)).leaves


def _with_leaves(world: World, work: Work, leaves: list[Leaf], final: TrainState | None = None) -> Work:
    """A work that is consistent with other leaves: root, claimed loss and update are made to fit them."""
    listed = LeafList(leaves=leaves)
    state = final or world.bench.restore(world.store.get(leaves[-1].state, limit=LIMIT))
    update, after = compress(world.bench.delta(state), None, world.bench.manifest.density_fraction)
    return world.forge(
        work,
        update=update,
        leaves=world.store.put(listed.encode()),
        step_root=listed.root,
        claimed_loss=listed.claimed_loss(world.bench.tokens_per_step),
        residual_after=world.store.put(after),
    )


def _continue(world: World, state: TrainState, numbers: list[int], miner: str = ALICE) -> list[tuple[Leaf, TrainState]]:
    made = []
    for number in numbers:
        executed = world.bench.step(state, miner, number)
        world.store.put(executed.content)
        made.append((executed.leaf, executed.state))
        state = executed.state
    return made


def forged_payload(world: World, honest: Work) -> Work:
    values = {name: np.ones_like(tensor) for name, tensor in honest.adapter.items()}
    update, _ = compress(values, None, world.bench.manifest.density_fraction)
    return world.forge(honest, update=update)


def poisoned_start(world: World, honest: Work) -> Work:
    poisoned = {name: tensor + np.float32(0.01) for name, tensor in world.bench.adapter.items()}
    start = fresh_state(poisoned)
    cid = world.store.put(start.encode())
    made = _continue(world, start, [1, 2, 3])
    return _with_leaves(world, honest, [Leaf(loss=0, state=cid), *(leaf for leaf, _ in made)], made[-1][1])


def wrong_step_loss(world: World, honest: Work) -> Work:
    leaves = _leaves(world, honest)
    leaves[2] = msgspec.structs.replace(leaves[2], loss=leaves[2].loss - 1)
    return _with_leaves(world, honest, leaves)


def wrong_mean_loss(world: World, honest: Work) -> Work:
    return world.forge(honest, claimed_loss=honest.header.claimed_loss - 1)


def idle_step(world: World, honest: Work) -> Work:
    leaves = _leaves(world, honest)
    return _with_leaves(
        world, honest, [*leaves[:2], msgspec.structs.replace(leaves[1], loss=leaves[2].loss), leaves[3]]
    )


def left_out_step(world: World, honest: Work) -> Work:
    leaves = _leaves(world, honest)
    first = world.bench.restore(world.store.get(leaves[1].state, limit=LIMIT))
    made = _continue(world, first, [3, 3])
    return _with_leaves(world, honest, [*leaves[:2], *(leaf for leaf, _ in made)], made[-1][1])


def fewer_steps(world: World, honest: Work) -> Work:
    return _with_leaves(world, honest, _leaves(world, honest)[:-1])


def other_arithmetic(world: World, honest: Work) -> Work:
    leaves = _leaves(world, honest)
    state = world.bench.restore(world.store.get(leaves[2].state, limit=LIMIT))
    name = next(iter(state.parameters))
    tensor = state.parameters[name].copy()
    tensor.flat[0] = np.nextafter(tensor.flat[0], np.float32(np.inf))
    drifted = TrainState(state.step, {**state.parameters, name: tensor}, state.first_moment, state.second_moment)
    leaf = Leaf(loss=leaves[2].loss, state=world.store.put(drifted.encode()))
    made = _continue(world, drifted, [3])
    return _with_leaves(world, honest, [*leaves[:2], leaf, made[0][0]], made[0][1])


def invented_residual(world: World, honest: Work) -> Work:
    invented = world.store.put(encode_tensors({n: np.ones_like(t) for n, t in world.bench.adapter.items()}))
    return world.forge(honest, residual_before=invented, previous=honest.payload_cid)


def residual_left_wrong(world: World, honest: Work) -> Work:
    kept = world.store.put(encode_tensors({n: np.zeros_like(t) for n, t in world.bench.adapter.items()}))
    return world.forge(honest, residual_after=kept)


def copied_under_own_name(world: World, honest: Work) -> Work:
    return msgspec_replace_miner(world.forge(honest, miner=BOB))


def copied_as_it_is(world: World, honest: Work) -> Work:
    return Work(BOB, honest.payload_cid, honest.payload_bytes, honest.header, honest.adapter)


def of_another_round(world: World, honest: Work) -> Work:
    return world.forge(honest, round=2)


def of_another_manifest(world: World, honest: Work) -> Work:
    return world.forge(
        honest, manifest=world.store.put(world.bench.manifest.next(world.bench.manifest.adapter).encode())
    )


def leaves_without_root(world: World, honest: Work) -> Work:
    leaves = _leaves(world, honest)
    return world.forge(honest, leaves=world.store.put(LeafList(leaves=leaves[::-1]).encode()))


def not_a_payload(world: World, honest: Work) -> Work:
    return Work(ALICE, world.store.put(b"r3pl\x01" + b"\xff" * 40), 45, honest.header, honest.adapter)


def msgspec_replace_miner(work: Work) -> Work:
    return Work(BOB, work.payload_cid, work.payload_bytes, work.header, work.adapter)


LIES: list[tuple[Callable[[World, Work], Work], Reason, int | None]] = [
    (forged_payload, Reason.FORGED_UPDATE, None),
    (poisoned_start, Reason.POISONED_START, 0),
    (wrong_step_loss, Reason.WRONG_LOSS, 2),
    (wrong_mean_loss, Reason.WRONG_LOSS, None),
    (idle_step, Reason.SKIPPED_STEP, 2),
    (left_out_step, Reason.SKIPPED_STEP, 2),
    (fewer_steps, Reason.SKIPPED_STEP, 3),
    (other_arithmetic, Reason.STEP_MISMATCH, 2),
    (invented_residual, Reason.INVENTED_RESIDUAL, None),
    (residual_left_wrong, Reason.INVENTED_RESIDUAL, None),
    (copied_under_own_name, Reason.RELABELLED_COPY, 1),
    (copied_as_it_is, Reason.RELABELLED_COPY, None),
    (of_another_round, Reason.WRONG_ROUND, None),
    (of_another_manifest, Reason.WRONG_MANIFEST, None),
    (leaves_without_root, Reason.WRONG_LEAVES, None),
    (not_a_payload, Reason.MALFORMED_PAYLOAD, None),
]


@pytest.mark.parametrize(("lie", "reason", "step"), LIES, ids=lambda value: getattr(value, "__name__", None))
def test_a_full_verification_names_the_lie(
    world: World, honest: Work, lie: Callable[[World, Work], Work], reason: Reason, step: int | None
) -> None:
    verdict = verify_work(world.bench, world.claim(lie(world, honest)))
    assert (verdict.ok, verdict.reason, verdict.first_bad_step) == (False, reason, step)


def test_honest_work_verifies_in_full_and_step_by_step(world: World, honest: Work) -> None:
    claim = world.claim(honest)
    full = verify_work(world.bench, claim)
    assert full.ok
    assert full.digest == honest.header.step_root
    assert full.steps_checked == [1, 2, 3]
    assert full.catch_probability == "1.0000"
    for step in (1, 2, 3):
        one = verify_work(world.bench, claim, step=step)
        assert one.ok
        assert one.catch_probability == "0.3333"


def test_one_bad_step_is_caught_when_it_is_the_drawn_one_and_only_then(world: World, honest: Work) -> None:
    lying = world.claim(other_arithmetic(world, honest))
    assert verify_work(world.bench, lying, step=2).first_bad_step == 2
    assert verify_work(world.bench, lying, step=3).ok


def test_a_root_that_the_chain_does_not_hold_is_named(world: World, honest: Work) -> None:
    verdict = verify_work(world.bench, world.claim(honest, gradient_hash="0" * 64))
    assert verdict.reason is Reason.WRONG_ROOT


def test_missing_content_is_neither_good_nor_fraud(world: World, honest: Work, tmp_path: Path) -> None:
    lost = world.forge(honest, leaves=world.payload(honest).header.manifest.replace("bafk", "bafk")[:-1] + "a")
    with pytest.raises(ContentMissing):
        verify_work(world.bench, world.claim(lost))


def test_the_residual_of_the_last_revealed_payload_is_accepted(world: World, honest: Work) -> None:
    bench = world.workshop.open(
        world.store.put(world.bench.manifest.next(world.bench.manifest.adapter).encode()), seed=8
    )
    following = world.work(previous=honest.payload_cid, bench=bench)
    assert following.header.residual_before == honest.header.residual_after
    assert verify_work(bench, world.claim(following, previous=honest.payload_cid)).ok
    stranger = verify_work(bench, world.claim(following, previous=None))
    assert stranger.reason is Reason.INVENTED_RESIDUAL
