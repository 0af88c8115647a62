"""Accounts and balances as they stand inside one transaction of the ledger."""

from __future__ import annotations

import sqlite3

import msgspec

from r3cli.lab.genesis import Genesis


class Account(msgspec.Struct, kw_only=True):
    """A row of the account table; `public_key` is known after the account's first transaction."""

    address: str
    number: int
    sequence: int
    public_key: bytes | None

    @property
    def stored_bytes(self) -> int:
        """How many bytes a Cosmos chain would store for it (an `Any` around a `BaseAccount`): the base of gas."""
        size = 34 + 2 + 2 + len(self.address)
        size += 72 if self.public_key else 0
        return size + _varint_field(self.number) + _varint_field(self.sequence)


class State:
    """Reads and writes accounts and balances; everything lives and dies with the SQL transaction around it."""

    def __init__(self, connection: sqlite3.Connection, genesis: Genesis) -> None:
        self.connection = connection
        self.genesis = genesis

    def account(self, address: str) -> Account | None:
        row = self.connection.execute(
            "SELECT address, number, sequence, public_key FROM account WHERE address = ?", (address,)
        ).fetchone()
        return Account(address=row[0], number=row[1], sequence=row[2], public_key=row[3]) if row else None

    def create_account(self, address: str) -> Account:
        """A new account with the next free number."""
        (number,) = self.connection.execute("SELECT coalesce(max(number) + 1, 0) FROM account").fetchone()
        self.connection.execute("INSERT INTO account VALUES (?, ?, 0, NULL)", (address, number))
        return Account(address=address, number=number, sequence=0, public_key=None)

    def save_account(self, account: Account) -> None:
        self.connection.execute(
            "UPDATE account SET sequence = ?, public_key = ? WHERE address = ?",
            (account.sequence, account.public_key, account.address),
        )

    def balance(self, address: str, denom: str) -> int:
        row = self.connection.execute(
            "SELECT amount FROM balance WHERE address = ? AND denom = ?", (address, denom)
        ).fetchone()
        return int(row[0]) if row else 0

    def balances(self, address: str) -> list[tuple[str, int]]:
        """(denom, amount) of everything that an address owns, by denom."""
        return self.connection.execute(
            "SELECT denom, amount FROM balance WHERE address = ? AND amount > 0 ORDER BY denom", (address,)
        ).fetchall()

    def set_balance(self, address: str, denom: str, amount: int) -> None:
        self.connection.execute("INSERT OR REPLACE INTO balance VALUES (?, ?, ?)", (address, denom, amount))

    def move(self, sender: str, recipient: str, amount: int) -> None:
        """Move base units between accounts outside of any message; the caller knows that they are there."""
        denom = self.genesis.denom
        self.set_balance(sender, denom, self.balance(sender, denom) - amount)
        if self.account(recipient) is None:
            self.create_account(recipient)
        self.set_balance(recipient, denom, self.balance(recipient, denom) + amount)

    def burn(self, owner: str, amount: int) -> None:
        """Destroy base units; the only way in which the supply changes."""
        denom = self.genesis.denom
        self.set_balance(owner, denom, self.balance(owner, denom) - amount)

    def first_manifest(self) -> str:
        """The manifest of round 1; empty before one was published."""
        row = self.connection.execute("SELECT value FROM meta WHERE key = 'first_manifest'").fetchone()
        return str(row[0]) if row else ""

    def supply(self) -> list[tuple[str, int]]:
        """(denom, amount) of all money there is."""
        return self.connection.execute(
            "SELECT denom, sum(amount) FROM balance GROUP BY denom HAVING sum(amount) > 0 ORDER BY denom"
        ).fetchall()


def _varint_field(value: int) -> int:
    """Bytes of a protobuf varint field with a one-byte tag; proto3 leaves zero out."""
    return 0 if value == 0 else 1 + max(1, (value.bit_length() + 6) // 7)
