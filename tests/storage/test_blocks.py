"""The local store: shared pieces, damage noticed and healed, many writers, a full disk, space given back."""

from __future__ import annotations

import errno
import hashlib
import io
import multiprocessing
import time
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from r3cli.errors import CidMismatch, ContentMissing, DiskFull, Malformed, R3Error, TooLarge
from r3cli.paths import find_paths
from r3cli.settings import StorageSettings
from r3cli.storage.base import ContentStore
from r3cli.storage.blocks import BlockStore
from r3cli.storage.cid import cid_of
from r3cli.storage.registry import open_store
from tests.storage.content import CHUNK, Dribble, make_content


@pytest.fixture
def store(tmp_path: Path) -> BlockStore:
    return BlockStore(tmp_path / "blocks")


def _block_files(store: BlockStore) -> list[Path]:
    return [path for path in store.folder.glob("blocks/*/*") if path.is_file()]


@pytest.mark.parametrize("length", [0, 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_content_comes_back_under_its_cid(store: BlockStore, length: int) -> None:
    content = make_content(length)
    cid = store.put(cast("BinaryIO", Dribble(content)))
    assert cid == cid_of(content) == store.put(content)
    assert store.get(cid, limit=length) == content
    assert store.has(cid)
    assert store.pins() == [cid]


def test_version_0_can_be_kept_and_read(store: BlockStore) -> None:
    content = make_content(CHUNK + 1)
    cid = store.put(content, version=0)
    assert cid == cid_of(content, version=0)
    assert store.get(cid, limit=1 << 20) == content


def test_equal_pieces_are_kept_once(store: BlockStore) -> None:
    store.put(make_content(CHUNK) + b"one")
    store.put(make_content(CHUNK) + b"two")
    assert store.stat().blocks == len(_block_files(store)) == 5  # one shared piece, two tails, two roots


def test_a_limit_is_kept(store: BlockStore, tmp_path: Path) -> None:
    cid = store.put(bytes(1000))
    with pytest.raises(TooLarge):
        store.get(cid, limit=999)
    with pytest.raises(TooLarge):
        BlockStore(store.folder, max_bytes=999).get(cid, limit=1 << 30)
    with pytest.raises(TooLarge):
        BlockStore(tmp_path / "other", max_bytes=999).put(bytes(1000))


def test_absent_content_is_missing_and_not_malformed(store: BlockStore) -> None:
    cid = cid_of(b"nobody put this")
    assert not store.has(cid)
    with pytest.raises(ContentMissing):
        store.get(cid, limit=10)
    with pytest.raises(ContentMissing):
        store.pin(cid)
    store.remove(cid)
    store.unpin(cid)
    with pytest.raises(Malformed):
        store.get("../../etc/passwd", limit=10)
    with pytest.raises(Malformed):
        store.unpin("../lock")


def test_a_part_that_is_gone_is_missing(store: BlockStore) -> None:
    content = make_content(3 * CHUNK)
    cid = store.put(content)
    _path_of(store, content[CHUNK : 2 * CHUNK]).unlink()
    assert not store.has(cid)
    with pytest.raises(ContentMissing):
        store.get(cid, limit=1 << 30)


@pytest.mark.parametrize("damage", [b"", b"short", bytes(CHUNK)])
def test_damage_is_noticed_and_healed_by_the_same_content(store: BlockStore, damage: bytes) -> None:
    content = make_content(2 * CHUNK)
    cid = store.put(content)
    _path_of(store, content[CHUNK:]).write_bytes(damage)
    stream = store.open(cid, limit=1 << 30)
    assert next(stream) == content[:CHUNK]
    with pytest.raises(CidMismatch, match="damaged") as caught:
        next(stream)
    assert caught.value.hint
    store.put(content)
    assert store.get(cid, limit=1 << 30) == content


def test_removing_keeps_what_another_file_needs(store: BlockStore) -> None:
    first = store.put(make_content(CHUNK) + b"one")
    second = store.put(make_content(CHUNK) + b"two")
    store.remove(first)
    assert store.pins() == [second]
    assert not store.has(first)
    assert store.get(second, limit=1 << 30) == make_content(CHUNK) + b"two"
    store.remove(second)
    assert store.stat().blocks == 0


def test_removing_heals_nothing_but_forgets_what_is_damaged(store: BlockStore) -> None:
    content = make_content(2 * CHUNK)
    cid = store.put(content)
    store.unpin(cid)
    _path_of(store, content[:CHUNK]).unlink()
    store.remove(cid)
    assert store.stat().blocks == 0


def test_collecting_takes_what_is_not_pinned(store: BlockStore) -> None:
    kept = store.put(make_content(CHUNK + 1))
    loose = store.put(make_content(CHUNK + 2))
    store.unpin(loose)
    (store.folder / "part" / "left-by-a-crash").write_bytes(b"half")
    assert store.collect() == 3
    assert store.has(kept)
    assert not store.has(loose)
    assert not list((store.folder / "part").iterdir())


def test_a_pinned_again_file_stays(store: BlockStore) -> None:
    cid = store.put(make_content(CHUNK + 1))
    store.unpin(cid)
    store.pin(cid)
    assert store.collect() == 0
    assert store.has(cid)


def test_single_blocks_can_be_exchanged(store: BlockStore) -> None:
    cid = cid_of(b"block")
    store.put_block(b"block", cid)
    assert store.block(cid) == b"block"
    with pytest.raises(CidMismatch):
        store.put_block(b"other", cid)


def test_a_full_disk_leaves_nothing_half_written(store: BlockStore, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = store.put(b"before")

    def full(_: object, __: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", full)
        with pytest.raises(DiskFull):
            store.put(make_content(CHUNK + 1))
    assert store.pins() == [kept]
    assert len(_block_files(store)) == 1
    assert not list((store.folder / "part").iterdir())


def test_a_stream_that_breaks_pins_nothing(store: BlockStore) -> None:
    class Broken(io.RawIOBase):
        left = 2

        def read(self, size: int = -1, /) -> bytes:
            self.left -= 1
            if self.left < 0:
                raise ConnectionResetError
            return bytes(size)

    with pytest.raises(ConnectionResetError):
        store.put(cast("BinaryIO", Broken()))
    assert store.pins() == []
    assert store.collect() == 1


def test_writers_and_removers_do_not_hurt_each_other(store: BlockStore) -> None:
    """Two processes put and remove files that share a piece; what is pinned at the end is whole."""
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_put_and_remove, args=(str(store.folder), tail)) for tail in ("one", "two")]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert sorted(store.pins()) == sorted(cid_of(_shared(tail)) for tail in ("one", "two"))
    for tail in ("one", "two"):
        assert store.get(cid_of(_shared(tail)), limit=1 << 30) == _shared(tail)


def _shared(tail: str) -> bytes:
    return make_content(CHUNK) + tail.encode()


def _put_and_remove(folder: str, tail: str) -> None:
    store = BlockStore(Path(folder))
    for _ in range(25):
        cid = store.put(_shared(tail))
        assert store.get(cid, limit=1 << 30) == _shared(tail)
        store.remove(cid)
    store.put(_shared(tail))


def test_a_killed_writer_leaves_only_whole_files(store: BlockStore) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_put_forever, args=(str(store.folder),))
    process.start()
    try:
        while len(store.pins()) < 3:
            assert process.is_alive()
            time.sleep(0.01)
    finally:
        process.kill()
        process.join(60)
    for cid in store.pins():
        assert cid_of(store.get(cid, limit=1 << 30)) == cid
    store.collect()
    assert all(store.has(cid) for cid in store.pins())
    assert store.put(make_content(CHUNK)) in store.pins()  # the lock died with its holder


def _put_forever(folder: str) -> None:
    store = BlockStore(Path(folder))
    for length in range(CHUNK, 10 * CHUNK):
        store.put(make_content(length))


def test_an_unreadable_store_is_told_in_our_words(tmp_path: Path) -> None:
    (tmp_path / "blocks").write_text("a file where the folder should be")
    with pytest.raises(R3Error, match="Not a directory"):
        BlockStore(tmp_path / "blocks").get(cid_of(b"x"), limit=10)


def test_settings_choose_the_store(tmp_path: Path) -> None:
    paths = find_paths(tmp_path)
    settings = StorageSettings(kind="blocks", url="http://127.0.0.1:1", max_bytes=4096)
    store: ContentStore = open_store(settings, paths)
    cid = store.put(b"content")
    assert (paths.blocks / "pins" / cid).exists()
    with pytest.raises(TooLarge):
        store.put(bytes(4097))
    store.close()


def _path_of(store: BlockStore, block: bytes) -> Path:
    return store._path(hashlib.sha256(block).digest())
