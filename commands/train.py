"""`r3 train`: rounds of training, and the three ways of looking at one: verify, aggregate, receipt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from r3cli.errors import Usage
from r3cli.paths import find_paths
from r3cli.wallet.unlock import PassphraseSource

from ._options import Network, PassphraseFd, PassphraseFile, Profile, State, sub_app
from ._output import emit, session_of
from ._prompts import asker
from ._views import Fields, Lines, Styled, Table, View

if TYPE_CHECKING:
    from r3cli.train.rounds.desk import ReceiptVerdict, ReceiptWritten, RoundVerdict, StepChoice
    from r3cli.train.rounds.merging import AggregateShown
    from r3cli.train.rounds.run import TrainRun

app = sub_app(
    "Rounds of training that a stranger can check: run, verify, aggregate, receipt.",
    examples=("r3 train run --network local", "r3 train verify 1 --step random", "r3 train receipt 1 -o round-1.json"),
)
Round = Annotated[int, typer.Argument(metavar="ROUND", min=1, help="Number of the round.")]
Miner = Annotated[str | None, typer.Option("--miner", metavar="ADDRESS", help="Only this miner's work.")]
Threads = Annotated[int | None, typer.Option("--threads", metavar="N", min=1, help="CPU threads; all by default.")]
StepOption = Annotated[
    str | None, typer.Option("--step", metavar="random|K", help="Execute one step only; all by default.")
]


@app.command(
    examples=(
        "r3 train run --network local",
        "r3 train run --data ./my-texts --rounds 10 --steps 50 --state ./run",
        "r3 train run --miners 3 --rounds 2 --json",
    )
)
def run(
    ctx: typer.Context,
    network: Network = None,
    profile: Profile = None,
    data: Annotated[
        Path | None, typer.Option("--data", metavar="PATH", help="File or folder of text; the demo's by default.")
    ] = None,
    preset: Annotated[str | None, typer.Option("--preset", metavar="NAME", help="nano, micro or small.")] = None,
    rounds: Annotated[int | None, typer.Option("--rounds", metavar="N", min=1, help="How many in total.")] = None,
    minutes: Annotated[
        float | None, typer.Option("--minutes", metavar="M", min=0, help="Begin no round after so long.")
    ] = None,
    steps: Annotated[int | None, typer.Option("--steps", metavar="H", min=1, help="Local steps of a round.")] = None,
    batch_size: Annotated[
        int | None, typer.Option("--batch-size", metavar="N", min=1, help="Sequences of a step.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", metavar="S", min=0, help="Of the local network.")] = None,
    miners: Annotated[
        int | None, typer.Option("--miners", metavar="N", min=1, max=16, help="Miners on this machine.")
    ] = None,
    role: Annotated[
        str, typer.Option("--role", metavar="ROLE", help="all, miner, proposer or verifier: whose turn this run takes.")
    ] = "all",
    mode: Annotated[
        str | None, typer.Option("--mode", metavar="MODE", help="exact, or fast: bf16 without proof, sends nothing.")
    ] = None,
    micro_batch: Annotated[
        int | None, typer.Option("--micro-batch", metavar="N", min=1, help="Sequences at once; the bits stay the same.")
    ] = None,
    wallet: Annotated[str | None, typer.Option("--wallet", metavar="NAME", help="Mine as this wallet.")] = None,
    threads: Threads = None,
    state: State = None,
    passphrase_file: PassphraseFile = None,
    passphrase_fd: PassphraseFd = None,
) -> None:
    """Train until so many rounds are closed; run it again to go on from where it stopped."""
    from r3cli.train.rounds.run import RunOrder, run_training

    session, paths = session_of(ctx), find_paths(state)
    flags = {
        "train.data": data,
        "train.preset": preset,
        "train.rounds": rounds,
        "train.steps": steps,
        "train.batch_size": batch_size,
        "train.seed": seed,
        "train.miners": miners,
        "train.mode": mode,
        "train.micro_batch": micro_batch,
        "train.threads": threads,
        "wallet.name": wallet,
    }
    settings = session.settings(paths, flags=flags, network=network, profile=profile)
    order = RunOrder(
        role=role, minutes=minutes, passphrase=PassphraseSource(passphrase_fd, passphrase_file, asker(ctx))
    )
    emit(ctx, run_training(settings, paths, order, session.reporter(paths)), _run)


@app.command(
    examples=(
        "r3 train verify 1",
        "r3 train verify 1 --step random",
        "r3 train verify --receipt round-1.json --trust BLOCKHASH",
    )
)
def verify(
    ctx: typer.Context,
    number: Annotated[int | None, typer.Argument(metavar="[ROUND]", min=1, help="Number of the round.")] = None,
    step: StepOption = None,
    miner: Miner = None,
    receipt: Annotated[
        Path | None, typer.Option("--receipt", metavar="FILE", help="Check a receipt; no chain is asked.")
    ] = None,
    trust: Annotated[
        list[str] | None, typer.Option("--trust", metavar="HASH", help="A block hash that you have from elsewhere.")
    ] = None,
    network: Network = None,
    threads: Threads = None,
    state: State = None,
) -> None:
    """Execute a round's work again: the same bits, or the first step that differs (exit 3)."""
    from r3cli.train.rounds.desk import verify_receipt, verify_round

    if (number is None) == (receipt is None):
        raise Usage("give a round or --receipt FILE", hint="r3 train verify 1")
    session, paths = session_of(ctx), find_paths(state)
    settings = session.settings(paths, flags={"train.threads": threads}, network=network)
    report, chosen = session.reporter(paths), _step(step)
    if receipt is not None:
        emit(
            ctx,
            verify_receipt(settings, paths, receipt, step=chosen, trust=trust or [], report=report),
            _receipt_checked,
        )
    emit(ctx, verify_round(settings, paths, number or 0, step=chosen, miner=miner, report=report), _verdict)


@app.command(examples=("r3 train aggregate 1", "r3 train aggregate 1 --json"))
def aggregate(
    ctx: typer.Context, number: Round, network: Network = None, threads: Threads = None, state: State = None
) -> None:
    """The proposer's side: check and merge a round's work, commit, reveal; or recompute one that is closed."""
    from r3cli.train.rounds.merging import aggregate_round

    session, paths = session_of(ctx), find_paths(state)
    settings = session.settings(paths, flags={"train.threads": threads}, network=network)
    emit(ctx, aggregate_round(settings, paths, number, session.reporter(paths)), _aggregate)


@app.command(examples=("r3 train receipt 1 -o round-1.json", "r3 train receipt 2 --miner remes1... -o receipt.json"))
def receipt(
    ctx: typer.Context,
    number: Round,
    output: Annotated[Path, typer.Option("-o", "--out", metavar="FILE", help="Where to write it.")],
    miner: Miner = None,
    network: Network = None,
    state: State = None,
) -> None:
    """Write one file that lets a stranger check a piece of work, without this machine or its chain."""
    from r3cli.train.rounds.desk import write_receipt

    session, paths = session_of(ctx), find_paths(state)
    settings = session.settings(paths, network=network)
    report = session.reporter(paths)
    emit(ctx, write_receipt(settings, paths, number, output, miner=miner, report=report), _receipt_written)


def _step(text: str | None) -> StepChoice:
    if text is None:
        return None
    if text == "random":
        return "random"
    if not text.isascii() or not text.isdigit():
        raise Usage(f"--step takes a number or `random`, not {text!r}")
    return int(text)


def _run(done: TrainRun) -> list[View]:
    rows = [
        (
            row.round,
            f"{row.val_bpb_before:.3f}",
            f"{row.val_bpb_after:.3f}",
            None if row.global_bpb_after is None else f"{row.global_bpb_after:.3f}",
            row.payload_bytes,
            f"{row.dense_bytes / row.payload_bytes:.0f}x",
            row.digest,
        )
        for row in done.rounds
    ]
    columns = ("round", "before", "after", "global", "payload", "smaller", "digest")
    table = Table(columns, rows, ids=[row.digest for row in done.rounds], empty="no round is closed yet")
    text = f"bits per byte of held-out text; knowing each byte's predecessor alone gives {done.bigram_bpb:.3f}"
    closed = sum(1 for row in done.rounds if row.global_bpb_after is not None)
    state = "finished" if done.finished else "stopped"
    return [
        table,
        Lines([Styled(text, "dim"), f"{state}: {closed} of {done.rounds_wanted} rounds closed on {done.chain_id}"]),
    ]


def _verdict(verdict: RoundVerdict) -> Fields:
    return Fields(
        (
            ("round", verdict.round),
            ("verdict", Styled("verified", "good") if verdict.ok else Styled(str(verdict.reason), "bad")),
            ("explanation", verdict.explanation),
            ("first bad step", verdict.first_bad_step),
            ("digest", verdict.digest),
            ("steps executed", _steps(verdict.steps_checked)),
            ("a single bad step is caught with probability", verdict.catch_probability),
            ("works", len(verdict.works)),
        ),
        id=verdict.digest,
    )


def _receipt_checked(verdict: ReceiptVerdict) -> Fields:
    return Fields(
        (
            ("round", verdict.round),
            ("verdict", Styled("verified", "good") if verdict.ok else Styled(str(verdict.reason), "bad")),
            ("explanation", verdict.explanation),
            ("miner", verdict.miner),
            ("chain", verdict.chain_id),
            ("digest", verdict.digest),
            ("steps executed", _steps(verdict.steps_checked)),
            ("transaction", _transaction(verdict)),
            ("anchored", "yes" if verdict.anchored else "unknown: no trusted block hash was given"),
            ("block hashes", " ".join(verdict.block_hashes)),
        ),
        id=verdict.digest,
    )


def _transaction(verdict: ReceiptVerdict) -> str:
    result = {True: "succeeded", False: "failed", None: "result unknown"}[verdict.succeeded]
    return f"included, {result}, {'revealed' if verdict.revealed else 'not revealed yet'}"


def _steps(checked: list[int]) -> str:
    return str(checked[0]) if len(checked) == 1 else f"all {len(checked)}"


def _aggregate(shown: AggregateShown) -> Fields:
    return Fields(
        (
            ("round", shown.round),
            ("aggregation", shown.aggregation_id),
            ("aggregate", shown.aggregate_cid),
            ("adapter", shown.adapter_cid),
            ("next manifest", shown.next_manifest_cid),
            ("participants", len(shown.participants)),
            ("excluded", len(shown.excluded)),
            ("merkle root", shown.merkle_root),
            ("seed's merkle root", shown.seed_merkle_root),
            ("state", shown.state),
        ),
        id=shown.aggregate_cid,
    )


def _receipt_written(written: ReceiptWritten) -> Fields:
    return Fields(
        (
            ("file", written.file),
            ("round", written.round),
            ("miner", written.miner),
            ("digest", written.digest),
            ("payload", written.payload_cid),
            ("tx", written.tx),
            ("block", f"{written.height} {written.block_hash}"),
            ("block with its result", written.result_hash),
            ("revealed", "yes" if written.revealed else "no"),
        ),
        id=written.file,
    )
