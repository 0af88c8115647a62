"""Each primitive against its integer oracle and against the second implementation, bit for bit, at the extremes."""

from __future__ import annotations

import math

import numpy as np  # noqa: TID253 - tests of arithmetic
import pytest
import torch  # noqa: TID253 - tests of arithmetic
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from r3cli.errors import NotFinite, Usage
from r3cli.train.config import OptimizerConfig
from r3cli.train.exact import functions, matmul, norm, numbers, optimizer, sums
from r3cli.train.exact.loss import cross_entropy
from r3cli.train.exact.numbers import BYTE, PAIR, RIGHT_PAIR, Width, single
from r3cli.train.exact.oracle import use_oracle
from tests.train.exact import second

WIDTHS = (BYTE, RIGHT_PAIR, PAIR)
ANY = st.floats(width=32, allow_nan=False, allow_infinity=False)
TAME = st.one_of(
    st.floats(-4.0, 4.0, width=32),
    st.sampled_from([0.0, -0.0, 1e-45, -1e-40, 2.0**-126, 1.5, -0.5, 127.0, 1e-20, 3e4]),
)


def rows(elements: st.SearchStrategy[float], most: int = 12) -> st.SearchStrategy[np.ndarray]:
    return arrays(np.float32, st.integers(1, most), elements=elements)


@given(rows(st.one_of(ANY, TAME)), st.sampled_from(WIDTHS))
def test_quantize(row: np.ndarray, width: Width) -> None:
    coded = numbers.quantize(torch.from_numpy(row), width)
    codes, scale = second.quantize(row, width.bits, width.largest)
    assert coded.codes.tolist() == codes
    assert float(coded.scale) == float(scale)


@given(rows(st.one_of(st.floats(-(2.0**60), 2.0**60, width=32), TAME)))
def test_quantize_activations(row: np.ndarray) -> None:
    coded = numbers.quantize_activations(torch.from_numpy(row))
    codes, scale = second.quantize_activations(row)
    assert coded.codes.tolist() == codes
    assert float(coded.scale) == scale
    assert max(map(abs, codes)) <= 127


@pytest.mark.parametrize("width", WIDTHS)
def test_digits_of_every_code(width: Width) -> None:
    codes = torch.arange(-width.largest, width.largest + 1).float()
    planes = numbers.digits(codes, width)
    whole = torch.zeros_like(codes)
    for plane in planes:
        whole = whole * 128 + plane.float()
    assert torch.equal(whole, codes)
    if width is RIGHT_PAIR:
        assert max(int(plane.abs().max()) for plane in planes) <= 64


@st.composite
def operands(draw: st.DrawFn) -> tuple[torch.Tensor, Width, torch.Tensor, Width]:
    left_width, right_width = draw(st.sampled_from([BYTE, PAIR])), draw(st.sampled_from([RIGHT_PAIR, numbers.TERNARY]))
    rows_, inner, columns = (draw(st.integers(1, size)) for size in (20, 70, 20))

    def codes(shape: tuple[int, int], largest: int) -> torch.Tensor:
        edges = st.sampled_from([-largest, largest, 0, 1, -1, largest - 1])
        return torch.from_numpy(
            draw(arrays(np.float32, shape, elements=st.one_of(edges, st.integers(-largest, largest))))
        )

    left = codes((rows_, inner), left_width.largest)
    return left, left_width, codes((inner, columns), right_width.largest), right_width


@given(operands())
@settings(max_examples=60, deadline=None)
def test_multiply_is_the_integer_product(case: tuple[torch.Tensor, Width, torch.Tensor, Width]) -> None:
    left, left_width, right, right_width = case
    a = matmul.left_operand(numbers.Quantized(left, torch.ones(1), left_width))
    b = matmul.right_operand(right, right_width)
    # Python integers, then one rounding.
    exact = np.array(left.to(torch.int64).tolist(), dtype=object) @ np.array(
        right.to(torch.int64).tolist(), dtype=object
    )
    expected = torch.tensor(exact.astype(np.float64)).float()
    assert torch.equal(matmul.multiply(a, b), expected)
    assert torch.equal(matmul.multiply_carried(left, left_width, right, right_width), expected)
    with use_oracle():
        assert torch.equal(matmul.multiply(a, b), expected)
        assert torch.equal(matmul.multiply_carried(left, left_width, right, right_width), expected)


@pytest.mark.parametrize("inner", [1, 1040, 1041, 2056, 2057, 4096])
@pytest.mark.parametrize("widths", [(BYTE, RIGHT_PAIR), (PAIR, RIGHT_PAIR), (PAIR, numbers.TERNARY)])
def test_multiply_at_full_scale_around_the_carriers_bounds(inner: int, widths: tuple[Width, Width]) -> None:
    left_width, right_width = widths
    left = torch.full((3, inner), float(left_width.largest))
    left[1] *= -1
    right = torch.full((inner, 2), float(right_width.largest))
    a = matmul.left_operand(numbers.Quantized(left, torch.ones(1), left_width))
    product = matmul.multiply(a, matmul.right_operand(right, right_width))
    exact = float(np.float32(inner * left_width.largest * right_width.largest))
    assert product.tolist() == [[exact] * 2, [-exact] * 2, [exact] * 2]
    assert torch.equal(matmul.multiply_carried(left, left_width, right, right_width), product)


def test_minus_128_on_the_left() -> None:
    left = torch.full((17, 512), -128, dtype=torch.int8)
    right = torch.full((512, 3), 64.0)
    operand = matmul.LeftOperand(left.float(), left, BYTE)
    assert bool((matmul.multiply(operand, matmul.right_operand(right, Width(7, 64, 1))) == -128 * 64 * 512).all())


def test_what_could_leave_its_carrier_is_refused() -> None:
    wide = matmul.LeftOperand(torch.zeros(1, 1 << 18), torch.zeros(1, 1 << 18, dtype=torch.int8), BYTE)
    with pytest.raises(Usage, match="int32"):
        matmul.multiply(wide, matmul.ternary_operand(torch.zeros(1 << 18, 1, dtype=torch.int8)))
    for width in (BYTE, PAIR):
        with pytest.raises(Usage, match="right"):
            matmul.right_operand(torch.zeros(1, 1), width)
    huge = Width(40, 2**39, 6)
    with pytest.raises(Usage, match="float64"):
        matmul.multiply_carried(torch.zeros(1, 2), huge, torch.zeros(2, 1), huge)


@given(rows(st.one_of(st.floats(-(2.0**80), 2.0**80, width=32), TAME)))
def test_fixed_sum(row: np.ndarray) -> None:
    total = float(sums.fixed_sum(torch.from_numpy(row)))
    assert total == second.fixed_sum(row)
    with use_oracle():
        assert float(sums.fixed_sum(torch.from_numpy(row))) == total


@given(rows(TAME, 30), st.integers(0, 2**32))
def test_sums_have_no_order(row: np.ndarray, seed: int) -> None:
    shuffled = row.copy()
    np.random.default_rng(seed).shuffle(shuffled)
    assert torch.equal(sums.fixed_sum(torch.from_numpy(row)), sums.fixed_sum(torch.from_numpy(shuffled)))


@pytest.mark.parametrize("bad", [math.inf, -math.inf, math.nan])
def test_a_sum_that_left_float32_is_an_error(bad: float) -> None:
    with pytest.raises(NotFinite):
        sums.fixed_sum(torch.tensor([1.0, bad]))


@given(rows(st.floats(0.0, 1.0, width=32)))
def test_unit_sum(row: np.ndarray) -> None:
    total = float(sums.unit_sum(torch.from_numpy(row)))
    assert total == second.unit_sum(row)
    with use_oracle():
        assert float(sums.unit_sum(torch.from_numpy(row))) == total


def test_grid_rounds_half_to_even_and_saturates() -> None:
    values = torch.tensor([0.5, 1.5, -0.5, 2.5, 1e30, -1e30], dtype=torch.float64)
    values[:4] *= 2.0**-36
    assert sums.to_grid(values).tolist() == [0, 2, 0, 2, 2**53, -(2**53)]
    assert float(sums.from_grid(torch.tensor(3 << 35))) == 1.5


@given(st.floats(-200.0, 0.0, width=32))
def test_exp(value: float) -> None:
    result = float(functions.exp(torch.tensor([value])))
    assert result == second.exp(np.float32(value))
    assert result == pytest.approx(math.exp(max(value, -80.0)), rel=3e-7)


@given(st.floats(2.0**-100, 2.0**100, width=32))
def test_log(value: float) -> None:
    result = float(functions.log(torch.tensor([value])))
    assert result == second.log(np.float32(value))
    assert result == pytest.approx(math.log(value), rel=1e-15, abs=1e-16)


@given(st.floats(0.0, 2.0**120, width=32, allow_subnormal=False))
def test_square_root(value: float) -> None:
    expected = second.square_root(np.float32(value)) if value else 0.0
    assert float(functions.square_root(torch.tensor([value]))) == expected


def test_square_roots_of_many_mantissas_are_those_of_the_hardware() -> None:
    mantissas = np.arange(1 << 23, 1 << 24, 37).astype(np.float32)
    for values in (mantissas, mantissas * np.float32(2)):
        assert np.array_equal(functions.square_root(torch.from_numpy(values)).numpy(), np.sqrt(values))


@given(rows(TAME, 9), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_rms_norm(row: np.ndarray, seed: int) -> None:
    weight = np.random.default_rng(seed).uniform(-2, 2, len(row)).astype(np.float32)
    result, _ = norm.rms_norm(torch.from_numpy(row), torch.from_numpy(weight), 1e-5)
    assert np.array_equal(result.numpy(), second.rms_norm(row, weight, 1e-5))


@given(rows(st.floats(-50.0, 50.0, width=32), 9), st.data())
@settings(deadline=None)
def test_cross_entropy(row: np.ndarray, data: st.DataObject) -> None:
    target = data.draw(st.integers(0, len(row) - 1))
    losses, memory = cross_entropy(torch.from_numpy(row.copy()).view(1, 1, -1), torch.tensor([[target]]))
    assert losses.tolist() == [second.cross_entropy(row, target)]
    probabilities = (memory.weights / memory.totals).view(-1).numpy()
    assert np.array_equal(probabilities, second.softmax(row))


@given(st.lists(rows(st.floats(-(2.0**17), 2.0**17, width=32)), min_size=1, max_size=3))
def test_global_norm(gradients: list[np.ndarray]) -> None:
    tensors = {str(index): torch.from_numpy(gradient) for index, gradient in enumerate(gradients)}
    result = optimizer.global_norm(tensors)
    assert result == second.global_norm(gradients)
    assert result == pytest.approx(math.sqrt(sum(float((g.astype(float) ** 2).sum()) for g in gradients)), rel=1e-3)


SETTINGS = st.builds(
    OptimizerConfig,
    learning_rate=st.floats(1e-6, 0.5),
    beta1=st.floats(0.0, 0.999),
    beta2=st.floats(0.0, 0.9999),
    weight_decay=st.floats(0.0, 0.5),
    clip_norm=st.floats(1e-3, 10.0),
)


@given(SETTINGS, st.integers(1, 40), arrays(np.float32, (4, 3), elements=TAME))
@settings(deadline=None)
def test_adamw(config: OptimizerConfig, step: int, values: np.ndarray) -> None:
    parameter, first, squares, gradient = values
    squares = np.abs(squares)
    state = optimizer.Moments(*({"x": torch.from_numpy(part.copy())} for part in (parameter, first, squares)))
    after = optimizer.adamw(state, {"x": torch.from_numpy(gradient)}, config, step=step)
    length = second.global_norm([gradient])
    clip = config.clip_norm / length if length > config.clip_norm else 1.0
    for index in range(3):
        expected = second.adamw(
            parameter[index], first[index], squares[index], gradient[index], clip=clip, step=step, config=config
        )
        got = tuple(float(part["x"][index]) for part in (after.parameters, after.first, after.second))
        assert got == tuple(map(float, expected))


def test_moments_never_decay_into_denormals() -> None:
    config = OptimizerConfig()
    state = optimizer.Moments({"x": torch.ones(1)}, {"x": torch.ones(1)}, {"x": torch.ones(1)})
    for step in range(1, 800):
        state = optimizer.adamw(state, {"x": torch.zeros(1)}, config, step=step)
    assert float(state.first["x"]) == 0.0
    assert float(state.second["x"]) >= 2.0**-100


def test_single_rounds_once() -> None:
    assert single(0.1) == float(np.float32(0.1))
