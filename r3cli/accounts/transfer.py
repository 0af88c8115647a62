"""`r3 wallet balance` and `send`: money on one chain, planned, sent once, and told apart when it is over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from r3cli.accounts.identity import address_of, own_address
from r3cli.chain.cosmos.adapter import CosmosChain
from r3cli.chain.cosmos.address import decode_address, require_address
from r3cli.chain.cosmos.messages import Coin, MsgSend
from r3cli.chain.cosmos.plan import make_plan
from r3cli.errors import Refused, Usage
from r3cli.money import Amount, parse_amount
from r3cli.paths import Paths
from r3cli.result import Data, Result
from r3cli.wallet.keys import open_signer
from r3cli.wallet.store import WalletStore
from r3cli.wallet.unlock import PassphraseSource


class WalletBalance(Data, frozen=True, kw_only=True):
    """What one account of a wallet has."""

    wallet: str
    account: str
    address: str
    balance: Amount


class BalanceList(Data, frozen=True, kw_only=True):
    """Balances on one network."""

    network: str
    chain_id: str
    balances: tuple[WalletBalance, ...]


class TransferPlan(Data, frozen=True, kw_only=True):
    """What a transfer would do now. `balance_after` is the sender's, amount and fee taken off."""

    sender: str
    recipient: str
    amount: Amount
    fee: Amount
    balance: Amount
    balance_after: Amount
    gas_limit: int
    plan_hash: str


class Transfer(Data, frozen=True, kw_only=True):
    """A transfer that was planned (`--dry-run`) or is confirmed; `fresh` is false when an earlier run sent it."""

    wallet: str
    network: str
    chain_id: str
    sender: str
    recipient: str
    amount: Amount
    outcome: Literal["planned", "confirmed"]
    plan: TransferPlan | None = None
    fee: Amount | None = None
    tx_hash: str | None = None
    height: int | None = None
    entry_id: int | None = None
    fresh: bool = False


@dataclass(frozen=True)
class Order:
    """A transfer as the operator typed it: from a wallet, to an address or another wallet, `1.5remes`."""

    wallet: str
    recipient: str
    amount: str


# Shows a plan to a person and asks; raises `NeedsInput` unless the answer is yes.
Approve = Callable[[TransferPlan], None]


def balances(paths: Paths, chain: CosmosChain, names: tuple[str, ...], *, network: str) -> Result[BalanceList]:
    """The balances of these wallets, or of all; accounts of other chains are left out with a warning."""
    store = WalletStore(paths.wallets)
    found: list[WalletBalance] = []
    warnings: list[str] = []
    for name in names or tuple(store.names()):
        for account in store.load(name).accounts:
            address = address_of(account, chain.config.prefix)
            if address is None or decode_address(address)[0] != chain.config.prefix:
                warnings.append(f"account {account.name} of wallet {name} is not on this chain")
                continue
            money = chain.balance(address)
            found.append(WalletBalance(wallet=name, account=account.name, address=address, balance=money))
    data = BalanceList(network=network, chain_id=chain.client.chain_id, balances=tuple(found))
    return Result(data, tuple(warnings))


def plan_transfer(
    paths: Paths,
    chain: CosmosChain,
    order: Order,
    *,
    network: str,
) -> Result[Transfer]:
    """What `send_money` would do and cost now: all checks and network reads, no passphrase, nothing written."""
    payment = _check(paths, chain, order)
    plan = _plan(chain, payment)
    return Result(
        Transfer(
            wallet=order.wallet,
            network=network,
            chain_id=chain.client.chain_id,
            sender=payment.sender,
            recipient=payment.recipient,
            amount=payment.amount,
            outcome="planned",
            fee=plan.fee,
            plan=plan,
        )
    )


def send_money(
    paths: Paths,
    chain: CosmosChain,
    order: Order,
    source: PassphraseSource,
    *,
    network: str,
    approve: Approve | None,
    key: str | None = None,
) -> Result[Transfer]:
    """Send money and wait until it is in a block.

    `approve` None means that the operator agreed beforehand (`--yes`); what a person approves also caps the fee.
    An identical transfer that is still open is finished instead of sent again; with `key`, so is one that is
    confirmed. Raises what `CosmosChain.execute` raises, `OutcomeUnknown` among it.
    """
    payment = _check(paths, chain, order)
    agreed = None
    if approve is not None:
        plan = _plan(chain, payment)
        approve(plan)
        agreed = plan.fee.base
    confirmed = chain.execute(
        "transfer",
        {"to": payment.recipient, "amount": f"{payment.amount.base}{payment.amount.denom}"},
        [payment.message()],
        open_signer(paths, order.wallet, source),
        network=network,
        key=key,
        once=key is not None,
        max_fee=agreed,
    )
    return Result(
        Transfer(
            wallet=order.wallet,
            network=network,
            chain_id=chain.client.chain_id,
            sender=payment.sender,
            recipient=payment.recipient,
            amount=payment.amount,
            outcome="confirmed",
            fee=confirmed.fee,
            tx_hash=confirmed.tx_hash,
            height=confirmed.height,
            entry_id=confirmed.entry_id,
            fresh=confirmed.fresh,
        )
    )


@dataclass(frozen=True)
class _Payment:
    """An order, checked as far as it can be without a network."""

    public_key: bytes
    sender: str
    recipient: str
    amount: Amount

    def message(self) -> MsgSend:
        coin = Coin(denom=self.amount.denom, amount=str(self.amount.base))
        return MsgSend(from_address=self.sender, to_address=self.recipient, amount=(coin,))


def _check(paths: Paths, chain: CosmosChain, order: Order) -> _Payment:
    config = chain.config
    account = WalletStore(paths.wallets).load(order.wallet).account()
    if account.is_watch_only or account.public_key is None:
        raise Refused(f"wallet {order.wallet} is watch-only: its key is not here", target=order.wallet)
    amount = parse_amount(order.amount, config.denom, config.exponent)
    if amount.base == 0:
        raise Usage("there is nothing to send: the amount is zero")
    return _Payment(
        public_key=bytes.fromhex(account.public_key),
        sender=own_address(account, config.prefix),
        recipient=_recipient(paths, order.recipient, config.prefix),
        amount=amount,
    )


def _recipient(paths: Paths, text: str, prefix: str) -> str:
    """An address, or that of a wallet of ours; a text that could be both is the address."""
    store = WalletStore(paths.wallets)
    if not text.startswith(f"{prefix}1") and text in store.names():
        return own_address(store.load(text).account(), prefix)
    return require_address(text, prefix)


def _plan(chain: CosmosChain, payment: _Payment) -> TransferPlan:
    plan = make_plan(chain.client, chain.config, [payment.message()], payment.public_key, None)
    after = plan.balance.base - plan.fee.base - (payment.amount.base if payment.recipient != payment.sender else 0)
    return TransferPlan(
        sender=payment.sender,
        recipient=payment.recipient,
        amount=payment.amount,
        fee=plan.fee,
        balance=plan.balance,
        balance_after=chain.config.money(after),
        gas_limit=plan.gas_limit,
        plan_hash=plan.plan_hash,
    )
