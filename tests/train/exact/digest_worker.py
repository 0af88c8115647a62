"""Trains a small model and prints its digest: a process of its own, because instruction sets are chosen at start.

digest_worker.py '{"threads": 1, "split": "whole", "rank": 0, "world": 1, "meeting": ""}'
"""

from __future__ import annotations

import hashlib
import json
import sys

import numpy as np  # noqa: TID253 - tests of arithmetic
import torch  # noqa: TID253 - tests of arithmetic
import torch.distributed as dist  # noqa: TID253 - tests of arithmetic

from r3cli.train.backbone import random_backbone
from r3cli.train.config import LoraConfig, ModelConfig, OptimizerConfig
from r3cli.train.distributed import TorchGroup
from r3cli.train.exact.random import philox_integers
from r3cli.train.exact.step import ExactTrainer
from r3cli.train.state import initial_state

CONFIG = ModelConfig(
    hidden_size=96,
    num_hidden_layers=2,
    num_attention_heads=6,
    num_key_value_heads=2,
    intermediate_size=160,
    max_position_embeddings=64,
)
LORA = LoraConfig(rank=4, alpha=8.0)
SEQUENCES, LENGTH, STEPS = 6, 24, 2

# name -> (sequences computed at a time, order)
SPLITS = {
    "whole": (None, None),
    "singles_reversed": (1, [5, 4, 3, 2, 1, 0]),
    "fours_shuffled": (4, [3, 0, 5, 1, 4, 2]),
}


def digest(split: str, group: TorchGroup | None = None) -> str:
    micro_batch, order = SPLITS[split]
    trainer = ExactTrainer(random_backbone(CONFIG, 7), LORA, OptimizerConfig(learning_rate=1e-2))
    state = initial_state(CONFIG, LORA, 7)
    chain = hashlib.sha256()
    for step in range(STEPS):
        raw = philox_integers(step, SEQUENCES * (LENGTH + 1)) % np.uint64(CONFIG.vocab_size)
        tokens = raw.astype(np.int64).reshape(SEQUENCES, LENGTH + 1)
        outcome = trainer.step(state, tokens, micro_batch=micro_batch, order=order, group=group)
        state = outcome.state
        chain.update(state.encode() + outcome.loss.grid.to_bytes(8, "big", signed=True))
    return chain.hexdigest()


def main() -> None:
    run = json.loads(sys.argv[1])
    torch.set_num_threads(run["threads"])
    if run.get("flush"):
        assert torch.set_flush_denormal(True)
    group = None
    if run.get("world", 1) > 1:
        dist.init_process_group(
            "gloo", init_method=f"file://{run['meeting']}", rank=run["rank"], world_size=run["world"]
        )
        group = TorchGroup()
    splits = [run["split"]] if run["split"] != "all" else list(SPLITS)
    answer = {"isa": torch.backends.cpu.get_cpu_capability(), "digests": [digest(name, group) for name in splits]}
    sys.stdout.write(json.dumps(answer) + "\n")
    if group is not None:
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
