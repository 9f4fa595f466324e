"""`Normaliser`: the length of each person that distances are divided by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from posecore.arguments import whole
from posecore.evaluation.arrays import MOST_PX, checked, checked_points, sealed
from posecore.skeletons import Skeleton

if TYPE_CHECKING:
    from posecore.evaluation.arrays import BoolArray, FloatArray

HEAD_FACTOR = 0.6  # MPII: about the length of the head, of the diagonal of its box


@dataclass(frozen=True, slots=True, eq=False)
class Normaliser:
    """A length for each of N people.

    Attributes:
        lengths: (N,) float64 in pixels, finite and 0 or more; NaN or 0 where a person has none, who then
            counts nowhere.
        name: what the length is, for the convention of a score.

    Raises:
        TypeError: lengths that are no float64 array.
        ValueError: lengths that are negative, infinite or beyond 1e9 px.
    """

    lengths: FloatArray
    name: str = "lengths that the caller gave"

    def __post_init__(self) -> None:
        lengths = checked(self.lengths, "lengths", np.float64, ("N",))
        bad = ~(np.isnan(lengths) | ((lengths >= 0) & (lengths <= 2 * MOST_PX)))
        if bad.any():
            row = int(np.argmax(bad))
            raise ValueError(
                f"lengths: wanted pixels from 0 to 2e9, or NaN for a person without one, got {lengths[row]:g} "
                f"for person {row}"
            )
        object.__setattr__(self, "lengths", sealed(lengths.copy()))

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def usable(self) -> BoolArray:
        """(N,) bool, who has a length above 0."""
        usable: BoolArray = self.lengths > 0  # False for NaN
        return usable


def box_side(boxes: FloatArray) -> Normaliser:
    """The longer side of each person's box.

    Args:
        boxes: (N, 4) float64: x, y, width, height in pixels; NaN where a person has none.
    """
    checked(boxes, "boxes", np.float64, ("N", 4))
    return Normaliser(boxes[:, 2:].max(axis=1) if len(boxes) else np.zeros(0), "the longer side of the box")


def head_size(head_boxes: FloatArray) -> Normaliser:
    """MPII's head size: 0.6 of the diagonal of the head box.

    Args:
        head_boxes: (N, 4) float64: x0, y0, x1, y1 in pixels, two opposite corners; NaN where there is none.
    """
    boxes = checked(head_boxes, "head_boxes", np.float64, ("N", 4))
    diagonal = distances_between(boxes[:, :2], boxes[:, 2:])
    return Normaliser(HEAD_FACTOR * diagonal, f"{HEAD_FACTOR} of the head box's diagonal")


def between(
    truths: FloatArray,
    labelled: BoolArray,
    first: int | str,
    second: int | str,
    *,
    skeleton: Skeleton | None = None,
) -> Normaliser:
    """The distance between two true keypoints; none where one of them is not labelled.

    Args:
        truths: (N, K, 2) float64 in pixels, finite where labelled.
        labelled: (N, K) bool.
        first, second: two keypoints, by number or, with `skeleton`, by name.
    """
    checked(labelled, "labelled", np.bool_, ("N", "K"))
    points = checked_points(truths, "truths", (*labelled.shape, 2), labelled)
    a = keypoint_number(first, "first", labelled.shape[1], skeleton)
    b = keypoint_number(second, "second", labelled.shape[1], skeleton)
    if a == b:
        raise ValueError(f"second: wanted another keypoint than the first, got {second!r} twice")
    both = labelled[:, a] & labelled[:, b]
    lengths = np.full(len(points), np.nan)
    lengths[both] = distances_between(points[both, a], points[both, b])
    names = [skeleton.keypoints[k].replace("_", " ") if skeleton else f"keypoint {k}" for k in (a, b)]
    return Normaliser(lengths, f"the true distance from {names[0]} to {names[1]}")


def torso(truths: FloatArray, labelled: BoolArray, skeleton: Skeleton) -> Normaliser:
    """The torso of DeepPose's PDJ and of LSP's PCK: from the left shoulder to the right hip.

    Args:
        truths: (N, K, 2) float64 in pixels, finite where labelled.
        labelled: (N, K) bool.
        skeleton: K keypoints, left_shoulder and right_hip among them.
    """
    named = between(truths, labelled, "left_shoulder", "right_hip", skeleton=skeleton)
    return Normaliser(named.lengths, "the true torso, left shoulder to right hip")


def keypoint_number(keypoint: int | str, name: str, count: int, skeleton: Skeleton | None) -> int:
    """The number of a keypoint, 0 to `count` - 1, that is given by number or by its name in `skeleton`."""
    if isinstance(keypoint, str):
        if skeleton is None:
            raise ValueError(
                f"{name}: wanted a keypoint's number, or a skeleton for its name, got {keypoint!r}"
            )
        return skeleton.index(keypoint)
    return whole(keypoint, name, 0, count - 1)


def distances_between(a: FloatArray, b: FloatArray) -> FloatArray:
    """Euclidean distances of points (..., 2), float64 in the unit of the points."""
    difference = a - b
    distances: FloatArray = np.sqrt(difference[..., 0] ** 2 + difference[..., 1] ** 2)
    return distances
