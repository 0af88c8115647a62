"""Every setting with its type and unit; `config/default.yaml` holds the values and says what each is for."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, Struct

Count = Annotated[int, Meta(ge=1, le=1 << 20)]
Positive = Annotated[float, Meta(gt=0)]
NotNegative = Annotated[float, Meta(ge=0)]
Fraction = Annotated[float, Meta(ge=0, lt=1)]
Port = Annotated[int, Meta(ge=0, le=65535)]
Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}\Z")]
Denom = Annotated[str, Meta(pattern=r"^[a-zA-Z][a-zA-Z0-9/:._-]{1,127}\Z")]
Density = Annotated[str, Meta(pattern=r"^1/[1-9][0-9]{0,3}\Z")]
Text = Annotated[str, Meta(min_length=1, max_length=4096)]


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all sections. No defaults stand here: a value always has a source that can be named."""


class ChainSettings(Section, frozen=True, kw_only=True):
    """The chain of the network: its money, where its nodes are, what a transaction may cost."""

    kind: Literal["cosmos"]
    chain_id: Text | None  # None: read from the node
    prefix: Name
    denom: Denom
    exponent: Annotated[int, Meta(ge=0, le=18)]
    coin_type: Annotated[int, Meta(ge=0, lt=1 << 31)]
    endpoints: tuple[Text, ...]
    gas_price: Decimal  # base units of `denom` for one unit of gas
    gas_adjustment: Annotated[float, Meta(ge=1, le=10)]
    max_fee: Text  # as `parse_amount` reads it
    timeout_blocks: Count
    confirm_seconds: Positive


class LoraSettings(Section, frozen=True, kw_only=True):
    """The adapter, the only part that trains."""

    rank: Annotated[int, Meta(ge=1, le=256)]
    alpha: Positive
    targets: tuple[Name, ...]


class OptimizerSettings(Section, frozen=True, kw_only=True):
    """AdamW with clipping by the global norm."""

    learning_rate: Positive
    beta1: Fraction
    beta2: Fraction
    epsilon: Positive
    weight_decay: NotNegative
    clip_norm: Positive


class TrainSettings(Section, frozen=True, kw_only=True):
    """A training run on this machine."""

    preset: Literal["nano", "micro", "small"]
    data: Text | None  # a file or folder of text; None: the text that ships with r3
    rounds: Count
    steps: Count  # local steps of one round
    batch_size: Count  # sequences of one step
    sequence_length: Annotated[int, Meta(ge=2, le=1 << 16)]  # tokens
    micro_batch: Count | None  # sequences computed at once; None: as many as fit
    seed: Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
    mode: Literal["exact", "fast"]
    threads: Annotated[int, Meta(ge=1, le=4096)] | None  # None: every core that may be used
    miners: Annotated[int, Meta(ge=1, le=16)]
    lora: LoraSettings
    optimizer: OptimizerSettings
    density: Density  # part of the update that a payload carries
    aggregation: Literal["mean", "sender_mean"]
    outer_learning_rate: Positive
    residual_reset_rounds: Count


class ModelSettings(Section, frozen=True, kw_only=True):
    """The backbone's shape under the names of transformers' `BitNetConfig`; only a preset may set it."""

    vocab_size: Count
    hidden_size: Count
    intermediate_size: Count
    num_hidden_layers: Count
    num_attention_heads: Count
    num_key_value_heads: Count
    max_position_embeddings: Count
    rms_norm_eps: Positive
    rope_theta: Positive
    tie_word_embeddings: bool


class StorageSettings(Section, frozen=True, kw_only=True):
    """Where content lies that is named by its CID."""

    kind: Literal["blocks", "kubo"]
    url: Text  # the Kubo RPC
    max_bytes: Annotated[int, Meta(ge=1 << 10, lt=1 << 50)]  # the most that one CID may bring


class WalletSettings(Section, frozen=True, kw_only=True):
    """The key that signs."""

    name: Name | None  # None: on `local` a development key, elsewhere `--wallet` is needed


class LabSettings(Section, frozen=True, kw_only=True):
    """The servers of the local network."""

    mode: Literal["full", "published"]
    host: Text
    chain_port: Port
    storage_port: Port


class Values(Section, frozen=True, kw_only=True):
    """The whole tree."""

    network: Name
    profile: Literal["local", "production"] | None
    chain: ChainSettings
    train: TrainSettings
    model: ModelSettings
    storage: StorageSettings
    wallet: WalletSettings
    lab: LabSettings
