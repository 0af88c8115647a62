"""The bases that a run can start from: nano ships trained, micro and small are random from a seed."""

from __future__ import annotations

from pathlib import Path

import msgspec

from r3cli.errors import NotFound
from r3cli.settings import ModelSettings
from r3cli.storage.cid import cid_of
from r3cli.train.backbone import Backbone, random_backbone
from r3cli.train.config import ModelConfig

RANDOM_BASE_SEED = 1
ASSETS = Path(__file__).parent / "assets"


def load_base(preset: str, model: ModelSettings) -> tuple[Backbone, str, str]:
    """A preset's backbone, its CID, and where it comes from in words; raises `NotFound`."""
    config = msgspec.convert(msgspec.to_builtins(model), ModelConfig)
    asset = ASSETS / f"{preset}.r3base"
    if not asset.is_file():
        backbone = random_backbone(config, RANDOM_BASE_SEED)
        return (
            backbone,
            cid_of(backbone.encode()),
            f"{preset}, random weights from seed {RANDOM_BASE_SEED}: not pre-trained",
        )
    content = asset.read_bytes()
    backbone = Backbone.decode(content)
    if backbone.config != config:
        raise NotFound(f"the shipped base of {preset} has other sizes than its settings", hint="reinstall r3")
    return backbone, cid_of(content), f"{preset}, pre-trained on English prose, {len(content)} bytes"
