"""Executing one transaction: ante handler, then messages, each undone as a whole when it fails."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from r3cli.chain.cosmos.message import Message, encode
from r3cli.chain.cosmos.messages import AnyMessage, MsgSend, TxMsgData
from r3cli.lab import bank
from r3cli.lab.ante import run_ante
from r3cli.lab.context import ChainEvent, Context, Stage
from r3cli.lab.gas import MAX_GAS, Meter
from r3cli.lab.rejection import OutOfGas, Rejection, sdk
from r3cli.lab.remes.module import Module
from r3cli.lab.remes.router import MESSAGES
from r3cli.lab.remes.router import handle as handle_remes
from r3cli.lab.state import State
from r3cli.lab.transaction import Transaction, read_transaction, signer_of

KNOWN_MESSAGES: Mapping[str, type[Message]] = {MsgSend.url(): MsgSend, **MESSAGES}


class TxResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a transaction."""

    code: int = 0
    codespace: str = ""
    log: str = ""
    data: bytes = b""
    gas_wanted: int = 0
    gas_used: int = 0
    events: tuple[ChainEvent, ...] = ()


def execute(state: State, raw: bytes, *, height: int, stage: Stage) -> TxResult:
    """Run a transaction against the state; `stage` check stops after the ante handler."""
    meter = Meter()
    try:
        transaction = read_transaction(raw, KNOWN_MESSAGES)
        if not transaction.messages:
            raise sdk("invalid request", "must contain at least one message")
    except Rejection as error:
        return _failure(error, meter, wanted=0)
    if stage != "simulate":
        meter = Meter(transaction.fee.gas_limit)
    return _run(Context(state, meter, height=height, stage=stage), transaction)


def _run(context: Context, transaction: Transaction) -> TxResult:
    wanted = MAX_GAS if context.stage == "simulate" else transaction.fee.gas_limit
    sql = context.state.connection
    sql.execute("SAVEPOINT ante")
    try:
        run_ante(context, transaction)
    except Rejection as error:
        sql.execute("ROLLBACK TO ante")
        return _failure(error, context.meter, wanted=wanted)
    finally:
        sql.execute("RELEASE ante")
    if context.stage == "check":
        return TxResult(gas_wanted=wanted, gas_used=context.meter.used)
    paid_events = tuple(context.events)
    sql.execute("SAVEPOINT messages")
    try:
        answers = [_run_message(context, index, message) for index, message in enumerate(transaction.messages)]
    except Rejection as error:
        sql.execute("ROLLBACK TO messages")
        return _failure(error, context.meter, wanted=wanted, events=paid_events)
    finally:
        sql.execute("RELEASE messages")
    return TxResult(
        data=encode(TxMsgData(msg_responses=tuple(answers))),
        gas_wanted=wanted,
        gas_used=context.meter.used,
        events=tuple(context.events),
    )


def _run_message(context: Context, index: int, message: Message) -> AnyMessage:
    first = len(context.events)
    signer, name = signer_of(message), message.url()
    context.emit("message", action=name, sender=signer, module=name.split(".")[1])
    try:
        context.meter.has()  # the circuit breaker again
        answer = bank.send(context, message) if isinstance(message, MsgSend) else _run_remes(context, message)
    except OutOfGas:
        raise
    except Rejection as error:
        raise error.inside(f"failed to execute message; message index: {index}") from error
    place = (("msg_index", str(index)),)
    context.events[first:] = [ChainEvent(e.type, e.attributes + place) for e in context.events[first:]]
    return AnyMessage(type_url=answer.url(), value=encode(answer))


def _run_remes(context: Context, message: Message) -> Message:
    bank.check_bech32(signer_of(message), context.genesis.prefix)
    return handle_remes(Module(context), message)


def _failure(error: Rejection, meter: Meter, *, wanted: int, events: tuple[ChainEvent, ...] = ()) -> TxResult:
    return TxResult(
        code=error.code,
        codespace=error.codespace,
        log=error.log,
        gas_wanted=wanted,
        gas_used=meter.used,
        events=events,
    )
