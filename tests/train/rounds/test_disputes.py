"""Liars pay: a lying miner, a careless, lying or silent proposer, and who cries wolf, all the way to the balances."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from r3cli.kernels.codec import compress
from r3cli.lab.remes.module import CHALLENGE_BLOCKS, MINER_REWARD, PROPOSER_REWARD, REVEAL_BLOCKS
from r3cli.network.r3mes import messages as remes
from r3cli.network.r3mes.commitment import commitment_hash
from r3cli.train.rounds.aggregate import Aggregate
from r3cli.train.rounds.bench import store_tensors
from r3cli.train.rounds.cast import STAKE
from r3cli.train.rounds.challenge import Evidence
from r3cli.train.rounds.play import CHALLENGE_BOND
from r3cli.train.rounds.roles import Actor
from r3cli.train.rounds.verify import Reason

from .stand import Door, Stand
from .world import forge

PENALTY = STAKE * 5 // 100


def submit_lie(stand: Stand, actor: Actor) -> int:
    """A forged update: no drawn step is needed to see it."""
    honest = stand.work(actor)
    ones = {name: tensor * 0 + 1 for name, tensor in honest.adapter.items()}
    update, _ = compress(ones, None, stand.bench().manifest.density_fraction)
    return stand.window.submit(forge(stand.store, honest, update=update), actor.signer)[0]


def submit_work(stand: Stand, actor: Actor) -> int:
    return stand.window.submit(stand.work(actor), actor.signer)[0]


def mine_blocks(door: Door, blocks: int) -> None:
    door.lab.post("mine", {"blocks": blocks})


def test_a_lying_miner_and_a_careless_proposer_are_slashed_and_the_round_closes_honestly(door: Door) -> None:
    assert door.run("--minutes", "0", "--miners", "2").exit_code == 0
    with door.stand() as stand:
        honest, liar = stand.actor("miner-0"), stand.actor("miner-1")
        proposer, verifier = stand.actor("proposer"), stand.actor("verifier")
        assert (submit_work(stand, honest), submit_lie(stand, liar)) == (1, 2)
        assert stand.reveal(stand.aggregate(stand.claims())) == 1
        before = {actor.address: stand.balance(actor) for actor in (honest, liar, proposer, verifier)}
        commits = stand.fees(proposer, {"commit_aggregation": 1, "reveal_aggregation": 1})

    ran = door.run("--rounds", "1")
    assert ran.exit_code == 0, ran.stdout
    assert ran.data["finished"] is True
    assert ran.data["rounds"][0]["aggregation_id"] == 2
    assert door.statuses("gradients") == ["pending", "slashed"]
    assert door.statuses("aggregations") == ["rejected", "pending"]
    assert door.statuses("challenges") == ["upheld"]
    assert door.records("challenges")[0]["reason"] == Reason.FORGED_UPDATE
    assert door.records("aggregations")[1]["participant_gradient_ids"] == ["1"]
    with door.stand() as stand:
        assert stand.stake(liar) == STAKE - PENALTY
        assert stand.stake(proposer) == STAKE - PENALTY
        assert stand.stake(honest) == STAKE
        assert stand.balance(liar) == before[liar.address]
        bounty = 2 * PENALTY // 2
        assert stand.balance(verifier) == before[verifier.address] + bounty - stand.fees(
            verifier, {"challenge_aggregation": 1}
        )
        fees = stand.fees(proposer, {"commit_aggregation": 2, "reveal_aggregation": 2}) - commits
        assert stand.balance(proposer) == before[proposer.address] - fees

        # Rewards come when the challenge window has passed, to who is left.
        paid = {actor.address: stand.balance(actor) for actor in (honest, liar, proposer)}
        mine_blocks(door, CHALLENGE_BLOCKS + 1)
        assert stand.balance(honest) == paid[honest.address] + MINER_REWARD
        assert stand.balance(liar) == paid[liar.address]
        assert stand.balance(proposer) == paid[proposer.address] + PROPOSER_REWARD
    assert door.statuses("aggregations") == ["rejected", "final"]
    assert door.statuses("gradients") == ["accepted", "slashed"]
    rewards = [payment for payment in door.records("payments") if payment["reason"] == "reward"]
    assert [payment["amount"] for payment in rewards] == [str(MINER_REWARD), str(PROPOSER_REWARD)]


def wrong_adapter(stand: Stand, honest: Aggregate) -> Aggregate:
    bench = stand.bench()
    adapter = store_tensors(stand.store, {name: tensor + 1 for name, tensor in bench.adapter.items()})
    following = stand.store.put(bench.manifest.next(adapter).encode())
    return msgspec.structs.replace(honest, adapter=adapter, next_manifest=following)


def other_terms(stand: Stand, honest: Aggregate) -> Aggregate:
    following = msgspec.structs.replace(stand.bench().manifest.next(honest.adapter), steps=1)
    return msgspec.structs.replace(honest, next_manifest=stand.store.put(following.encode()))


def omitted_work(stand: Stand, honest: Aggregate) -> Aggregate:
    del honest
    return stand.aggregate(stand.claims()[:1])


def misquoted_work(stand: Stand, honest: Aggregate) -> Aggregate:
    first, second = honest.participants
    swapped = msgspec.structs.replace(second, payload=first.payload, step_root=first.step_root)
    claims = stand.claims()
    claims[1] = msgspec.structs.replace(claims[1], payload_cid=swapped.payload, gradient_hash=swapped.step_root)
    return stand.aggregate(claims)


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        (wrong_adapter, Reason.WRONG_AGGREGATE),
        (other_terms, Reason.WRONG_AGGREGATE),
        (misquoted_work, Reason.WRONG_AGGREGATE),
        (omitted_work, Reason.OMITTED_WORK),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_lying_proposer_is_slashed_alone(
    door: Door, lie: Callable[[Stand, Aggregate], Aggregate], reason: Reason
) -> None:
    assert door.run("--minutes", "0", "--miners", "2").exit_code == 0
    with door.stand() as stand:
        miners = [stand.actor("miner-0"), stand.actor("miner-1")]
        proposer = stand.actor("proposer")
        for miner in miners:
            submit_work(stand, miner)
        stand.reveal(lie(stand, stand.aggregate(stand.claims())))
    ran = door.run("--rounds", "1", "--miners", "2")
    assert ran.exit_code == 0, ran.stdout
    assert [(challenge["status"], challenge["reason"]) for challenge in door.records("challenges")] == [
        ("upheld", reason)
    ]
    assert door.statuses("aggregations") == ["rejected", "pending"]
    assert door.statuses("gradients") == ["pending", "pending"]
    with door.stand() as stand:
        assert stand.stake(proposer) == STAKE - PENALTY
        assert [stand.stake(miner) for miner in miners] == [STAKE, STAKE]


def test_what_the_chain_was_told_is_compared_with_the_aggregate(door: Door) -> None:
    """An honest aggregate is revealed with another next manifest: everybody would train on the liar's terms."""
    assert door.run("--minutes", "0").exit_code == 0
    with door.stand() as stand:
        submit_work(stand, stand.actor("miner-0"))
        aggregate = stand.aggregate(stand.claims())
        cid = stand.store.put(aggregate.encode())
        following = msgspec.structs.replace(stand.bench().manifest.next(aggregate.adapter), batch_size=1)
        commitment_id = commit(stand, aggregate, cid)
        reveal = remes.MsgRevealAggregation(
            proposer=aggregate.proposer,
            commitment_id=commitment_id,
            aggregated_gradient_ipfs_hash=cid,
            merkle_root=aggregate.merkle_root,
            participant_gradient_ids=tuple(aggregate.ids),
            training_round_id=1,
            model_version=stand.store.put(following.encode()),
            salt="salt",
        )
        stand.connection.chain.execute("reveal", {}, [reveal], stand.actor("proposer").signer, network="local")
    ran = door.run("--rounds", "1")
    assert ran.exit_code == 0, ran.stdout
    assert door.statuses("challenges") == ["upheld"]
    assert door.statuses("aggregations") == ["rejected", "pending"]


def commit(stand: Stand, aggregate: Aggregate, cid: str) -> int:
    """Commit to an aggregate and stay silent; returns the commitment's id."""
    sealed = commitment_hash(
        chain_id=stand.window.chain_id,
        proposer=aggregate.proposer,
        training_round_id=aggregate.round,
        aggregate_cid=cid,
        merkle_root=aggregate.merkle_root,
        gradient_ids=aggregate.ids,
        salt="salt",
    )
    message = remes.MsgCommitAggregation(
        proposer=aggregate.proposer,
        commitment_hash=sealed,
        training_round_id=aggregate.round,
        participant_gradient_ids=tuple(aggregate.ids),
    )
    stand.connection.chain.execute("commit", {}, [message], stand.actor("proposer").signer, network="local")
    return len(stand.local.client.get("commitments")["commitments"])


def test_a_silent_proposer_is_slashed_and_the_round_can_be_committed_again(door: Door) -> None:
    assert door.run("--minutes", "0").exit_code == 0
    with door.stand() as stand:
        proposer = stand.actor("proposer")
        submit_work(stand, stand.actor("miner-0"))
        aggregate = stand.aggregate(stand.claims())
        commit(stand, aggregate, stand.store.put(aggregate.encode()))
    assert door.statuses("commitments") == ["live"]
    mine_blocks(door, REVEAL_BLOCKS + 5)
    assert door.statuses("commitments") == ["expired"]
    ran = door.run("--rounds", "1")
    assert ran.exit_code == 0, ran.stdout
    assert door.statuses("commitments") == ["expired", "revealed"]
    with door.stand() as stand:
        assert stand.stake(proposer) == STAKE - PENALTY


def test_ones_own_commitment_that_expired_is_made_anew(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped between commit and reveal for too long: the next run must not reveal into the void for ever."""
    assert door.run("--minutes", "0").exit_code == 0
    with door.stand() as stand:
        submit_work(stand, stand.actor("miner-0"))
        aggregate = stand.aggregate(stand.claims())
        send = type(stand.window)._send

        def crash(self: object, kind: str, *rest: object) -> object:
            if kind == "reveal_aggregation":
                raise KeyboardInterrupt
            return send(self, kind, *rest)  # type: ignore[arg-type]  # passed through as they came

        folder = door.paths.train / stand.window.chain_id
        with monkeypatch.context() as patch:
            patch.setattr(type(stand.window), "_send", crash)
            with pytest.raises(KeyboardInterrupt):
                stand.window.commit_and_reveal(aggregate, stand.actor("proposer").signer, folder)
        assert stand.window.unrevealed(1, aggregate.proposer, folder) == aggregate
        mine_blocks(door, REVEAL_BLOCKS + 5)
        assert stand.window.unrevealed(1, aggregate.proposer, folder) is None
    assert door.run("--rounds", "1").exit_code == 0
    assert door.statuses("commitments") == ["expired", "revealed"]


def test_an_unfounded_challenge_burns_its_bond(closed: Door) -> None:
    with closed.stand() as stand:
        verifier, proposer = stand.actor("verifier"), stand.actor("proposer")
        before = stand.balance(verifier)
        cry = Evidence(aggregation_id=1, explanation="wolf", gradient_id=2, reason=str(Reason.STEP_MISMATCH), step=1)
        stand.window.challenge(cry, verifier.address, verifier.signer, CHALLENGE_BOND)
        fees = stand.fees(verifier, {"challenge_aggregation": 1})
        assert stand.balance(verifier) == before - CHALLENGE_BOND - fees
    ran = closed.run("--rounds", "1", "--miners", "3")  # a run on the local network resolves what it finds open
    assert ran.exit_code == 0, ran.stdout
    assert closed.statuses("challenges") == ["rejected"]
    assert closed.statuses("aggregations") == ["pending"]
    with closed.stand() as stand:
        assert stand.balance(verifier) == before - CHALLENGE_BOND - fees
        assert stand.stake(proposer) == STAKE


def test_rounds_built_on_a_lie_are_played_again(door: Door) -> None:
    """Round 2 was trained on a lying round 1: its work is void, and done again on the honest adapter."""
    assert door.run("--minutes", "0", "--miners", "2").exit_code == 0
    with door.stand() as stand:
        submit_work(stand, stand.actor("miner-0"))
        submit_lie(stand, stand.actor("miner-1"))
        stand.reveal(stand.aggregate(stand.claims()))
        (door.paths.train / stand.window.chain_id).mkdir(parents=True, exist_ok=True)
        mark = door.paths.train / stand.window.chain_id / "audited"
        mark.write_text("1")  # a verifier that looked away
    careless = door.run("--rounds", "2")
    assert careless.exit_code == 0, careless.stdout
    mark.write_text("0")
    ran = door.run("--rounds", "2")
    assert ran.exit_code == 0, ran.stdout
    assert door.statuses("aggregations") == ["rejected", "void", "pending", "pending"]
    assert door.statuses("gradients") == ["pending", "slashed", "void", "pending"]
    assert ran.data["finished"] is True
    before, after = careless.data["rounds"][-1], ran.data["rounds"][-1]
    assert before["digest"] != after["digest"]
    assert after["aggregation_id"] == 4
    assert door.train("verify", "2").data["digest"] == after["digest"]
