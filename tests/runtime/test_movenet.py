"""MoveNet's outputs, which are poses already, as `Poses` in input pixels."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import posecore as pc
from posecore.errors import MissingExtra, ModelError
from posecore.runtime import tflite_libraries
from posecore.runtime.geometry import Geometry
from posecore.runtime.movenet import MovenetReader

MODELS = Path(os.environ.get("POSECORE_SHARED", Path(__file__).resolve().parents[3] / "shared")) / "data"
SINGLE = MODELS / "models/movenet_single_pose_lightning_ptq.tflite"
MULTI = MODELS / "models/movenet_multipose_lightning_f16.tflite"


def reader(kind: str = "movenet-multi", **options: float) -> MovenetReader:
    settings = {"max_poses": 6, "root_threshold": 0.0, "pose_threshold": 0.2} | options
    return MovenetReader(kind=kind, skeleton=pc.COCO17, **settings)  # type: ignore[arg-type]


def plain(width: int, height: int) -> Geometry:
    """The picture is the input."""
    return Geometry((width, height), (width, height), (width, height))


def person(x: float, y: float, *, keypoint_score: float = 0.8, score: float) -> np.ndarray:
    """One row of multi pose: all keypoints at (x, y), a box, the score."""
    return np.array([*([y, x, keypoint_score] * 17), 0.1, 0.2, 0.3, 0.4, score], np.float32)


def test_multi_pose_rows_become_people_best_first() -> None:
    rows = np.stack([person(0.25, 0.5, score=0.4), person(0.75, 0.125, score=0.9)])[None]
    poses = reader()(rows, plain(256, 128))
    np.testing.assert_allclose(poses.pose_scores, [0.9, 0.4])
    np.testing.assert_allclose(poses.xy[0], np.tile([0.75 * 256 - 0.25, 0.125 * 128 - 0.25], (17, 1)))
    np.testing.assert_allclose(poses.xy[1], np.tile([0.25 * 256 - 0.25, 0.5 * 128 - 0.25], (17, 1)))
    np.testing.assert_allclose(poses.scores, 0.8)
    assert poses.visible.all()


def test_single_pose_is_one_person_with_the_mean_of_the_keypoint_scores() -> None:
    output = np.zeros((1, 1, 17, 3), np.float32)
    output[0, 0, :, 0], output[0, 0, :, 1] = 0.5, np.linspace(0, 1, 17)
    output[0, 0, :, 2] = np.linspace(0.2, 1, 17)
    poses = reader("movenet-single")(output, plain(192, 192))
    assert len(poses) == 1
    assert poses.pose_scores[0] == pytest.approx(0.6)
    np.testing.assert_allclose(poses.xy[0, :, 0], np.linspace(0, 1, 17) * 192 - 0.25, atol=1e-4)
    np.testing.assert_allclose(poses.xy[0, :, 1], 95.75)
    np.testing.assert_allclose(poses.scores[0], np.linspace(0.2, 1, 17), atol=1e-6)


def test_people_below_a_threshold_or_beyond_the_most_are_dropped() -> None:
    rows = np.stack([person(0.5, 0.5, keypoint_score=0.5, score=score) for score in (0.1, 0.5, 0.3)])[None]
    np.testing.assert_allclose(reader()(rows, plain(64, 64)).pose_scores, [0.5, 0.3])
    np.testing.assert_allclose(reader(max_poses=1)(rows, plain(64, 64)).pose_scores, [0.5])
    np.testing.assert_allclose(reader(pose_threshold=0.0)(rows, plain(64, 64)).pose_scores, [0.5, 0.3, 0.1])
    assert len(reader(root_threshold=0.6)(rows, plain(64, 64))) == 0
    assert reader(pose_threshold=1.0)(rows, plain(64, 64)).xy.shape == (0, 17, 2)


def test_people_of_one_score_keep_the_networks_order() -> None:
    rows = np.stack([person(x, 0.5, score=0.5) for x in (0.1, 0.9, 0.4)])[None]
    np.testing.assert_allclose(reader()(rows, plain(100, 100)).xy[:, 0, 0], [9.75, 89.75, 39.75], atol=1e-4)


def test_what_is_not_a_number_does_not_come_out() -> None:
    rows = np.stack([person(0.5, 0.5, score=0.9), person(0.5, 0.5, score=np.nan)])[None]
    rows[0, 0, :9] = [np.nan, np.inf, np.nan, 0.5, 0.5, 7.0, 0.5, 0.5, -1.0]
    poses = reader(pose_threshold=0.0)(rows, plain(64, 64))
    assert np.isfinite(poses.xy).all()
    np.testing.assert_allclose(poses.scores[0, :3], [0, 1, 0])
    np.testing.assert_allclose(poses.pose_scores, [0.9, 0])


try:
    tflite_libraries.library()
except MissingExtra as missing:
    REASON = str(missing)
else:
    REASON = "" if MULTI.is_file() else f"no published models at {MODELS}"
needs_models = pytest.mark.skipif(bool(REASON), reason=REASON or "-")


def picture(name: str) -> np.ndarray:
    cv2 = pytest.importorskip("cv2", reason="reads a JPEG with OpenCV")
    return np.ascontiguousarray(cv2.imread(str(MODELS / "pictures" / name))[:, :, ::-1])


def extents(poses: pc.Poses) -> np.ndarray:
    boxes = poses.boxes()
    return np.hypot(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])


@needs_models
def test_multi_pose_and_posenet_see_the_same_two_people() -> None:
    image = picture("coral_couple.jpg")
    ours, theirs = pc.Estimator(size=353)(image), pc.Estimator(MULTI)(image)
    assert len(ours) == len(theirs) == 2
    by_x = [poses[np.argsort(poses.boxes()[:, 0])] for poses in (ours, theirs)]
    distance = np.linalg.norm(by_x[0].xy - by_x[1].xy, axis=2)
    sure = (by_x[0].scores > 0.5) & (by_x[1].scores > 0.3)
    for person_distance, person_sure, extent in zip(distance, sure, extents(by_x[0]), strict=True):
        assert person_sure.sum() >= 12
        assert np.median(person_distance[person_sure]) < 0.04 * extent


@needs_models
def test_single_pose_and_posenet_see_the_same_person() -> None:
    image = picture("coral_squat.png")
    ours, theirs = pc.Estimator(size=353)(image), pc.Estimator(SINGLE)(image)
    assert len(ours) == len(theirs) == 1
    sure = (ours.scores[0] > 0.5) & (theirs.scores[0] > 0.3)
    distance = np.linalg.norm(ours.xy[0] - theirs.xy[0], axis=1)[sure]
    assert len(distance) >= 12
    assert np.median(distance) < 0.04 * extents(ours)[0]


@needs_models
def test_a_dynamic_input_has_sides_of_32_n_around_the_picture() -> None:
    estimator = pc.Estimator(MULTI)
    estimator(np.zeros((120, 160, 3), np.uint8))
    assert estimator.input_size == (256, 192)
    estimator(np.zeros((160, 100, 3), np.uint8))
    assert estimator.input_size == (160, 256)
    fixed = pc.Estimator(MULTI, size=(128, 160))
    fixed(np.zeros((160, 100, 3), np.uint8))
    assert fixed.input_size == (160, 128)


@needs_models
@pytest.mark.parametrize("model", [SINGLE, MULTI], ids=["single", "multi"])
def test_nobody_is_no_row(model: Path) -> None:
    poses = pc.Estimator(model)(np.zeros((90, 120, 3), np.uint8))
    assert poses.xy.shape == (0, 17, 2)
    assert poses.image_size == (120, 90)


@needs_models
def test_what_movenet_has_not_is_refused() -> None:
    estimator = pc.Estimator(SINGLE)
    image = np.zeros((90, 120, 3), np.uint8)
    assert estimator.detail(image).heads is None
    with pytest.raises(ModelError) as caught:
        estimator.heads(image)
    assert str(caught.value) == (
        "movenet_single_pose_lightning_ptq: wanted a network that gives heads, got MoveNet, which gives poses"
    )
    with pytest.raises(
        ValueError, match="nms_radius_px: wanted None, since a movenet-single network has no such step"
    ):
        pc.Estimator(SINGLE, nms_radius_px=3.0)
    with pytest.raises(ValueError, match="input_range: wanted \\(0, 255\\) or None"):
        pc.Estimator(SINGLE, input_range=(-1, 1))
