"""What is checked before any message runs, in the order of the SDK's ante handler (SDK 0.50, `x/auth/ante`).

The order decides which of several faults a client hears of, and how much gas each costs. When all passes, the fee
is taken and the sequence has moved, whatever becomes of the messages.
"""

from __future__ import annotations

import base64

from r3cli.chain.cosmos.address import decode_address, encode_address
from r3cli.chain.cosmos.messages import Coin, SignMode
from r3cli.chain.cosmos.tx import verify_tx
from r3cli.lab import gas
from r3cli.lab.bank import ACCOUNT_KEY, check_bech32, read_account, transfer, write_account
from r3cli.lab.context import Context
from r3cli.lab.genesis import FEE_COLLECTOR
from r3cli.lab.rejection import OutOfGas, Rejection, sdk
from r3cli.lab.state import Account
from r3cli.lab.transaction import Transaction, coins_are_valid, show_coins

_MAX_MEMO = 256
_MAX_GAS_LIMIT = (1 << 63) - 1
_PARAMS = (1, 13)  # key and value bytes of the auth module's parameters
_MODULE_ACCOUNT_BYTES = 104
_GAS_PRICE_UNIT = 1000  # `Genesis.gas_price` is in thousandths


def run_ante(context: Context, transaction: Transaction) -> None:
    """Check everything but the messages, take the fee, move the sequences; raises `Rejection`."""
    for _ in transaction.messages:
        context.meter.has()  # the circuit breaker looks up each message
    _check_basics(context, transaction)
    _check_timeout(context, transaction)
    _check_memo(context, transaction)
    context.meter.read(*_PARAMS)
    context.meter.charge(gas.TX_SIZE_BYTE * len(transaction.raw), "txSize")
    _deduct_fee(context, transaction)
    _set_public_keys(context, transaction)
    context.meter.read(*_PARAMS)  # how many signatures are allowed
    _charge_signatures(context, transaction)
    _verify_signatures(context, transaction)
    for signer in transaction.signers:
        account = _signer_account(context, signer)
        account.sequence += 1
        write_account(context, account)


def _check_basics(context: Context, transaction: Transaction) -> None:
    for signer in transaction.signers:
        check_bech32(signer, context.genesis.prefix)
    fee = transaction.fee
    if fee.gas_limit > _MAX_GAS_LIMIT:
        raise sdk("invalid request", f"invalid gas supplied; {fee.gas_limit} > {_MAX_GAS_LIMIT}")
    if any(int(coin.amount) < 0 for coin in fee.amount):
        raise sdk("insufficient fee", f"invalid fee provided: {show_coins(fee.amount)}")
    signatures, signers = len(transaction.tx.signatures), len(transaction.signers)
    if not signatures:
        raise Rejection(15, "sdk", "no signatures supplied")
    if signatures != signers or len(transaction.tx.auth_info.signer_infos) != signers:
        raise sdk("unauthorized", f"wrong number of signers; expected {signers}, got {signatures}")


def _check_timeout(context: Context, transaction: Transaction) -> None:
    timeout = transaction.tx.body.timeout_height
    if timeout and context.height > timeout:
        raise sdk("tx timeout height", f"block height: {context.height}, timeout height: {timeout}")


def _check_memo(context: Context, transaction: Transaction) -> None:
    length = len(transaction.tx.body.memo.encode())
    if length:
        context.meter.read(*_PARAMS)
    if length > _MAX_MEMO:
        text = f"maximum number of characters is {_MAX_MEMO} but received {length} characters"
        raise sdk("memo too large", text)


def _deduct_fee(context: Context, transaction: Transaction) -> None:
    fee = transaction.fee
    if context.stage == "check":
        _check_minimum_fee(context, fee.amount, fee.gas_limit)
    payer = transaction.signers[0]
    if read_account(context, payer) is None:
        shown = decode_address(payer)[1].decode(errors="replace")
        raise sdk("unknown address", f"fee payer address: {shown} does not exist")
    if all(int(coin.amount) == 0 for coin in fee.amount):
        context.emit("tx", fee="", fee_payer=payer)
        return
    if not coins_are_valid(fee.amount):
        raise sdk("insufficient fee", f"invalid fee amount: {show_coins(fee.amount)}")
    context.meter.read(ACCOUNT_KEY, _MODULE_ACCOUNT_BYTES)
    try:
        transfer(context, payer, context.genesis.module_address(FEE_COLLECTOR), fee.amount)
    except OutOfGas:
        raise
    except Rejection as error:
        raise sdk("insufficient funds", error.log) from error
    context.emit("tx", fee=show_coins(fee.amount), fee_payer=payer)


def _check_minimum_fee(context: Context, offered: tuple[Coin, ...], gas_limit: int) -> None:
    required = -(-context.genesis.gas_price * gas_limit // _GAS_PRICE_UNIT)
    enough = any(coin.denom == context.genesis.denom and int(coin.amount) >= required for coin in offered)
    if required and not enough:
        needed = f"{required}{context.genesis.denom}"
        raise sdk("insufficient fee", f"insufficient fees; got: {show_coins(offered)} required: {needed}")


def _set_public_keys(context: Context, transaction: Transaction) -> None:
    for index, signer in enumerate(transaction.signers):
        public_key = transaction.tx.public_key(index)
        if public_key is None:
            continue
        if context.stage != "simulate" and encode_address(public_key, context.genesis.prefix) != signer:
            text = f"pubKey does not match signer address {signer} with signer index: {index}"
            raise sdk("invalid pubkey", text)
        account = _signer_account(context, signer)
        if account.public_key is None:
            account.public_key = public_key
            write_account(context, account)
    for signer, signer_info in zip(transaction.signers, transaction.tx.auth_info.signer_infos, strict=True):
        context.emit("tx", acc_seq=f"{signer}/{signer_info.sequence}")
    for signature in transaction.tx.signatures:
        context.emit("tx", signature=base64.b64encode(signature).decode())


def _charge_signatures(context: Context, transaction: Transaction) -> None:
    context.meter.read(*_PARAMS)
    for signer in transaction.signers:
        _signer_account(context, signer)
        context.meter.charge(gas.SIGNATURE, "ante verify: secp256k1")


def _verify_signatures(context: Context, transaction: Transaction) -> None:
    for index, signer in enumerate(transaction.signers):
        account = _signer_account(context, signer)
        sequence = transaction.tx.auth_info.signer_infos[index].sequence
        if sequence != account.sequence:
            text = f"account sequence mismatch, expected {account.sequence}, got {sequence}"
            raise sdk("incorrect account sequence", text)
        if context.stage != "simulate":
            _verify_signature(context, transaction, index, account)


def _verify_signature(context: Context, transaction: Transaction, index: int, account: Account) -> None:
    if account.public_key is None or transaction.tx.public_key(index) is None:
        # The real node runs into a nil pointer here; its code and words are kept.
        raise Rejection(
            111222, "undefined", "recovered: runtime error: invalid memory address or nil pointer dereference"
        )
    chain_id = context.genesis.chain_id
    if verify_tx(transaction.tx, account.public_key, chain_id=chain_id, account_number=account.number, index=index):
        return
    mode_info = transaction.tx.auth_info.signer_infos[index].mode_info
    mode = mode_info.single.mode if mode_info and mode_info.single else SignMode.UNSPECIFIED
    why = "unable to verify single signer signature"
    if mode is not SignMode.DIRECT:
        why = f"unsupported sign mode SIGN_MODE_{mode.name}"
    raise sdk(
        "unauthorized",
        f"signature verification failed; please verify account number ({account.number}) "
        f"and chain-id ({chain_id}): ({why})",
    )


def _signer_account(context: Context, signer: str) -> Account:
    account = read_account(context, signer)
    if account is None:
        raise sdk("unknown address", f"account {signer} does not exist")
    return account
