"""Networks that give coordinates themselves are read as one person, in the picture's own pixels."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from tiny_tflite import RESHAPE, Model, Numbers

from posecore import COCO17, Skeleton
from posecore.errors import ModelError
from posecore.heads import Quantization
from posecore.layouts import TensorInfo, recognise
from posecore.runtime.coordinates import CoordinatesReader
from posecore.runtime.estimator import Estimator
from posecore.runtime.geometry import Geometry

ARROW = Skeleton("arrow", ("tip", "end"))


def at_once(width: int, height: int) -> Geometry:
    return Geometry.stretch((width, height), (width, height))


def test_fractions_count_from_edge_to_edge() -> None:
    output = np.array([[[0, 1], [0.5, 0.25]]], np.float32)
    poses = CoordinatesReader(ARROW, None)(output, at_once(8, 4))
    np.testing.assert_allclose(poses.xy, [[[-0.5, 3.5], [3.5, 0.5]]])
    np.testing.assert_array_equal(poses.scores, [[1, 1]])
    np.testing.assert_array_equal(poses.pose_scores, [1])


def test_poses_are_in_the_picture_that_was_letterboxed() -> None:
    geometry = Geometry.letterbox((200, 100), (64, 64))
    there = np.array([[20.0, 30.0], [150.5, 99.0]], np.float32)
    fractions = (geometry.to_input(there) + 0.5) / 64
    poses = CoordinatesReader(ARROW, None)(fractions[None].astype(np.float32), geometry)
    np.testing.assert_allclose(poses.xy[0], there, atol=1e-3)
    assert poses.image_size == (200, 100)


@pytest.mark.parametrize(("dtype", "zero_point"), [(np.uint8, 0), (np.int8, -128)])
def test_codes_become_fractions(dtype: type, zero_point: int) -> None:
    codes = (np.array([[[0, 256], [128, 64]]]).clip(0, 255) + zero_point).astype(dtype)
    poses = CoordinatesReader(ARROW, Quantization(1 / 256, zero_point))(codes, at_once(256, 256))
    np.testing.assert_allclose(poses.xy, [[[-0.5, 254.5], [127.5, 63.5]]])


def test_whatever_a_network_says_is_in_its_input() -> None:
    output = np.array([[[np.nan, np.inf], [-3, 7]]], np.float32)
    poses = CoordinatesReader(ARROW, None)(output, at_once(10, 10))
    np.testing.assert_array_equal(poses.xy, [[[-0.5, 9.5], [-0.5, 9.5]]])


@pytest.mark.parametrize("shape", [(1, 17, 2), (-1, 17, 2)])
def test_an_output_called_keypoints_is_recognised(shape: tuple[int, ...]) -> None:
    layout = recognise([TensorInfo("keypoints", shape, "float32")])
    assert (layout.kind, layout.roles, layout.num_keypoints) == ("coordinates", ("keypoints",), 17)
    with pytest.raises(ModelError, match="wanted a network that gives heads, got coordinates"):
        layout.build([np.zeros((1, 17, 2), np.float32)])


@pytest.mark.parametrize(
    ("name", "shape", "dtype"),
    [
        ("boxes", (1, 17, 2), "float32"),
        ("keypoints", (1, 17, 3), "float32"),
        ("keypoints", (1, 34), "float32"),
        ("keypoints", (2, 17, 2), "float32"),
        ("keypoints", (1, 17, 2), "float16"),
    ],
)
def test_other_outputs_are_not(name: str, shape: tuple[int, ...], dtype: str) -> None:
    with pytest.raises(ModelError):
        recognise([TensorInfo(name, shape, dtype)])


def regressor() -> bytes:
    """A picture of 1x1 pixels in, keypoints (1, 17, 2) out, all of them at (0.25, 0.25)."""
    model = Model()
    picture = model.tensor([1, 1, 1, 3], name="image")
    flat = model.convolution(picture, [1, 1, 1, 34], name="flat", bias=0.25)
    shape = model.tensor([3], data=struct.pack("<3i", 1, 17, 2), dtype=2, name="shape")
    keypoints = model.tensor([1, 17, 2], name="keypoints")
    model.operator(RESHAPE, [flat, shape], [keypoints], kind=17, options={0: Numbers("i", [1, 17, 2])})
    model.inputs, model.outputs = [picture], [keypoints]
    return bytes(model)


@pytest.mark.usefixtures("cv2", "interpreter_library")
class TestEstimator:
    def test_one_person_is_found_in_every_picture(self) -> None:
        estimator = Estimator(regressor())
        assert estimator.skeleton == COCO17
        detail = estimator.detail(np.zeros((40, 40, 3), np.uint8))
        assert detail.heads is None
        np.testing.assert_allclose(detail.poses.xy, np.full((1, 17, 2), 0.25 * 40 - 0.5), atol=1e-4)

    def test_it_has_no_heads_and_no_steps_of_decoding(self) -> None:
        with pytest.raises(ModelError, match="got one that gives coordinates, which gives poses"):
            Estimator(regressor()).heads(np.zeros((4, 4, 3), np.uint8))
        with pytest.raises(
            ValueError, match="pose_threshold: wanted None, since a coordinates network has no such"
        ):
            Estimator(regressor(), pose_threshold=0.5)
