"""Merges the layers of settings; the strongest value of each key wins and the others stay visible."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec

from r3cli.errors import BadSetting, R3Error
from r3cli.layout import data_dir
from r3cli.money import parse_amount
from r3cli.paths import Paths
from r3cli.settings.document import Item, read_document
from r3cli.settings.environment import read_environment, read_seed_names
from r3cli.settings.keys import Source, all_keys, convert_value, flatten, unknown_key
from r3cli.settings.schema import Values

FORMAT = "1"  # of settings files, in their key `version`

LayerName = Literal[
    "flag", "environment", "seed", "project", "user", "system", "profile", "network", "preset", "default"
]


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """What one layer says about a key. `source` is a flag, a variable or `file:line`; the first layer wins."""

    layer: LayerName
    source: str
    value: Any
    wins: bool


@dataclass(frozen=True)
class Sources:
    """The files that settings may come from; those that do not exist say nothing."""

    project: Path
    user: Path
    system: Path
    shipped: Path

    @property
    def network_folders(self) -> tuple[Path, Path]:
        """Where network files lie; the operator's own file of the same name comes first."""
        return self.user.parent / "networks", self.shipped / "networks"


@dataclass(frozen=True)
class Settings:
    """All settings in force, and for each key what every layer said."""

    values: Values
    warnings: tuple[str, ...]
    sources: Sources
    merged: tuple[tuple[LayerName, Mapping[str, Source]], ...]

    def layers(self, key: str) -> tuple[Layer, ...]:
        """Every layer that says something about a key, strongest first; raises `BadSetting` for an unknown key."""
        if key not in all_keys():
            raise unknown_key(key, "")
        found = [(name, layer[key]) for name, layer in self.merged if key in layer]
        return tuple(
            Layer(layer=name, source=source.place, value=source.value, wins=index == 0)
            for index, (name, source) in enumerate(found)
        )

    def winner(self, key: str) -> Layer:
        """The layer that decides a key."""
        return self.layers(key)[0]


def find_sources(paths: Paths, directory: Path | None = None) -> Sources:
    """The settings files of this user; `directory` is where a project's file is looked for (the current one)."""
    return Sources(
        project=(directory or Path.cwd()) / "r3.yaml",
        user=paths.config / "config.yaml",
        system=Path("/etc/r3/config.yaml"),
        shipped=data_dir("config"),
    )


def load_settings(
    paths: Paths,
    *,
    flags: Mapping[str, object] | None = None,
    profile: str | None = None,
    network: str | None = None,
    sources: Sources | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Read and merge every layer.

    `flags` maps dotted keys to what the operator typed; None means not given. `profile` and `network` are flags too.
    Raises `BadSetting` (file, line, nearest key) and `SecretInEnvironment`.
    """
    environ = os.environ if environ is None else environ
    sources = sources or find_sources(paths)
    chosen_by_flag = {"profile": profile, "network": network}
    typed = {**(flags or {}), **{key: name for key, name in chosen_by_flag.items() if name is not None}}
    seed, notes = read_seed_names(environ)
    strong: list[tuple[LayerName, Mapping[str, Source]]] = [
        ("flag", _read_flags(typed)),
        ("environment", read_environment(environ)),
        ("seed", seed),
        ("project", _read_file(sources.project)),
        ("user", _read_file(sources.user)),
        ("system", _read_file(sources.system)),
    ]
    default = _read_file(sources.shipped / "default.yaml")
    chosen = _choose([*strong, ("default", default)], "profile")
    if chosen.value is not None:
        file = sources.shipped / f"{chosen.value}.yaml"
        strong.append(("profile", _read_file(file, forbidden=("profile",))))
    chosen = _choose([*strong, ("default", default)], "network")
    strong.append(("network", _read_file(_network_file(sources, chosen), forbidden=("profile", "network"))))
    if chosen.value == "local":
        # They describe a chain elsewhere; the local network's own follows from its seed.
        seed = {key: source for key, source in seed.items() if not key.startswith("chain.")}
        strong[2] = ("seed", seed)
    chosen = _choose([*strong, ("default", default)], "train.preset")
    preset = _read_file(sources.shipped / "models" / f"{chosen.value}.yaml", forbidden=("profile", "network"))
    merged = (*strong, ("preset", preset), ("default", default))
    settings = Settings(_merge(merged), tuple(notes), sources, merged)
    _check(settings)
    return settings


def _read_flags(flags: Mapping[str, object]) -> dict[str, Source]:
    found: dict[str, Source] = {}
    for key, value in flags.items():
        if value is None:
            continue
        place = "--" + key.rpartition(".")[2].replace("_", "-")
        if key not in all_keys():
            raise unknown_key(key, place)
        found[key] = Source(convert_value(key, str(value) if isinstance(value, Path) else value, place), place)
    return found


def _read_file(path: Path, *, forbidden: tuple[str, ...] = ()) -> dict[str, Source]:
    document = read_document(path)
    if document is None:
        return {}
    _check_version(document, path)
    found = flatten(document, str(path))
    for key, source in found.items():
        if key in forbidden:
            raise BadSetting(f"{source.place}: {key} may not be set in this file", target=key)
    return found


def _check_version(document: dict[str, Item], path: Path) -> None:
    version = document.pop("version", None)
    if version is not None and version.value != FORMAT:
        place = f"{path}:{version.line}"
        raise BadSetting(f"{place}: this r3 reads settings of version {FORMAT}", hint="upgrade r3", target=place)


def _choose(layers: list[tuple[LayerName, Mapping[str, Source]]], key: str) -> Source:
    return next(layer[key] for _, layer in layers if key in layer)


def _network_file(sources: Sources, chosen: Source) -> Path:
    for folder in sources.network_folders:
        if (file := folder / f"{chosen.value}.yaml").is_file():
            return file
    known = sorted({file.stem for folder in sources.network_folders for file in folder.glob("*.yaml")})
    raise BadSetting(
        f"{chosen.place}: there is no network {chosen.value}",
        hint=f"known are {', '.join(known)}; put others into {sources.network_folders[0]}",
        target="network",
    )


def _merge(layers: tuple[tuple[LayerName, Mapping[str, Source]], ...]) -> Values:
    tree: dict[str, Any] = {}
    for key in all_keys():
        source = next((layer[key] for _, layer in layers if key in layer), None)
        if source is None:
            raise BadSetting(
                f"no layer gives {key} a value", hint="reinstall r3: its own files are damaged", target=key
            )
        *sections, last = key.split(".")
        branch = tree
        for section in sections:
            branch = branch.setdefault(section, {})
        branch[last] = source.value
    return msgspec.convert(tree, Values)


def _check(settings: Settings) -> None:
    """What no single layer shows: who may set a key, and what an amount means."""
    for name, layer in settings.merged:
        for key, source in layer.items():
            if key.startswith("model.") and name != "preset":
                raise BadSetting(
                    f"{source.place}: the shape of the model belongs to its preset",
                    hint="choose one with train.preset",
                    target=key,
                )
    chain = settings.values.chain
    try:
        parse_amount(chain.max_fee, chain.denom, chain.exponent)
    except R3Error as error:
        place = settings.winner("chain.max_fee").source
        raise BadSetting(f"{place}: chain.max_fee: {error.message}", hint=error.hint, target="chain.max_fee") from error
