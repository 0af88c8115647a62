"""Moments as every file and document of r3 writes them: RFC 3339 in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal


def timestamp(moment: datetime | None = None, *, precision: Literal["seconds", "milliseconds"] = "milliseconds") -> str:
    """A moment in UTC (now unless given), like `2026-01-01T00:00:00.000Z`."""
    return (moment or datetime.now(UTC)).isoformat(timespec=precision).replace("+00:00", "Z")
