"""The client against a real Kubo daemon: same CIDs, same content, same words for what is missing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from r3cli.errors import CidMismatch, ContentMissing, Malformed, TooLarge
from r3cli.paths import find_paths
from r3cli.settings import StorageSettings
from r3cli.storage.base import ContentStore
from r3cli.storage.blocks import BlockStore
from r3cli.storage.cid import cid_of
from r3cli.storage.kubo import KuboStore
from r3cli.storage.registry import open_store
from tests.engines.kubo import Kubo
from tests.storage.content import CHUNK, Dribble, make_content

pytestmark = pytest.mark.engine("kubo")

FILES = json.loads((Path(__file__).parents[1] / "vectors/cids.json").read_text())["files"]
ASKED = (0, CHUNK, CHUNK + 1, 50 << 20)


@pytest.fixture
def store(kubo: Kubo) -> Iterator[KuboStore]:
    client = KuboStore(kubo.url)
    yield client
    client.close()


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("length", ASKED)
def test_the_daemon_and_we_name_content_alike(store: KuboStore, length: int, version: int) -> None:
    content = make_content(length)
    cid = store.put(cast("BinaryIO", Dribble(content, 1 << 20)), version=version)
    vector = next(vector for vector in FILES if vector["length"] == length)
    assert cid == vector[f"v{version}"] == cid_of(content, version)
    assert store.get(cid, limit=length) == content


def test_pins_come_and_go(store: KuboStore) -> None:
    cid = store.put(make_content(CHUNK + 3))
    assert cid in store.pins()
    assert store.has(cid)
    store.unpin(cid)
    assert cid not in store.pins()
    store.unpin(cid)
    store.pin(cid)
    assert cid in store.pins()
    store.remove(cid, cid_of(b"never stored"))
    assert cid not in store.pins()


def test_what_nobody_has_is_missing(store: KuboStore) -> None:
    cid = cid_of(b"nobody stored this")
    assert not store.has(cid)
    with pytest.raises(ContentMissing):
        store.get(cid, limit=100)
    with pytest.raises(ContentMissing):
        store.pin(cid)
    with pytest.raises(Malformed):
        store.get("notacid", limit=100)


def test_limits_are_kept(store: KuboStore, kubo: Kubo) -> None:
    cid = store.put(make_content(3 * CHUNK))
    with pytest.raises(TooLarge):
        store.get(cid, limit=3 * CHUNK - 1)
    capped = KuboStore(kubo.url, max_bytes=CHUNK)
    with pytest.raises(TooLarge):
        capped.put(make_content(2 * CHUNK))
    with pytest.raises(TooLarge):
        capped.get(cid, limit=1 << 30)
    capped.close()


def test_the_daemon_says_what_it_is(store: KuboStore) -> None:
    assert store.version() == "0.39.0"
    stat = store.stat()
    assert stat.kind == "kubo"
    assert stat.blocks > 0
    assert stat.capacity is not None
    assert stat.capacity > stat.bytes > 0


def test_local_blocks_and_the_daemon_hold_the_same_blocks(store: KuboStore, tmp_path: Path) -> None:
    """A file cut here is, block by block, the file that the daemon cut."""
    local = BlockStore(tmp_path)
    content = make_content(CHUNK + 1)
    cid = local.put(content)
    assert store.put(content) == cid
    assert b"".join(local.open(cid, limit=1 << 30)) == b"".join(store.open(cid, limit=1 << 30))
    assert store._rpc.call("block/get", {"arg": cid}, limit=1 << 20) == local.block(cid)


def test_settings_choose_the_daemon(kubo: Kubo, tmp_path: Path) -> None:
    store: ContentStore = open_store(
        StorageSettings(kind="kubo", url=kubo.url, max_bytes=1 << 30), find_paths(tmp_path)
    )
    assert store.get(store.put(b"through settings"), limit=100) == b"through settings"
    store.close()


def test_a_daemon_that_changes_content_is_caught(store: KuboStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("r3cli.storage.kubo.CHUNK_BYTES", 1000)  # the daemon cuts otherwise than we do
    with pytest.raises(CidMismatch):
        store.put(make_content(5000))
