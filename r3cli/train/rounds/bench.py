"""The workbench: a manifest with everything it names, ready to execute any step of its round.

Miner, verifier and proposer all work on one, so that there is one definition of what a step is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import msgspec
import numpy as np  # noqa: TID253 - the leaf that joins data and arithmetic

from r3cli.kernels.tensors import decode_tensors, encode_tensors
from r3cli.storage.base import ContentStore
from r3cli.storage.cid import cid_of
from r3cli.train.backbone import Backbone
from r3cli.train.config import LinearName, LoraConfig, ModelConfig, OptimizerConfig
from r3cli.train.corpus import Corpus
from r3cli.train.data import draw
from r3cli.train.exact.step import ExactTrainer
from r3cli.train.fast import FastTrainer
from r3cli.train.rounds.leaves import Leaf
from r3cli.train.rounds.manifest import Manifest, read_manifest
from r3cli.train.state import TrainState, decode_adapter, fresh_state

BASE_LIMIT = 1 << 30  # bytes of a packed backbone
TENSORS_LIMIT = 1 << 31  # bytes of an adapter, a residual or a training state
VALIDATION_SEQUENCES = 32


class Executed(NamedTuple):
    """One step's outcome: the state after it, its canonical bytes, and the leaf that commits to both."""

    state: TrainState
    content: bytes
    leaf: Leaf


@dataclass(frozen=True)
class Bench:
    """One round's terms with its backbone, data and trainer; `seed` is the chain's global seed of the round."""

    manifest: Manifest
    manifest_cid: str
    seed: int
    store: ContentStore
    corpus: Corpus
    trainer: ExactTrainer
    config: ModelConfig
    lora: LoraConfig
    adapter: dict[str, np.ndarray]
    micro_batch: int | None = None

    @property
    def tokens_per_step(self) -> int:
        return self.manifest.batch_size * self.manifest.sequence_length

    def start(self) -> Executed:
        """Leaf 0: the manifest's adapter with a fresh optimiser, loss 0."""
        return _executed(fresh_state(self.adapter), 0)

    def restore(self, content: bytes) -> TrainState:
        """A training state from its canonical bytes; raises `Malformed`."""
        return TrainState.decode(content, self.config, self.lora)

    def step(self, state: TrainState, miner: str, number: int) -> Executed:
        """Execute step `number` (from 1) of `miner` on the state before it."""
        outcome = self.trainer.step(state, self.tokens(miner, number), micro_batch=self.micro_batch)
        return _executed(outcome.state, outcome.loss.grid)

    def tokens(self, miner: str, number: int) -> np.ndarray:
        """The batch (S, T + 1) that a miner trains on in a step."""
        manifest = self.manifest
        return draw(
            self.corpus,
            global_seed=self.seed,
            round_number=manifest.round,
            miner=miner,
            step=number,
            batch_size=manifest.batch_size,
            sequence_length=manifest.sequence_length,
        )

    def delta(self, state: TrainState) -> dict[str, np.ndarray]:
        """How far training moved the adapter, in float32."""
        return {name: state.parameters[name] - tensor for name, tensor in self.adapter.items()}

    @cached_property
    def bits_before(self) -> float:
        """Loss of the round's own adapter, from which every miner starts."""
        return self.bits_per_byte(self.adapter)

    def bits_per_byte(self, adapter: dict[str, np.ndarray]) -> float:
        """Loss of an adapter on the held-out part of the data."""
        return self.trainer.evaluate(adapter, self.validation())

    def validation(self) -> np.ndarray:
        """The held-out sequences (N, T + 1) that every figure is measured on."""
        return self.corpus.validation_sequences(VALIDATION_SEQUENCES, self.manifest.sequence_length)


@dataclass
class Workshop:
    """Opens benches and keeps what consecutive rounds share: the backbone, the data and the trainer."""

    store: ContentStore
    micro_batch: int | None = None
    _corpora: dict[str, Corpus] = field(default_factory=dict)
    _trainers: dict[bytes, tuple[ExactTrainer, ModelConfig, LoraConfig]] = field(default_factory=dict)

    def open(self, manifest_cid: str, seed: int) -> Bench:
        """Fetch a manifest and everything it names; raises `ContentMissing`, `CidMismatch` or `Malformed`."""
        manifest = read_manifest(self.store, manifest_cid)
        trainer, config, lora = self._trainer(manifest)
        return Bench(
            manifest=manifest,
            manifest_cid=manifest_cid,
            seed=seed,
            store=self.store,
            corpus=self._corpus(manifest),
            trainer=trainer,
            config=config,
            lora=lora,
            adapter=decode_adapter(self.store.get(manifest.adapter, limit=TENSORS_LIMIT), config, lora),
            micro_batch=self.micro_batch,
        )

    def fast_trainer(self, manifest: Manifest) -> FastTrainer:
        """The same model and optimiser in bf16."""
        return FastTrainer(*self._parts(manifest))

    def _corpus(self, manifest: Manifest) -> Corpus:
        if manifest.data not in self._corpora:
            self._corpora[manifest.data] = Corpus.from_store(self.store, manifest.data)
        return self._corpora[manifest.data]

    def _trainer(self, manifest: Manifest) -> tuple[ExactTrainer, ModelConfig, LoraConfig]:
        terms = b"|".join([manifest.base.encode(), manifest.lora.encode(), manifest.optimizer.encode()])
        if terms not in self._trainers:
            backbone, lora, optimizer = self._parts(manifest)
            self._trainers[terms] = ExactTrainer(backbone, lora, optimizer), backbone.config, lora
        return self._trainers[terms]

    def _parts(self, manifest: Manifest) -> tuple[Backbone, LoraConfig, OptimizerConfig]:
        terms = manifest.optimizer
        lora = LoraConfig(
            rank=manifest.lora.rank,
            alpha=float(manifest.lora.alpha),
            targets=msgspec.convert(manifest.lora.targets, tuple[LinearName, ...]),
        )
        optimizer = OptimizerConfig(
            learning_rate=float(terms.learning_rate),
            beta1=float(terms.beta1),
            beta2=float(terms.beta2),
            epsilon=float(terms.epsilon),
            weight_decay=float(terms.weight_decay),
            clip_norm=float(terms.clip_norm),
        )
        return Backbone.decode(self.store.get(manifest.base, limit=BASE_LIMIT)), lora, optimizer


def load_tensors(store: ContentStore, cid: str) -> dict[str, np.ndarray]:
    """Named tensors by CID: an adapter or a residual."""
    return decode_tensors(store.get(cid, limit=TENSORS_LIMIT), limit=TENSORS_LIMIT)


def store_tensors(store: ContentStore, tensors: dict[str, np.ndarray]) -> str:
    """Keep named tensors and return their CID."""
    return store.put(encode_tensors(tensors))


def _executed(state: TrainState, loss: int) -> Executed:
    content = state.encode()
    return Executed(state, content, Leaf(loss=loss, state=cid_of(content)))
