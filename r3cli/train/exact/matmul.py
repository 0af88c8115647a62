"""Matmuls of codes whose sums are exact, so that no order, thread count or instruction set can matter.

Two carriers, each within its proven bound:

* int8 digits through `torch._int_mm` into int32. On CPUs without VNNI, oneDNN adds pairs of products in
  saturating int16, so the right operand stays within +-64 (255 * 64 * 2 = 32640 fits).
* float32 while every partial sum stays within 2**24, else float64 within 2**53; fused or not, in any order.

A finished integer is rounded once to float32, whatever carried it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch  # noqa: TID253 - a leaf that exists to compute
from torch import Tensor  # noqa: TID253 - as above

from r3cli.errors import Usage
from r3cli.train.exact.numbers import DIGIT_BASE, TERNARY, Quantized, Width, digits
from r3cli.train.exact.oracle import oracle_active

INT32_LIMIT = 2**31
FLOAT32_LIMIT = 2**24
FLOAT64_LIMIT = 2**53
RIGHT_DIGIT_LIMIT = 64


@dataclass(frozen=True, eq=False)
class LeftOperand:
    """Codes (rows, inner) with their int8 digit planes stacked along the rows."""

    codes: Tensor
    planes: Tensor
    width: Width


@dataclass(frozen=True, eq=False)
class RightOperand:
    """Codes (inner, columns) as contiguous int8 digit planes side by side, every digit within +-64."""

    planes: Tensor
    width: Width


def left_operand(quantized: Quantized) -> LeftOperand:
    """Prepare codes of any leading shape; they are joined into rows."""
    codes = quantized.codes.reshape(-1, quantized.codes.shape[-1])
    planes = digits(codes, quantized.width)
    return LeftOperand(codes, planes[0] if len(planes) == 1 else torch.cat(planes, 0), quantized.width)


def right_operand(codes: Tensor, width: Width) -> RightOperand:
    """Prepare codes (inner, columns) of a width whose digits fit the right side."""
    if width.largest > _largest_on_the_right(width.digits):
        raise Usage(f"{width.bits}-bit codes may not stand on the right of an int8 matmul")
    return RightOperand(torch.cat(digits(codes, width), 1).contiguous(), width)


def ternary_operand(matrix: Tensor) -> RightOperand:
    """An int8 matrix (inner, columns) of -1, 0, 1 as it is."""
    return RightOperand(matrix.contiguous(), TERNARY)


def multiply(left: LeftOperand, right: RightOperand) -> Tensor:
    """The product of left (rows, inner) and right (inner, columns): exact, then rounded once to float32."""
    inner = left.codes.shape[-1]
    if inner * DIGIT_BASE * RIGHT_DIGIT_LIMIT >= INT32_LIMIT:
        raise Usage(f"an int8 matmul over {inner} terms could leave int32")
    if oracle_active():
        return (left.codes.to(torch.int64) @ _whole(right)).to(torch.float32)
    product = torch._int_mm(left.planes, right.planes)  # noqa: SLF001 - the only int8 matmul that torch has
    if left.width.digits == right.width.digits == 1:
        return product.to(torch.float32)
    blocks = product.view(left.width.digits, -1, right.width.digits, product.shape[1] // right.width.digits)
    return _combine(blocks, bound=inner * left.width.largest * right.width.largest)


def multiply_carried(left: Tensor, left_width: Width, right: Tensor, right_width: Width) -> Tensor:
    """Batched left (..., rows, inner) times right (..., inner, columns) of float32 codes, rounded once to float32."""
    if oracle_active():
        return torch.matmul(left.to(torch.int64), right.to(torch.int64)).to(torch.float32)
    bound = left.shape[-1] * left_width.largest * right_width.largest
    if bound <= FLOAT32_LIMIT:
        return torch.matmul(left, right)
    if bound > FLOAT64_LIMIT:
        raise Usage(f"a matmul over {left.shape[-1]} terms of these widths could leave float64")
    return torch.matmul(left.double(), right.double()).to(torch.float32)


def _largest_on_the_right(digits_used: int) -> int:
    """The largest code whose first digit is at most 64 (and whose others are at most 63)."""
    largest = RIGHT_DIGIT_LIMIT
    for _ in range(digits_used - 1):
        largest = largest * DIGIT_BASE + DIGIT_BASE // 2 - 1
    return largest


def _combine(blocks: Tensor, bound: int) -> Tensor:
    """Weigh the products of digit planes (left digits, rows, right digits, columns) by powers of 128 and add them."""
    left_digits, _, right_digits, _ = blocks.shape
    carrier = torch.int32 if bound < INT32_LIMIT else torch.float64
    total = blocks[-1, :, -1].to(carrier)
    for i in range(left_digits):
        for j in range(right_digits):
            places = left_digits - 1 - i + right_digits - 1 - j
            if places:
                total = total + blocks[i, :, j].to(carrier) * DIGIT_BASE**places
    return total.to(torch.float32)


def _whole(right: RightOperand) -> Tensor:
    """The codes of a right operand as int64, put together from its digits."""
    first, *rest = right.planes.to(torch.int64).chunk(right.width.digits, dim=1)
    for plane in rest:
        first = first * DIGIT_BASE + plane
    return first
