"""The training state: adapter and AdamW moments as arrays, with one canonical encoding.

The state after a step is what a leaf of the step tree names, so the bytes are strict: every value is finite,
no value is -0 or below 2**-100 in magnitude, and the names are those of the configuration, no more and no less.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np  # noqa: TID253 - a leaf that exists to hold arrays
from numpy.typing import NDArray  # noqa: TID253 - as above

from r3cli.errors import Malformed
from r3cli.kernels.tensors import decode_tensors, encode_tensors
from r3cli.train.config import LoraConfig, ModelConfig, lora_shapes
from r3cli.train.exact.random import philox_key, philox_uniform

FloatArray = NDArray[np.float32]
AdapterArrays = Mapping[str, FloatArray]

STEP = "step"
PARAMETERS, FIRST_MOMENT, SECOND_MOMENT = "parameters/", "first_moment/", "second_moment/"
LARGEST_VALUE = 2.0**60
SMALLEST_VALUE = 2.0**-100
MOST_STEPS = 1 << 40


@dataclass(frozen=True, eq=False)
class TrainState:
    """Adapter, first and second moments after `step` steps; float32 arrays by the names of `lora_shapes`."""

    step: int
    parameters: AdapterArrays
    first_moment: AdapterArrays
    second_moment: AdapterArrays

    def encode(self) -> bytes:
        """The canonical bytes of this state."""
        tensors: dict[str, NDArray[np.generic]] = {STEP: np.array(self.step, dtype=np.int64)}
        for prefix, arrays in self._parts():
            tensors.update({prefix + name: array for name, array in arrays.items()})
        return encode_tensors(tensors)

    @classmethod
    def decode(cls, content: bytes, config: ModelConfig, lora: LoraConfig) -> TrainState:
        """The state in these bytes; any bytes give a state of these sizes or `Malformed`."""
        tensors = decode_tensors(content)
        step = tensors.pop(STEP, None)
        if step is None or step.dtype != np.int64 or step.shape != () or not 0 <= int(step.item()) <= MOST_STEPS:
            raise Malformed("the training state has no step number")
        shapes = lora_shapes(config, lora)
        parts = {
            prefix: {
                name: _checked(prefix + name, tensors.pop(prefix + name, None), shape) for name, shape in shapes.items()
            }
            for prefix in (PARAMETERS, FIRST_MOMENT, SECOND_MOMENT)
        }
        if tensors:
            raise Malformed(f"the training state holds an unknown tensor, {min(tensors)[:80]!r}")
        if any((array < 0).any() for array in parts[SECOND_MOMENT].values()):
            raise Malformed("the training state holds a negative second moment")
        return cls(int(step.item()), parts[PARAMETERS], parts[FIRST_MOMENT], parts[SECOND_MOMENT])

    def _parts(self) -> tuple[tuple[str, AdapterArrays], ...]:
        return (PARAMETERS, self.parameters), (FIRST_MOMENT, self.first_moment), (SECOND_MOMENT, self.second_moment)


def initial_adapter(config: ModelConfig, lora: LoraConfig, seed: int) -> dict[str, FloatArray]:
    """A fresh adapter: A uniform in +-sqrt(3 / in) from Philox, B zero, so that training starts at the base."""
    adapter: dict[str, FloatArray] = {}
    for name, shape in lora_shapes(config, lora).items():
        if name.endswith(".lora_A"):
            adapter[name] = philox_uniform(philox_key(seed, name), shape, math.sqrt(3.0 / shape[1]))
        else:
            adapter[name] = np.zeros(shape, dtype=np.float32)
    return adapter


def fresh_state(adapter: AdapterArrays) -> TrainState:
    """Step 0 from an adapter: values below 2**-100 become +0, the optimiser has seen nothing."""
    flushed = {name: np.where(np.abs(array) < SMALLEST_VALUE, np.float32(0), array) for name, array in adapter.items()}
    zeros = {name: np.zeros_like(array) for name, array in adapter.items()}
    return TrainState(0, flushed, zeros, zeros)


def initial_state(config: ModelConfig, lora: LoraConfig, seed: int) -> TrainState:
    """Step 0 from a fresh adapter."""
    return fresh_state(initial_adapter(config, lora, seed))


def adapter_of(state: TrainState) -> AdapterArrays:
    """The adapter of a state."""
    return state.parameters


def encode_adapter(adapter: AdapterArrays) -> bytes:
    """The canonical bytes of an adapter alone."""
    return encode_tensors(adapter)


def decode_adapter(content: bytes, config: ModelConfig, lora: LoraConfig) -> dict[str, FloatArray]:
    """The adapter in these bytes; any bytes give one of these sizes or `Malformed`."""
    tensors = decode_tensors(content)
    shapes = lora_shapes(config, lora)
    adapter = {name: _checked(name, tensors.pop(name, None), shape) for name, shape in shapes.items()}
    if tensors:
        raise Malformed(f"the adapter holds an unknown tensor, {min(tensors)[:80]!r}")
    return adapter


def _checked(name: str, array: NDArray[np.generic] | None, shape: tuple[int, ...]) -> FloatArray:
    if array is None:
        raise Malformed(f"{name} is missing")
    if array.dtype != np.float32 or array.shape != shape:
        raise Malformed(f"{name} must be float32 of shape {shape}")
    values: FloatArray = array.view(np.float32)
    magnitude = np.abs(values)
    # Written so that NaN fails, too.
    if not bool((magnitude <= LARGEST_VALUE).all()):
        raise Malformed(f"{name} holds a number beyond 2^60 or none at all")
    if ((magnitude < SMALLEST_VALUE) & (values.view(np.uint32) != 0)).any():
        raise Malformed(f"{name} holds -0 or a number below 2^-100")
    return values
