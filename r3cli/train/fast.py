"""Fast training: the same model, adapter and optimiser in ordinary floating point, without a proof.

In bfloat16 this is for people who need no verifiable result. In float32 it is the twin that exact mode is
measured against. Quantisation of activations passes gradients straight through.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np  # noqa: TID253 - a leaf that exists to compute
import torch  # noqa: TID253 - a leaf that exists to compute
from numpy.typing import NDArray  # noqa: TID253 - as above
from torch import Tensor  # noqa: TID253 - as above
from torch.nn import functional  # noqa: TID253 - as above

from r3cli.errors import NotFinite
from r3cli.train.backbone import Backbone
from r3cli.train.config import LoraConfig, OptimizerConfig
from r3cli.train.evaluate import GRID, LossSum
from r3cli.train.exact.rope import rope_table
from r3cli.train.exact.step import StepOutcome, TokenArray, check_tokens
from r3cli.train.state import AdapterArrays, TrainState

Precision = Literal["bfloat16", "float32"]
EVALUATION_BATCH = 8


class FastTrainer:
    """Like `ExactTrainer`, by autograd; its results are not the same on every machine."""

    def __init__(
        self,
        backbone: Backbone,
        lora: LoraConfig,
        optimizer: OptimizerConfig,
        *,
        precision: Precision = "bfloat16",
    ) -> None:
        self._config = backbone.config
        self._lora = lora
        self._optimizer = optimizer
        self._dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        self._weights = {
            name: torch.tensor(matrix).to(torch.float32).mul_(backbone.scale[name]).to(self._dtype)
            for name, matrix in backbone.ternary.items()
        }
        self._norms = {name: torch.tensor(norm) for name, norm in backbone.norms.items()}
        self._embedding = torch.tensor(backbone.embedding)
        self._head = torch.tensor(backbone.head_weight).to(self._dtype)

    def step(self, state: TrainState, tokens: TokenArray) -> StepOutcome:
        """One step on a batch of sequences (S, T + 1)."""
        check_tokens(tokens, self._config)
        trainable = {name: torch.tensor(array).requires_grad_() for name, array in state.parameters.items()}
        loss = self._loss(torch.from_numpy(tokens), trainable)
        predictions = tokens.shape[0] * (tokens.shape[1] - 1)
        gradients = torch.autograd.grad(loss / predictions, list(trainable.values()))
        after = self._update(state, dict(zip(trainable, gradients, strict=True)))
        return StepOutcome(after, _loss_sum(loss.item(), predictions))

    def loss(self, adapter: AdapterArrays, sequences: TokenArray) -> LossSum:
        """The loss of an adapter over sequences (N, T + 1)."""
        check_tokens(sequences, self._config, most=None)
        trainable = {name: torch.tensor(array) for name, array in adapter.items()}
        with torch.no_grad():
            parts = torch.split(torch.from_numpy(sequences), EVALUATION_BATCH)
            total = math.fsum(float(self._loss(part, trainable)) for part in parts)
        return _loss_sum(total, sequences.shape[0] * (sequences.shape[1] - 1))

    def evaluate(self, adapter: AdapterArrays, sequences: TokenArray) -> float:
        """Bits per byte of an adapter over sequences (N, T + 1) of bytes."""
        return self.loss(adapter, sequences).bits_per_byte

    def _loss(self, tokens: Tensor, trainable: dict[str, Tensor]) -> Tensor:
        """Cross entropy summed over all predictions."""
        hidden = self._hidden(tokens[:, :-1], trainable)
        scores = functional.linear(hidden.to(self._dtype), self._head).float()
        return functional.cross_entropy(scores.flatten(0, 1), tokens[:, 1:].flatten(), reduction="sum")

    def _hidden(self, inputs: Tensor, trainable: dict[str, Tensor]) -> Tensor:
        table = rope_table(inputs.shape[1], self._config.head_dim, self._config.rope_theta)
        hidden = self._embedding[inputs]
        for layer in range(self._config.num_hidden_layers):
            prefix = f"model.layers.{layer}."
            hidden = hidden + self._attention(hidden, prefix, trainable, table)
            hidden = hidden + self._feed_forward(hidden, prefix, trainable)
        return self._norm(hidden, "model.norm")

    def _attention(
        self, hidden: Tensor, prefix: str, trainable: dict[str, Tensor], table: tuple[Tensor, Tensor]
    ) -> Tensor:
        values = _fake_quantize(self._norm(hidden, f"{prefix}input_layernorm"))
        heads = (*hidden.shape[:2], -1, self._config.head_dim)
        q, k, v = (
            self._linear(values, f"{prefix}self_attn.{name}", trainable).view(heads)
            for name in ("q_proj", "k_proj", "v_proj")
        )
        group = self._config.group_size
        q, k = _rotate(q, table).transpose(1, 2), _rotate(k, table).transpose(1, 2).repeat_interleave(group, 1)
        v = v.transpose(1, 2).repeat_interleave(group, 1).to(self._dtype)
        # Written out: at these lengths it is faster than the fused kernel, whose bfloat16 backward is slow on CPUs.
        scores = (q.to(self._dtype) @ k.to(self._dtype).transpose(2, 3)).float() / math.sqrt(self._config.head_dim)
        future = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
        weights = scores.masked_fill(future, -math.inf).softmax(-1)
        mixed = (weights.to(self._dtype) @ v).float().transpose(1, 2).flatten(2)
        normalized = self._norm(mixed, f"{prefix}self_attn.attn_sub_norm")
        return self._linear(_fake_quantize(normalized), f"{prefix}self_attn.o_proj", trainable)

    def _feed_forward(self, hidden: Tensor, prefix: str, trainable: dict[str, Tensor]) -> Tensor:
        values = _fake_quantize(self._norm(hidden, f"{prefix}post_attention_layernorm"))
        gate = self._linear(values, f"{prefix}mlp.gate_proj", trainable)
        up = self._linear(values, f"{prefix}mlp.up_proj", trainable)
        normalized = self._norm(functional.relu(gate).square() * up, f"{prefix}mlp.ffn_sub_norm")
        return self._linear(_fake_quantize(normalized), f"{prefix}mlp.down_proj", trainable)

    def _linear(self, values: Tensor, name: str, trainable: dict[str, Tensor]) -> Tensor:
        narrow = values.to(self._dtype)
        output = functional.linear(narrow, self._weights[name]).float()
        if f"{name}.lora_A" not in trainable:
            return output
        hidden = functional.linear(narrow, trainable[f"{name}.lora_A"].to(self._dtype))
        branch = functional.linear(hidden, trainable[f"{name}.lora_B"].to(self._dtype))
        return output + branch.float() * self._lora.scaling

    def _norm(self, values: Tensor, name: str) -> Tensor:
        mean_square = values.square().mean(-1, keepdim=True)
        return values * torch.rsqrt(mean_square + self._config.rms_norm_eps) * self._norms[name]

    def _update(self, state: TrainState, gradients: dict[str, Tensor]) -> TrainState:
        """The clip and AdamW of exact mode, in ordinary float32."""
        config, step = self._optimizer, state.step + 1
        norm = math.sqrt(sum(float(gradient.square().sum()) for gradient in gradients.values()))
        if not math.isfinite(norm):
            raise NotFinite("the gradient is not finite", hint="lower the learning rate")
        clip = min(1.0, config.clip_norm / max(norm, 1e-30))
        parameters: dict[str, NDArray[np.float32]] = {}
        first_moment: dict[str, NDArray[np.float32]] = {}
        second_moment: dict[str, NDArray[np.float32]] = {}
        for name, before in state.parameters.items():
            gradient = (gradients[name] * clip).numpy()
            first = config.beta1 * state.first_moment[name] + (1 - config.beta1) * gradient
            second = config.beta2 * state.second_moment[name] + (1 - config.beta2) * gradient * gradient
            root = np.sqrt(second / (1 - config.beta2**step)) + config.epsilon
            update = first / (1 - config.beta1**step) / root
            decay = 1 - config.learning_rate * config.weight_decay
            parameters[name] = _settled(before * decay - config.learning_rate * update)
            first_moment[name], second_moment[name] = _settled(first), _settled(second)
        return TrainState(step, parameters, first_moment, second_moment)


def _loss_sum(nats: float, tokens: int) -> LossSum:
    if not math.isfinite(nats):
        raise NotFinite("the loss is not finite", hint="lower the learning rate")
    return LossSum(round(nats * GRID), tokens)


def _fake_quantize(values: Tensor) -> Tensor:
    """Activations on their 8-bit grid; the gradient passes straight through."""
    scale = values.detach().abs().amax(-1, keepdim=True).clamp(min=1e-5) / 127
    return values + ((values / scale).round() * scale - values).detach()


def _rotate(values: Tensor, table: tuple[Tensor, Tensor]) -> Tensor:
    """Rotary positions on (S, T, heads, d)."""
    cosine, sine = (part[:, None, :] for part in table)
    first, second = values.chunk(2, dim=-1)
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], -1)


def _settled(values: NDArray[np.floating]) -> NDArray[np.float32]:
    """As a `TrainState` holds them: float32, with values below 2**-100 as +0."""
    narrow = values.astype(np.float32)
    return np.where(np.abs(narrow) < 2.0**-100, np.float32(0), narrow)
