"""Making the base that ships with r3: quantisation-aware training of a BitNet b1.58 decoder on English prose.

The forward pass is that of `exact` with fake quantisation and a straight-through estimator (BitNet b1.58, arXiv
2402.17764): weights to {-1, 0, 1} times their mean magnitude, activations to 8 bits per token. It runs in bf16 and
ordinary floating point: corpus, order of the data and first weights are fixed by the arguments, the last bits of the
result are the machine's. What ships is the result, and its CID is what counts.

    python -m r3cli.train.pretrain --corpus TEXT --out r3cli/train/assets/nano.r3base [--steps N]
"""

from __future__ import annotations

import argparse
import math
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np  # noqa: TID253 - a training script
import torch  # noqa: TID253 - a training script
from torch import Tensor, nn  # noqa: TID253 - a training script
from torch.nn import functional  # noqa: TID253 - a training script

from r3cli.files import atomic_write
from r3cli.storage.cid import cid_of
from r3cli.train.backbone import Backbone, round_to_bfloat16
from r3cli.train.config import ModelConfig, linear_shapes, norm_shapes
from r3cli.train.corpus import Corpus, open_corpus
from r3cli.train.data import draw
from r3cli.train.presets import BaseCard, encode_card, model_config

BATCH = 24  # sequences
STEPS = 1200
PEAK_RATE = 2e-3
LAST_RATE = 0.02  # of the peak
WARM_UP = 0.03  # share of the run
DECAY = 0.05  # of matrices
HELD_OUT_SEQUENCES = 256
REPORT_EVERY = 50  # steps


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


def pretrain(corpus: Corpus, config: ModelConfig, *, steps: int, seed: int) -> tuple[Backbone, float]:
    """Train for so many steps; returns the backbone and its bits per byte on the held-out end of the corpus."""
    torch.manual_seed(seed)
    model = Decoder(config)
    # Compiled, a step takes two thirds of the time; that needs a C++ compiler.
    run: Callable[[Tensor], Tensor] = torch.compile(model) if shutil.which("g++") else model
    optimizer = _optimizer(model)
    length = config.max_position_embeddings
    for step in range(1, steps + 1):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step / steps)
        tokens = draw(
            corpus, global_seed=seed, round_number=0, miner="", step=step, batch_size=BATCH, sequence_length=length
        )
        loss = _loss(run, torch.from_numpy(tokens))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % REPORT_EVERY == 0:
            sys.stderr.write(f"step {step} of {steps}: {loss.item() / math.log(2):.3f} bits per byte\n")
    return model.export(), _held_out_bits(model, corpus, length)


def learning_rate(done: float) -> float:
    """The rate after a share of the run: a short rise, then half a cosine."""
    return PEAK_RATE * min(done / WARM_UP, LAST_RATE + (1 - LAST_RATE) * 0.5 * (1 + math.cos(math.pi * done)))


def main() -> None:
    """Train on a file of prose; write the packed base and its card (`.json` beside it)."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--corpus", type=Path, required=True, help="a text; TEXT.sources names where it is from")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int)
    arguments = parser.parse_args()
    if arguments.threads is not None:
        torch.set_num_threads(arguments.threads)
    corpus = open_corpus(arguments.corpus)
    backbone, bits = pretrain(corpus, model_config("nano"), steps=arguments.steps, seed=arguments.seed)
    content = backbone.encode()
    card = BaseCard(
        batch_size=BATCH,
        bits_per_byte=round(bits, 3),
        cid=cid_of(content),
        corpus_bytes=len(corpus.text),
        corpus_cid=corpus.cid,
        seed=arguments.seed,
        sources=arguments.corpus.with_suffix(".sources").read_text().splitlines(),
        steps=arguments.steps,
    )
    atomic_write(arguments.out, content)
    atomic_write(arguments.out.with_suffix(".json"), encode_card(card))
    sys.stderr.write(f"{arguments.out}: {len(content)} bytes, {card.cid}, {bits:.3f} bits per byte held out\n")


def _optimizer(model: nn.Module) -> torch.optim.Optimizer:
    matrices = [parameter for parameter in model.parameters() if parameter.dim() > 1]
    norms = [parameter for parameter in model.parameters() if parameter.dim() == 1]
    groups = [{"params": matrices, "weight_decay": DECAY}, {"params": norms, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=PEAK_RATE, betas=(0.9, 0.98))


def _loss(model: Callable[[Tensor], Tensor], tokens: Tensor) -> Tensor:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = model(tokens[:, :-1])
    return functional.cross_entropy(logits.float().flatten(0, 1), tokens[:, 1:].flatten())


@torch.no_grad()
def _held_out_bits(model: nn.Module, corpus: Corpus, length: int) -> float:
    sequences = torch.from_numpy(corpus.validation_sequences(HELD_OUT_SEQUENCES, length))
    losses = [_loss(model, part) * len(part) for part in torch.split(sequences, BATCH)]
    return float(torch.stack(losses).sum()) / HELD_OUT_SEQUENCES / math.log(2)


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
