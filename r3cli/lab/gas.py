"""Gas as the Cosmos SDK counts it: each access of the store has a flat price and a price per byte.

Prices are those of `storetypes.KVGasConfig` (SDK 0.50); the order of accesses in `ante.py` and `bank.py` follows
what a real `simd` was seen to charge, step by step, so a limit that is too small fails at the same place here.
"""

from __future__ import annotations

from r3cli.lab.rejection import OutOfGas

_HAS = 1000
_DELETE = 1000
_READ, _READ_BYTE = 1000, 3
_WRITE, _WRITE_BYTE = 2000, 30
TX_SIZE_BYTE = 10
SIGNATURE = 1000

MAX_GAS = (1 << 64) - 1  # what a simulation runs with


class Meter:
    """Counts gas up to a limit and raises code 11 beyond it."""

    def __init__(self, limit: int = MAX_GAS) -> None:
        self.limit = limit
        self.used = 0

    def charge(self, cost: int, location: str) -> None:
        self.used += cost
        if self.used > self.limit:
            raise OutOfGas(location, self.limit, self.used)

    def has(self) -> None:
        self.charge(_HAS, "Has")

    def delete(self) -> None:
        self.charge(_DELETE, "Delete")

    def read(self, key: int, value: int) -> None:
        """A read of `value` bytes under a key of `key` bytes."""
        self.charge(_READ, "ReadFlat")
        self.charge(_READ_BYTE * key, "ReadPerByte")
        self.charge(_READ_BYTE * value, "ReadPerByte")

    def write(self, key: int, value: int) -> None:
        """A write of `value` bytes under a key of `key` bytes."""
        self.charge(_WRITE, "WriteFlat")
        self.charge(_WRITE_BYTE * key, "WritePerByte")
        self.charge(_WRITE_BYTE * value, "WritePerByte")
