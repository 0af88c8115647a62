"""What the operator types: parse, call one r3cli function, emit its result.

How to write a command
----------------------
Every row of `TREE` in `app.py` names a module here that has `app`:

    from ._options import State, sub_app          # siblings relatively, r3cli absolutely
    from ._output import emit, session_of
    from ._views import Fields, Table

    app = sub_app("Keys and accounts.", examples=("r3 wallet list",))        # a group: r3 wallet VERB

    @app.command(examples=("r3 wallet show ops", "r3 wallet show ops --json"))
    def show(ctx: typer.Context, name: Annotated[str, typer.Argument(help="Wallet.")], state: State = None) -> None:
        '''Show one wallet.'''
        session = session_of(ctx)
        paths = find_paths(state)
        settings = session.settings(paths, flags={"chain.max_fee": max_fee}, network=network)
        emit(ctx, show_wallet(paths, name, settings.values.chain.prefix), _fields)

    def _fields(wallet: WalletInfo) -> Fields: ...

A command without verbs (`r3 status`) uses `app = single_app()` and one `@app.command(examples=...)`.
Examples are full command lines; a test parses each. The docstring's first line is the help in the list of commands.

**Options for free.** `--json`, `-o/--output`, `-q`, `-v`, `--debug`, `--no-color`, `--no-input` stand on every command.
One that declares `-o` itself (`train receipt -o FILE`) keeps it for itself; the shared option is then `--output` only.
Shared annotations in `_options`: `State`, `Network`, `Profile`, `Yes`, `DryRun`, `Confirm`, `IdempotencyKey`,
`LockWait`, `PassphraseFile`, `PassphraseFd`.

**Output.** `emit(ctx, result, view)` never returns. `view(result.data)` gives `Table`, `Fields`, `Lines` or a list of
them, drawn by format: text, TSV (`plain`), ids (`name`, `-q`), or not at all (JSON, YAML, NDJSON hold `result.data`).
Cells are `str | int | float | None | Styled(text, "good" | "warn" | "bad" | "dim")`; None shows as `-`.
Streams (`logs -f`, `--watch`): `emit_stream(ctx, records, line, kind="event")`, where `records` are structs.

**Progress.** Pass `session.report` (terminal only) or `session.reporter(paths)` (terminal, and the event log that
`r3 logs` reads) to operations. Nothing else writes to stderr.

**Questions** (`_prompts`): `confirm(ctx, question, yes=yes)`, `confirm_name(ctx, name, given=confirm, what="wallet")`,
`asker(ctx)` (an `Asker` for PassphraseSource and SecretInput, None when nobody may be asked), `revealer(ctx, title)`.
The first two raise `NeedsInput` (exit 4) instead of guessing; answering "no" is `NeedsInput` as well.

**Schemas.** Each leaf command has a row in `_schemas.py`: `"wallet.show": "r3cli.accounts.listing:WalletInfo"`.

Commands never catch: `app.run` is the single catcher.
"""
