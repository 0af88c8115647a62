"""`r3 config`: what is set, where, and by whom."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from r3cli.paths import find_paths
from r3cli.settings.operations import (
    PathsShown,
    SettingChanged,
    SettingExplained,
    SettingsShown,
    SettingsValid,
    explain_setting,
    set_setting,
    show_paths,
    show_settings,
    validate_settings,
)

from ._options import Network, Profile, State, sub_app
from ._output import emit, session_of
from ._views import Fields, Lines, Styled, Table, View

app = sub_app(
    "Settings: show, explain, set, validate.",
    examples=("r3 config show", "r3 config explain train.batch_size", "r3 config set network r3mes"),
)
Key = Annotated[str, typer.Argument(help="Dotted key, such as train.batch_size.")]


@app.command(examples=("r3 config show", "r3 config show --network r3mes --json"))
def show(ctx: typer.Context, network: Network = None, profile: Profile = None) -> None:
    """Show every setting in force and where it was written."""
    settings = session_of(ctx).settings(find_paths(), network=network, profile=profile)
    emit(ctx, show_settings(settings), _settings)


@app.command(examples=("r3 config explain train.batch_size", "r3 config explain chain.max_fee --profile production"))
def explain(ctx: typer.Context, key: Key, network: Network = None, profile: Profile = None) -> None:
    """Show what every layer says about one setting, and which wins."""
    settings = session_of(ctx).settings(find_paths(), network=network, profile=profile)
    emit(ctx, explain_setting(settings, key), _explanation)


@app.command(
    "set", examples=("r3 config set train.steps 50", "r3 config set chain.endpoints https://node.example:1317")
)
def set_(
    ctx: typer.Context, key: Key, value: Annotated[str, typer.Argument(help="New value; commas part a list.")]
) -> None:
    """Write one setting into the user file; the rest of the file stays as it is."""
    emit(ctx, set_setting(find_paths(), key, value), _change)


@app.command(examples=("r3 config validate", "r3 config validate ./r3.yaml"))
def validate(
    ctx: typer.Context, files: Annotated[list[Path] | None, typer.Argument(help="Files instead of one's own.")] = None
) -> None:
    """Check every settings file; name file, line and the likely key of the first fault."""
    emit(ctx, validate_settings(find_paths(), tuple(files or ())), _checked)


@app.command(examples=("r3 config paths", "r3 config paths --state ./run"))
def paths(ctx: typer.Context, state: State = None) -> None:
    """Show the folders and files that r3 uses."""
    emit(ctx, show_paths(find_paths(state)), _paths)


def _settings(shown: SettingsShown) -> Table:
    rows = [[row.key, _text(row.value), row.layer, row.source] for row in shown.settings]
    return Table(("key", "value", "layer", "source"), rows)


def _explanation(explained: SettingExplained) -> list[View]:
    fields = Fields(
        (
            ("key", explained.key),
            ("value", _text(explained.value)),
            ("about", explained.about or None),
            ("variable", explained.variable),
        ),
        id=explained.key,
    )
    rows = [
        [Styled("wins", "good") if layer.wins else "", layer.layer, _text(layer.value), layer.source]
        for layer in explained.layers
    ]
    return [fields, Table(("", "layer", "value", "source"), rows, ids=())]


def _change(changed: SettingChanged) -> Lines:
    return Lines(
        (f"{changed.key} is {_text(changed.value)} in {changed.file} (before: {_text(changed.before)})",),
        (changed.key,),
    )


def _checked(valid: SettingsValid) -> Lines:
    return Lines([f"good: {file}" for file in valid.files] or ["good: no settings file exists"], valid.files)


def _paths(shown: PathsShown) -> Fields:
    folders = (
        ("config", shown.config),
        ("state", shown.state),
        ("data", shown.data),
        ("cache", shown.cache),
        ("runtime", shown.runtime),
        ("wallets", shown.wallets),
        ("journal", shown.journal),
        ("project file", shown.project_file),
        ("user file", shown.user_file),
        ("system file", shown.system_file),
        ("network files", ", ".join(shown.network_files)),
        ("shipped", shown.shipped),
    )
    return Fields(folders)


def _text(value: object) -> str:
    if value is None:
        return "-"
    return ", ".join(str(element) for element in value) if isinstance(value, tuple) else str(value)
