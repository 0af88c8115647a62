"""Moving money, at the gas that the SDK's bank module takes for it (SDK 0.50, `x/bank/keeper`)."""

from __future__ import annotations

from r3cli.chain.cosmos.address import decode_address
from r3cli.chain.cosmos.messages import Coin, MsgSend, MsgSendResponse
from r3cli.errors import Malformed
from r3cli.lab.context import Context
from r3cli.lab.genesis import MODULE_ACCOUNTS
from r3cli.lab.rejection import Rejection, sdk, undefined
from r3cli.lab.state import Account
from r3cli.lab.transaction import coins_are_valid, show_coins

ACCOUNT_KEY = 21  # bytes of an account's key in the store: a prefix and the address
_NUMBER_BYTES = 20  # the account-number index holds the address
_BALANCE_KEY = 22  # plus the denom
_DENOM_INDEX_KEY = 23  # plus the denom
_PARAMS_BYTES = 2


def send(context: Context, message: MsgSend) -> MsgSendResponse:
    """Handle `MsgSend`."""
    for role, address in (("from", message.from_address), ("to", message.to_address)):
        _check_address(context, role, address)
    if not message.amount or not coins_are_valid(message.amount):
        raise sdk("invalid coins", show_coins(message.amount))
    context.meter.read(1, _PARAMS_BYTES)
    for _ in message.amount:
        context.meter.has()
    if message.to_address in module_accounts(context):
        raise sdk("unauthorized", f"{message.to_address} is not allowed to receive funds")
    transfer(context, message.from_address, message.to_address, message.amount)
    return MsgSendResponse()


def module_accounts(context: Context) -> set[str]:
    """Accounts without a key, which nobody may pay directly."""
    return {context.genesis.module_address(name) for name in MODULE_ACCOUNTS}


def transfer(context: Context, sender: str, recipient: str, coins: tuple[Coin, ...]) -> None:
    """Move coins and create the recipient's account when it has none; raises `Rejection` 5."""
    _subtract(context, sender, coins)
    _add(context, recipient, coins)
    amount = show_coins(coins)
    context.emit("coin_spent", spender=sender, amount=amount)
    context.emit("coin_received", receiver=recipient, amount=amount)
    context.emit("transfer", recipient=recipient, sender=sender, amount=amount)
    context.emit("message", sender=sender)
    context.meter.has()
    if context.state.account(recipient) is None:
        _create_account(context, recipient)


def read_account(context: Context, address: str) -> Account | None:
    """An account, at the price of reading it."""
    account = context.state.account(address)
    context.meter.read(ACCOUNT_KEY, account.stored_bytes if account else 0)
    return account


def write_account(context: Context, account: Account) -> None:
    """Store a changed account; its number's index entry is written anew, as the SDK does."""
    read_account(context, account.address)
    context.meter.delete()
    context.meter.has()
    context.meter.write(ACCOUNT_KEY, _NUMBER_BYTES)
    context.meter.write(ACCOUNT_KEY, account.stored_bytes)
    context.state.save_account(account)


def check_bech32(address: str, prefix: str) -> None:
    """Raise a `Rejection` (codespace undefined) unless this is an address of the chain."""
    if not address:
        raise undefined("empty address string is not allowed")
    try:
        found, _ = decode_address(address)
    except Malformed as error:
        raise undefined(f"decoding bech32 failed: {error.message}") from error
    if found != prefix:
        raise undefined(f"invalid Bech32 prefix; expected {prefix}, got {found}")


def _check_address(context: Context, role: str, address: str) -> None:
    try:
        check_bech32(address, context.genesis.prefix)
    except Rejection as error:
        raise sdk("invalid address", f"invalid {role} address: {error.log}") from error


def _subtract(context: Context, owner: str, coins: tuple[Coin, ...]) -> None:
    read_account(context, owner)  # vesting accounts may not spend all: every account is looked at
    for coin in coins:
        amount, balance = int(coin.amount), _read_balance(context, owner, coin.denom)
        if balance < amount:
            text = f"spendable balance {balance}{coin.denom} is smaller than {amount}{coin.denom}"
            raise sdk("insufficient funds", text)
        _write_balance(context, owner, coin.denom, balance - amount)


def _add(context: Context, owner: str, coins: tuple[Coin, ...]) -> None:
    for coin in coins:
        balance = _read_balance(context, owner, coin.denom)
        _write_balance(context, owner, coin.denom, balance + int(coin.amount))


def _read_balance(context: Context, owner: str, denom: str) -> int:
    balance = context.state.balance(owner, denom)
    context.meter.read(_BALANCE_KEY + len(denom), len(str(balance)) if balance else 0)
    return balance


def _write_balance(context: Context, owner: str, denom: str, amount: int) -> None:
    if amount:
        context.meter.write(_DENOM_INDEX_KEY + len(denom), 0)
        context.meter.write(_BALANCE_KEY + len(denom), len(str(amount)))
    else:
        context.meter.delete()
        context.meter.delete()
    context.state.set_balance(owner, denom, amount)


def _create_account(context: Context, address: str) -> None:
    context.meter.read(1, 8)
    context.meter.write(1, 8)
    context.meter.read(ACCOUNT_KEY, 0)
    context.meter.has()
    account = context.state.create_account(address)
    context.meter.write(ACCOUNT_KEY, _NUMBER_BYTES)
    context.meter.write(ACCOUNT_KEY, account.stored_bytes)
