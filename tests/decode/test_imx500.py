"""Raspberry Pi AI Camera: captured heads in the camera's layout give the people that `Decoder` finds in them."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import posecore as pc
from posecore import COCO17
from posecore.compat.imx500 import _onto, decode

NUMBERS = 23 * 31 * (17 + 34 + 64)
SENSOR = (0, 0, 4056, 3040)
PICTURES = ["couple", "three", "squat", "crowd12", "empty"]


class Frame:
    """The real numbers of one capture of family B, as the camera sends them."""

    def __init__(self, path: Path) -> None:
        with np.load(path, allow_pickle=False) as file:
            self.tensors = [file[name] for name in ("heat", "short_px", "mid_px")]
        blocks = [np.ascontiguousarray(tensor.transpose(2, 1, 0)) for tensor in self.tensors]
        self.buffer = np.concatenate([block.ravel() for block in blocks])

    def poses(self, **options: Any) -> pc.Poses:
        heat, short, mid = self.tensors
        decoder = pc.Decoder(COCO17, stride_px=16, **options)
        return decoder(heat, short, *(np.ascontiguousarray(half) for half in np.split(mid, 2, axis=2)))


@pytest.fixture(params=PICTURES)
def frame(request: pytest.FixtureRequest, decode_data: Path) -> Frame:
    return Frame(decode_data / f"{request.param}_353x481__B.npz")


@pytest.fixture
def couple(decode_data: Path) -> Frame:
    return Frame(decode_data / "couple_353x481__B.npz")


def shown(x: float, y: float, crop: tuple[int, ...], main: tuple[int, int]) -> tuple[float, float]:
    """Where rpicam-apps puts a point of the network's input: its way without its rounding, whose outer pixels lie on
    the edges, and without its bounds."""
    across, down = x / 480 * 4055, y / 352 * 3039
    return (across - crop[0]) * main[0] / crop[2], (down - crop[1]) * main[1] / crop[3]


def test_the_people_of_the_same_heads(frame: Frame) -> None:
    options = {"max_poses": 5, "root_threshold": 0.4, "pose_threshold": 0.4}
    expected = frame.poses(**options)
    poses = decode(frame.buffer, main_size=(481, 353))
    assert len(poses) == len(expected)
    np.testing.assert_allclose(poses.xy, expected.xy, rtol=0, atol=1e-3)
    assert np.array_equal(poses.scores, expected.scores)
    assert np.array_equal(poses.pose_scores, expected.pose_scores)
    assert poses.image_size == (481, 353)


def test_options_go_by_rpicam_apps_names(decode_data: Path) -> None:
    crowd = Frame(decode_data / "crowd12_353x481__B.npz")
    for theirs, ours in [
        ({"max_detections": 12}, {"max_poses": 12}),
        (
            {"max_detections": 20, "threshold": 0.2},
            {"max_poses": 20, "root_threshold": 0.2, "pose_threshold": 0.2},
        ),
        ({"offset_refinement_steps": 0}, {"refine_steps": 0}),
        ({"nms_radius": 200}, {"nms_radius_px": 200}),
    ]:
        defaults = {"max_poses": 5, "root_threshold": 0.4, "pose_threshold": 0.4}
        expected = crowd.poses(**defaults | ours)
        poses = decode(crowd.buffer, main_size=(481, 353), **theirs)
        assert np.array_equal(poses.pose_scores, expected.pose_scores)
        np.testing.assert_allclose(poses.xy, expected.xy, rtol=0, atol=1e-3)


@pytest.mark.parametrize(
    ("crop", "main"),
    [
        (SENSOR, (4056, 3040)),
        (SENSOR, (640, 480)),
        ((1014, 760, 2028, 1520), (1280, 960)),
        ((0, 380, 4056, 2282), (1920, 1080)),
        ((100, 200, 500, 1000), (200, 400)),
    ],
)
def test_points_are_where_rpicam_apps_puts_them(
    couple: Frame, crop: tuple[int, ...], main: tuple[int, int]
) -> None:
    inside = decode(couple.buffer, main_size=(481, 353))
    poses = decode(couple.buffer, scaler_crop=crop, main_size=main)
    assert poses.image_size == main
    one_input_pixel = 4056 / 481 * main[0] / crop[2], 3040 / 353 * main[1] / crop[3]
    for ours, theirs in zip(poses.xy.reshape(-1, 2), inside.xy.reshape(-1, 2), strict=True):
        off = np.abs(ours - shown(*theirs, crop, main))
        # Half an input pixel at the edges, and half of one of the main stream's.
        assert (off <= 0.51 * np.array(one_input_pixel) + 0.51).all()


def test_the_corners_of_the_input_are_the_corners_of_the_sensor() -> None:
    """Pixels cover each other exactly: the outer edges of both pictures are the same lines."""
    xy = np.array([[-0.5, -0.5], [480.5, 352.5]])
    scale_x, scale_y, shift_x, shift_y = _onto(SENSOR, SENSOR, (640, 480)).pixel_map
    mapped = xy * [scale_x, scale_y] + [shift_x, shift_y]
    np.testing.assert_allclose(mapped, [[-0.5, -0.5], [639.5, 479.5]], atol=1e-9)


def test_without_a_main_stream_points_are_the_sensors(couple: Frame) -> None:
    crop = (1000, 500, 2000, 1500)
    whole, part = decode(couple.buffer), decode(couple.buffer, scaler_crop=crop)
    assert (whole.image_size, part.image_size) == ((4056, 3040), (2000, 1500))
    np.testing.assert_allclose(part.xy, whole.xy - [1000, 500], rtol=0, atol=1e-2)


def test_a_network_that_sees_a_part_of_the_sensor(couple: Frame) -> None:
    roi = (508, 0, 3040, 3040)
    whole = decode(couple.buffer, main_size=(4056, 3040))
    part = decode(couple.buffer, main_size=(4056, 3040), inference_roi=roi)
    expected = (whole.xy + 0.5) * [3040 / 4056, 1] + [508, 0] - 0.5
    np.testing.assert_allclose(part.xy, expected, rtol=0, atol=1e-2)


def test_every_form_in_which_the_tensor_comes(couple: Frame) -> None:
    expected = decode(couple.buffer)
    assert len(expected) == 2
    shapes = [(23, 31, channels) for channels in (17, 34, 64)]
    ends = np.cumsum([math.prod(shape) for shape in shapes])[:-1]
    # As Picamera2's get_outputs has them: the blocks in Fortran's order.
    arrays = [
        block.reshape(shape, order="F")
        for block, shape in zip(np.split(couple.buffer, ends), shapes, strict=True)
    ]
    raw = couple.buffer.tobytes()
    odd = memoryview(b"." + raw)[1:]
    spread = np.repeat(couple.buffer, 2)[::2]
    for form in (
        raw,
        bytearray(raw),
        odd,
        memoryview(couple.buffer),
        memoryview(raw).cast("f"),
        memoryview(raw).cast("b"),
        memoryview(raw).cast("c"),
        memoryview(couple.buffer.reshape(115, -1)),
        tuple(couple.buffer.tolist()),
        couple.buffer.tolist(),
        spread,
        arrays,
        tuple(arrays),
        [array[None] for array in arrays],
    ):
        assert decode(form) == expected


@given(
    seed=st.integers(0, 2**32 - 1),
    share=st.sampled_from([0.0, 0.1, 1.0]),
    crop=st.sampled_from([SENSOR, (0, 0, 1, 1), (65535, 65535, 65536, 65536)]),
)
def test_whatever_the_numbers_are_poses_are_finite(
    seed: int, share: float, crop: tuple[int, int, int, int]
) -> None:
    random = np.random.default_rng(seed)
    buffer = random.integers(0, 2**32, NUMBERS, np.uint32).view(np.float32)
    odd = np.array([np.nan, np.inf, -np.inf, 3e38, -0.0], np.float32)
    chosen = random.random(NUMBERS) < share
    buffer[chosen] = random.choice(odd, chosen.sum())
    poses = decode(buffer, scaler_crop=crop, main_size=(640, 480), threshold=0)
    assert np.isfinite(poses.xy).all()
    assert (poses.scores >= 0).all()
    assert (poses.scores <= 1).all()
    assert len(poses) <= 5


def test_numbers_beyond_float32_are_infinite() -> None:
    assert len(decode((1e300,) * NUMBERS)) <= 5


THREE = [np.zeros((23, 31, channels), np.float32) for channels in (17, 34, 64)]
WANTED = "buffer: wanted 81995 float32 numbers, PoseNet's output of one frame"
SENTENCES: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
    (None, {}, TypeError, f"{WANTED}, got NoneType"),
    ("text", {}, TypeError, f"{WANTED}, got str"),
    (np.zeros(NUMBERS), {}, TypeError, f"{WANTED}, got float64"),
    (np.zeros(NUMBERS, ">f4"), {}, TypeError, f"{WANTED}, got >f4"),
    (np.zeros(NUMBERS - 1, np.float32), {}, ValueError, f"{WANTED}, got shape (81994,)"),
    (np.zeros((1, NUMBERS), np.float32), {}, ValueError, f"{WANTED}, got shape (1, 81995)"),
    (np.zeros((23, 31, 115), np.float32), {}, ValueError, f"{WANTED}, got shape (23, 31, 115)"),
    (memoryview(np.zeros(NUMBERS, np.int32)), {}, TypeError, f"{WANTED}, got a memoryview of format 'i'"),
    (memoryview(np.zeros(NUMBERS, ">f4")), {}, TypeError, f"{WANTED}, got a memoryview of format '>f'"),
    (memoryview(np.zeros(NUMBERS // 2, "f8")), {}, TypeError, f"{WANTED}, got a memoryview of format 'd'"),
    (b"", {}, ValueError, f"{WANTED}, got 0 bytes"),
    (bytes(NUMBERS), {}, ValueError, f"{WANTED}, got 81995 bytes"),
    ((), {}, ValueError, f"{WANTED}, got 0"),
    ((0.0,) * 7, {}, ValueError, f"{WANTED}, got 7"),
    (("x",) * NUMBERS, {}, TypeError, f"{WANTED}, got something else among them"),
    ((None,) * NUMBERS, {}, TypeError, f"{WANTED}, got something else among them"),
    ((10**400,) * NUMBERS, {}, TypeError, f"{WANTED}, got something else among them"),
    (([1.0],) * NUMBERS, {}, TypeError, f"{WANTED}, got something else among them"),
    ([*THREE[:2], 3], {}, TypeError, "buffer: wanted float32 of shape (23, 31, 64), got int"),
    (THREE[::-1], {}, ValueError, "buffer: wanted float32 of shape (23, 31, 17), got (23, 31, 64)"),
    (
        [array.astype(np.int8) for array in THREE],
        {},
        TypeError,
        "buffer: wanted float32 of shape (23, 31, 17), got int8",
    ),
    (
        THREE,
        {"scaler_crop": (1, 2, 3)},
        TypeError,
        "scaler_crop: wanted x, y, width, height in pixels of the sensor, got (1, 2, 3)",
    ),
    (
        THREE,
        {"scaler_crop": (0, 0, 0, 9)},
        ValueError,
        "scaler_crop: wanted a whole number from 1 to 65536, got 0",
    ),
    (
        THREE,
        {"inference_roi": (0.5, 0, 9, 9)},
        TypeError,
        "inference_roi: wanted a whole number from 0 to 65535, got float",
    ),
    (THREE, {"main_size": 640}, TypeError, "main_size: wanted (width, height) in pixels, got 640"),
    (THREE, {"threshold": 2}, ValueError, "threshold: wanted a number from 0 to 1, got 2"),
    (
        THREE,
        {"max_detections": 0},
        ValueError,
        "max_detections: wanted a whole number from 1 to 65536, got 0",
    ),
    (
        THREE,
        {"offset_refinement_steps": 1.5},
        TypeError,
        "offset_refinement_steps: wanted a whole number from 0 to 100, got float",
    ),
    (THREE, {"nms_radius": -1}, ValueError, "nms_radius: wanted a number from 0 to 65536, got -1"),
]


@pytest.mark.parametrize(("buffer", "options", "error", "sentence"), SENTENCES, ids=range(len(SENTENCES)))
def test_the_sentence(buffer: Any, options: dict[str, Any], error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=f"^{re.escape(sentence)}$") as caught:
        decode(buffer, **options)
    assert type(caught.value) is error
