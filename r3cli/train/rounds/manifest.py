"""The manifest: everything that decides the bits of a round, in one document whose CID the chain holds."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from r3cli.errors import Malformed, ManifestMismatch
from r3cli.storage.base import ContentStore
from r3cli.train.rounds.canonical import Document, decode_document

ARITHMETIC = "r3/exact/1"
MANIFEST_LIMIT = 1 << 20  # bytes

Count = Annotated[int, Meta(ge=1, le=1 << 20)]
Cid = Annotated[str, Meta(min_length=46, max_length=80)]
DecimalText = Annotated[str, Meta(pattern=r"^[0-9]{1,9}(\.[0-9]{1,18})?$")]
FractionText = Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,4}/[1-9][0-9]{0,4}$")]
AggregationRule = Literal["mean", "sender_mean"]


class LoraTerms(Document, frozen=True, kw_only=True):
    """Which adapters train. `alpha / rank` scales them."""

    alpha: DecimalText
    rank: Count
    targets: list[str]


class OptimizerTerms(Document, frozen=True, kw_only=True):
    """AdamW's constants as decimal strings, each read as the nearest binary64."""

    beta1: DecimalText
    beta2: DecimalText
    clip_norm: DecimalText
    epsilon: DecimalText
    learning_rate: DecimalText
    weight_decay: DecimalText


class Manifest(Document, frozen=True, kw_only=True, tag_field="format", tag="r3/manifest/1"):
    """The terms of one round.

    `residuals_reset` is the first round whose payloads may carry residuals over; it moves on every
    `residual_reset_rounds` rounds. `steps` is H, `batch_size` counts sequences a step.
    """

    adapter: Cid
    aggregation: AggregationRule
    arithmetic: str
    base: Cid
    batch_size: Count
    chain_id: str
    data: Cid
    density: FractionText
    lora: LoraTerms
    optimizer: OptimizerTerms
    outer_learning_rate: DecimalText
    preset: str
    residual_reset_rounds: Count
    residuals_reset: Count
    round: Count
    seed: Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
    sequence_length: Count
    steps: Count

    @property
    def density_fraction(self) -> Fraction:
        return Fraction(self.density)

    def next(self, adapter: str) -> Manifest:
        """The terms of the following round: only adapter, round and the residual rule may differ."""
        following = self.round + 1
        reset = following if following - self.residuals_reset >= self.residual_reset_rounds else self.residuals_reset
        return msgspec.structs.replace(self, adapter=adapter, round=following, residuals_reset=reset)


def decode_manifest(content: bytes) -> Manifest:
    """Read a manifest; raises `Malformed`, also for arithmetic that this version does not speak."""
    manifest = decode_document(Manifest, content)
    if manifest.arithmetic != ARITHMETIC:
        raise Malformed(
            f"the manifest asks for arithmetic {manifest.arithmetic}, this r3 speaks {ARITHMETIC}",
            hint="install the version of r3 that the network runs",
        )
    if manifest.density_fraction > 1:
        raise Malformed(f"a density of {manifest.density} is over 1")
    return manifest


def read_manifest(store: ContentStore, cid: str) -> Manifest:
    """A manifest by CID; raises `ContentMissing` or `Malformed`."""
    return decode_manifest(store.get(cid, limit=MANIFEST_LIMIT))


def require_terms(manifest: Manifest, wanted: dict[str, Any]) -> None:
    """Raise `ManifestMismatch`, naming every difference, unless the manifest has the wanted terms.

    `wanted` maps dotted field names (`optimizer.learning_rate`) to the values that the operator gave.
    """
    differences = [
        f"{name} is {_shown(_at(manifest, name))} in the open manifest, not {_shown(value)}"
        for name, value in wanted.items()
        if _comparable(_at(manifest, name)) != _comparable(value)
    ]
    if differences:
        raise ManifestMismatch(
            f"the flags differ from round {manifest.round}'s manifest: " + "; ".join(differences),
            hint="leave the flag out, or start another local network with another --state",
        )


def decimal_text(value: float) -> str:
    """The shortest decimal string that reads back as the same binary64, without an exponent."""
    return f"{Decimal(repr(float(value))):f}".removesuffix(".0")


def _at(manifest: Manifest, name: str) -> Any:
    value: Any = manifest
    for part in name.split("."):
        value = getattr(value, part)
    return value


def _comparable(value: Any) -> Any:
    return sorted(value) if isinstance(value, list | tuple) else str(value)


def _shown(value: Any) -> str:
    return ",".join(value) if isinstance(value, list | tuple) else str(value)
