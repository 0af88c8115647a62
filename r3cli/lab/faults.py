"""Troubles on demand. They lie in the ledger, so they outlive a server and are counted over all of them."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from r3cli.errors import BadSetting
from r3cli.lab.ledger import Ledger

FaultName = Literal["lost-reply", "drop-before", "stale", "error-5xx", "rate-limit", "slow", "forget-mempool-cache"]
NAMES: tuple[FaultName, ...] = get_args(FaultName)

MEANINGS: dict[FaultName, str] = {
    "lost-reply": "a transaction is included, then the connection is cut",
    "drop-before": "the connection is cut before a transaction is looked at",
    "stale": "reads are answered from the chain as it was when the fault began",
    "error-5xx": "every request of the chain's interface gets HTTP 503",
    "rate-limit": "every request of the chain's interface gets HTTP 429 with Retry-After",
    "slow": "every answer of the chain's interface takes so many seconds longer",
    "forget-mempool-cache": "the node forgets which bytes it has seen, as after a restart (at once)",
}

DEFAULT_SECONDS = 2.0
_MAX_SECONDS = 600.0


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """A trouble in force: for `remaining` more requests, or until it is switched off (None)."""

    name: FaultName
    remaining: int | None = None
    seconds: float = 0.0


class Faults:
    """The troubles of one ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def active(self) -> list[Fault]:
        with self._ledger.read() as connection:
            rows = connection.execute("SELECT name, remaining, seconds FROM fault ORDER BY name").fetchall()
        return [Fault(name=name, remaining=remaining, seconds=seconds) for name, remaining, seconds in rows]

    def switch_on(self, name: str, *, count: int | None = None, seconds: float = DEFAULT_SECONDS) -> None:
        """Put a trouble in force for `count` requests, or for good; raises `BadSetting`."""
        check_name(name)
        if count is not None and count < 1:
            raise BadSetting(f"a fault cannot happen {count} times", hint="leave --count out for: until switched off")
        if not 0 <= seconds <= _MAX_SECONDS:
            raise BadSetting(f"{seconds} seconds are not possible", hint=f"0 to {_MAX_SECONDS:.0f} are")
        with self._ledger.write() as connection:
            connection.execute("INSERT OR REPLACE INTO fault VALUES (?, ?, ?)", (name, count, seconds))

    def switch_off(self, name: str) -> None:
        """End a trouble; one that is not in force is none already."""
        check_name(name)
        with self._ledger.write() as connection:
            connection.execute("DELETE FROM fault WHERE name = ?", (name,))

    def take(self, name: FaultName) -> Fault | None:
        """The trouble if it is in force, counted as having happened once."""
        if not any(fault.name == name for fault in self.active()):
            return None
        with self._ledger.write() as connection:
            row = connection.execute("SELECT remaining, seconds FROM fault WHERE name = ?", (name,)).fetchone()
            if row is None:
                return None
            remaining, seconds = row
            if remaining is not None and remaining <= 1:
                connection.execute("DELETE FROM fault WHERE name = ?", (name,))
            elif remaining is not None:
                connection.execute("UPDATE fault SET remaining = remaining - 1 WHERE name = ?", (name,))
        return Fault(name=name, remaining=remaining, seconds=seconds)


def check_name(name: str) -> None:
    """Raise `BadSetting` for a trouble that the lab cannot make."""
    if name not in NAMES:
        raise BadSetting(f"{name!r} is not a fault", hint="one of: " + ", ".join(NAMES))
