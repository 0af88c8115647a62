"""The bank suite against the lab's node: the same tests that the real `simd` passes."""

from __future__ import annotations

import pytest

from tests.chain.bank_suite import BankSuite
from tests.chain.target import Target


@pytest.fixture
def target(lab_target: Target) -> Target:
    return lab_target


class TestLab(BankSuite):
    pass
