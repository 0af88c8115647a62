"""One training step in exact mode against peft + transformers, in the same run.

    python -m tests.benchmarks.bench_exact_step [--rounds N] [--threads N]

micro (hidden 512, 8 layers), batch 4 x 256 tokens, LoRA rank 8 on all seven linear layers. The peer is BitNet of
transformers with dense float weights (no quantisation at all) under peft, with AdamW and a global clip, in float32
and under bfloat16 autocast. The variants take turns, so that a busy machine hits all alike; the table gives the
median and the ratio to exact mode. nano at 8 x 128 is measured for exact and fast mode alone.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np  # noqa: TID253 - a benchmark of arithmetic
import torch  # noqa: TID253 - a benchmark of arithmetic
from peft import LoraConfig as PeftConfig  # noqa: TID253 - the peer
from peft import get_peft_model  # noqa: TID253 - the peer
from transformers import BitNetConfig, BitNetForCausalLM  # noqa: TID253 - the peer

from r3cli.train.backbone import random_backbone
from r3cli.train.config import ALL_LINEARS, LoraConfig, ModelConfig, OptimizerConfig
from r3cli.train.exact.step import ExactTrainer
from r3cli.train.fast import FastTrainer
from r3cli.train.presets import Preset, model_config
from r3cli.train.state import initial_state

Step = Callable[[], object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    write(f"torch {torch.__version__}, {options.threads} threads, {torch.backends.cpu.get_cpu_capability()}")
    table("micro, 4 x 256 tokens", variants("micro", 4, 256, peers=True), options.rounds)
    table("nano, 8 x 128 tokens", variants("nano", 8, 128, peers=False), options.rounds)


def variants(preset: Preset, sequences: int, length: int, *, peers: bool) -> dict[str, Step]:
    config = model_config(preset)
    batch = np.random.default_rng(0).integers(0, config.vocab_size, (sequences, length + 1))
    backbone, state = random_backbone(config, 1), initial_state(config, LoraConfig(), 1)
    exact = ExactTrainer(backbone, LoraConfig(), OptimizerConfig())
    fast = FastTrainer(backbone, LoraConfig(), OptimizerConfig())
    steps: dict[str, Step] = {
        "r3 exact": lambda: exact.step(state, batch),
        "r3 fast (bfloat16)": lambda: fast.step(state, batch),
    }
    if peers:
        tokens = torch.from_numpy(batch)
        steps["peft + transformers, float32"] = peer(config, tokens, autocast=False)
        steps["peft + transformers, bfloat16 autocast"] = peer(config, tokens, autocast=True)
    return steps


def peer(config: ModelConfig, tokens: torch.Tensor, *, autocast: bool) -> Step:
    fields = {name: getattr(config, name) for name in config.__struct_fields__ if name != "rope_theta"}
    model = get_peft_model(
        BitNetForCausalLM(BitNetConfig(**fields, bos_token_id=None, eos_token_id=None)),
        PeftConfig(r=8, lora_alpha=16, target_modules=list(ALL_LINEARS)),
    )
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trainable, lr=3e-3, betas=(0.9, 0.99), weight_decay=0.0)

    def step() -> None:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            loss = model(tokens[:, :-1], labels=tokens[:, :-1]).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trainable, 1.0)
        optimizer.step()
        optimizer.zero_grad()

    return step


def table(title: str, steps: dict[str, Step], rounds: int) -> None:
    times: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(rounds + 1):
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            if turn:  # the first is a warm-up
                times[name].append(time.perf_counter() - start)
    reference = statistics.median(times["r3 exact"])
    write(f"\n{title:40} {'ms median':>10} {'ms best':>8} {'exact / this':>13}")
    for name, seconds in times.items():
        median = statistics.median(seconds)
        write(f"{name:40} {median * 1e3:10.0f} {min(seconds) * 1e3:8.0f} {reference / median:13.2f}")


def write(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
