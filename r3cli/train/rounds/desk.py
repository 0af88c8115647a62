"""The operations behind `r3 train verify | aggregate | receipt`: one round of a network, looked at from outside."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from r3cli.errors import ContentMissing, NotFound, VerificationFailed
from r3cli.events import Report
from r3cli.files import atomic_write
from r3cli.network.connect import connect
from r3cli.paths import Paths
from r3cli.result import Data, Result, failed
from r3cli.settings import Settings
from r3cli.storage.base import ContentStore
from r3cli.storage.registry import open_store
from r3cli.train.process import prepare_process
from r3cli.train.rounds.aggregate import read_aggregate
from r3cli.train.rounds.bench import Bench, Workshop
from r3cli.train.rounds.canonical import DOCUMENT_LIMIT
from r3cli.train.rounds.leaves import decode_leaves
from r3cli.train.rounds.prune import KEEP_ROUNDS, forgotten_rounds
from r3cli.train.rounds.receipt import Receipt, ReceiptFacts, check_receipt, prove_transaction, read_receipt
from r3cli.train.rounds.verify import (
    Claim,
    Reason,
    Verdict,
    catch_probability,
    random_step,
    read_header,
    verify_work,
)
from r3cli.train.rounds.window import Window

StepChoice = int | Literal["random"] | None  # None: every step


class RoundVerdict(Data, frozen=True, kw_only=True):
    """What verifying a round showed. The first fields are those of the first bad work, or of the round's first."""

    ok: bool
    round: int
    reason: Reason | None
    first_bad_step: int | None
    explanation: str
    digest: str | None
    steps_checked: list[int]
    catch_probability: str
    works: list[Verdict]


class ReceiptVerdict(Data, frozen=True, kw_only=True):
    """What a receipt shows. `succeeded` is None when the node had no later header yet; `anchored` needs `--trust`."""

    ok: bool
    reason: Reason | None
    first_bad_step: int | None
    explanation: str
    round: int
    miner: str
    chain_id: str
    digest: str
    payload_cid: str
    included: bool
    succeeded: bool | None
    revealed: bool
    anchored: bool
    block_hashes: list[str]
    steps_checked: list[int]
    catch_probability: str


class ReceiptWritten(Data, frozen=True, kw_only=True):
    """A receipt file and what it is about.

    `block_hash` is that of block `height`, which holds the transaction; `result_hash` that of the next block, which
    covers its result too (None: it is not made yet). Either may be compared with a trusted source's.
    """

    file: str
    round: int
    miner: str
    digest: str
    payload_cid: str
    tx: str
    height: int
    block_hash: str
    result_hash: str | None
    revealed: bool


@dataclass(frozen=True)
class _Desk:
    window: Window
    store: ContentStore
    workshop: Workshop

    def bench(self, number: int) -> Bench:
        return self.workshop.open(self.window.manifest_cid(number), self.window.seed(number))

    def claims(self, number: int, bench: Bench, miner: str | None) -> list[Claim]:
        claims = self.window.claims(number, bench.manifest.residuals_reset)
        chosen = [claim for claim in claims if miner in (None, claim.miner)]
        if not chosen:
            whose = f" of {miner}" if miner else ""
            raise NotFound(f"round {number} has no work{whose} on chain {self.window.chain_id}", hint="r3 status")
        return chosen


def verify_round(
    settings: Settings, paths: Paths, number: int, *, step: StepChoice, miner: str | None, report: Report
) -> Result[RoundVerdict]:
    """Execute a round's work again, all of it or one step, and compare; failures carry exit code 3.

    A round whose states this machine let go is executed whole: that needs none of them.
    """
    prepare_process(settings.values.train.threads)
    warnings: tuple[str, ...] = ()
    with _open(settings, paths, report) as desk:
        bench = desk.bench(number)
        chosen = _chosen_step(step, bench.manifest.steps)
        if chosen is not None and number <= forgotten_rounds(paths.train / desk.window.chain_id):
            chosen = None
            warnings = (f"states are kept for {KEEP_ROUNDS} rounds, so every step of round {number} was executed",)
        works = [verify_work(bench, claim, step=chosen, report=report) for claim in desk.claims(number, bench, miner)]
    shown = next((work for work in works if not work.ok), works[0])
    verdict = RoundVerdict(
        ok=shown.ok,
        round=number,
        reason=shown.reason,
        first_bad_step=shown.first_bad_step,
        explanation=shown.explanation,
        digest=shown.digest,
        steps_checked=shown.steps_checked,
        catch_probability=shown.catch_probability,
        works=works,
    )
    if shown.ok:
        return Result(verdict, warnings=warnings)
    return failed(verdict, [VerificationFailed(f"round {number}: {shown.explanation}", target=shown.miner)])


def write_receipt(
    settings: Settings, paths: Paths, number: int, output: Path, *, miner: str | None, report: Report
) -> Result[ReceiptWritten]:
    """Write a self-contained receipt of a work; raises `NotFound` for work that is not on chain."""
    with _open(settings, paths, report) as desk:
        bench = desk.bench(number)
        receipt = _make_receipt(desk, bench, desk.claims(number, bench, miner)[0])
    facts = check_receipt(receipt)  # what would not convince us is not handed out
    atomic_write(output, receipt.encode() + b"\n")
    return Result(
        ReceiptWritten(
            file=str(output),
            round=number,
            miner=receipt.header.miner,
            digest=receipt.header.step_root,
            payload_cid=receipt.payload,
            tx=receipt.submission.hash,
            height=receipt.submission.height,
            block_hash=facts.block_hashes[0],
            result_hash=facts.result_hash,
            revealed=facts.revealed,
        )
    )


def verify_receipt(
    settings: Settings, paths: Paths, file: Path, *, step: StepChoice, trust: list[str], report: Report
) -> Result[ReceiptVerdict]:
    """Check a receipt and execute its work from content alone; no chain is asked.

    Raises `ContentMissing` when base, data or adapter are not in this store: then nothing is known about the work.
    """
    prepare_process(settings.values.train.threads)
    receipt = read_receipt(file)
    facts = check_receipt(receipt, trust=trust)
    store = open_store(settings.values.storage, paths)
    with _naming_the_cure():
        bench = Workshop(store, settings.values.train.micro_batch).open(receipt.header.manifest, receipt.global_seed)
        if read_header(store, receipt.payload) != receipt.header:
            raise VerificationFailed("the receipt shows another header than the payload has", target=str(file))
        verdict = verify_work(bench, facts.claim, step=_chosen_step(step, bench.manifest.steps), report=report)
    shown = ReceiptVerdict(
        ok=verdict.ok,
        reason=verdict.reason,
        first_bad_step=verdict.first_bad_step,
        explanation=verdict.explanation,
        round=facts.claim.round,
        miner=facts.claim.miner,
        chain_id=receipt.chain_id,
        digest=receipt.header.step_root,
        payload_cid=receipt.payload,
        included=facts.included,
        succeeded=facts.succeeded,
        revealed=facts.revealed,
        anchored=facts.anchored,
        block_hashes=list(facts.block_hashes),
        steps_checked=verdict.steps_checked,
        catch_probability=catch_probability(len(verdict.steps_checked), verdict.steps),
    )
    if not verdict.ok:
        return failed(shown, [VerificationFailed(verdict.explanation, target=str(file))])
    if trust and not facts.anchored:
        return failed(shown, [VerificationFailed("no header of the receipt has a trusted hash", target=str(file))])
    return Result(shown, warnings=_doubts(facts))


@contextmanager
def _open(settings: Settings, paths: Paths, report: Report) -> Iterator[_Desk]:
    store = open_store(settings.values.storage, paths)
    with _naming_the_cure(), connect(settings, paths, report, local_network="there-is") as connection:
        yield _Desk(Window(connection, store), store, Workshop(store, settings.values.train.micro_batch))


@contextmanager
def _naming_the_cure() -> Iterator[None]:
    try:
        yield
    except ContentMissing as error:
        hint = error.hint or "neither good work nor fraud: get it from whoever has it, into this store"
        raise ContentMissing(error.message, hint=hint, target=error.target) from error


def _make_receipt(desk: _Desk, bench: Bench, claim: Claim) -> Receipt:
    header = read_header(desk.store, claim.payload_cid)
    revealed = desk.window.revealed(claim.round)
    reveal_tx = desk.window.reveal_transaction(revealed) if revealed else None
    client = desk.window.connection.chain.client
    return Receipt(
        aggregate=read_aggregate(desk.store, revealed.aggregate_cid) if revealed and reveal_tx else None,
        chain_id=desk.window.chain_id,
        global_seed=bench.seed,
        gradient_id=claim.gradient_id,
        header=header,
        leaves=decode_leaves(desk.store.get(header.leaves, limit=DOCUMENT_LIMIT)),
        manifest=bench.manifest,
        payload=claim.payload_cid,
        previous_payload=claim.previous if header.previous is not None else None,
        reveal=prove_transaction(client, reveal_tx) if reveal_tx else None,
        submission=prove_transaction(client, desk.window.submission_transaction(claim)),
    )


def _doubts(facts: ReceiptFacts) -> tuple[str, ...]:
    if not facts.anchored:
        return ("the block hashes are the receipt's own word: --trust HASH",)
    if facts.succeeded is None:
        return ("no trusted header covers the transaction's result: trust the hash of the block after it",)
    return ()


def _chosen_step(step: StepChoice, steps: int) -> int | None:
    if step == "random":
        return random_step(steps)
    if isinstance(step, int) and not 1 <= step <= steps:
        raise NotFound(f"there is no step {step}: the round has {steps}", hint=f"--step 1 to {steps}, or random")
    return step
