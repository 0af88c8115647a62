"""What a chain's answer to a transaction means, and which of our failures it is (networks/r3mes.md 1.7).

The same code means different things at different stages: 5 in CheckTx leaves the money where it is, 5 after
inclusion has cost the fee.
"""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec

from r3cli.errors import R3Error, RateLimited, TransactionFailed

SDK = "sdk"


class Stage(StrEnum):
    """Where the answer came from."""

    SIMULATE = "simulate"
    CHECK = "check"
    INCLUDED = "included"


class Meaning(StrEnum):
    """The cases that a client must tell apart."""

    ACCEPTED = "accepted"
    ALREADY_KNOWN = "already_known"
    WRONG_SEQUENCE = "wrong_sequence"
    WRONG_SIGNATURE = "wrong_signature"
    FEE_TOO_LOW = "fee_too_low"
    OUT_OF_GAS = "out_of_gas"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    UNKNOWN_MESSAGE = "unknown_message"
    UNKNOWN_ACCOUNT = "unknown_account"
    PAST_TIMEOUT = "past_timeout"
    MEMPOOL_FULL = "mempool_full"
    REFUSED = "refused"


_BY_SDK_CODE = {
    2: Meaning.UNKNOWN_MESSAGE,
    4: Meaning.WRONG_SIGNATURE,
    5: Meaning.INSUFFICIENT_FUNDS,
    8: Meaning.WRONG_SIGNATURE,  # the key is not the account's
    9: Meaning.UNKNOWN_ACCOUNT,
    11: Meaning.OUT_OF_GAS,
    13: Meaning.FEE_TOO_LOW,
    19: Meaning.ALREADY_KNOWN,
    20: Meaning.MEMPOOL_FULL,
    30: Meaning.PAST_TIMEOUT,
    32: Meaning.WRONG_SEQUENCE,
}

# A refused simulation names no code, only the SDK's registered text at the end. Texts that modules register too
# (such as "invalid request") are left out: they would be a guess.
_SDK_TEXTS = {
    "tx parse error": 2,
    "unauthorized": 4,
    "insufficient funds": 5,
    "unknown address": 9,
    "out of gas": 11,
    "insufficient fee": 13,
    "tx timeout height": 30,
    "incorrect account sequence": 32,
}
_SIMULATION_TAIL = re.compile(r"( \[[^\]]*\])?( with gas used: '\d+')?$")
_SEQUENCES = re.compile(r"account sequence mismatch, expected (\d{1,20}), got (\d{1,20})")

_CURES = {
    Meaning.WRONG_SIGNATURE: "key, chain id or account number are not what the chain has; check chain.chain_id",
    Meaning.FEE_TOO_LOW: "raise chain.gas_price",
    Meaning.OUT_OF_GAS: "raise chain.gas_adjustment",
    Meaning.INSUFFICIENT_FUNDS: "send money to the account first",
    Meaning.UNKNOWN_MESSAGE: "this chain does not have the message; check which network this is",
    Meaning.UNKNOWN_ACCOUNT: "send money to the account first: it exists only then",
    Meaning.PAST_TIMEOUT: "the chain went on before the transaction arrived; run the same command again",
    Meaning.MEMPOOL_FULL: "the node has too much to do; run the same command again later",
}


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A code with its codespace and text. `code` is -1 where a simulation named none that is known."""

    stage: Stage
    code: int
    codespace: str
    log: str

    @property
    def meaning(self) -> Meaning:
        if self.code == 0:
            return Meaning.ACCEPTED
        return _BY_SDK_CODE.get(self.code, Meaning.REFUSED) if self.codespace == SDK else Meaning.REFUSED

    @property
    def expected_sequence(self) -> int | None:
        """The sequence that the node wants, where it says so."""
        found = _SEQUENCES.search(self.log)
        return int(found[1]) if found else None


class ChainRefused(TransactionFailed):
    """The chain said no; `answer` has code, codespace, stage and text."""

    def __init__(self, answer: Answer, *, tx: str | None = None) -> None:
        super().__init__(_describe(answer), hint=_CURES.get(answer.meaning), tx=tx)
        self.answer = answer

    @property
    def meaning(self) -> Meaning:
        return self.answer.meaning


def refusal(answer: Answer, *, tx: str | None = None) -> R3Error:
    """The failure that an answer other than 0 is."""
    if answer.meaning is Meaning.MEMPOOL_FULL:
        return RateLimited(_describe(answer), hint=_CURES[Meaning.MEMPOOL_FULL], tx=tx)
    return ChainRefused(answer, tx=tx)


def read_simulation_refusal(text: str) -> ChainRefused:
    """The failure behind a simulation's error text (HTTP status 500, gRPC code 2, whatever went wrong)."""
    log = _SIMULATION_TAIL.sub("", text)
    code = _SDK_TEXTS.get(log.rpartition(": ")[2], -1)
    return ChainRefused(Answer(stage=Stage.SIMULATE, code=code, codespace=SDK if code > 0 else "", log=log))


def _describe(answer: Answer) -> str:
    name = f"code {answer.code} of {answer.codespace}" if answer.code > 0 else "no code"
    text = " ".join(answer.log.split())[:300] or "without a text"
    verbs = {
        Stage.SIMULATE: "would fail",
        Stage.CHECK: "was refused, so nothing was paid",
        Stage.INCLUDED: "was included with an error, so its fee was paid",
    }
    return f"the transaction {verbs[answer.stage]}: {text} ({name})"
