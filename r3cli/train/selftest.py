"""Does this machine compute what exact mode relies on? Probed at start, by name, and refused by name."""

from __future__ import annotations


def require_exact() -> None:
    """placeholder"""
