"""The verifier's duty: every revealed aggregation is looked at once, also those of rounds that ran away meanwhile."""

from __future__ import annotations

from r3cli.errors import BadContent, ContentMissing
from r3cli.events import event
from r3cli.train.rounds import play
from r3cli.train.rounds.aggregate import Revealed
from r3cli.train.rounds.bench import Bench, Workshop
from r3cli.train.rounds.local import LocalNetwork
from r3cli.train.rounds.mark import Mark


def audit_behind(stage: play.Stage, workshop: Workshop) -> None:
    """Audit what was revealed since the last time; on the local network, also resolve what is challenged.

    A run that was killed between a challenge and its resolution finds it again.
    """
    _resolve_open(stage, workshop)
    mark = Mark(stage.folder / "audited")
    current = stage.window.open_round()
    newest = current.last_aggregation if current else 0
    for aggregation_id in range(mark.read() + 1, newest + 1):
        revealed = stage.window.aggregation(aggregation_id)
        bench = _bench(stage, workshop, revealed) if revealed is not None else None
        if revealed is not None and bench is not None and play.audit(stage, bench, revealed) is not None:
            _resolve_open(stage, workshop)
        mark.write(aggregation_id)


def _resolve_open(stage: play.Stage, workshop: Workshop) -> None:
    """On the local network nobody else resolves: this machine does, under the resolver's own key."""
    local = LocalNetwork.behind(stage.window.connection)
    if local is None:
        return
    for challenge in local.open_challenges():
        revealed = stage.window.aggregation(challenge.aggregation_id)
        bench = _bench(stage, workshop, revealed) if revealed is not None else None
        if revealed is not None and bench is not None:
            play.resolve(stage, bench, revealed, challenge.challenge_id, challenge.evidence_cid)


def _bench(stage: play.Stage, workshop: Workshop, revealed: Revealed) -> Bench | None:
    """The terms of an aggregation's round; None when its manifest is lost, so that nothing can be said."""
    try:
        return workshop.open(stage.window.manifest_cid(revealed.round), stage.window.seed(revealed.round))
    except (ContentMissing, BadContent) as error:
        message = f"aggregation {revealed.aggregation_id} cannot be checked: {error.message}"
        stage.report(event("train.unchecked", message, level="warning"))
        return None
