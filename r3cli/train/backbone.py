"""The frozen ternary backbone: what it holds, its canonical bytes, and a random one to start from.

Canonical bytes (through `kernels.tensors`): `config` as the UTF-8 of its JSON with sorted keys; each ternary matrix as
`NAME.packed`, 2 bits a weight (0, 1, 2 for -1, 0, 1; row-major, the first weight in the lowest bits, unused
bits zero); `scales` as float32 in the order of `linear_shapes`; embedding and head as the bit patterns of
bfloat16; norms as float32. One backbone has one encoding.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import msgspec
import numpy as np  # noqa: TID253 - a leaf that exists to hold arrays
from numpy.typing import NDArray  # noqa: TID253 - as above

from r3cli.errors import Malformed, R3Error
from r3cli.kernels.tensors import decode_tensors, encode_tensors
from r3cli.train.config import ModelConfig, linear_shapes, norm_shapes
from r3cli.train.exact.random import philox_key, philox_ternary, philox_uniform

FloatArray = NDArray[np.float32]
TernaryArray = NDArray[np.int8]
Number = TypeVar("Number", np.uint8, np.uint16, np.float32)

WEIGHTS_PER_BYTE = 4
EMBEDDING = "model.embed_tokens"
HEAD = "lm_head"
# Scales and norm weights far outside this are no model, and would leave the range that exact mode is proven for.
LARGEST_WEIGHT = 2.0**20
SMALLEST_SCALE = 2.0**-20


@dataclass(frozen=True, eq=False)
class Backbone:
    """A BitNet b1.58 decoder whose linear weights are `scale * ternary`.

    Attributes:
        config: sizes.
        ternary: int8 (out, in) in {-1, 0, 1}, by the names of `linear_shapes`.
        scale: one float32 for each of them.
        embedding: float32 (vocab, hidden), every value exact in bfloat16.
        norms: float32 weights by the names of `norm_shapes`.
        head: like `embedding`, or None when the head is tied to it.
    """

    config: ModelConfig
    ternary: Mapping[str, TernaryArray]
    scale: Mapping[str, float]
    embedding: FloatArray
    norms: Mapping[str, FloatArray]
    head: FloatArray | None = None

    def __post_init__(self) -> None:
        _check_names("ternary matrices", self.ternary, linear_shapes(self.config))
        _check_names("scales", self.scale, linear_shapes(self.config))
        _check_names("norms", self.norms, norm_shapes(self.config))
        for name, shape in linear_shapes(self.config).items():
            _check_ternary(name, self.ternary[name], shape)
            _check_scale(name, self.scale[name])
        for name, width in norm_shapes(self.config).items():
            _check_floats(name, self.norms[name], width)
        _check_vocabulary(EMBEDDING, self.embedding, self.config)
        if (self.head is None) != self.config.tie_word_embeddings:
            raise Malformed("the backbone has a head of its own exactly when tie_word_embeddings is false")
        if self.head is not None:
            _check_vocabulary(HEAD, self.head, self.config)

    @property
    def head_weight(self) -> FloatArray:
        """The (vocab, hidden) matrix that makes logits."""
        return self.embedding if self.head is None else self.head

    @property
    def parameters(self) -> int:
        """How many numbers the model holds, the tied head counted once."""
        own_head = 0 if self.head is None else self.head.size
        matrices = sum(matrix.size for matrix in self.ternary.values())
        return matrices + self.embedding.size + own_head + sum(norm.size for norm in self.norms.values())

    def encode(self) -> bytes:
        """The canonical bytes of this backbone."""
        tensors: dict[str, NDArray[np.generic]] = {
            "config": np.frombuffer(_config_bytes(self.config), dtype=np.uint8),
            "scales": np.array([self.scale[name] for name in linear_shapes(self.config)], dtype=np.float32),
            EMBEDDING: _bfloat16_bits(self.embedding),
        }
        if self.head is not None:
            tensors[HEAD] = _bfloat16_bits(self.head)
        tensors.update({f"{name}.packed": pack_ternary(self.ternary[name]) for name in linear_shapes(self.config)})
        tensors.update({name: self.norms[name] for name in norm_shapes(self.config)})
        return encode_tensors(tensors)

    @classmethod
    def decode(cls, content: bytes) -> Backbone:
        """The backbone in these bytes; any bytes give a backbone or `Malformed`."""
        tensors = dict(decode_tensors(content))
        config = _decode_config(_take(tensors, "config", np.uint8))
        shapes = linear_shapes(config)
        scales = _take(tensors, "scales", np.float32, (len(shapes),))
        embedding = _take(tensors, EMBEDDING, np.uint16, (config.vocab_size, config.hidden_size))
        head = None
        if not config.tie_word_embeddings:
            head = _from_bfloat16_bits(_take(tensors, HEAD, np.uint16, (config.vocab_size, config.hidden_size)))
        ternary = {}
        for name, shape in shapes.items():
            packed = _take(tensors, f"{name}.packed", np.uint8, (_packed_size(shape),))
            ternary[name] = unpack_ternary(packed, shape)
        norms = {name: _take(tensors, name, np.float32, shape) for name, shape in norm_shapes(config).items()}
        if tensors:
            raise Malformed(f"the backbone holds an unknown tensor, {min(tensors)}")
        return cls(
            config=config,
            ternary=ternary,
            scale={name: float(scale) for name, scale in zip(shapes, scales, strict=True)},
            embedding=_from_bfloat16_bits(embedding),
            norms=norms,
            head=head,
        )


def random_backbone(config: ModelConfig, seed: int) -> Backbone:
    """A backbone of random weights, a function of (config, seed) on every machine.

    Matrices keep the variance of their input; the two that end a block are scaled down by the depth and by
    the size of the embedding, so that the residual stream still shows which byte was read.
    """
    hidden, layers = config.hidden_size, config.num_hidden_layers
    shapes = linear_shapes(config)
    ternary = {name: philox_ternary(philox_key(seed, name), shape) for name, shape in shapes.items()}
    into_residual = 0.5 / math.sqrt(2.0 * layers * hidden)
    scale = {
        name: float(
            np.float32(math.sqrt(1.5 / inputs) * (into_residual if name.endswith(("o_proj", "down_proj")) else 1.0))
        )
        for name, (_, inputs) in shapes.items()
    }
    bound = 0.5 * math.sqrt(3.0 / hidden)
    vocabulary = (config.vocab_size, hidden)
    tied = config.tie_word_embeddings
    return Backbone(
        config=config,
        ternary=ternary,
        scale=scale,
        embedding=round_to_bfloat16(philox_uniform(philox_key(seed, EMBEDDING), vocabulary, bound)),
        norms={name: np.ones(shape, dtype=np.float32) for name, shape in norm_shapes(config).items()},
        head=None if tied else round_to_bfloat16(philox_uniform(philox_key(seed, HEAD), vocabulary, bound)),
    )


def round_to_bfloat16(values: FloatArray) -> FloatArray:
    """Finite float32 values rounded to the nearest bfloat16 (half to even), still as float32."""
    bits = values.view(np.uint32).astype(np.uint64)
    rounded = (bits + 0x7FFF + ((bits >> np.uint64(16)) & np.uint64(1))) & np.uint64(0xFFFF0000)
    return rounded.astype(np.uint32).view(np.float32)


def pack_ternary(matrix: TernaryArray) -> NDArray[np.uint8]:
    """Four weights a byte, row-major, the first in the lowest bits; the last byte is filled with zero bits."""
    codes = (matrix.reshape(-1) + np.int8(1)).astype(np.uint8)
    columns = np.pad(codes, (0, -codes.size % WEIGHTS_PER_BYTE)).reshape(-1, WEIGHTS_PER_BYTE)
    packed: NDArray[np.uint8] = np.bitwise_or.reduce(columns << np.array([0, 2, 4, 6], dtype=np.uint8), axis=1)
    return packed


def unpack_ternary(packed: NDArray[np.uint8], shape: tuple[int, int]) -> TernaryArray:
    """The inverse of `pack_ternary`; `Malformed` on the unused code 3 or on filled padding."""
    codes = (packed[:, None] >> np.array([0, 2, 4, 6], dtype=np.uint8) & np.uint8(3)).reshape(-1)
    count = shape[0] * shape[1]
    if codes[count:].any() or (codes == 3).any():
        raise Malformed("packed ternary weights hold a code that means nothing")
    return codes[:count].reshape(shape).astype(np.int8) - np.int8(1)


def _config_bytes(config: ModelConfig) -> bytes:
    return msgspec.json.encode(config, order="sorted")


def _decode_config(encoded: NDArray[np.generic]) -> ModelConfig:
    content = encoded.tobytes()
    try:
        config = msgspec.json.decode(content, type=ModelConfig)
    except (msgspec.MsgspecError, UnicodeDecodeError, R3Error) as error:
        raise Malformed(f"the backbone's configuration is not one: {error}") from error
    if _config_bytes(config) != content:
        raise Malformed("the backbone's configuration is not in its canonical form")
    return config


def _packed_size(shape: tuple[int, int]) -> int:
    return -(-shape[0] * shape[1] // WEIGHTS_PER_BYTE)


def _take(
    tensors: dict[str, NDArray[np.generic]],
    name: str,
    dtype: type[Number],
    shape: tuple[int, ...] | None = None,
) -> NDArray[Number]:
    """Remove a tensor of this type and shape (any one-dimensional shape when none is given)."""
    if name not in tensors:
        raise Malformed(f"the backbone lacks {name}")
    tensor = tensors.pop(name)
    if tensor.dtype != dtype or (tensor.ndim != 1 if shape is None else tensor.shape != shape):
        raise Malformed(f"the backbone's {name} has the wrong type or shape")
    return tensor.view(dtype)


def _bfloat16_bits(values: FloatArray) -> NDArray[np.uint16]:
    bits = np.ascontiguousarray(values).view(np.uint32)
    return (bits >> np.uint32(16)).astype(np.uint16)


def _from_bfloat16_bits(bits: NDArray[np.generic]) -> FloatArray:
    return (bits.astype(np.uint32) << np.uint32(16)).view(np.float32)


def _check_names(what: str, mapping: Mapping[str, object], expected: Mapping[str, object]) -> None:
    if mapping.keys() != expected.keys():
        odd = min(mapping.keys() ^ expected.keys())
        raise Malformed(f"the backbone's {what} do not match its configuration: {odd}")


def _check_ternary(name: str, matrix: TernaryArray, shape: tuple[int, int]) -> None:
    if matrix.dtype != np.int8 or matrix.shape != shape:
        raise Malformed(f"{name} must be int8 of shape {shape}")
    if matrix.min() < -1 or matrix.max() > 1:
        raise Malformed(f"{name} holds weights outside -1, 0, 1")


def _check_scale(name: str, scale: float) -> None:
    if not SMALLEST_SCALE <= scale <= LARGEST_WEIGHT or float(np.float32(scale)) != scale:
        raise Malformed(f"{name} has a scale that is not a float32 between 2^-20 and 2^20")


def _check_floats(name: str, values: FloatArray, shape: tuple[int, ...]) -> None:
    if values.dtype != np.float32 or values.shape != shape:
        raise Malformed(f"{name} must be float32 of shape {shape}")
    # The comparison is false for NaN, too.
    if not bool((np.abs(values) <= LARGEST_WEIGHT).all()):
        raise Malformed(f"{name} holds a number beyond 2^20 or none at all")


def _check_vocabulary(name: str, matrix: FloatArray, config: ModelConfig) -> None:
    _check_floats(name, matrix, (config.vocab_size, config.hidden_size))
    if (matrix.view(np.uint32) & np.uint32(0xFFFF)).any():
        raise Malformed(f"{name} must be exact in bfloat16")
