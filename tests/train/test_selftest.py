"""The self-test: it passes here, and each kind of inexact machine is refused by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch  # noqa: TID253 - the machine under test

from r3cli.errors import InexactMachine
from r3cli.train import selftest
from r3cli.train.selftest import require_exact, self_test

Patch = Callable[[pytest.MonkeyPatch], None]


def test_this_machine_is_exact() -> None:
    report = self_test()
    assert report.passed, report.failed
    assert len({check.name for check in report.checks}) == len(selftest.PROBES)
    require_exact()


@pytest.fixture
def _flushing() -> Iterator[None]:
    if not torch.set_flush_denormal(True):
        pytest.skip("this CPU cannot flush denormals")
    yield
    torch.set_flush_denormal(False)


@pytest.mark.usefixtures("_flushing")
def test_flushed_denormals_do_no_harm() -> None:
    assert self_test().passed


def saturating_int8(patch: pytest.MonkeyPatch) -> None:
    """Pairs of products added in 16 bits that saturate, already within +-64: worse than any known CPU."""

    def int_mm(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        products = left.int().unsqueeze(2) * right.int().unsqueeze(0)
        pairs = [pair.sum(1).clamp(-16000, 16000) for pair in torch.split(products, 2, dim=1)]
        return torch.stack(pairs).sum(0).int()

    patch.setattr(torch, "_int_mm", int_mm)


def library_square_root(patch: pytest.MonkeyPatch) -> None:
    """A root that is one unit off for some inputs, as vector mathematics libraries have it."""
    patch.setattr(selftest, "square_root", lambda values: (values.double().sqrt() * (1 + 2.0**-26)).float())


def reciprocal_division(patch: pytest.MonkeyPatch) -> None:
    divide = torch.Tensor.__truediv__

    def estimate(self: torch.Tensor, other: object) -> torch.Tensor:
        if isinstance(other, torch.Tensor) and other.dtype == torch.float32:
            return self * other.reciprocal()
        return divide(self, other)  # type: ignore[arg-type]  # as it came

    patch.setattr(torch.Tensor, "__truediv__", estimate)


def fused_multiply_add(patch: pytest.MonkeyPatch) -> None:
    product = torch.Tensor.__mul__

    def unrounded(self: torch.Tensor, other: object) -> torch.Tensor:
        whole = self.double() if self.dtype == torch.float32 else self
        return product(whole, other)  # type: ignore[arg-type]  # as it came

    patch.setattr(torch.Tensor, "__mul__", unrounded)


def rounding_upwards(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(torch.Tensor, "round", lambda self: (self + 0.5).floor())


def brain_float_matmul(patch: pytest.MonkeyPatch) -> None:
    matmul = torch.matmul

    def short(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        if left.dtype == torch.float32:
            return matmul(left.bfloat16().float(), right.bfloat16().float())
        return matmul(left, right)

    patch.setattr(torch, "matmul", short)


def single_precision_sums(patch: pytest.MonkeyPatch) -> None:
    total = torch.Tensor.sum

    def short(self: torch.Tensor, *arguments: object, dtype: object = None, **more: object) -> torch.Tensor:
        summed: torch.Tensor = total(self, *arguments, **more)  # type: ignore[call-overload]  # as it came
        return summed

    patch.setattr(torch.Tensor, "sum", short)


def lost_small_numbers(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(selftest, "exp", torch.zeros_like)


def lost_digits(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(selftest, "multiply", lambda left, right: torch.zeros(8, 8))


FAILURES: dict[str, Patch] = {
    "integer_matmul": saturating_int8,
    "wide_codes": lost_digits,
    "float_carriers": brain_float_matmul,
    "square_roots": library_square_root,
    "divisions": reciprocal_division,
    "separate_roundings": fused_multiply_add,
    "rounding": rounding_upwards,
    "order_free_sums": single_precision_sums,
    "small_numbers": lost_small_numbers,
}


def test_every_probe_has_its_failure() -> None:
    assert list(FAILURES) == [probe.__name__ for probe in selftest.PROBES]


@pytest.mark.parametrize("name", FAILURES)
def test_an_inexact_machine_is_refused_by_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    FAILURES[name](monkeypatch)
    assert name in [check.name for check in self_test().failed]
    with pytest.raises(InexactMachine, match=name) as caught:
        require_exact()
    assert caught.value.hint is not None
