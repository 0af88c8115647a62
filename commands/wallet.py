"""`r3 wallet`: keys and accounts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from r3cli.accounts.listing import AccountInfo, WalletInfo, WalletList, list_wallets, show_wallet
from r3cli.money import Amount
from r3cli.paths import find_paths
from r3cli.wallet.unlock import PassphraseSource

from ._options import DryRun, IdempotencyKey, Network, PassphraseFd, PassphraseFile, State, Yes, sub_app
from ._output import emit, session_of
from ._prompts import asker, confirm, revealer
from ._views import Cell, Fields, Styled, Table, View

if TYPE_CHECKING:
    from r3cli.accounts.creation import NewWallet
    from r3cli.accounts.messages import SignedMessage, Verdict
    from r3cli.accounts.transfer import BalanceList, Transfer, TransferPlan

app = sub_app(
    "Keys and accounts: create, import, show, pay, sign.",
    examples=("r3 wallet create ops", "r3 wallet list", "r3 wallet send ops remes1... 1.5remes --dry-run"),
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The wallet.")]
NewName = Annotated[str, typer.Argument(metavar="NAME", help="What to call it: lower case, digits, - and _.")]
Derivation = Annotated[
    str | None,
    typer.Option("--derivation", metavar="PATH", help="cosmos, remesd, seed, or a path like m/44'/118'/0'/0/0."),
]
Message = Annotated[str | None, typer.Option("--message", metavar="TEXT", help="The text.")]
MessageFile = Annotated[
    Path | None, typer.Option("--message-file", metavar="FILE", help="A file with the text; - for standard input.")
]

MnemonicFile = Annotated[
    Path | None, typer.Option("--mnemonic-file", metavar="FILE", help="Its mnemonic; - for standard input.")
]
PrivateKeyFile = Annotated[
    Path | None, typer.Option("--private-key-file", metavar="FILE", help="Its key in hex; - for standard input.")
]
Watch = Annotated[
    str | None, typer.Option("--watch", metavar="ID", help="Only an address or a public key: cannot sign.")
]
Bip39PassphraseFile = Annotated[
    Path | None, typer.Option("--bip39-passphrase-file", metavar="FILE", help="The mnemonic's own extra word.")
]
Payer = Annotated[str, typer.Argument(metavar="FROM", help="The wallet that pays.")]
Recipient = Annotated[str, typer.Argument(metavar="TO", help="An address, or another wallet.")]
Sum = Annotated[str, typer.Argument(metavar="AMOUNT", help="Such as 1.5remes or 1500000uremes.")]
MaxFee = Annotated[str | None, typer.Option("--max-fee", metavar="AMOUNT", help="Refuse a higher fee.")]


@app.command(examples=("r3 wallet create ops", "r3 wallet create ops --passphrase-file secret.txt --json"))
def create(
    ctx: typer.Context,
    name: NewName,
    words: Annotated[int, typer.Option("--words", metavar="N", help="Length of the mnemonic: 12 to 24.")] = 24,
    derivation: Derivation = None,
    passphrase_file: PassphraseFile = None,
    passphrase_fd: PassphraseFd = None,
    network: Network = None,
    dry_run: DryRun = False,
) -> None:
    """Create a wallet; its mnemonic is shown once, on a terminal only."""
    from r3cli.accounts.creation import create_wallet, default_derivation

    paths = find_paths()
    chain = session_of(ctx).settings(paths, network=network).values.chain
    result = create_wallet(
        paths,
        name,
        PassphraseSource(passphrase_fd, passphrase_file, asker(ctx)),
        prefix=chain.prefix,
        words=words,
        derivation=derivation or default_derivation(chain.coin_type),
        reveal=revealer(ctx, _MNEMONIC_TITLE.format(name)),
        dry_run=dry_run,
    )
    emit(ctx, result, _created)


@app.command(
    "import",
    examples=(
        "r3 wallet import ops",
        "r3 wallet import ops --mnemonic-file words.txt --passphrase-file secret.txt",
        "r3 wallet import old --private-key-file - --passphrase-fd 3",
        "r3 wallet import treasury --watch remes1...",
    ),
)
def import_(
    ctx: typer.Context,
    name: NewName,
    mnemonic_file: MnemonicFile = None,
    private_key_file: PrivateKeyFile = None,
    watch: Watch = None,
    bip39_passphrase_file: Bip39PassphraseFile = None,
    derivation: Derivation = None,
    passphrase_file: PassphraseFile = None,
    passphrase_fd: PassphraseFd = None,
    network: Network = None,
    dry_run: DryRun = False,
) -> None:
    """Keep an existing mnemonic or private key, or watch an account. Asks for a mnemonic unless told otherwise."""
    from r3cli.accounts.creation import default_derivation
    from r3cli.accounts.importing import Import, import_wallet

    paths = find_paths()
    chain = session_of(ctx).settings(paths, network=network).values.chain
    order = Import(
        mnemonic_file=mnemonic_file,
        private_key_file=private_key_file,
        watch=watch,
        bip39_passphrase_file=bip39_passphrase_file,
        derivation=derivation or default_derivation(chain.coin_type),
        ask=asker(ctx),
    )
    source = PassphraseSource(passphrase_fd, passphrase_file, asker(ctx))
    emit(ctx, import_wallet(paths, name, order, source, prefix=chain.prefix, dry_run=dry_run), _created)


@app.command("list", examples=("r3 wallet list", "r3 wallet list -q"))
def list_(ctx: typer.Context, network: Network = None) -> None:
    """List every wallet with its address on the network."""
    paths = find_paths()
    prefix = session_of(ctx).settings(paths, network=network).values.chain.prefix
    emit(ctx, list_wallets(paths, prefix), _listed)


@app.command(examples=("r3 wallet show ops", "r3 wallet show ops --mnemonic"))
def show(
    ctx: typer.Context,
    name: Name,
    mnemonic: Annotated[bool, typer.Option("--mnemonic", help="Show its words too; on a terminal only.")] = False,
    passphrase_file: PassphraseFile = None,
    passphrase_fd: PassphraseFd = None,
    network: Network = None,
) -> None:
    """Show one wallet: accounts, addresses, public keys."""
    paths = find_paths()
    prefix = session_of(ctx).settings(paths, network=network).values.chain.prefix
    if not mnemonic:
        emit(ctx, show_wallet(paths, name, prefix), _wallet)
    from r3cli.accounts.creation import show_mnemonic

    source = PassphraseSource(passphrase_fd, passphrase_file, asker(ctx))
    reveal = revealer(ctx, _MNEMONIC_TITLE.format(name))
    emit(ctx, show_mnemonic(paths, name, source, reveal, prefix=prefix), _wallet)


@app.command(examples=("r3 wallet balance", "r3 wallet balance ops --network local --json"))
def balance(
    ctx: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME...", help="Wallets; all unless given.")] = None,
    state: State = None,
    network: Network = None,
) -> None:
    """Ask the network what wallets have."""
    from r3cli.accounts.transfer import balances
    from r3cli.network.connect import connect

    session, paths = session_of(ctx), find_paths(state)
    with connect(session.settings(paths, network=network), paths, session.report, local_network="any") as connection:
        emit(ctx, balances(paths, connection.chain, tuple(names or ()), network=connection.network), _balances)


@app.command(
    examples=(
        "r3 wallet send ops remes1... 1.5remes --dry-run",
        "r3 wallet send ops treasury 250000uremes --yes --passphrase-file secret.txt",
    )
)
def send(
    ctx: typer.Context,
    wallet: Payer,
    recipient: Recipient,
    amount: Sum,
    max_fee: MaxFee = None,
    passphrase_file: PassphraseFile = None,
    passphrase_fd: PassphraseFd = None,
    idempotency_key: IdempotencyKey = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    state: State = None,
    network: Network = None,
) -> None:
    """Send money once and wait for its confirmation; exit 10 means that the outcome is unknown."""
    from r3cli.accounts.transfer import Order, plan_transfer, send_money
    from r3cli.network.connect import connect

    def approve(plan: TransferPlan) -> None:
        confirm(ctx, f"send {_money(plan.amount)} to {plan.recipient} for a fee of {_money(plan.fee)}", yes=False)

    order = Order(wallet=wallet, recipient=recipient, amount=amount)
    session, paths = session_of(ctx), find_paths(state)
    settings = session.settings(paths, flags={"chain.max_fee": max_fee}, network=network)
    source = PassphraseSource(passphrase_fd, passphrase_file, asker(ctx))
    with connect(settings, paths, session.reporter(paths), local_network="any") as to:
        if dry_run:
            emit(ctx, plan_transfer(paths, to.chain, order, network=to.network), _transfer)
        result = send_money(
            paths, to.chain, order, source, network=to.network, approve=None if yes else approve, key=idempotency_key
        )
        emit(ctx, result, _transfer)


@app.command(examples=("r3 wallet sign ops --message hello", "r3 wallet sign ops --message-file - --json < text"))
def sign(
    ctx: typer.Context,
    name: Name,
    message: Message = None,
    message_file: MessageFile = None,
    passphrase_file: PassphraseFile = None,
    passphrase_fd: PassphraseFd = None,
    network: Network = None,
) -> None:
    """Sign a text. What is signed can never be a transaction (ADR-036)."""
    from r3cli.accounts.messages import read_text, sign_message

    paths = find_paths()
    prefix = session_of(ctx).settings(paths, network=network).values.chain.prefix
    source = PassphraseSource(passphrase_fd, passphrase_file, asker(ctx))
    emit(ctx, sign_message(paths, name, read_text(message, message_file), source, prefix=prefix), _signed)


@app.command(
    examples=(
        "r3 wallet verify ops --message hello --signature x70...",
        "r3 wallet verify --message-file text --signature x70... --public-key 024f... --address remes1...",
    )
)
def verify(
    ctx: typer.Context,
    signature: Annotated[str, typer.Option("--signature", metavar="SIG", help="In base64 or hex.")],
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="The wallet that signed.")] = None,
    message: Message = None,
    message_file: MessageFile = None,
    public_key: Annotated[str | None, typer.Option("--public-key", metavar="HEX", help="Of the signer.")] = None,
    address: Annotated[str | None, typer.Option("--address", metavar="ADDRESS", help="Whose key it must be.")] = None,
    network: Network = None,
) -> None:
    """Check a signed text; exit 3 when the signature does not verify."""
    from r3cli.accounts.messages import read_text, verify_message

    paths = find_paths()
    prefix = session_of(ctx).settings(paths, network=network).values.chain.prefix
    content = read_text(message, message_file)
    result = verify_message(
        paths, content, signature, wallet=name, public_key=public_key, address=address, prefix=prefix
    )
    emit(ctx, result, _verdict)


_MNEMONIC_TITLE = (
    "The mnemonic of wallet {}. Write it down: whoever has it has the money, and r3 does not show it by itself again."
)


def _created(made: NewWallet) -> View:
    if made.wallet is None:
        return Fields((("wallet", made.name), ("file", made.path), ("created", "no: a dry run")), id=made.name)
    return _wallet(made.wallet)


def _wallet(wallet: WalletInfo) -> View:
    rows: list[tuple[str, Cell]] = [("wallet", wallet.name), ("created", wallet.created), ("file", wallet.path)]
    for account in wallet.accounts:
        rows += [
            ("account", account.name),
            ("  address", account.address),
            ("  public key", account.public_key),
            ("  key", _origin(account)),
        ]
    return Fields(rows, id=wallet.name)


def _listed(found: WalletList) -> View:
    rows = [
        (wallet.name, account.address, account.family, _origin(account))
        for wallet in found.wallets
        for account in wallet.accounts
    ]
    names = [wallet.name for wallet in found.wallets]
    return Table(("name", "address", "chain", "key"), rows, names, empty="no wallets: r3 wallet create NAME makes one")


def _origin(account: AccountInfo) -> str:
    return "watch-only" if account.watch_only else account.derivation or "imported"


def _balances(found: BalanceList) -> View:
    rows = [(each.wallet, each.address, _money(each.balance)) for each in found.balances]
    return Table(("wallet", "address", "balance"), rows, empty="no wallets: r3 wallet create NAME makes one")


def _transfer(transfer: Transfer) -> View:
    rows: list[tuple[str, Cell]] = [
        ("outcome", Styled(transfer.outcome, "good" if transfer.outcome == "confirmed" else "dim")),
        ("from", transfer.sender),
        ("to", transfer.recipient),
        ("amount", _money(transfer.amount)),
        ("fee", None if transfer.fee is None else _money(transfer.fee)),
    ]
    if transfer.plan is not None:
        rows += [("balance", _money(transfer.plan.balance)), ("balance after", _money(transfer.plan.balance_after))]
        rows += [("plan", transfer.plan.plan_hash)]
    else:
        rows += [("transaction", transfer.tx_hash), ("block", transfer.height)]
        rows += [("sent", "now" if transfer.fresh else "by an earlier run")]
    return Fields(rows, id=transfer.tx_hash)


def _signed(signed: SignedMessage) -> View:
    rows = (("signature", signed.signature), ("public key", signed.public_key), ("address", signed.address))
    return Fields((*rows, ("format", signed.format)), id=signed.signature)


def _verdict(verdict: Verdict) -> View:
    word = Styled("good", "good") if verdict.valid else Styled("bad", "bad")
    return Fields((("signature", word), ("address", verdict.address), ("public key", verdict.public_key)))


def _money(amount: Amount) -> str:
    return f"{amount.decimal} {amount.unit}"
