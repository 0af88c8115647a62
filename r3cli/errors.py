"""One tree of failures, each class with its name and exit code.

    R3Error                     1  failed
    |- Usage                    2  usage: the call or the configuration is wrong
    |  |- BadSetting               a key or value that no setting has; names file and line
    |  |- MissingExtra             an optional dependency is absent; names the pip command
    |  `- ManifestMismatch         a flag differs from the open round's manifest
    |- ChecksFailed             3  checks ran and found problems
    |  |- VerificationFailed       recomputed work differs
    |  `- InexactMachine           the arithmetic self-test failed here
    |- NeedsInput               4  needs an answer but may not ask
    |- Unauthorised             5  locked, wrong passphrase, not allowed
    |  `- WrongPassphrase
    |- NotFound                 6
    |  `- ContentMissing           nobody serves this CID: neither good nor fraud
    |- Refused                  7  refused by policy
    |  |- FeeTooHigh  InsufficientFunds  UnsafePermissions  SecretInEnvironment  AlreadyExists  PublicBind  WrongChain
    |- PartlyDone               8
    |- Busy                     9  another r3 holds the lock
    |- OutcomeUnknown          10  sent, not confirmed
    |- Temporary               75  safe to retry
    |  |- Unreachable  StaleNode  RateLimited  ServerFault  DiskFull
    |- TimedOut               124
    |- Interrupted            130  (143 for TERM)
    |- TransactionFailed        1  included with an error, or refused by CheckTx
    |- NotFinite                1  the arithmetic left the range of float32
    `- BadContent               1  bytes that are not what they claim to be
       |- CidMismatch  Malformed  TooLarge

A message is one sentence for the operator; `hint` is the cure. Secrets never enter either.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """The table of exit codes that scripts rely on; changing one is a breaking change."""

    OK = 0
    FAILED = 1
    USAGE = 2
    CHECKS_FAILED = 3
    NEEDS_INPUT = 4
    UNAUTHORISED = 5
    NOT_FOUND = 6
    REFUSED = 7
    PARTLY_DONE = 8
    BUSY = 9
    OUTCOME_UNKNOWN = 10
    TEMPORARY = 75
    TIMED_OUT = 124
    INTERRUPTED = 130
    BROKEN_PIPE = 141
    TERMINATED = 143


class R3Error(Exception):
    """A failure worth one line to the operator, not a traceback."""

    name: ClassVar[str] = "failed"
    exit_code: ExitCode = ExitCode.FAILED
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        target: str | None = None,
        tx: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.target = target
        self.tx = tx


class Usage(R3Error):
    """The call or the configuration is wrong."""

    name = "usage"
    exit_code = ExitCode.USAGE


class BadSetting(Usage):
    """A key or value that no setting has."""

    name = "bad_setting"


class MissingExtra(Usage):
    """An optional dependency that this operation needs is not installed."""

    name = "missing_extra"


class ManifestMismatch(Usage):
    """A flag differs from the manifest of the open round."""

    name = "manifest_mismatch"


class ChecksFailed(R3Error):
    """Checks ran and found problems."""

    name = "checks_failed"
    exit_code = ExitCode.CHECKS_FAILED


class VerificationFailed(ChecksFailed):
    """Recomputed work differs from the claimed work."""

    name = "verification_failed"


class InexactMachine(ChecksFailed):
    """This machine's arithmetic failed the self-test, so exact mode is refused."""

    name = "inexact_machine"


class NeedsInput(R3Error):
    """An answer is needed and may not be asked for; the hint names the flag."""

    name = "needs_input"
    exit_code = ExitCode.NEEDS_INPUT


class Unauthorised(R3Error):
    """Locked, or not allowed."""

    name = "unauthorised"
    exit_code = ExitCode.UNAUTHORISED


class WrongPassphrase(Unauthorised):
    """The passphrase does not open the keystore."""

    name = "wrong_passphrase"


class NotFound(R3Error):
    """The named thing does not exist."""

    name = "not_found"
    exit_code = ExitCode.NOT_FOUND


class ContentMissing(NotFound):
    """Nobody serves this CID. That is neither good work nor fraud."""

    name = "content_missing"


class Refused(R3Error):
    """Refused by policy."""

    name = "refused"
    exit_code = ExitCode.REFUSED


class FeeTooHigh(Refused):
    """The fee would exceed the cap."""

    name = "fee_too_high"


class InsufficientFunds(Refused):
    """The account cannot pay for this."""

    name = "insufficient_funds"


class UnsafePermissions(Refused):
    """A secret file that others can read or that another user owns."""

    name = "unsafe_permissions"


class SecretInEnvironment(Refused):
    """A key or passphrase was given in an environment variable."""

    name = "secret_in_environment"


class AlreadyExists(Refused):
    """Creating would overwrite."""

    name = "already_exists"


class PublicBind(Refused):
    """A listener on a public address without authentication."""

    name = "public_bind"


class WrongChain(Refused):
    """The node belongs to another chain than the configured one."""

    name = "wrong_chain"


class PartlyDone(R3Error):
    """Some targets succeeded, some did not."""

    name = "partly_done"
    exit_code = ExitCode.PARTLY_DONE


class Busy(R3Error):
    """Another r3 holds the lock."""

    name = "busy"
    exit_code = ExitCode.BUSY
    retryable = True


class OutcomeUnknown(R3Error):
    """Sent, not confirmed. Settle it; never blindly retry."""

    name = "outcome_unknown"
    exit_code = ExitCode.OUTCOME_UNKNOWN


class Temporary(R3Error):
    """A passing trouble; nothing happened, so trying again is safe."""

    name = "temporary"
    exit_code = ExitCode.TEMPORARY
    retryable = True


class Unreachable(Temporary):
    """No endpoint answered."""

    name = "unreachable"


class StaleNode(Temporary):
    """The node's head is too old to be trusted."""

    name = "stale_node"


class RateLimited(Temporary):
    """The server asked us to slow down."""

    name = "rate_limited"


class ServerFault(Temporary):
    """The server answered with its own fault or with nonsense."""

    name = "server_fault"


class DiskFull(Temporary):
    """No space left; nothing was replaced."""

    name = "disk_full"


class TimedOut(R3Error):
    """The time limit passed."""

    name = "timed_out"
    exit_code = ExitCode.TIMED_OUT
    retryable = True


class Interrupted(R3Error):
    """Stopped by a signal after saving what could be saved."""

    name = "interrupted"
    exit_code = ExitCode.INTERRUPTED
    retryable = True

    def __init__(self, message: str, *, terminated: bool = False, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        if terminated:
            self.exit_code = ExitCode.TERMINATED


class TransactionFailed(R3Error):
    """The chain refused the transaction or included it with an error."""

    name = "transaction_failed"


class NotFinite(R3Error):
    """The computation left the range of float32; nothing after that could be trusted or compared."""

    name = "not_finite"


class BadContent(R3Error):
    """Bytes that are not what they claim to be."""

    name = "bad_content"


class CidMismatch(BadContent):
    """Bytes that do not hash to their CID."""

    name = "cid_mismatch"


class Malformed(BadContent):
    """Bytes that do not follow their format."""

    name = "malformed"


class TooLarge(BadContent):
    """More bytes than the format or the cap allows."""

    name = "too_large"
