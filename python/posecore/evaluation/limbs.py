"""`Limb`: a stick of the body between two keypoints, or between the middles of several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from posecore.arguments import listed, whole
from posecore.evaluation.arrays import checked, checked_points
from posecore.skeletons import Skeleton

if TYPE_CHECKING:
    from posecore.evaluation.arrays import BoolArray, FloatArray


@dataclass(frozen=True, slots=True)
class Limb:
    """One stick.

    Attributes:
        name: such as left_forearm; the side comes first.
        start, end: the numbers of one keypoint, or of several whose middle is the end.

    Raises:
        TypeError, ValueError: ends that are no keypoint numbers, none at all, or the same ones twice.
    """

    name: str
    start: tuple[int, ...]
    end: tuple[int, ...]

    def __post_init__(self) -> None:
        for field in ("start", "end"):
            ends = listed(getattr(self, field), field, f"limb {self.name!r} wants keypoint numbers")
            if not ends:
                raise ValueError(f"{field}: limb {self.name!r} wants at least one keypoint number, got none")
            object.__setattr__(self, field, tuple(whole(end, field, 0, 65535) for end in ends))
        if set(self.start) == set(self.end):
            raise ValueError(
                f"end: limb {self.name!r} wants another end than its start, got {self.end} twice"
            )


def ten_limbs(skeleton: Skeleton) -> tuple[Limb, ...]:
    """The ten sticks of PCP, of those whose keypoints the skeleton has, in the order of LSP's files of sticks.

    Legs and arms in two parts each, the head from the neck to its top, and the torso from the middle of the hips to
    the middle of the shoulders (Pishchulin's LSP evaluation). COCO's keypoints have no head: nine.

    Raises:
        ValueError: a skeleton without any of them.
    """
    neck, top = ("neck", "upper_neck"), ("head_top", "top_head")
    wanted = [
        ("right_lower_leg", ("right_ankle",), ("right_knee",)),
        ("right_upper_leg", ("right_knee",), ("right_hip",)),
        ("left_upper_leg", ("left_hip",), ("left_knee",)),
        ("left_lower_leg", ("left_knee",), ("left_ankle",)),
        ("right_forearm", ("right_wrist",), ("right_elbow",)),
        ("right_upper_arm", ("right_elbow",), ("right_shoulder",)),
        ("left_upper_arm", ("left_shoulder",), ("left_elbow",)),
        ("left_forearm", ("left_elbow",), ("left_wrist",)),
        (
            "head",
            tuple(n for n in neck if n in skeleton.keypoints),
            tuple(n for n in top if n in skeleton.keypoints),
        ),
        ("torso", ("right_hip", "left_hip"), ("right_shoulder", "left_shoulder")),
    ]
    limbs = [
        Limb(name, tuple(map(skeleton.index, start)), tuple(map(skeleton.index, end)))
        for name, start, end in wanted
        if start and end and {*start, *end} <= set(skeleton.keypoints)
    ]
    if not limbs:
        raise ValueError(
            f"skeleton: wanted one with hips, knees, elbows or others of PCP's limbs, got {skeleton!r}"
        )
    return tuple(limbs)


def sticks(points: FloatArray, labelled: BoolArray, limbs: tuple[Limb, ...]) -> tuple[FloatArray, BoolArray]:
    """The limbs of N people.

    Args:
        points: (N, K, 2) float64 in pixels, finite where labelled.
        labelled: (N, K) bool.

    Returns:
        (N, L, 2, 2) float64, start and end of each limb, NaN where it is not labelled; (N, L) bool, where all
        keypoints of both ends are labelled.

    Raises:
        TypeError, ValueError: arrays that do not fit together, limbs of keypoints that are not there.
    """
    checked(labelled, "labelled", np.bool_, ("N", "K"))
    people, keypoints = labelled.shape
    checked_points(points, "points", (people, keypoints, 2), labelled)
    found = np.full((people, len(limbs), 2, 2), np.nan)
    there = np.zeros((people, len(limbs)), np.bool_)
    for row, limb in enumerate(limbs):
        if max(*limb.start, *limb.end) >= keypoints:
            raise ValueError(f"limbs: wanted keypoints 0..{keypoints - 1}, got {limb!r}")
        there[:, row] = labelled[:, [*limb.start, *limb.end]].all(axis=1)
        for side, ends in enumerate((limb.start, limb.end)):
            found[there[:, row], row, side] = points[there[:, row]][:, list(ends)].mean(axis=1)
    return found, there


def mirrored_pairs(limbs: tuple[Limb, ...]) -> tuple[tuple[int, int], ...]:
    """(left, right) of the limbs whose names differ in nothing but their side."""
    number = {limb.name: row for row, limb in enumerate(limbs)}
    return tuple(
        (row, number[f"right_{name.removeprefix('left_')}"])
        for name, row in number.items()
        if name.startswith("left_") and f"right_{name.removeprefix('left_')}" in number
    )
