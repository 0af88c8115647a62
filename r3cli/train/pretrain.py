"""Making the base that ships with r3: quantisation-aware training of a BitNet b1.58 decoder on English prose.

The forward pass is that of `exact` with fake quantisation and a straight-through estimator (BitNet b1.58, arXiv
2402.17764): weights to {-1, 0, 1} times their mean magnitude, activations to 8 bits per token. It runs in ordinary
floating point and is not reproducible bit for bit; what ships is the result, and its CID is what counts.

    python -m r3cli.train.pretrain CORPUS OUTPUT [--minutes 12]
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from pathlib import Path

import numpy as np  # noqa: TID253 - a training script
import torch  # noqa: TID253 - a training script
from torch import Tensor, nn  # noqa: TID253 - a training script
from torch.nn import functional  # noqa: TID253 - a training script

from r3cli.files import atomic_write
from r3cli.train.backbone import Backbone, round_to_bfloat16
from r3cli.train.config import ModelConfig, linear_shapes, norm_shapes

BATCH = 20  # sequences
PEAK_RATE = 2e-3
WARM_UP = 0.03  # share of the run
HELD_OUT = 0.02  # share of the corpus, from its end


class QuantisedLinear(nn.Linear):
    """A linear layer that computes as it will after export; gradients pass straight through the rounding."""

    def __init__(self, outputs: int, inputs: int) -> None:
        super().__init__(inputs, outputs, bias=False)
        nn.init.normal_(self.weight, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        scale = self.weight.abs().mean().clamp(min=1e-5)
        ternary = (self.weight / scale).round().clamp(-1, 1) * scale
        step = x.abs().amax(-1, keepdim=True).clamp(min=1e-5) / 127
        codes = (x / step).round().clamp(-127, 127) * step
        return functional.linear(x + (codes - x).detach(), self.weight + (ternary - self.weight).detach())

    def export(self) -> tuple[np.ndarray, float]:
        """The ternary matrix (out, in) and its scale."""
        weight = self.weight.detach()
        scale = weight.abs().mean().clamp(min=1e-5)
        return (weight / scale).round().clamp(-1, 1).to(torch.int8).numpy(), float(scale)


class Norm(nn.Module):
    """RMSNorm."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.epsilon) * self.weight


class Decoder(nn.Module):
    """The architecture of `BitNetForCausalLM`: relu² gate, sub-norms, rotary positions, grouped keys; tied head."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Parameter(torch.randn(config.vocab_size, config.hidden_size) * 0.02)
        # A parameter's name may not hold a dot.
        self.linears = nn.ModuleDict({_key(n): QuantisedLinear(*shape) for n, shape in linear_shapes(config).items()})
        self.norms = nn.ModuleDict({_key(n): Norm(w, config.rms_norm_eps) for n, (w,) in norm_shapes(config).items()})
        self.register_buffer("rotation", _rotation(config), persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits (S, T, V) of tokens (S, T)."""
        x = functional.embedding(tokens, self.embedding)
        for layer in range(self.config.num_hidden_layers):
            name = f"model.layers.{layer}"
            x = x + self._attention(name, self._norm(f"{name}.input_layernorm", x))
            x = x + self._feed_forward(name, self._norm(f"{name}.post_attention_layernorm", x))
        return functional.linear(self._norm("model.norm", x), self.embedding)

    def export(self) -> Backbone:
        """The frozen backbone."""
        exported = {name: self._linear(name).export() for name in linear_shapes(self.config)}
        return Backbone(
            config=self.config,
            ternary={name: ternary for name, (ternary, _) in exported.items()},
            scale={name: scale for name, (_, scale) in exported.items()},
            embedding=round_to_bfloat16(np.ascontiguousarray(self.embedding.detach().numpy())),
            norms={name: _norm_weight(self.norms[_key(name)]) for name in norm_shapes(self.config)},
        )

    def _attention(self, name: str, x: Tensor) -> Tensor:
        config, (sequences, length, _) = self.config, x.shape
        query, key, value = (
            self._linear(f"{name}.self_attn.{part}_proj")(x)
            .view(sequences, length, -1, config.head_dim)
            .transpose(1, 2)
            for part in "qkv"
        )
        query, key = self._rotate(query), self._rotate(key)
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True, enable_gqa=True)
        mixed = mixed.transpose(1, 2).reshape(sequences, length, -1)
        out: Tensor = self._linear(f"{name}.self_attn.o_proj")(self._norm(f"{name}.self_attn.attn_sub_norm", mixed))
        return out

    def _feed_forward(self, name: str, x: Tensor) -> Tensor:
        gate = functional.relu(self._linear(f"{name}.mlp.gate_proj")(x)).square()
        inner = self._norm(f"{name}.mlp.ffn_sub_norm", gate * self._linear(f"{name}.mlp.up_proj")(x))
        out: Tensor = self._linear(f"{name}.mlp.down_proj")(inner)
        return out

    def _rotate(self, x: Tensor) -> Tensor:
        cosine, sine = self.get_buffer("rotation")[:, : x.shape[2]]
        left, right = x.chunk(2, -1)
        return torch.cat([left * cosine - right * sine, right * cosine + left * sine], -1)

    def _linear(self, name: str) -> QuantisedLinear:
        module = self.linears[_key(name)]
        assert isinstance(module, QuantisedLinear)  # noqa: S101 - narrows the type
        return module

    def _norm(self, name: str, x: Tensor) -> Tensor:
        out: Tensor = self.norms[_key(name)](x)
        return out


def pretrain(corpus: bytes, config: ModelConfig, *, minutes: float, seed: int = 1) -> tuple[Backbone, float]:
    """Train for so many minutes; returns the backbone and its bits per byte on the held-out end of the corpus."""
    torch.manual_seed(seed)
    text = torch.frombuffer(bytearray(corpus), dtype=torch.uint8).long()
    border = int(len(text) * (1 - HELD_OUT))
    model = Decoder(config)
    compiled = torch.compile(model)  # a third faster; needs a C++ compiler
    decayed = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() == 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}], betas=(0.9, 0.98)
    )
    began, step = time.monotonic(), 0
    while (done := (time.monotonic() - began) / (60 * minutes)) < 1:
        rate = PEAK_RATE * min(done / WARM_UP + 1e-3, 0.5 * (1 + math.cos(math.pi * done)) + 1e-2)
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = _loss(compiled, _draw(text[:border], BATCH, config.max_position_embeddings))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        if step % 100 == 0:
            sys.stderr.write(f"step {step}, {done:.0%}: {loss.item() / math.log(2):.3f} bits per byte\n")
    with torch.no_grad():
        held_out = [_loss(compiled, _draw(text[border:], BATCH, config.max_position_embeddings)) for _ in range(8)]
    return model.export(), float(torch.stack(held_out).mean()) / math.log(2)


def main() -> None:
    """Train on a file of prose and write the packed base."""
    parser = argparse.ArgumentParser(description=pretrain.__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--minutes", type=float, default=12.0)
    arguments = parser.parse_args()
    config = ModelConfig(
        hidden_size=256,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=768,
        max_position_embeddings=128,
    )
    backbone, bits = pretrain(arguments.corpus.read_bytes(), config, minutes=arguments.minutes)
    content = backbone.encode()
    atomic_write(arguments.output, content)
    sys.stderr.write(f"{arguments.output}: {len(content)} bytes, {bits:.3f} bits per byte on held-out prose\n")


def _loss(model: nn.Module, tokens: Tensor) -> Tensor:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = model(tokens[:, :-1])
    return functional.cross_entropy(logits.float().flatten(0, 1), tokens[:, 1:].flatten())


def _draw(text: Tensor, sequences: int, length: int) -> Tensor:
    starts = torch.randint(len(text) - length - 1, (sequences,))
    return torch.stack([text[start : start + length + 1] for start in starts.tolist()])


def _rotation(config: ModelConfig) -> Tensor:
    half = config.head_dim // 2
    frequencies = config.rope_theta ** (-torch.arange(half, dtype=torch.float64) / half)
    angles = torch.outer(torch.arange(config.max_position_embeddings, dtype=torch.float64), frequencies)
    return torch.stack([angles.cos(), angles.sin()]).float()


def _norm_weight(norm: nn.Module) -> np.ndarray:
    assert isinstance(norm, Norm)  # noqa: S101 - narrows the type
    return np.ascontiguousarray(norm.weight.detach().numpy())


def _key(name: str) -> str:
    return name.replace(".", "/")


if __name__ == "__main__":
    main()
