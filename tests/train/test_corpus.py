"""Texts: files, folders and garbage become one array with one CID; entropies against slow definitions."""

import itertools
import math
import os
from collections import Counter
from pathlib import Path

import numpy as np  # noqa: TID253 - texts are arrays
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from r3cli.errors import BadContent, ContentMissing, NotFound, Usage
from r3cli.storage.blocks import BlockStore
from r3cli.storage.cid import cid_of
from r3cli.train import entropy
from r3cli.train.corpus import SEPARATOR, Corpus, open_corpus

MIXED = bytes(range(256)) * 3000  # more than one block, every byte value


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(content=st.binary(min_size=1, max_size=300))
def test_any_bytes_are_a_text(tmp_path: Path, content: bytes) -> None:
    corpus = open_corpus(write(tmp_path / "text", content))
    assert corpus.text.tobytes() == content
    assert corpus.cid == cid_of(content) == Corpus.from_bytes(content).cid
    assert np.concatenate([corpus.training, corpus.validation]).tobytes() == content


def test_a_file_is_mapped_not_read(tmp_path: Path) -> None:
    corpus = open_corpus(write(tmp_path / "text", MIXED))
    assert isinstance(corpus.text, np.memmap)
    assert not corpus.text.flags.writeable
    assert corpus.cid == cid_of(MIXED)


def test_a_folder_is_its_files_in_order_of_their_paths(tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    for name in ("a/b", "a.txt", "Z", "a-", "ä"):
        write(folder / name, name.encode())
    corpus = open_corpus(folder)
    # "-" < "." < "/" in bytes: the order is that of whole paths, not folder by folder.
    assert corpus.text.tobytes() == SEPARATOR.join(name.encode() for name in ("Z", "a-", "a.txt", "a/b", "ä"))
    assert corpus.cid == cid_of(corpus.text.tobytes())
    assert isinstance(corpus.text, np.memmap)


def test_a_folder_leaves_out_what_is_hidden_linked_or_special(tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    write(folder / "plain", b"plain")
    write(folder / ".git" / "config", b"hidden")
    write(folder / ".hidden", b"hidden")
    (folder / "link").symlink_to(folder / "plain")
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "dangling").symlink_to(folder / "nothing")
    os.mkfifo(folder / "pipe")
    assert open_corpus(folder).text.tobytes() == b"plain"


def test_a_linked_folder_that_the_operator_named_is_read(tmp_path: Path) -> None:
    write(tmp_path / "texts" / "one", b"one")
    (tmp_path / "link").symlink_to(tmp_path / "texts")
    assert open_corpus(tmp_path / "link").text.tobytes() == b"one"


def test_nothing_is_said_to_be_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "folder").mkdir()
    write(tmp_path / "hollow" / "one", b"")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name, words in {
        "empty": "is empty",
        "folder": "holds no file",
        "hollow": "is empty",
        "pipe": "neither a file nor a folder",
        "loop": "cannot be read",
    }.items():
        with pytest.raises(Usage, match=words):
            open_corpus(tmp_path / name)
    with pytest.raises(NotFound, match="there is no"):
        open_corpus(tmp_path / "absent")
    with pytest.raises(Usage, match="empty"):
        Corpus.from_bytes(b"")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("locked", ["one", "inner"])
def test_what_may_not_be_read_is_named(tmp_path: Path, locked: str) -> None:
    write(tmp_path / "texts" / "one", b"one")
    write(tmp_path / "texts" / "inner" / "two", b"two")
    (tmp_path / "texts" / locked).chmod(0)
    try:
        with pytest.raises(Usage, match=f"{locked} cannot be read"):
            open_corpus(tmp_path / "texts")
    finally:
        (tmp_path / "texts" / locked).chmod(0o700)


def test_a_stranger_gets_the_same_text_by_its_cid(tmp_path: Path) -> None:
    store = BlockStore(tmp_path / "store")
    cid = open_corpus(write(tmp_path / "text", MIXED)).keep(store)
    corpus = Corpus.from_store(store, cid)
    assert corpus.cid == cid == cid_of(MIXED)
    assert corpus.text.tobytes() == MIXED
    assert isinstance(corpus.text, np.memmap)
    with pytest.raises(ContentMissing):
        Corpus.from_store(store, cid_of(b"never stored"))
    with pytest.raises(Usage, match="is empty"):
        Corpus.from_store(store, store.put(b""))


def test_a_text_that_changes_meanwhile_is_noticed(tmp_path: Path) -> None:
    path = write(tmp_path / "text", MIXED)
    corpus = open_corpus(path)
    with path.open("r+b") as stream:
        stream.write(b"changed")
    with pytest.raises(BadContent, match="changed"):
        corpus.keep(BlockStore(tmp_path / "store"))


@pytest.mark.parametrize(
    ("size", "held_out"), [(1, 0), (4, 1), (1000, 250), (16_384, 4096), (50_000, 4096), (1_000_000, 50_000)]
)
def test_a_twentieth_is_held_out_within_bounds(size: int, held_out: int) -> None:
    corpus = Corpus.from_bytes(b"x" * size)
    assert corpus.held_out == len(corpus.validation) == held_out
    assert len(corpus.training) == size - held_out


@given(st.integers(1, 40), st.integers(1, 60), st.integers(300, 4000))
def test_validation_windows_are_fixed_and_evenly_spaced(count: int, length: int, size: int) -> None:
    corpus = Corpus.from_bytes((np.arange(size) % 251).astype(np.uint8).tobytes())
    rows = corpus.validation_sequences(count, length)
    assert rows.shape == (count, length + 1)
    assert rows.dtype == np.int64
    assert rows[0].tolist() == corpus.validation[: length + 1].tolist()
    if count > 1:
        assert rows[-1].tolist() == corpus.validation[-length - 1 :].tolist()
    last = corpus.held_out - length - 1
    starts = [last * number // max(count - 1, 1) for number in range(count)]
    gaps = {after - before for before, after in itertools.pairwise(starts)}
    assert not gaps or max(gaps) - min(gaps) <= 1
    assert [row[0] for row in rows.tolist()] == [corpus.validation[start] for start in starts]


def test_too_short_a_text_is_an_error_before_training() -> None:
    corpus = Corpus.from_bytes(b"x" * 500)
    corpus.require(124)
    with pytest.raises(Usage, match="sequences of 125 tokens need 504"):
        corpus.require(125)
    with pytest.raises(Usage):
        corpus.validation_sequences(1, 125)


@given(st.binary(max_size=200), st.integers(1, 64))
def test_entropies_equal_their_definitions(content: bytes, piece: int) -> None:
    text = np.frombuffer(content, dtype=np.uint8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(entropy, "PIECE", piece)
        unigram, bigram = entropy.unigram_entropy(text), entropy.bigram_entropy(text)
    counts, pairs, firsts = Counter(content), Counter(itertools.pairwise(content)), Counter(content[:-1])
    slow_unigram = -sum(n / len(content) * math.log2(n / len(content)) for n in counts.values())
    slow_bigram = -sum(n / (len(content) - 1) * math.log2(n / firsts[a]) for (a, _), n in pairs.items())
    assert unigram == pytest.approx(slow_unigram, abs=1e-9)
    assert bigram == pytest.approx(slow_bigram, abs=1e-9)


def test_entropies_of_known_texts() -> None:
    assert Corpus.from_bytes(b"ab" * 500).unigram_entropy() == pytest.approx(1.0)
    assert Corpus.from_bytes(b"ab" * 500).bigram_entropy() == pytest.approx(0.0, abs=1e-9)
    assert Corpus.from_bytes(bytes(range(256))).unigram_entropy() == pytest.approx(8.0)
