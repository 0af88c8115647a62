"""Canonical tensors: one byte string for a set of tensors, and any bytes are tensors or a typed error."""

from __future__ import annotations

import struct
from contextlib import suppress

import numpy as np  # noqa: TID253 - arrays are what is tested
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from r3cli.errors import BadContent, Malformed, TooLarge, Usage
from r3cli.kernels.tensors import decode_tensors, encode_tensors

DTYPES = ["<f4", "<f8", "|i1", "|u1", "<i4", "<i8", "<u2"]
tensor_sets = st.dictionaries(
    st.text(max_size=8),
    st.sampled_from(DTYPES).flatmap(
        lambda dtype: hnp.arrays(np.dtype(dtype), hnp.array_shapes(min_dims=0, min_side=0))
    ),
    max_size=4,
)


@given(tensor_sets)
@settings(deadline=None)
def test_what_was_encoded_is_decoded(tensors: dict[str, np.ndarray]) -> None:
    content = encode_tensors(tensors)
    decoded = decode_tensors(content)
    assert set(decoded) == set(tensors)
    for name, tensor in tensors.items():
        assert decoded[name].dtype == tensor.dtype
        assert decoded[name].shape == tensor.shape
        assert decoded[name].tobytes() == tensor.tobytes()  # bit for bit, NaN included
    assert encode_tensors(decoded) == content


def test_order_and_memory_layout_do_not_matter() -> None:
    table = np.arange(6, dtype=np.int64).reshape(2, 3)
    one = encode_tensors({"a": table, "b": table})
    assert one == encode_tensors({"b": np.asfortranarray(table), "a": table[::-1][::-1]})


def test_the_bytes_are_the_documented_ones() -> None:
    content = encode_tensors({"w": np.array([[1, -1]], dtype=np.int8)})
    assert content.hex() == "7233746e010100000001007703020100000000000000020000000000000001ff"


@given(st.binary(max_size=120))
def test_any_bytes_are_tensors_or_malformed(content: bytes) -> None:
    with suppress(Malformed):
        assert encode_tensors(decode_tensors(content)) == content


@given(st.binary(max_size=80))
def test_any_bytes_after_a_good_prefix_are_tensors_or_malformed(content: bytes) -> None:
    content = b"r3tn\x01\x01\x00\x00\x00\x01\x00w" + content
    with suppress(Malformed):
        assert encode_tensors(decode_tensors(content)) == content


@given(tensor_sets, st.data())
@settings(deadline=None)
def test_mutated_tensors_are_canonical_or_malformed(tensors: dict[str, np.ndarray], data: st.DataObject) -> None:
    content = bytearray(encode_tensors(tensors))
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with suppress(BadContent):
        assert encode_tensors(decode_tensors(bytes(content))) == bytes(content)


@pytest.mark.parametrize(
    "dimensions", [(1 << 62,), (1 << 40, 1 << 40), (0, 1 << 63), (0, 1 << 32, 1 << 32), (1 << 63, 2, 0, 0)]
)
def test_impossible_dimensions_are_malformed(dimensions: tuple[int, ...]) -> None:
    shape = struct.pack(f"<{len(dimensions)}Q", *dimensions)
    with pytest.raises(Malformed):
        decode_tensors(b"r3tn\x01\x01\x00\x00\x00\x01\x00w\x01" + bytes((len(dimensions),)) + shape)


def test_the_limit_is_kept() -> None:
    content = encode_tensors({"w": np.zeros(4, np.float32)})
    assert decode_tensors(content, limit=len(content))
    with pytest.raises(TooLarge):
        decode_tensors(content, limit=len(content) - 1)


@pytest.mark.parametrize(
    "tensor", [np.zeros(2, np.float16), np.zeros(2, ">f4"), np.zeros(2, bool), np.zeros((1,) * 9, np.int8)]
)
def test_what_has_no_canonical_form_is_refused(tensor: np.ndarray) -> None:
    with pytest.raises(Usage):
        encode_tensors({"w": tensor})
