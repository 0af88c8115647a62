"""The models by name: their sizes (`config/models`) and the base that each of them starts from.

nano starts from a base that was trained on English prose and ships as `assets/nano.r3base`, with a card that says how
it was made. The others start from random weights, the same on every machine.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from r3cli.errors import BadContent
from r3cli.layout import data_dir
from r3cli.settings.document import Item, read_document
from r3cli.storage.cid import cid_of
from r3cli.train.backbone import Backbone, random_backbone
from r3cli.train.config import ModelConfig

Preset = Literal["nano", "micro", "small"]

ASSETS = Path(__file__).parent / "assets"
TRAINED = ("nano",)
RANDOM_BASE_SEED = 1


class BaseCard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a trained base was made: from which text, with how many steps, and how well it predicts held-out prose."""

    batch_size: int  # sequences
    bits_per_byte: float  # on the last twentieth of the corpus
    cid: str  # of the base's canonical bytes
    corpus_bytes: int
    corpus_cid: str
    seed: int
    sources: list[str]
    steps: int


class Base(NamedTuple):
    """A frozen backbone, the CID of its canonical bytes, and where it comes from in a few words."""

    backbone: Backbone
    cid: str
    description: str


def model_config(preset: Preset) -> ModelConfig:
    """The sizes of a preset; raises `BadSetting` for a damaged file."""
    document = read_document(data_dir("config") / "models" / f"{preset}.yaml")
    model = (document or {}).get("model")
    sizes = model.value if model is not None else None
    if not isinstance(sizes, dict):
        raise BadContent(f"the preset {preset} has no model: this installation is damaged", hint="install r3 again")
    return msgspec.convert({name: _text(item) for name, item in sizes.items()}, ModelConfig, strict=False)


def load_base(preset: Preset) -> Base:
    """The base of a preset; raises `BadContent` when the one that ships was damaged."""
    if preset not in TRAINED:
        backbone = random_backbone(model_config(preset), RANDOM_BASE_SEED)
        return Base(backbone, cid_of(backbone.encode()), f"random weights of seed {RANDOM_BASE_SEED}, never trained")
    card = base_card(preset)
    file = ASSETS / f"{preset}.r3base"
    content = file.read_bytes() if file.exists() else b""
    if cid_of(content) != card.cid:
        raise BadContent(f"the base of {preset} is damaged: it is not {card.cid}", hint="install r3 again")
    description = f"trained on English prose ({card.bits_per_byte:.2f} bits per byte on what was held out)"
    return Base(Backbone.decode(content), card.cid, description)


def base_card(preset: Preset) -> BaseCard:
    """How the base that ships for a preset was made."""
    try:
        return msgspec.json.decode((ASSETS / f"{preset}.json").read_bytes(), type=BaseCard)
    except (OSError, msgspec.MsgspecError, UnicodeError) as error:
        raise BadContent(f"the base of {preset} has no readable card: {error}", hint="install r3 again") from error


def encode_card(card: BaseCard) -> bytes:
    """A card as a file for people and programs."""
    return msgspec.json.format(msgspec.json.encode(card)) + b"\n"


def _text(item: Item) -> object:
    return item.value
