"""What a transaction would do and cost, found out without writing anything."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal

import msgspec

from r3cli.chain.cosmos.address import encode_address
from r3cli.chain.cosmos.answers import ChainRefused, Meaning
from r3cli.chain.cosmos.client import CosmosClient
from r3cli.chain.cosmos.message import Message, encode
from r3cli.chain.cosmos.messages import Coin, Fee, MsgSend
from r3cli.chain.cosmos.node import Account, Node
from r3cli.chain.cosmos.tx import unsigned_tx
from r3cli.errors import FeeTooHigh, InsufficientFunds
from r3cli.money import Amount, amount
from r3cli.result import Data

_SIMULATIONS = 3


class ChainConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What the adapter must know of a chain. `gas_price` is in base units for one gas, `max_fee` in base units."""

    prefix: str
    denom: str
    chain_id: str | None = None
    exponent: int = 6
    gas_price: Decimal = Decimal("0.001")
    gas_adjustment: float = 1.5
    max_fee: int | None = None
    timeout_blocks: int = 50
    confirm_seconds: float = 60.0
    lock_wait_seconds: float = 60.0

    def money(self, base: int) -> Amount:
        """Base units as an amount of this chain's money."""
        return amount(base, self.denom, self.exponent)


class TxPlan(Data, frozen=True, kw_only=True):
    """A transaction as it would be signed now. `plan_hash` covers what is paid and done, not sequence or height."""

    chain_id: str
    account: str
    account_number: int
    sequence: int
    timeout_height: int
    messages: tuple[str, ...]
    gas_limit: int
    fee: Amount
    balance: Amount
    plan_hash: str

    def signed_fee(self) -> Fee:
        """The fee as the transaction carries it."""
        coins = (Coin(denom=self.fee.denom, amount=str(self.fee.base)),) if self.fee.base else ()
        return Fee(amount=coins, gas_limit=self.gas_limit)


def make_plan(
    client: CosmosClient, config: ChainConfig, messages: Sequence[Message], public_key: bytes, max_fee: int | None
) -> TxPlan:
    """Simulate and price; raises `FeeTooHigh`, `InsufficientFunds` or `ChainRefused` before anything is paid."""
    account = encode_address(public_key, config.prefix)
    plan = client.read(lambda node: _ask(node, client, config, messages, public_key, account))
    _check_affordable(plan, config, messages, config.max_fee if max_fee is None else max_fee)
    return plan


def _ask(
    node: Node,
    client: CosmosClient,
    config: ChainConfig,
    messages: Sequence[Message],
    public_key: bytes,
    account: str,
) -> TxPlan:
    head = client.check(node)
    known = node.account(account)
    if known is None:
        raise InsufficientFunds(
            f"{account} has never received anything on {head.chain_id}", hint="send money to it first", target=account
        )
    gas_used, sequence = _simulate(node, config, messages, public_key, known)
    gas_limit = _round_up(gas_used * Decimal(str(config.gas_adjustment)))
    fee = config.money(_round_up(gas_limit * config.gas_price))
    return TxPlan(
        chain_id=head.chain_id,
        account=account,
        account_number=known.account_number,
        sequence=sequence,
        timeout_height=head.height + config.timeout_blocks,
        messages=tuple(message.url() for message in messages),
        gas_limit=gas_limit,
        fee=fee,
        balance=config.money(node.balance(account, config.denom)),
        plan_hash=_plan_hash(head.chain_id, account, messages, gas_limit, fee),
    )


def _simulate(
    node: Node, config: ChainConfig, messages: Sequence[Message], public_key: bytes, account: Account
) -> tuple[int, int]:
    """Gas, and the sequence that the node expects: transactions of ours in its mempool count."""
    sequence = account.sequence
    smallest = Fee(amount=(Coin(denom=config.denom, amount="1"),))
    for attempt in range(_SIMULATIONS):
        try:
            return node.simulate(unsigned_tx(messages, public_key, sequence=sequence, fee=smallest)), sequence
        except ChainRefused as refused:
            expected = refused.answer.expected_sequence
            if refused.meaning is Meaning.INSUFFICIENT_FUNDS:
                raise InsufficientFunds(refused.message, hint=refused.hint) from refused
            if refused.meaning is not Meaning.WRONG_SEQUENCE or expected is None or attempt == _SIMULATIONS - 1:
                raise
            sequence = expected
    raise AssertionError("unreachable")


def _check_affordable(plan: TxPlan, config: ChainConfig, messages: Sequence[Message], max_fee: int | None) -> None:
    if max_fee is not None and plan.fee.base > max_fee:
        cap = config.money(max_fee)
        raise FeeTooHigh(
            f"the fee would be {plan.fee.decimal} {plan.fee.unit}, more than the cap of {cap.decimal} {cap.unit}",
            hint="raise chain.max_fee or give --max-fee",
        )
    needed = plan.fee.base + sum(_spent(message, config.denom) for message in messages)
    if plan.balance.base < needed:
        missing = config.money(needed - plan.balance.base)
        raise InsufficientFunds(
            f"{plan.account} has {plan.balance.decimal} {plan.balance.unit}; {missing.decimal} are missing",
            hint="send money to it first",
            target=plan.account,
        )


def _spent(message: Message, denom: str) -> int:
    if not isinstance(message, MsgSend):
        return 0
    return sum(int(coin.amount) for coin in message.amount if coin.denom == denom)


def _plan_hash(chain_id: str, account: str, messages: Sequence[Message], gas_limit: int, fee: Amount) -> str:
    parts = [chain_id, account, str(gas_limit), f"{fee.base}{fee.denom}"]
    parts += [f"{message.url()}:{encode(message).hex()}" for message in messages]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _round_up(value: Decimal) -> int:
    return int(value.to_integral_value(rounding=ROUND_CEILING))
