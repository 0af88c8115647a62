"""What a run leaves for `r3 status`: how the chain stood when a round began or the run ended."""

from __future__ import annotations

from r3cli.errors import Temporary
from r3cli.events import event
from r3cli.network.snapshot import save_snapshot, take_snapshot
from r3cli.train.rounds.play import Stage
from r3cli.train.rounds.record import newest_works

WATCHED_WORKS = 32  # the newest so many are asked for: what is older is final or void


def remember_chain(stage: Stage) -> None:
    """Take a snapshot of chain, accounts and newest works; a chain that does not answer now is left for later."""
    cast = stage.cast
    labels = {miner.address: f"miner {number}" for number, miner in enumerate(cast.miners, 1)}
    for label, actor in (("proposer", cast.proposer), ("verifier", cast.verifier)):
        labels.setdefault(actor.address, label)  # one wallet may play every part
    try:
        works = newest_works(stage.records.all(), WATCHED_WORKS)
        save_snapshot(stage.folder, take_snapshot(stage.window.connection, labels, works))
    except Temporary as error:
        stage.report(event("train.no_snapshot", f"the chain could not be asked: {error}", level="warning"))
