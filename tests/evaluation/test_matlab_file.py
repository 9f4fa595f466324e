"""MATLAB files: what SciPy writes is read as it reads it, and whatever the bytes are, arrays or a sentence come."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from mat_files import cell, matlab

from posecore.errors import SourceError
from posecore.evaluation.matlab_file import MOST_BYTES, read_matlab

NUMBERS = [np.dtype(kind) for kind in "f8 f4 i1 u1 i2 u2 i4 u4 i8 u8".split()]  # noqa: SIM905


@given(
    st.sampled_from(NUMBERS).flatmap(lambda dtype: arrays(dtype, array_shapes(max_dims=4, min_dims=2))),
    st.booleans(),
)
def test_arrays_come_as_they_were_written(array, compressed):
    found = read_matlab(
        matlab({"before": [1], "x": array, "after": "text"}, do_compression=compressed), "a.mat", ("x",)
    )
    assert list(found) == ["x"]
    assert found["x"].dtype == array.dtype
    assert found["x"].shape == array.shape
    assert np.array_equal(found["x"], array, equal_nan=array.dtype.kind == "f")


@pytest.mark.parametrize("compressed", [False, True])
def test_cells_of_words(compressed):
    data = matlab({"names": cell("rank rkne a elbow")}, do_compression=compressed)
    assert read_matlab(data, "a.mat", ("names",)) == {"names": ("rank", "rkne", "a", "elbow")}


def test_large_zeros_unpack():
    data = matlab({"x": np.zeros((300, 7, 11))}, do_compression=True)
    assert len(data) < 2000
    assert read_matlab(data, "a.mat", ("x",))["x"].shape == (300, 7, 11)


def test_files_of_big_endian_machines():
    name, numbers = b"x\0\0\0", struct.pack(">2d", 1.5, -2)
    body = struct.pack(">IIII", 6, 8, 6, 0) + struct.pack(">IIii", 5, 8, 1, 2)
    body += struct.pack(">HH", 1, 1) + name + struct.pack(">II", 9, 16) + numbers
    data = b"MATLAB 5.0".ljust(124) + b"\1\0MI" + struct.pack(">II", 14, len(body)) + body
    assert read_matlab(data, "a.mat", ("x",))["x"].tolist() == [[1.5, -2.0]]


def test_whole_numbers_stored_in_less_are_the_class_of_the_variable():
    # MATLAB stores a double array of 1 2 3 in bytes.
    body = struct.pack("<IIII", 6, 8, 6, 0) + struct.pack("<IIii", 5, 8, 1, 3)
    body += struct.pack("<HH", 1, 1) + b"x\0\0\0" + struct.pack("<HH", 2, 3) + b"\1\2\3\0"
    data = b"MATLAB 5.0".ljust(124) + b"\0\1IM" + struct.pack("<II", 14, len(body)) + body
    found = read_matlab(data, "a.mat", ("x",))["x"]
    assert (found.dtype, found.tolist()) == (np.float64, [[1, 2, 3]])


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({"a": 1}, "a.mat: variable x: wanted an array of numbers, got a struct"),
        ("text", "a.mat: variable x: wanted an array of numbers, got text"),
        (np.array([[1j]]), "a.mat: variable x: wanted real numbers, got complex ones"),
        (
            np.array([[1, None]], object)[:, :1],
            "a.mat: variable x: wanted a cell of words, got a cell of something else",
        ),
    ],
)
def test_other_kinds_of_variables_are_refused_by_name(value, sentence):
    with pytest.raises(SourceError, match=sentence):
        read_matlab(matlab({"x": value}), "a.mat", ("x",))


def test_variables_that_nobody_asks_for_may_be_anything():
    data = matlab({"s": {"a": 1}, "c": np.array([[1j]]), "x": np.ones((1, 1))})
    assert list(read_matlab(data, "a.mat", ("x",))) == ["x"]


def test_a_bomb_is_not_unpacked():
    tag = struct.pack("<II", 14, MOST_BYTES + 1)
    packed = zlib.compress(tag + bytes(1000))
    data = b"MATLAB 5.0".ljust(124) + b"\0\1IM" + struct.pack("<II", 15, len(packed)) + packed
    with pytest.raises(SourceError, match=r"a.mat: wanted variables of at most 256 MiB, got 268435457 bytes"):
        read_matlab(data, "a.mat", ("x",))
    body = struct.pack("<IIII", 6, 8, 6, 0) + struct.pack("<IIiiii", 5, 16, *[2**31 - 1] * 4)
    body += struct.pack("<HH", 1, 1) + b"x\0\0\0" + struct.pack("<II", 9, 0)
    data = b"MATLAB 5.0".ljust(124) + b"\0\1IM" + struct.pack("<II", 14, len(body)) + body
    with pytest.raises(SourceError, match=r"a.mat: variable x: wanted at most 256 MiB, got the shape"):
        read_matlab(data, "a.mat", ("x",))


@given(st.data(), st.booleans())
def test_broken_bytes_give_arrays_or_a_sentence(data, compressed):
    whole = matlab({"x": np.arange(6.0).reshape(2, 3), "names": cell("a b")}, do_compression=compressed)
    if data.draw(st.booleans(), "cut off"):
        broken = whole[: data.draw(st.integers(0, len(whole) - 1))]
    else:
        broken = bytearray(whole)
        for _ in range(data.draw(st.integers(1, 4))):
            broken[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = read_matlab(bytes(broken), "a.mat", ("x", "names"))
    except SourceError as error:
        said = str(error)
    else:
        said = f"a.mat: {', '.join(found)}"
        assert all(isinstance(value, (np.ndarray, tuple)) for value in found.values())
    assert said.startswith("a.mat: ")
    assert said.isprintable()
