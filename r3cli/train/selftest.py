"""Does this machine compute what exact mode relies on? Probed before any exact work, and refused by name.

The probes test what r3 uses, not more: int8 products with the right operand beyond +-64 saturate on CPUs that
run exact mode perfectly well, and flushed denormals do no harm, because r3 keeps its values away from them.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import torch  # noqa: TID253 - a leaf that exists to compute
from torch import Tensor  # noqa: TID253 - as above

from r3cli.errors import InexactMachine
from r3cli.train.exact.functions import exp, square_root
from r3cli.train.exact.matmul import FLOAT32_LIMIT, LeftOperand, multiply, multiply_carried, right_operand
from r3cli.train.exact.mode import exact_arithmetic
from r3cli.train.exact.numbers import BYTE, PAIR, RIGHT_PAIR, quantize
from r3cli.train.exact.sums import unit_sum

SAMPLES = 1 << 15


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One probe: what exact mode relies on, and whether it holds here."""

    name: str
    passed: bool
    relies_on: str


class SelfTestReport(msgspec.Struct, frozen=True, kw_only=True):
    """All probes, in the order they ran."""

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """True when exact mode may run here."""
        return not self.failed

    @property
    def failed(self) -> tuple[Check, ...]:
        """The probes that failed."""
        return tuple(check for check in self.checks if not check.passed)


def self_test() -> SelfTestReport:
    """Run every probe; takes some tens of milliseconds."""
    with exact_arithmetic():
        checks = tuple(
            Check(name=probe.__name__, passed=probe(), relies_on=probe.__doc__ or probe.__name__) for probe in PROBES
        )
    return SelfTestReport(checks=checks)


def require_exact() -> None:
    """Raise `InexactMachine`, naming what failed, unless exact mode may run here."""
    failed = self_test().failed
    if failed:
        names = ", ".join(check.name for check in failed)
        raise InexactMachine(
            f"this machine's arithmetic failed {names}; exact mode relies on it",
            hint="train with --mode fast, or use another CPU or build of torch",
        )


def integer_matmul() -> bool:
    """The int8 products are exact while the right operand lies within +-64."""
    for rows, inner, columns in ((32, 256, 24), (3, 1027, 5), (17, 64, 256)):
        left = _integers(rows * inner, -128, 127).view(rows, inner).to(torch.int8)
        right = _integers(inner * columns, -64, 64).view(inner, columns).to(torch.int8)
        left[0], left[1], right[:, 0], right[:, 1] = 127, -128, 64, -64
        if not torch.equal(_int_mm(left, right), left.long() @ right.long()):
            return False
    return True


def wide_codes() -> bool:
    """Codes of two digits multiply exactly."""
    inner = 300
    left = _integers(8 * inner, -PAIR.largest, PAIR.largest).view(8, inner).float()
    right = _integers(inner * 8, -RIGHT_PAIR.largest, RIGHT_PAIR.largest).view(inner, 8).float()
    left[0], right[:, 0] = PAIR.largest, RIGHT_PAIR.largest
    high = (left / 128).round()
    planes = torch.cat([high, left - high * 128]).to(torch.int8)
    product = multiply(LeftOperand(left, planes, PAIR), right_operand(right, RIGHT_PAIR))
    return torch.equal(product, (left.long() @ right.long()).float())


def float_carriers() -> bool:
    """Float32 and float64 matmuls of whole numbers are exact within 2**24 and 2**53."""
    inner = FLOAT32_LIMIT // BYTE.largest**2
    bytes_left, bytes_right = _codes((2, 5, inner), BYTE.largest), _codes((2, inner, 7), BYTE.largest)
    narrow = FLOAT32_LIMIT // (BYTE.largest * RIGHT_PAIR.largest)
    mixed_left, mixed_right = _codes((33, narrow), BYTE.largest), _codes((narrow, 65), RIGHT_PAIR.largest)
    wide_left, wide_right = _codes((2, 5, inner), PAIR.largest), _codes((2, inner, 7), PAIR.largest)
    return all(
        torch.equal(multiply_carried(a, a_width, b, b_width), (a.long() @ b.long()).float())
        for a, a_width, b, b_width in (
            (bytes_left, BYTE, bytes_right, BYTE),
            (mixed_left, BYTE, mixed_right, RIGHT_PAIR),
            (wide_left, PAIR, wide_right, PAIR),
        )
    )


def square_roots() -> bool:
    """Square roots round correctly."""
    # x in [1, 4) is whole * 2**-23, its root near * 2**-23; the rounding midpoints are (2 near +- 1) * 2**-24.
    whole = torch.cat([_integers(SAMPLES, 1 << 23, (1 << 24) - 1), 2 * _integers(SAMPLES, 1 << 23, (1 << 24) - 1)])
    near = (square_root(whole.double().mul(2.0**-23).float()).double() * 2.0**23).long()
    scaled = whole << 25
    return bool((((2 * near - 1) ** 2 < scaled) & (scaled < (2 * near + 1) ** 2)).all())


def divisions() -> bool:
    """Float32 division rounds correctly."""
    top = _integers(SAMPLES, 1 << 23, (1 << 24) - 1).float().view(-1, 64)
    bottom = _integers(SAMPLES // 64, 1 << 23, (1 << 24) - 1).float().view(-1, 1)
    quotient = (top / bottom).double()
    half_unit = torch.where(quotient < 1.0, 2.0**-25, 2.0**-24).double()
    # 25 bits times 24 bits: both products are exact in float64.
    return bool(
        (((quotient - half_unit) * bottom <= top.double()) & (top.double() <= (quotient + half_unit) * bottom)).all()
    )


def separate_roundings() -> bool:
    """A product is rounded before it is added."""
    factor = torch.full((67,), 1.0 + 2.0**-12)
    rounded = torch.full((67,), 1.0 + 2.0**-11)
    # The exact square is 1 + 2**-11 + 2**-24; a fused operation would keep the last part.
    return not bool((factor * factor - rounded).any() or (factor * factor).sub_(rounded).any())


def rounding() -> bool:
    """Halves round to even, and conversions to float32 round once."""
    halves = torch.arange(-130, 130).float() + 0.5
    even = torch.equal(halves.round().long() % 2, torch.zeros(260, dtype=torch.int64))
    integers = torch.tensor([(1 << 24) + 1, (1 << 24) + 3, -(1 << 24) - 1, (1 << 25) + 2], dtype=torch.int32)
    expected = torch.tensor([1 << 24, (1 << 24) + 4, -(1 << 24), 1 << 25], dtype=torch.int64)
    return (
        even
        and torch.equal(integers.float().long(), expected)
        and torch.equal(integers.double().float().long(), expected)
    )


def order_free_sums() -> bool:
    """Float64 sums of 24-bit codes are exact."""
    values = _integers(64 * 1021, 0, 1 << 24).view(64, 1021)
    total = unit_sum(values.float() * 2.0**-24)
    return torch.equal(total, (values.sum(1, keepdim=True).double() * 2.0**-24).float())


def small_numbers() -> bool:
    """Normal numbers down to 2**-126 survive, and denormals count as zero."""
    smallest = torch.full((67,), 2.0**-63) * torch.full((67,), 2.0**-63)
    kept = bool((smallest.view(torch.int32) == 1 << 23).all()) and bool((exp(torch.full((67,), -1e3)) > 1e-35).all())
    denormal = torch.full((67,), 3, dtype=torch.int32).view(torch.float32)
    return kept and not bool(quantize(denormal, BYTE).codes.any())


PROBES: tuple[Callable[[], bool], ...] = (
    integer_matmul,
    wide_codes,
    float_carriers,
    square_roots,
    divisions,
    separate_roundings,
    rounding,
    order_free_sums,
    small_numbers,
)


def _int_mm(left: Tensor, right: Tensor) -> Tensor:
    product: Tensor = torch._int_mm(left, right)  # noqa: SLF001 - the only int8 matmul that torch has
    return product.long()


def _integers(count: int, low: int, high: int) -> Tensor:
    """Whole numbers from low to high, both included, scattered by a multiplicative hash of their index."""
    mixed = (torch.arange(1, count + 1) * 0x9E3779B1) & 0xFFFFFFFF
    return low + (mixed * (high - low + 1) >> 32)


def _codes(shape: tuple[int, ...], largest: int) -> Tensor:
    """Extreme codes: every row or column of the first block at full scale, alternating in the others."""
    codes = _integers(torch.Size(shape).numel(), -largest, largest).float().view(shape)
    codes.view(-1)[::2] = largest
    return codes
