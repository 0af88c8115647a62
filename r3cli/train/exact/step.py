"""A training step that every machine computes alike, and the exact evaluation of an adapter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np  # noqa: TID253 - a leaf that exists to compute
import torch  # noqa: TID253 - a leaf that exists to compute
from numpy.typing import NDArray  # noqa: TID253 - as above
from torch import Tensor  # noqa: TID253 - as above

from r3cli.errors import Usage
from r3cli.train.backbone import Backbone
from r3cli.train.config import LoraConfig, ModelConfig, OptimizerConfig
from r3cli.train.distributed import Alone, Group
from r3cli.train.evaluate import LossSum
from r3cli.train.exact.mode import exact_arithmetic
from r3cli.train.exact.model import ExactModel
from r3cli.train.exact.optimizer import Moments, adamw, mean_gradients
from r3cli.train.exact.sums import MOST_SEQUENCES
from r3cli.train.selftest import require_exact
from r3cli.train.state import AdapterArrays, TrainState

TokenArray = NDArray[np.int64]

EVALUATION_BATCH = 8


@dataclass(frozen=True, eq=False)
class StepOutcome:
    """The state after a step and the loss before it, summed over the whole batch."""

    state: TrainState
    loss: LossSum


class ExactTrainer:
    """Trains a LoRA adapter on a frozen backbone; raises `InexactMachine` where the arithmetic would not be exact."""

    def __init__(self, backbone: Backbone, lora: LoraConfig, optimizer: OptimizerConfig) -> None:
        require_exact()
        self._optimizer = optimizer
        with exact_arithmetic():
            self._model = ExactModel(backbone, lora)

    def step(
        self,
        state: TrainState,
        tokens: TokenArray,
        *,
        micro_batch: int | None = None,
        order: Sequence[int] | None = None,
        group: Group | None = None,
    ) -> StepOutcome:
        """One step on a batch of sequences (S, T + 1).

        The result depends on `state` and on the set of sequences only: neither on their `order`, nor on the
        `micro_batch` (sequences computed at a time), nor on the `group` of processes that share the work, each
        of which is given the whole batch and takes its part.
        """
        group = group or Alone()
        check_tokens(tokens, self._model.config)
        own = torch.from_numpy(tokens if order is None else tokens[list(order)])[group.rank :: group.size]
        with exact_arithmetic():
            trainable = _to_torch(state.parameters)
            adapters = self._model.prepare(trainable)
            sums = self._model.zero_gradients()
            loss = torch.zeros((), dtype=torch.int64)
            for part in torch.split(own, micro_batch or max(1, len(own))):
                if len(part):
                    loss += self._model.accumulate(part, adapters, sums).sum()
            group.add([*sums.values(), loss])
            predictions = tokens.shape[0] * (tokens.shape[1] - 1)
            before = Moments(trainable, _to_torch(state.first_moment), _to_torch(state.second_moment))
            after = adamw(before, mean_gradients(sums, predictions), self._optimizer, step=state.step + 1)
        return StepOutcome(_state(state.step + 1, after), LossSum(int(loss), predictions))

    def loss(self, adapter: AdapterArrays, sequences: TokenArray) -> LossSum:
        """The exact loss of an adapter over sequences (N, T + 1)."""
        check_tokens(sequences, self._model.config, most=None)
        total = 0
        with exact_arithmetic():
            adapters = self._model.prepare(_to_torch(adapter))
            for part in torch.split(torch.from_numpy(sequences), EVALUATION_BATCH):
                total += int(self._model.losses(part, adapters).sum())
        return LossSum(total, sequences.shape[0] * (sequences.shape[1] - 1))

    def evaluate(self, adapter: AdapterArrays, sequences: TokenArray) -> float:
        """Bits per byte of an adapter over sequences (N, T + 1) of bytes."""
        return self.loss(adapter, sequences).bits_per_byte


def check_tokens(tokens: TokenArray, config: ModelConfig, most: int | None = MOST_SEQUENCES) -> None:
    """Raise `Usage` unless these are sequences (S, T + 1) of a model of these sizes, at most `most` of them."""
    if tokens.dtype != np.int64 or tokens.ndim != 2:
        raise Usage("tokens must be int64 of shape (sequences, length + 1)")
    sequences, length = tokens.shape
    if sequences < 1 or (most is not None and sequences > most):
        raise Usage(f"a step takes between 1 and {most} sequences, not {sequences}")
    if not 1 <= length - 1 <= config.max_position_embeddings:
        raise Usage(f"sequences must predict between 1 and {config.max_position_embeddings} tokens")
    if tokens.min() < 0 or tokens.max() >= config.vocab_size:
        raise Usage(f"tokens must lie between 0 and {config.vocab_size - 1}")


def _to_torch(arrays: AdapterArrays) -> dict[str, Tensor]:
    return {name: torch.tensor(array) for name, array in arrays.items()}


def _state(step: int, moments: Moments) -> TrainState:
    return TrainState(step, _to_numpy(moments.parameters), _to_numpy(moments.first), _to_numpy(moments.second))


def _to_numpy(tensors: Mapping[str, Tensor]) -> dict[str, NDArray[np.float32]]:
    return {name: tensor.contiguous().numpy() for name, tensor in tensors.items()}
