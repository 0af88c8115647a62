"""What `r3 config` does: show, explain, set, validate, paths."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from r3cli.errors import BadSetting
from r3cli.files import atomic_write
from r3cli.locks import hold_lock
from r3cli.paths import Paths
from r3cli.result import Data, Result
from r3cli.settings.document import read_document
from r3cli.settings.edit import set_key
from r3cli.settings.environment import read_text, variable
from r3cli.settings.keys import all_keys, flatten, unknown_key
from r3cli.settings.load import Layer, Settings, Sources, find_sources, load_settings


class Setting(Data, frozen=True, kw_only=True):
    """One key with the value in force and where it was written."""

    key: str
    value: Any
    layer: str
    source: str


class SettingsShown(Data, frozen=True, kw_only=True):
    """Every key, in the order of the schema."""

    settings: tuple[Setting, ...]


class SettingExplained(Data, frozen=True, kw_only=True):
    """One key: what every layer says about it, the winner first."""

    key: str
    value: Any
    about: str
    variable: str
    layers: tuple[Layer, ...]


class SettingChanged(Data, frozen=True, kw_only=True):
    """A key that was written into the user file, and whether something stronger still overrides it."""

    key: str
    value: Any
    before: Any
    file: str
    in_force: bool
    overridden_by: str | None


class SettingsValid(Data, frozen=True, kw_only=True):
    """The files that were read without a fault."""

    files: tuple[str, ...]


class PathsShown(Data, frozen=True, kw_only=True):
    """Every folder and file that r3 uses."""

    config: str
    state: str
    data: str
    cache: str
    runtime: str
    wallets: str
    journal: str
    project_file: str
    user_file: str
    system_file: str
    network_files: tuple[str, ...]
    shipped: str


def show_settings(settings: Settings) -> Result[SettingsShown]:
    """Every setting in force with its source."""
    rows = []
    for key in all_keys():
        layer = settings.winner(key)
        rows.append(Setting(key=key, value=layer.value, layer=layer.layer, source=layer.source))
    return Result(SettingsShown(settings=tuple(rows)))


def explain_setting(settings: Settings, key: str) -> Result[SettingExplained]:
    """What each layer says about one key; raises `BadSetting` when there is no such key."""
    layers = settings.layers(key)
    about = _comments(settings.sources).get(key, "")
    data = SettingExplained(key=key, value=layers[0].value, about=about, variable=variable(key), layers=layers)
    return Result(data)


def set_setting(paths: Paths, key: str, text: str) -> Result[SettingChanged]:
    """Write one key into the user file, whole or not at all; every other line of it stays as it was."""
    if key not in all_keys():
        raise unknown_key(key, "")
    if key.startswith("model."):
        raise BadSetting("the shape of the model belongs to its preset", hint="r3 config set train.preset NAME")
    value = read_text(key, text, "value")
    load_settings(paths, flags={key: value})  # what would break every later command is not written
    file = find_sources(paths).user
    with hold_lock(paths.runtime / "config.lock", "config set", wait_seconds=5):
        document = read_document(file)
        old = file.read_text(encoding="utf-8") if document is not None else ""
        before = _value_of(file, key)
        atomic_write(file, set_key(old, key, value, str(file)).encode(), mode=0o600)
    winner = load_settings(paths).winner(key)
    data = SettingChanged(
        key=key,
        value=value,
        before=before,
        file=str(file),
        in_force=winner.layer == "user",
        overridden_by=None if winner.layer == "user" else winner.source,
    )
    return Result(data, () if data.in_force else (f"{winner.source} overrides {key} here",))


def validate_settings(paths: Paths, files: tuple[Path, ...] = ()) -> Result[SettingsValid]:
    """Read every settings file, also those of networks that are not in use; raises `BadSetting` for the first fault."""
    sources = find_sources(paths)
    own = [sources.project, sources.user, sources.system, *sorted(sources.network_folders[0].glob("*.yaml"))]
    for file in files:
        if not file.is_file():
            raise BadSetting(f"there is no file {file}", target=str(file))
    read = [file for file in (files or own) if file.is_file()]
    for file in read:
        document = read_document(file) or {}
        document.pop("version", None)
        flatten(document, str(file))
    settings = load_settings(paths)
    return Result(SettingsValid(files=tuple(str(file) for file in read)), settings.warnings)


def show_paths(paths: Paths) -> Result[PathsShown]:
    """Where r3 keeps and looks for things; nothing is created."""
    sources = find_sources(paths)
    data = PathsShown(
        config=str(paths.config),
        state=str(paths.state),
        data=str(paths.data),
        cache=str(paths.cache),
        runtime=str(paths.runtime),
        wallets=str(paths.wallets),
        journal=str(paths.journal),
        project_file=str(sources.project),
        user_file=str(sources.user),
        system_file=str(sources.system),
        network_files=tuple(str(folder) for folder in sources.network_folders),
        shipped=str(sources.shipped),
    )
    return Result(data)


def _value_of(file: Path, key: str) -> object:
    document = read_document(file) or {}
    document.pop("version", None)
    source = flatten(document, str(file)).get(key)
    return source.value if source else None


def _comments(sources: Sources) -> dict[str, str]:
    """What the comments in the shipped files say about each key."""
    found: dict[str, str] = {}
    for file in (sources.shipped / "models" / "nano.yaml", sources.shipped / "default.yaml"):
        lines = file.read_text(encoding="utf-8").splitlines()
        for key, source in flatten(read_document(file) or {}, "").items():
            comment = lines[int(source.place.rpartition(":")[2]) - 1].partition("  # ")[2]
            found[key] = comment or found.get(key, "")
    return found
