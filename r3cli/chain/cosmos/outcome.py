"""The end of a transaction: as the journal keeps it and as callers get it."""

from __future__ import annotations

from typing import Any

import msgspec

from r3cli.chain.cosmos.answers import Answer, ChainRefused, Stage
from r3cli.chain.cosmos.node import ChainEvent, Included
from r3cli.chain.cosmos.plan import ChainConfig
from r3cli.chain.cosmos.tx import decode_tx
from r3cli.errors import TransactionFailed
from r3cli.journal import Attempt, Entry, State
from r3cli.money import Amount


class Confirmed(msgspec.Struct, frozen=True, kw_only=True):
    """A transaction in a block with code 0.

    `responses` are the encoded answers of the messages, one each. `fresh` is False when an earlier run of the same
    intent did it; the events are known only when this run saw it included.
    """

    entry_id: int
    tx_hash: str
    height: int
    gas_wanted: int
    gas_used: int
    fee: Amount
    responses: tuple[bytes, ...]
    events: tuple[ChainEvent, ...] = ()
    fresh: bool = False


class _Stored(msgspec.Struct):
    """The journal's form of an inclusion."""

    tx_hash: str
    height: int
    code: int
    codespace: str
    log: str
    gas_wanted: int
    gas_used: int
    fee: int
    responses: list[str]


def included_result(attempt: Attempt, included: Included) -> dict[str, Any]:
    """What the journal keeps of an inclusion, as a plain JSON object."""
    fee = decode_tx(attempt.raw).auth_info.fee
    stored = _Stored(
        tx_hash=included.tx_hash,
        height=included.height,
        code=included.code,
        codespace=included.codespace,
        log=included.log[:1000],
        gas_wanted=included.gas_wanted,
        gas_used=included.gas_used,
        fee=sum(int(coin.amount) for coin in fee.amount) if fee else 0,
        responses=[response.hex() for response in included.responses],
    )
    result: dict[str, Any] = msgspec.to_builtins(stored)
    return result


def read_outcome(entry: Entry, config: ChainConfig, *, fresh: bool = False, included: object = None) -> Confirmed:
    """A closed entry as its caller gets it; raises `TransactionFailed` for a failed one.

    The events are those of `included`, an `Included` where this run saw it.
    """
    if entry.result is None:
        raise TransactionFailed(entry.detail or f"entry {entry.id} failed", target=str(entry.id))
    stored = msgspec.convert(entry.result, _Stored)
    if entry.state is not State.CONFIRMED:
        answer = Answer(stage=Stage.INCLUDED, code=stored.code, codespace=stored.codespace, log=stored.log)
        raise ChainRefused(answer, tx=stored.tx_hash)
    return Confirmed(
        entry_id=entry.id,
        tx_hash=stored.tx_hash,
        height=stored.height,
        gas_wanted=stored.gas_wanted,
        gas_used=stored.gas_used,
        fee=config.money(stored.fee),
        responses=tuple(bytes.fromhex(response) for response in stored.responses),
        events=included.events if isinstance(included, Included) else (),
        fresh=fresh,
    )
