"""What a process that trains asks of its C library and of torch. None of it changes a bit of the result."""

from __future__ import annotations

import ctypes

import torch  # noqa: TID253 - this leaf exists to set it up

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # glibc's malloc.h
_KEPT_BYTES = 1 << 30


def prepare_process(threads: int | None) -> None:
    """Use so many CPU threads (None: all), and keep freed memory instead of returning it after every tensor.

    glibc hands blocks over 128 KiB back to the kernel when they are freed, and gets them zeroed page by page the next
    time: that was a third of a nano step on two cores (0.23 s, 0.16 s with the memory kept).
    """
    if threads is not None:
        torch.set_num_threads(threads)
    tune = getattr(ctypes.CDLL(None), "mallopt", None)  # another C library may not have it, and does well without
    if tune is not None:
        tune(_M_MMAP_THRESHOLD, _KEPT_BYTES)
        tune(_M_TRIM_THRESHOLD, _KEPT_BYTES)
