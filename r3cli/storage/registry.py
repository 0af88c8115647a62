"""Which content store the settings ask for; the daemon's client is imported only for those who use it."""

from __future__ import annotations

from r3cli.paths import Paths
from r3cli.settings import StorageSettings
from r3cli.storage.base import ContentStore


def open_store(storage: StorageSettings, paths: Paths) -> ContentStore:
    """The store in force: `blocks`, a folder of this machine, or `kubo`, an IPFS daemon at `storage.url`."""
    if storage.kind == "kubo":
        from r3cli.storage.kubo import KuboStore

        return KuboStore(storage.url, max_bytes=storage.max_bytes)
    from r3cli.storage.blocks import BlockStore

    return BlockStore(paths.blocks, max_bytes=storage.max_bytes)
