"""Settings: what they are (`schema`), where they come from (`load`), how the operator's file is edited (`edit`).

Precedence, strongest first: flag, environment, project file (`./r3.yaml`), user file, system file, profile, network
file, model preset, default. `load_settings` merges them; every value knows its source.
"""

from r3cli.settings.load import Layer, Settings, Sources, find_sources, load_settings
from r3cli.settings.schema import (
    ChainSettings,
    LabSettings,
    LoraSettings,
    ModelSettings,
    OptimizerSettings,
    StorageSettings,
    TrainSettings,
    Values,
    WalletSettings,
)

__all__ = [
    "ChainSettings",
    "LabSettings",
    "Layer",
    "LoraSettings",
    "ModelSettings",
    "OptimizerSettings",
    "Settings",
    "Sources",
    "StorageSettings",
    "TrainSettings",
    "Values",
    "WalletSettings",
    "find_sources",
    "load_settings",
]
