"""The settings of torch under which exact mode computes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch  # noqa: TID253 - a leaf that exists to compute


@contextmanager
def exact_arithmetic() -> Iterator[None]:
    """No autograd, no autocast, float32 products in full float32; the caller's settings come back afterwards."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.no_grad(), torch.autocast("cpu", enabled=False):
            yield
    finally:
        torch.set_float32_matmul_precision(before)
