"""From a picture's bytes to the input tensor: values, margins, colours, and pictures as they come."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posecore.errors import ModelError
from posecore.heads import Quantization
from posecore.layouts import TensorInfo
from posecore.runtime.geometry import Geometry
from posecore.runtime.network_input import checked_image, contiguous_pixels, pixel_coding

BYTES = np.arange(256)


def tensor(dtype: str, scale: float | None = None, zero_point: int = 0) -> TensorInfo:
    quantization = None if scale is None else Quantization(scale, zero_point)
    return TensorInfo("image", (1, 16, 16, 3), dtype, quantization)


def written(info: TensorInfo, kind: str = "posenet", input_range: Any = None) -> np.ndarray:
    """What each of the 256 bytes becomes."""
    coding = pixel_coding(info, kind=kind, input_range=input_range, model="m")  # type: ignore[arg-type]
    image = np.repeat(BYTES.astype(np.uint8).reshape(16, 16, 1), 3, axis=2)
    out = np.zeros((16, 16, 3), info.dtype)
    coding.write(image, out, Geometry.letterbox((16, 16), (16, 16)), swap_red_blue=False)
    assert (out == out[:, :, :1]).all()
    return out[:, :, 0].ravel()


def test_posenet_in_float_gets_minus_one_to_one() -> None:
    np.testing.assert_allclose(written(tensor("float32")), BYTES / 127.5 - 1, atol=1e-6)


def test_movenet_in_float_gets_plain_bytes() -> None:
    np.testing.assert_array_equal(written(tensor("float32"), "movenet-multi"), BYTES.astype(np.float32))


@pytest.mark.parametrize("input_range", [(0, 1), (-0.5, 0.5), (-103.94, 151.06)])
def test_a_float_range_can_be_said(input_range: tuple[float, float]) -> None:
    low, high = input_range
    expected = low + BYTES / 255 * (high - low)
    np.testing.assert_allclose(written(tensor("float32"), "heatmaps", input_range), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("info", "first"),
    [
        (tensor("uint8"), 0),
        (tensor("uint8", 1 / 128, 128), 0),
        (tensor("uint8", 2 / 255, 127), 0),
        (tensor("int8", 1 / 128, 0), -128),
        (tensor("int8", 2 / 255, -1), -128),
        (tensor("int8", 1 / 255, -128), -128),
        (tensor("int8", 1.0, -128), -128),
    ],
    ids=str,
)
def test_where_the_codes_span_a_usual_range_they_are_the_bytes(info: TensorInfo, first: int) -> None:
    np.testing.assert_array_equal(written(info), BYTES + first)


@given(
    st.sampled_from(["uint8", "int8"]),
    st.floats(0.002, 2),
    st.integers(-60, 60),
    st.sampled_from([(-1, 1), (0, 1), (-2.0, 2.5)]),
)
def test_a_quantised_input_holds_the_values_to_within_a_quantum(
    dtype: str, scale: float, shift: int, input_range: tuple[float, float]
) -> None:
    zero_point = shift + (128 if dtype == "uint8" else 0)
    codes = written(tensor(dtype, scale, zero_point), input_range=input_range)
    real = (codes.astype(float) - zero_point) * scale
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    wanted = input_range[0] + BYTES / 255 * (input_range[1] - input_range[0])
    reachable = np.clip(wanted, (low - zero_point) * scale, (high - zero_point) * scale)
    assert np.abs(real - reachable).max() <= 1.02 * scale


def test_margins_are_grey_and_the_rest_is_the_picture() -> None:
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    geometry = Geometry((7, 5), (11, 8), (7, 5), (3, 1))
    coding = pixel_coding(tensor("float32"), kind="posenet", input_range=None, model="m")
    out = np.full((8, 11, 3), np.nan, np.float32)
    coding.write(image, out, geometry, swap_red_blue=False)
    expected = np.full((8, 11, 3), 127 / 127.5 - 1)
    expected[1:6, 3:10] = image / 127.5 - 1
    np.testing.assert_allclose(out, expected, atol=1e-6)
    coding.write(image, out, geometry, swap_red_blue=True)
    np.testing.assert_allclose(out, expected[:, :, ::-1], atol=1e-6)


@pytest.mark.parametrize(
    ("info", "kind", "grey"),
    [
        (tensor("float32"), "posenet", 127 / 127.5 - 1),
        (tensor("float32"), "movenet-single", 127),
        (tensor("uint8"), "posenet", 127),
        (tensor("uint8", 1 / 128, 128), "posenet", 127),
        (tensor("int8", 1 / 128, 0), "posenet", -1),
        (tensor("int8", 1.0, -128), "movenet-multi", -1),
    ],
    ids=str,
)
def test_margins_are_the_middle_grey_of_a_picture(info: TensorInfo, kind: str, grey: float) -> None:
    """Byte 127: as the published networks saw where a picture ended, 0 in units of -1 to 1 to half a byte."""
    coding = pixel_coding(info, kind=kind, input_range=None, model="m")  # type: ignore[arg-type]
    out = np.full((4, 6, 3), 55, info.dtype)
    image = np.full((2, 6, 3), 255, np.uint8)
    coding.write(image, out, Geometry((6, 2), (6, 4), (6, 2), (0, 1)), swap_red_blue=False)
    np.testing.assert_allclose(out[[0, 3]].astype(float), grey, atol=1e-6)
    assert (out[1:3] != out[0, 0, 0]).all()


@pytest.mark.parametrize(
    ("info", "kind", "message"),
    [
        (tensor("float16"), "posenet", "m: wanted an input of float32, uint8 or int8, got float16"),
        (
            tensor("float32"),
            "heatmaps",
            "m: wanted input_range, the values that its float input takes for bytes 0 and 255, "
            "such as (-1, 1), (0, 1) or (0, 255), since a heatmap model does not say; got None",
        ),
        (tensor("int8"), "posenet", "m: wanted a scale and zero point for its int8 input, got none"),
        (
            tensor("int8", 0.1, 5),
            "heatmaps",
            "m: wanted input_range, such as (-1, 1), since its int8 input reaches from -13.3 to 12.2, "
            "which is none of the usual ranges; got None",
        ),
    ],
)
def test_what_nobody_says_is_not_guessed(info: TensorInfo, kind: str, message: str) -> None:
    with pytest.raises(ModelError) as caught:
        pixel_coding(info, kind=kind, input_range=None, model="m")  # type: ignore[arg-type]
    assert str(caught.value) == message


@pytest.mark.parametrize("input_range", [5, (1,), (0, 1, 2), ("0", "1"), (False, True)])
def test_a_range_is_two_numbers(input_range: Any) -> None:
    with pytest.raises(
        TypeError, match=r"input_range: wanted two numbers \(low, high\) with low < high, got"
    ):
        pixel_coding(tensor("float32"), kind="posenet", input_range=input_range, model="m")


@pytest.mark.parametrize("input_range", [(1, 1), (1, -1), (0, float("nan")), (float("-inf"), 0)])
def test_a_range_goes_up(input_range: Any) -> None:
    with pytest.raises(
        ValueError, match=r"input_range: wanted two numbers \(low, high\) with low < high, got"
    ):
        pixel_coding(tensor("float32"), kind="posenet", input_range=input_range, model="m")


WANTED = "image: wanted a uint8 NumPy array of shape (H, W, 3), got "


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ([[[0, 0, 0]]], "list"),
        (None, "NoneType, which OpenCV's imread gives for a file that it cannot read"),
        ("people.jpg", "str; read the file first, with OpenCV (color='bgr') or PIL"),
        (
            np.zeros((4, 4, 3), np.float32),
            "dtype float32; for values from 0 to 1, numpy.uint8(255 * image) is one",
        ),
        (np.zeros((4, 4, 3), np.int64), "dtype int64"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_what_is_no_picture_by_type(image: Any, message: str) -> None:
    with pytest.raises(TypeError) as caught:
        checked_image(image)
    assert str(caught.value) == WANTED + message


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((4, 5), "shape (4, 5); a grey picture becomes one by numpy.dstack([image] * 3)"),
        ((4, 5, 1), "shape (4, 5, 1); a grey picture becomes one by numpy.dstack([image] * 3)"),
        ((4, 5, 4), "shape (4, 5, 4); image[:, :, :3] leaves the alpha channel out"),
        ((3, 4, 5), "shape (3, 4, 5); image.transpose(1, 2, 0) puts the channels last"),
        ((1, 4, 5, 3), "shape (1, 4, 5, 3); pass one picture of the batch, image[0]"),
        ((7,), "shape (7,)"),
        ((0, 5, 3), "no pixels, shape (0, 5, 3)"),
        ((5, 0, 3), "no pixels, shape (5, 0, 3)"),
    ],
    ids=str,
)
def test_what_is_no_picture_by_shape(shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  the whole message is compared
        checked_image(np.zeros(shape, np.uint8))
    assert str(caught.value) == WANTED + message


@given(st.integers(1, 6), st.integers(1, 6), st.sampled_from(range(8)))
def test_any_strides_become_contiguous_pixels(height: int, width: int, how: int) -> None:
    base = np.random.default_rng(how).integers(0, 256, (3 * height, 3 * width, 3), dtype=np.uint8)
    image = [
        base[:height, :width],
        base[::3, ::3],
        base[:height, :width][::-1],
        base[:height, :width][:, ::-1],
        base[:height, :width, ::-1],
        np.asfortranarray(base[:height, :width]),
        base[:width, :height].transpose(1, 0, 2),
        np.broadcast_to(base[:1, :1], (height, width, 3)),
    ][how]
    pixels, swapped = contiguous_pixels(image)
    assert pixels.strides[1:] == (3, 1)
    assert pixels.strides[0] >= 3 * image.shape[1]
    np.testing.assert_array_equal(pixels[:, :, ::-1] if swapped else pixels, image)


def test_the_usual_ways_of_cutting_and_turning_colours_copy_nothing() -> None:
    frame = np.zeros((40, 60, 3), np.uint8)
    for image, swapped in (
        (frame, False),
        (frame[5:30, 7:50], False),
        (frame[::2], False),
        (frame[:, :, ::-1], True),
    ):
        pixels, said = contiguous_pixels(image)
        assert said == swapped
        assert np.shares_memory(pixels, frame)
