"""A switch between the fast contractions and the plain integer definitions that they must equal bit for bit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_active = ContextVar("r3_exact_oracle", default=False)


def oracle_active() -> bool:
    """True inside `use_oracle`."""
    return _active.get()


@contextmanager
def use_oracle() -> Iterator[None]:
    """Compute every contraction with int64 matmuls and sums: slow, and obviously right."""
    token = _active.set(True)
    try:
        yield
    finally:
        _active.reset(token)
