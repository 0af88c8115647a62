"""The counterparts as fixtures, one each per test session (per worker under pytest-xdist)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engines.build import build_go, install_cosmjs
from tests.engines.cosmjs import Cosmjs, prepare_cosmjs
from tests.engines.kubo import Kubo, run_kubo
from tests.engines.simd import Simd, run_simd


@pytest.fixture(scope="session")
def kubo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubo]:
    """A running Kubo daemon with an empty repository."""
    with run_kubo(build_go("kubo"), tmp_path_factory.mktemp("kubo")) as running:
        yield running


@pytest.fixture(scope="session")
def simd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simd]:
    """A running Cosmos SDK chain; `simd.fund(address)` gives money."""
    with run_simd(build_go("cosmos"), tmp_path_factory.mktemp("simd")) as running:
        yield running


@pytest.fixture(scope="session")
def cosmjs(tmp_path_factory: pytest.TempPathFactory) -> Cosmjs:
    """Runs `tests/engines/cosmjs/*.mjs`."""
    return prepare_cosmjs(install_cosmjs(), tmp_path_factory.mktemp("cosmjs"))
