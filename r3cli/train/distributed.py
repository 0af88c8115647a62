"""Adding integers over the processes of a training run; integer addition is all that ever crosses between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch  # noqa: TID253 - a leaf that exists to compute
import torch.distributed as dist  # noqa: TID253 - as above
from torch import Tensor  # noqa: TID253 - as above


class Group(Protocol):
    """Processes that share a step: each takes the sequences rank, rank + size, rank + 2 * size, ..."""

    @property
    def rank(self) -> int: ...

    @property
    def size(self) -> int: ...

    def add(self, tensors: Sequence[Tensor]) -> None:
        """Replace each int64 tensor by its sum over the group."""


class Alone:
    """A group of one."""

    rank = 0
    size = 1

    def add(self, tensors: Sequence[Tensor]) -> None:
        """A sum over one process changes nothing."""


class TorchGroup:
    """A torch.distributed process group (gloo or nccl), the default one unless another is given."""

    def __init__(self, group: dist.ProcessGroup | None = None) -> None:
        self._group = group
        self.rank = dist.get_rank(group)
        self.size = dist.get_world_size(group)

    def add(self, tensors: Sequence[Tensor]) -> None:
        """One all-reduce for all: they travel as one vector."""
        joined = torch.cat([tensor.reshape(-1) for tensor in tensors])
        dist.all_reduce(joined, op=dist.ReduceOp.SUM, group=self._group)
        for tensor, summed in zip(tensors, torch.split(joined, [tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(summed.view(tensor.shape))
