"""What targets say of arguments and labels that do not fit."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from labelled import FIVE

from posecore import Skeleton
from posecore.train.targets import CoordinateTargets, GaussianTargets, PersonLabTargets

FITTING: dict[str, Any] = {
    "sample_xy": np.zeros((2, 5, 2), np.float32),
    "visibility": np.full((2, 5), 2, np.uint8),
    "boxes": np.ones((2, 4), np.float32),
    "ignored": np.zeros((3, 4, 2), np.float32),
    "size": (64, 48),
}


def changed(name: str, where: tuple[int, ...], value: float) -> np.ndarray:
    array: np.ndarray = FITTING[name].copy()
    array[where] = value
    return array


LABELS = [
    ("sample_xy", [[1]], TypeError, "sample_xy: wanted a NumPy array of shape (N, 5, 2), float32, got list"),
    ("sample_xy", np.zeros((2, 5, 2)), TypeError, "sample_xy: wanted dtype float32, got float64"),
    (
        "sample_xy",
        np.zeros((5, 2), np.float32),
        ValueError,
        "sample_xy: wanted shape (N, 5, 2), got (5, 2)",
    ),
    (
        "sample_xy",
        np.zeros((2, 17, 2), np.float32),
        ValueError,
        "sample_xy: wanted shape (N, 5, 2), got (2, 17, 2)",
    ),
    (
        "sample_xy",
        np.zeros((65537, 5, 2), np.float32),
        ValueError,
        "sample_xy: wanted at most 65536 a picture, got 65537",
    ),
    (
        "sample_xy",
        changed("sample_xy", (1, 3, 0), np.nan),
        ValueError,
        "sample_xy: wanted labelled keypoints within 1000000 px, got nan of keypoint 3 of person 1",
    ),
    (
        "sample_xy",
        changed("sample_xy", (0, 4, 1), -2e6),
        ValueError,
        "sample_xy: wanted labelled keypoints within 1000000 px, got -2000000.0 of keypoint 4 of person 0",
    ),
    (
        "visibility",
        np.zeros((2, 5), bool),
        TypeError,
        "visibility: wanted dtype uint8, got bool",
    ),
    (
        "visibility",
        np.zeros((2, 5, 1), np.uint8),
        ValueError,
        "visibility: wanted shape (N, 5), got (2, 5, 1)",
    ),
    (
        "visibility",
        np.zeros((1, 5), np.uint8),
        ValueError,
        "visibility: wanted one row for each of the 2 people of sample_xy, got 1",
    ),
    (
        "visibility",
        changed("visibility", (1, 2), 4),
        ValueError,
        "visibility: wanted 0 (not labelled), 1 (hidden), 2 (visible) or 3 (outside of the picture), got 4 of "
        "keypoint 2 of person 1",
    ),
    ("boxes", None, TypeError, "boxes: wanted a NumPy array of shape (N, 4), float32, got NoneType"),
    (
        "boxes",
        np.zeros((3, 4), np.float32),
        ValueError,
        "boxes: wanted one row for each of the 2 people of sample_xy, got 3",
    ),
    *(
        (
            "boxes",
            changed("boxes", (1, side), value),
            ValueError,
            "boxes: wanted x, y, width and height within 1000000 px and no side below 0, or NaN for a box not "
            f"known, got {value} of person 1",
        )
        for side, value in ((0, np.inf), (1, -1e7), (2, -1.0), (3, -np.inf))
    ),
    (
        "ignored",
        np.zeros((4, 2), np.float32),
        ValueError,
        "ignored: wanted shape (M, 4, 2), got (4, 2)",
    ),
    (
        "ignored",
        changed("ignored", (2, 3, 1), np.nan),
        ValueError,
        "ignored: wanted corners within 1000000 px, got nan of region 2",
    ),
    ("size", 64, TypeError, "size: wanted (width, height) in pixels, got 64"),
    ("size", (64.0, 64), TypeError, "size: wanted a whole number from 1 to 2147483647, got float"),
    ("size", (0, 64), ValueError, "size: wanted a whole number from 1 to 2147483647, got 0"),
    ("size", (64, 65537), ValueError, "size: wanted sides of at most 65536 px, got (64, 65537)"),
]


@pytest.mark.parametrize(("name", "value", "kind", "sentence"), LABELS)
@pytest.mark.parametrize(
    "targets",
    [PersonLabTargets(FIVE, 16), GaussianTargets(FIVE, 16, 8.0), CoordinateTargets(FIVE)],
    ids=["discs", "gaussians", "coordinates"],
)
def test_labels_that_do_not_fit(
    targets: Any, name: str, value: Any, kind: type[Exception], sentence: str
) -> None:
    with pytest.raises(kind, match=f"^{re.escape(sentence)}$"):
        targets.encode(**{**FITTING, name: value})


@pytest.mark.parametrize("targets", [PersonLabTargets(FIVE, 1), GaussianTargets(FIVE, 1, 8.0)])
def test_targets_are_bounded(targets: Any) -> None:
    with pytest.raises(
        ValueError, match=r"^size: wanted targets of at most 1 GiB, got 30000 x 65536 cells of "
    ):
        targets.encode(**{**FITTING, "size": (65536, 30000)})


SKELETON = "skeleton: wanted a Skeleton, such as posecore.COCO17, got str"
LARGE = Skeleton("large", tuple(f"k{k}" for k in range(1025)))
ATTRIBUTES = [
    (PersonLabTargets, ("coco17", 16), TypeError, SKELETON),
    (GaussianTargets, ("coco17", 16, 8.0), TypeError, SKELETON),
    (CoordinateTargets, ("coco17",), TypeError, SKELETON),
    (CoordinateTargets, (LARGE,), ValueError, "skeleton: wanted at most 1024 keypoints, got 1025 of large"),
    (
        PersonLabTargets,
        (FIVE, 16.0),
        TypeError,
        "stride_px: wanted a whole number from 1 to 65536, got float",
    ),
    (PersonLabTargets, (FIVE, 0), ValueError, "stride_px: wanted a whole number from 1 to 65536, got 0"),
    (PersonLabTargets, (FIVE, 16, "32"), TypeError, "radius_px: wanted a number from 0 to 65536, got str"),
    (PersonLabTargets, (FIVE, 16, np.nan), ValueError, "radius_px: wanted a number from 0 to 65536, got nan"),
    (PersonLabTargets, (FIVE, 16, 32, -1), ValueError, "box_margin: wanted a number from 0 to 10, got -1"),
    (GaussianTargets, (FIVE, 8, 0), ValueError, "sigma_px: wanted a number from 0.001 to 65536, got 0"),
    (GaussianTargets, (FIVE, 8, 9.0, 1), TypeError, "background: wanted True or False, got int"),
    (
        GaussianTargets,
        (FIVE, 8, 9.0, True, np.inf),
        ValueError,
        "shift_px: wanted a number from -65536 to 65536, got inf",
    ),
]


@pytest.mark.parametrize(("made", "arguments", "kind", "sentence"), ATTRIBUTES)
def test_attributes_that_do_not_fit(
    made: Any, arguments: tuple[Any, ...], kind: type[Exception], sentence: str
) -> None:
    with pytest.raises(kind, match=f"^{re.escape(sentence)}$"):
        made(*arguments)


@pytest.mark.parametrize(
    ("keypoints", "kind", "sentence"),
    [
        ([[0, 0]], TypeError, "keypoints: wanted a NumPy array of shape (..., 2), float32, got list"),
        (
            np.zeros((5, 2)),
            TypeError,
            "keypoints: wanted a NumPy array of shape (..., 2), float32, got float64",
        ),
        (np.zeros((5, 3), np.float32), ValueError, "keypoints: wanted shape (..., 2), got (5, 3)"),
    ],
)
def test_coordinates_that_do_not_fit(keypoints: Any, kind: type[Exception], sentence: str) -> None:
    with pytest.raises(kind, match=f"^{re.escape(sentence)}$"):
        CoordinateTargets.pixels(keypoints, size=(64, 48))
