"""The bank suite against a real Cosmos SDK chain."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chain.bank_suite import BankSuite
from tests.chain.target import Target, key
from tests.engines.simd import Simd


@pytest.fixture(scope="session")
def target(simd: Simd) -> Iterator[Target]:
    funded = key(1)
    running = Target(simd.rest, simd.chain_id, simd.prefix, simd.denom, funded, simd.restart)
    simd.fund(running.address(funded), 1_000_000_000)
    yield running
    running.http.close()


@pytest.mark.engine("simd")
class TestSimd(BankSuite):
    pass
