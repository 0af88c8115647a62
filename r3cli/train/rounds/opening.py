"""Opening a network's first round: base, data and adapter become content, the manifest names them all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from r3cli.events import Report, event
from r3cli.settings import Settings
from r3cli.storage.base import ContentStore
from r3cli.train.config import LinearName, LoraConfig
from r3cli.train.corpus import Corpus, demo_corpus, open_corpus
from r3cli.train.presets import load_base
from r3cli.train.rounds.bench import store_tensors
from r3cli.train.rounds.manifest import ARITHMETIC, LoraTerms, Manifest, OptimizerTerms, decimal_text
from r3cli.train.state import initial_adapter

# Settings that a manifest fixes, by the field that holds them. `train.data` is compared by CID, apart from these.
TERMS = {
    "train.preset": "preset",
    "train.steps": "steps",
    "train.batch_size": "batch_size",
    "train.sequence_length": "sequence_length",
    "train.seed": "seed",
    "train.lora.rank": "lora.rank",
    "train.lora.alpha": "lora.alpha",
    "train.lora.targets": "lora.targets",
    "train.optimizer.learning_rate": "optimizer.learning_rate",
    "train.optimizer.beta1": "optimizer.beta1",
    "train.optimizer.beta2": "optimizer.beta2",
    "train.optimizer.epsilon": "optimizer.epsilon",
    "train.optimizer.weight_decay": "optimizer.weight_decay",
    "train.optimizer.clip_norm": "optimizer.clip_norm",
    "train.density": "density",
    "train.aggregation": "aggregation",
    "train.outer_learning_rate": "outer_learning_rate",
    "train.residual_reset_rounds": "residual_reset_rounds",
}
_WEAK_LAYERS = ("profile", "network", "preset", "default")


def first_manifest(settings: Settings, chain_id: str, store: ContentStore, report: Report) -> Manifest:
    """The manifest of round 1 from the settings; everything that it names is in the store afterwards."""
    train = settings.values.train
    corpus = corpus_of(settings)  # what is most likely wrong comes before anything is stored
    backbone, base_cid, description = load_base(train.preset)
    report(event("train.base", f"base: {description}", preset=train.preset, cid=base_cid))
    store.put(backbone.encode())
    lora = LoraConfig(
        rank=train.lora.rank,
        alpha=train.lora.alpha,
        targets=msgspec.convert(train.lora.targets, tuple[LinearName, ...]),
    )
    adapter = initial_adapter(backbone.config, lora, seed=train.seed)
    return Manifest(
        adapter=store_tensors(store, adapter),
        aggregation=train.aggregation,
        arithmetic=ARITHMETIC,
        base=base_cid,
        batch_size=train.batch_size,
        chain_id=chain_id,
        data=corpus.keep(store),
        density=train.density,
        lora=LoraTerms(alpha=decimal_text(train.lora.alpha), rank=train.lora.rank, targets=sorted(train.lora.targets)),
        optimizer=OptimizerTerms(
            beta1=decimal_text(train.optimizer.beta1),
            beta2=decimal_text(train.optimizer.beta2),
            clip_norm=decimal_text(train.optimizer.clip_norm),
            epsilon=decimal_text(train.optimizer.epsilon),
            learning_rate=decimal_text(train.optimizer.learning_rate),
            weight_decay=decimal_text(train.optimizer.weight_decay),
        ),
        outer_learning_rate=decimal_text(train.outer_learning_rate),
        preset=train.preset,
        residual_reset_rounds=train.residual_reset_rounds,
        residuals_reset=1,
        round=1,
        seed=train.seed,
        sequence_length=train.sequence_length,
        steps=train.steps,
    )


def corpus_of(settings: Settings) -> Corpus:
    """The text that the settings name: a file, a folder, or the demo's."""
    data = settings.values.train.data
    return demo_corpus() if data is None else open_corpus(Path(data))


def wanted_terms(settings: Settings) -> dict[str, Any]:
    """What the operator asked for by flag, environment or file, as manifest fields; defaults ask for nothing."""
    wanted: dict[str, Any] = {}
    for key, field in TERMS.items():
        if is_asked_for(settings, key):
            wanted[field] = _manifest_form(_value(settings, key))
    if is_asked_for(settings, "train.data"):
        wanted["data"] = corpus_of(settings).cid
    return wanted


def is_asked_for(settings: Settings, key: str) -> bool:
    """Whether the operator set this key by flag, environment or file."""
    return settings.winner(key).layer not in _WEAK_LAYERS


def _value(settings: Settings, key: str) -> Any:
    value: Any = settings.values
    for part in key.split("."):
        value = getattr(value, part)
    return value


def _manifest_form(value: Any) -> Any:
    return decimal_text(value) if isinstance(value, float) else value
