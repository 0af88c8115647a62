"""Sending safely: one writer per account, the journal before the wire, and no second payment for one intent.

The money rule (networks/r3mes.md 1.7): when the chain answers that the sequence is wrong (32), our transaction may
already be in a block. Every journalled hash of the account is looked up first, and a new transaction is signed
only when none of them can still be included. `timeout_height` on everything makes that knowable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import count
from typing import Any

from r3cli.chain.cosmos.address import encode_address
from r3cli.chain.cosmos.answers import Answer, Meaning, refusal
from r3cli.chain.cosmos.client import CosmosClient, Unanswered
from r3cli.chain.cosmos.inclusion import Fate, Outcome, look_up, wait_for
from r3cli.chain.cosmos.message import Message
from r3cli.chain.cosmos.node import Included
from r3cli.chain.cosmos.outcome import Confirmed, included_result, read_outcome
from r3cli.chain.cosmos.plan import ChainConfig, TxPlan, make_plan
from r3cli.chain.cosmos.tx import SignedTx, sign_tx
from r3cli.errors import OutcomeUnknown, R3Error, WrongChain
from r3cli.events import Level, Report, event, silent
from r3cli.journal import Attempt, Entry, Journal, State
from r3cli.locks import hold_lock
from r3cli.money import Amount
from r3cli.paths import Paths
from r3cli.wallet.signer import Signer

_ORDINARY = ("tx.sent", "tx.included", "tx.resumed")  # events that tell of nothing unusual
_SIGNATURES = 3  # how often one intent may be signed anew within one call


class CosmosChain:
    """One Cosmos chain for one journal."""

    def __init__(
        self, config: ChainConfig, client: CosmosClient, journal: Journal, paths: Paths, report: Report = silent
    ) -> None:
        self.config = config
        self.client = client
        self._journal = journal
        self._locks = paths.state / "locks"
        self._report = report

    def address(self, public_key: bytes) -> str:
        """The account of a compressed public key on this chain."""
        return encode_address(public_key, self.config.prefix)

    def balance(self, address: str) -> Amount:
        """What an account has of the chain's money."""
        return self.config.money(self.client.balance(address, self.config.denom))

    def plan(self, messages: Sequence[Message], signer: Signer, *, max_fee: int | None = None) -> TxPlan:
        """What sending these messages now would do and cost; writes nothing anywhere."""
        return make_plan(self.client, self.config, messages, signer.public_key, max_fee)

    def execute(
        self,
        kind: str,
        intent: Mapping[str, Any],
        messages: Sequence[Message],
        signer: Signer,
        *,
        network: str,
        key: str | None = None,
        once: bool = True,
        max_fee: int | None = None,
    ) -> Confirmed:
        """Have the messages included once, and return the proof.

        The same intent again finds what the first run did (`Confirmed.fresh` tells). `max_fee` in base units
        overrides the configured cap.

        Raises:
            TransactionFailed: the chain refused it, or included it with an error (`ChainRefused` has the code).
            OutcomeUnknown: sent, and nothing is known; `r3 tx settle` finds out.
            FeeTooHigh, InsufficientFunds: nothing was sent.
            Busy: another r3 writes for this account.
            Unreachable, StaleNode, RateLimited, ServerFault: nothing was sent; safe to run again.
        """
        account = self.address(signer.public_key)
        with self._writing(account):
            entry = self._journal.plan(kind, network, account, intent, key=key, once=once)
            if entry.state is State.CONFIRMED:
                return read_outcome(entry, self.config)
            closed = self._settle_others(entry)
            return self._adopt(entry, closed) or self._resume(entry) or self._start(entry, messages, signer, max_fee)

    def settle(self, entry: Entry) -> Entry:
        """Find out what became of an open entry; it stays unknown while that cannot be known."""
        with self._writing(entry.account):
            entry = self._journal.get(entry.id)
            self._check_chain(entry)
            return self._settle_entry(entry) if entry.is_open else entry

    def _writing(self, account: str) -> AbstractContextManager[None]:
        path = self._locks / f"{self.client.chain_id}-{account}.lock"
        return hold_lock(path, f"writing for {account}", wait_seconds=self.config.lock_wait_seconds)

    def _settle_others(self, entry: Entry) -> list[Entry]:
        """Look up every hash of the account that an earlier intent left open; returns the entries that this closed."""
        try:
            pending = self._journal.pending(self.client.chain_id, entry.account)
            others = [attempt for attempt in pending if attempt.entry_id != entry.id]
            found = [self._record(attempt, look_up(self.client, attempt)) for attempt in others]
        except R3Error as error:
            if entry.fresh:
                raise self._failed(entry, error) from error
            raise
        return [closed for closed in found if closed is not None]

    def _adopt(self, entry: Entry, closed: Sequence[Entry]) -> Confirmed | None:
        """The proof of an earlier entry with the same intent that was refused here and included after all."""
        for other in closed:
            if other.key == entry.key and other.id != entry.id and other.state is State.CONFIRMED:
                self._journal.fail(entry.id, f"entry {other.id} did it")
                return read_outcome(other, self.config)
        return None

    def _settle_entry(self, entry: Entry) -> Entry:
        attempts = self._journal.attempts(entry.id)
        if not attempts:
            return self._journal.fail(entry.id, "it was never sent")
        possible = []
        for attempt in attempts:
            if attempt.outcome == "void":
                continue
            closed = self._record(attempt, outcome := look_up(self.client, attempt))
            if closed is not None:
                return closed
            if outcome is Fate.POSSIBLE:
                possible.append(attempt)
        if not possible:
            return self._journal.fail(entry.id, "it was never included and no longer can be")
        return self._journal.unknown(entry.id, f"it may be included until block {possible[-1].timeout_height}")

    def _check_chain(self, entry: Entry) -> None:
        """Another chain knows nothing of this entry's transactions, which must not read as "never included"."""
        for attempt in self._journal.attempts(entry.id):
            if attempt.chain_id != self.client.chain_id:
                raise WrongChain(
                    f"entry {entry.id} was sent on chain {attempt.chain_id!r}; this is {self.client.chain_id!r}",
                    hint="set chain.chain_id and chain.endpoints to that chain, then r3 tx settle",
                    target=str(entry.id),
                )

    def _resume(self, entry: Entry) -> Confirmed | None:
        """Go on with an entry that an earlier run left; None when nothing of it can be included any more."""
        self._check_chain(entry)
        for attempt in reversed(self._journal.attempts(entry.id)):
            if attempt.outcome == "sent":
                self._tell("tx.resumed", f"transaction {attempt.tx_hash} was sent before; waiting for it", attempt)
                return self._wait(entry, attempt, resend=True, fresh=False)
        return None

    def _start(self, entry: Entry, messages: Sequence[Message], signer: Signer, max_fee: int | None) -> Confirmed:
        """Sign and send; a new signature only after the last one is proved dead."""
        for _ in range(_SIGNATURES):
            attempt = self._sign(entry, messages, signer, max_fee)
            answer = self._broadcast(entry, attempt)
            if answer is not None and answer.meaning is Meaning.WRONG_SEQUENCE:
                confirmed = self._after_wrong_sequence(entry, attempt)
            elif answer is None or answer.meaning in (Meaning.ACCEPTED, Meaning.ALREADY_KNOWN):
                confirmed = self._wait(entry, attempt, resend=answer is None, fresh=True)
            else:
                # The attempt stays on record as pending: refused here, it might still reach a block elsewhere.
                raise self._failed(entry, refusal(answer, tx=attempt.tx_hash))
            if confirmed is not None:
                return confirmed
        raise self._failed(entry, R3Error(f"the chain let {_SIGNATURES} transactions of this intent expire"))

    def _sign(self, entry: Entry, messages: Sequence[Message], signer: Signer, max_fee: int | None) -> Attempt:
        try:
            plan = self.plan(messages, signer, max_fee=max_fee)
        except R3Error as error:
            raise self._failed(entry, error) from error
        signed = self._unique(plan, messages, signer)
        self._journal.sending(
            entry.id,
            signed.tx_hash,
            signed.raw,
            chain_id=plan.chain_id,
            account=plan.account,
            sequence=signed.sequence,
            timeout_height=signed.timeout_height,
        )
        return self._journal.attempts(entry.id)[-1]

    def _unique(self, plan: TxPlan, messages: Sequence[Message], signer: Signer) -> SignedTx:
        """A transaction whose hash the journal does not know: the same bytes could not stand for two intents."""
        for delay in count():
            signed = sign_tx(
                messages,
                signer,
                chain_id=plan.chain_id,
                account_number=plan.account_number,
                sequence=plan.sequence,
                fee=plan.signed_fee(),
                timeout_height=plan.timeout_height + delay,
            )
            if self._journal.attempt(signed.tx_hash) is None:
                return signed
        raise AssertionError("heights do not end")

    def _broadcast(self, entry: Entry, attempt: Attempt) -> Answer | None:
        """CheckTx's answer, or None when it may have arrived and nobody said so."""
        self._tell("tx.sent", f"transaction {attempt.tx_hash} sent", attempt)
        try:
            return self.client.broadcast(attempt.raw)
        except Unanswered as error:
            self._tell("tx.unanswered", f"no answer to transaction {attempt.tx_hash}: {error.message}", attempt)
            return None
        except R3Error as error:
            self._journal.void(attempt.tx_hash)  # it never left this machine
            raise self._failed(entry, error) from error

    def _after_wrong_sequence(self, entry: Entry, attempt: Attempt) -> Confirmed | None:
        """The money rule: the fate of every hash of the account must be known before anything is signed again."""
        self._tell("tx.wrong_sequence", "the chain expects another sequence; looking up what was sent before", attempt)
        pending = self._journal.pending(attempt.chain_id, attempt.account)
        found = [self._record(sent, self._watch(entry, sent, resend=False)) for sent in pending]
        closed = [other for other in found if other is not None]
        own = next((other for other in closed if other.id == entry.id), None)
        return read_outcome(own, self.config, fresh=True) if own else self._adopt(entry, closed)

    def _wait(self, entry: Entry, attempt: Attempt, *, resend: bool, fresh: bool) -> Confirmed | None:
        """The proof of inclusion, or None when the transaction can never be included."""
        outcome = self._watch(entry, attempt, resend=resend)
        closed = self._record(attempt, outcome)
        return read_outcome(closed, self.config, fresh=fresh, included=outcome) if closed else None

    def _watch(self, entry: Entry, attempt: Attempt, *, resend: bool) -> Outcome:
        """Included or never; raises `OutcomeUnknown` for `entry` when the time is over."""
        outcome = wait_for(self.client, attempt, seconds=self.config.confirm_seconds, resend=resend)
        if outcome is Fate.POSSIBLE:
            detail = f"not in a block after {self.config.confirm_seconds:g} s; it may be until {attempt.timeout_height}"
            self._journal.unknown(entry.id, detail)
            self._tell("tx.unknown", f"transaction {attempt.tx_hash}: {detail}", attempt)
            raise OutcomeUnknown(
                f"transaction {attempt.tx_hash} was sent, and whether it will be included is unknown",
                hint="r3 tx settle",
                tx=attempt.tx_hash,
            )
        return outcome

    def _record(self, attempt: Attempt, outcome: Outcome) -> Entry | None:
        """Write down what became of a transaction; the closed entry when it is in a block."""
        if isinstance(outcome, Included):
            return self._close(attempt, outcome)
        if outcome is Fate.NEVER:
            self._journal.void(attempt.tx_hash)
        return None

    def _close(self, attempt: Attempt, included: Included) -> Entry:
        result = included_result(attempt, included)
        self._tell("tx.included", f"transaction {attempt.tx_hash} is in block {included.height}", attempt)
        if included.code == 0:
            return self._journal.confirm(attempt.entry_id, result, tx_hash=attempt.tx_hash)
        detail = f"included with code {included.code} {included.codespace}: {included.log[:300]}"
        return self._journal.fail(attempt.entry_id, detail, result=result, tx_hash=attempt.tx_hash)

    def _failed(self, entry: Entry, error: R3Error) -> R3Error:
        self._journal.fail(entry.id, error.message)
        return error

    def _tell(self, name: str, message: str, attempt: Attempt) -> None:
        level: Level = "detail" if name in _ORDINARY else "warning"
        fields = {"tx": attempt.tx_hash, "account": attempt.account, "sequence": attempt.sequence}
        self._report(event(name, message, level=level, **fields))
