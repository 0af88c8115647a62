"""r3's own Kubo client against the lab's Kubo RPC: the store that `r3 lab up` offers is one that r3 can use."""

from __future__ import annotations

import os
from contextlib import closing

import pytest

from r3cli.errors import ContentMissing
from r3cli.storage.cid import cid_of
from r3cli.storage.kubo import KuboStore
from tests.chain.target import Target


@pytest.mark.parametrize("size", [0, 262_144, 262_145, 1_000_000])
def test_content_goes_in_and_comes_out_verified(lab_target: Target, size: int) -> None:
    content = os.urandom(size)
    with closing(KuboStore(lab_target.endpoint)) as store:
        cid = store.put(content)
        assert cid == cid_of(content)
        assert store.get(cid, limit=size) == content
        assert store.has(cid)
        assert cid in store.pins()
        store.unpin(cid)
        assert cid not in store.pins()


def test_missing_content_is_missing(lab_target: Target) -> None:
    with closing(KuboStore(lab_target.endpoint)) as store, pytest.raises(ContentMissing):
        store.get(cid_of(b"nobody has this"), limit=100)
