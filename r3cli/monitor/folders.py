"""What doctor looks at in r3's own folders: settings, permissions, wallets, the journal."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

from r3cli.errors import R3Error
from r3cli.journal import Journal, State
from r3cli.monitor.checks import Finding, fix, ok, warning
from r3cli.monitor.machine import existing_parent
from r3cli.paths import Paths

SOCKET_PATH_LIMIT = 107  # sun_path holds 108 bytes with the closing zero


def check_settings(paths: Paths) -> Finding:
    """Whether every settings file can be read and means something."""
    from r3cli.settings import load_settings

    try:
        settings = load_settings(paths)
    except R3Error as error:
        return fix("settings", error.message, error.hint)
    if settings.warnings:
        return warning("settings", "; ".join(settings.warnings), "r3 config show")
    return ok("settings", f"network {settings.values.network}")


def check_folders(paths: Paths) -> list[Finding]:
    """Whether r3 can write where it must, and whether a socket's path fits."""
    named = {"state": paths.state, "data": paths.data, "config": paths.config, "cache": paths.cache}
    findings = [_check_folder(name, folder) for name, folder in named.items()]
    longest = paths.socket("cosmos")
    if len(os.fsencode(longest)) > SOCKET_PATH_LIMIT:
        findings.append(fix("runtime folder", f"{longest} is too long for a socket", "export XDG_RUNTIME_DIR=/tmp/r3"))
    return findings


def check_wallets(paths: Paths) -> list[Finding]:
    """Whether anyone else can read a wallet."""
    folder = paths.wallets
    if not folder.is_dir():
        return [ok("wallets", "none yet")]
    files = sorted(path for path in folder.iterdir() if path.suffix == ".json")
    exposed = [found for path in [folder, *files] if (found := _check_private(path)) is not None]
    return exposed or [ok("wallets", f"{len(files)} in {folder}, readable by this user only")]


def check_journal(paths: Paths) -> Finding:
    """Whether every transaction's outcome is known."""
    if not paths.journal.exists():
        return ok("journal", "nothing sent yet")
    try:
        journal = Journal(paths.journal)
        unknown, sent = len(journal.entries(State.UNKNOWN)), len(journal.entries(State.SENT))
    except sqlite3.Error as error:
        return fix("journal", f"{paths.journal} cannot be read: {error}", "restore it from a backup")
    if unknown:
        return fix("journal", f"{unknown} sent, outcome unknown", "r3 tx settle")
    if sent:
        return warning("journal", f"{sent} sent, not confirmed yet", "r3 tx settle")
    return ok("journal", "every outcome is known")


def _check_folder(name: str, folder: Path) -> Finding:
    label = f"{name} folder"
    nearest = existing_parent(folder)
    if not nearest.is_dir():
        return fix(label, f"{nearest} is not a folder", f"rm {nearest}")
    if not os.access(nearest, os.W_OK | os.X_OK):
        return fix(label, f"{nearest} may not be written by this user", f"sudo chown {os.getuid()} {nearest}")
    return ok(label, str(folder) if folder.exists() else f"{folder} (made when needed)")


def _check_private(path: Path) -> Finding | None:
    status = path.stat()
    if status.st_uid not in (os.getuid(), 0):
        return fix("wallets", f"{path} belongs to another user", f"sudo chown {os.getuid()} {path}")
    if stat.S_IMODE(status.st_mode) & 0o077:
        mode = "700" if path.is_dir() else "600"
        return fix("wallets", f"{path} is open to other users", f"chmod {mode} {path}")
    return None
