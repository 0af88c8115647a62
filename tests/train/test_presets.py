"""Presets: sizes from their files, the shipped base, random bases, and a damaged installation."""

import shutil
from pathlib import Path

import pytest

from r3cli.errors import BadContent
from r3cli.storage.cid import cid_of
from r3cli.train import presets
from r3cli.train.config import linear_shapes
from r3cli.train.presets import Preset, load_base, model_config


@pytest.mark.parametrize(
    ("preset", "hidden", "layers", "millions"), [("nano", 256, 4, 3), ("micro", 512, 8, 23), ("small", 768, 12, 75)]
)
def test_sizes_are_those_of_the_files(preset: Preset, hidden: int, layers: int, millions: int) -> None:
    config = model_config(preset)
    assert (config.hidden_size, config.num_hidden_layers) == (hidden, layers)
    weights = sum(outputs * inputs for outputs, inputs in linear_shapes(config).values())
    assert weights // 10**6 == millions
    assert config.vocab_size == 256  # a token is a byte


def test_micro_is_random_and_the_same_each_time() -> None:
    base = load_base("micro")
    assert "random" in base.description
    assert base.backbone.config == model_config("micro")
    assert base.cid == cid_of(base.backbone.encode()) == load_base("micro").cid


def test_nano_is_the_trained_base() -> None:
    base = load_base("nano")
    assert "English prose" in base.description
    assert base.backbone.config == model_config("nano")
    assert base.cid == cid_of(base.backbone.encode())


@pytest.mark.parametrize("damage", ["bit", "absent", "no card", "foreign card"])
def test_a_damaged_installation_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    assets = tmp_path / "assets"
    shutil.copytree(presets.ASSETS, assets)
    monkeypatch.setattr(presets, "ASSETS", assets)
    base, card = assets / "nano.r3base", assets / "nano.json"
    if damage == "bit":
        base.write_bytes(base.read_bytes()[:-1] + b"\x01")
    elif damage == "absent":
        base.unlink()
    elif damage == "no card":
        card.unlink()
    else:
        card.write_text('{"cid": 1}')
    with pytest.raises(BadContent) as caught:
        load_base("nano")
    assert caught.value.hint == "install r3 again"
