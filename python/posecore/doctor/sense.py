"""How sensible a decoded person is: proportions, symmetry, and whether the network agrees with itself.

Each measure is a number from 0 to 1 that needs no truth. What they cannot see: a person may be foreshortened, bent and
half out of the picture, so that nothing here may demand that limbs are long; a network that is wrong but sure of
itself draws sensible people in the wrong place; and left and right exchanged throughout are as sensible as before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.heads import Heads
    from posecore.skeletons import Skeleton

    Real = npt.NDArray[np.float64]

SURE = 0.2
"""Keypoints from this score on are looked at."""

# Lengths of limbs as shares of a person's stature: Drillis and Contini, Body Segment Parameters, 1966, figure in
# Winter, Biomechanics and Motor Control of Human Movement; of the face, measured on sideways and frontal people.
_SHARES = {
    ("elbow", "shoulder"): 0.186,
    ("elbow", "wrist"): 0.146,
    ("hip", "knee"): 0.245,
    ("ankle", "knee"): 0.246,
    ("hip", "shoulder"): 0.288,
    ("shoulder", "shoulder"): 0.259,
    ("hip", "hip"): 0.191,
    ("nose", "shoulder"): 0.190,
    ("eye", "nose"): 0.040,
    ("ear", "eye"): 0.065,
    ("pelvis", "thorax"): 0.288,
    ("hip", "pelvis"): 0.095,
    ("shoulder", "thorax"): 0.130,
    ("head_top", "upper_neck"): 0.130,
    ("neck", "top_head"): 0.130,
    ("neck", "shoulder"): 0.130,
}
_TOO_LONG = (1.7, 3.5)
_UNEQUAL = (2.5, 6.0)
_SPREAD_RADIUS_CELLS = 1.6
_REACH = 0.1  # of a person's size: how far a keypoint may move and still be called the same place


def anatomy(xy: npt.NDArray[np.floating], scores: npt.NDArray[np.floating], skeleton: Skeleton) -> float:
    """How much one person looks like a body.

    The squared product of three means over limbs: no limb is much longer than the stature that most limbs stand for;
    a left limb is not many times as long as the right one; head, shoulders and hips come in this order, with their
    left sides on one side.

    Args:
        xy: (K, 2) in pixels.
        scores: (K,) in [0, 1]; keypoints below `SURE` are not looked at.

    Returns:
        From 0 to 1; 0 where fewer than four limbs can be looked at.
    """
    points = np.asarray(xy, np.float64)
    sure = np.asarray(scores) >= SURE
    lengths = {
        (a, b): float(np.hypot(*(points[a] - points[b])))
        for a, b in dict.fromkeys((*skeleton.limbs, *skeleton.edges))
        if sure[a] and sure[b]
    }
    if len(lengths) < 4:
        return 0.0
    product = _proportion(lengths, skeleton) * _symmetry(lengths, skeleton) * _order(points, sure, skeleton)
    # Squared: keypoints in a random order then reach .36 in the mean, and people stay where they are, near 1.
    return product**2


def _proportion(lengths: dict[tuple[int, int], float], skeleton: Skeleton) -> float:
    statures = [length / share for (a, b), length in lengths.items() if (share := _share(skeleton, a, b))]
    if len(statures) < 4:
        return 1.0
    # Foreshortened limbs stand for less than the stature, so that the middle one is rather too small than too large.
    middle = max(float(np.median(statures)), 1e-9)
    return float(np.mean([_fading(stature / middle, *_TOO_LONG) for stature in statures]))


def _symmetry(lengths: dict[tuple[int, int], float], skeleton: Skeleton) -> float:
    flip, grades = skeleton.flip_index, []
    size = max(lengths.values())
    for (a, b), length in lengths.items():
        other = lengths.get((flip[a], flip[b]), lengths.get((flip[b], flip[a])))
        if other is not None and {a, b} != {flip[a], flip[b]} and max(length, other) > 0.2 * size:
            grades.append(_fading(max(length, other) / max(min(length, other), 1e-9), *_UNEQUAL))
    # A limb that points at the camera has no length: half of the people in sport have one.
    return 0.5 + 0.5 * float(np.mean(grades)) if grades else 1.0


def _order(points: Real, sure: npt.NDArray[np.bool_], skeleton: Skeleton) -> float:
    place = {name: k for k, name in enumerate(skeleton.keypoints) if sure[k]}
    across = [
        points[place[f"left_{part}"]] - points[place[f"right_{part}"]]
        for part in ("eye", "ear", "shoulder", "hip")
        if {f"left_{part}", f"right_{part}"} <= place.keys()
    ]
    grades = [float(a @ b >= -0.05 * (a @ a + b @ b)) for k, a in enumerate(across) for b in across[:k]]
    middles = {
        part: (points[place[f"left_{part}"]] + points[place[f"right_{part}"]]) / 2
        for part in ("shoulder", "hip")
        if {f"left_{part}", f"right_{part}"} <= place.keys()
    }
    if len(middles) == 2 and "nose" in place:
        up = middles["shoulder"] - middles["hip"]
        grades.append(float(up @ (points[place["nose"]] - middles["hip"]) > 0.5 * (up @ up)))
    return 0.5 + 0.5 * float(np.mean(grades)) if grades else 1.0


def likeness(
    one: npt.NDArray[np.floating],
    other: npt.NDArray[np.floating],
    weights: npt.NDArray[np.floating],
    *,
    exact_px: float = 0.0,
) -> float:
    """How much two people are in one place: the weighted mean over keypoints of exp(-d² / 2 r²), d the distance and r a
    tenth of the size of `one`, which is the root of its sides' product, its longer side at least a quarter.

    Args:
        one, other: (K, 2) in pixels.
        weights: (K,) from 0, such as the scores of `one`.
        exact_px: r at least: how exactly a network places keypoints, such as a cell where it has no offsets.

    Returns:
        From 0 to 1; 0 where all weights are.
    """
    a, b, w = np.asarray(one, np.float64), np.asarray(other, np.float64), np.asarray(weights, np.float64)
    if not w.sum() > 0:
        return 0.0
    sides = np.ptp(a[w > 0], axis=0)
    size = max(float(np.sqrt(sides[0] * sides[1])), 0.25 * float(sides.max()), 1e-6)
    away = np.square(a - b).sum(axis=1) / (2 * max(_REACH * size, exact_px) ** 2)
    return float((np.exp(-away) * w).sum() / w.sum())


def landing(heads: Heads, xy: npt.NDArray[np.floating], scores: npt.NDArray[np.floating]) -> float:
    """Whether short offsets of cells around a keypoint lead to one point, as they should from everywhere.

    One minus the spread of the points where they lead over the spread of the cells themselves, the mean over the
    keypoints of one person. Offsets with x and y exchanged spread 1.4 times as far as the cells: 0.

    Args:
        heads: with short offsets, y before x.
        xy: (K, 2) in input pixels.
        scores: (K,) in [0, 1]; keypoints below `SURE` are not looked at.

    Returns:
        From 0 to 1; 1 where there is nothing to look at.
    """
    if heads.short_offsets is None:
        return 1.0
    offsets, stride = heads.dequantized("short_offsets"), heads.stride_px
    rows, columns = heads.grid
    count, grades = heads.num_keypoints, []
    for k in np.flatnonzero(np.asarray(scores) >= SURE):
        x, y = float(xy[k, 0]) / stride, float(xy[k, 1]) / stride
        near = [
            (row, column)
            for row in range(max(round(y) - 2, 0), min(round(y) + 3, rows))
            for column in range(max(round(x) - 2, 0), min(round(x) + 3, columns))
            if (row - y) ** 2 + (column - x) ** 2 <= _SPREAD_RADIUS_CELLS**2
        ]
        if len(near) < 4:
            continue
        cells = np.array(near, np.float64)
        led = cells + np.array([[offsets[r, c, k], offsets[r, c, count + k]] for r, c in near]) / stride
        spread, before = led.std(axis=0), cells.std(axis=0)
        grades.append(1 - min(float(np.hypot(*spread) / np.hypot(*before)), 1.0))
    return float(np.mean(grades)) if grades else 1.0


def round_trip(
    heads: Heads, xy: npt.NDArray[np.floating], scores: npt.NDArray[np.floating], skeleton: Skeleton
) -> float:
    """Whether displacements lead from keypoint to keypoint: forward from the parent to the child, backward home again.

    The mean over edges between keypoints of one person of exp(-d / l), d the distance by which both ways miss, in the
    mean, and l the edge's length, two cells at least.

    Args:
        heads: with displacements, y before x.
        xy: (K, 2) in input pixels.
        scores: (K,) in [0, 1]; keypoints below `SURE` are not looked at.

    Returns:
        From 0 to 1; 1 where there is nothing to look at.
    """
    if heads.displacement_fwd is None or heads.displacement_bwd is None:
        return 1.0
    forward, backward = heads.dequantized("displacement_fwd"), heads.dequantized("displacement_bwd")
    sure, edges, grades = np.asarray(scores) >= SURE, len(skeleton.edges), []
    for edge, (parent, child) in enumerate(skeleton.edges):
        if not (sure[parent] and sure[child]):
            continue
        way = np.asarray(xy[child], np.float64) - np.asarray(xy[parent], np.float64)
        there = _vector(forward, edges, edge, xy[parent], heads.stride_px)
        home = _vector(backward, edges, edge, xy[child], heads.stride_px)
        missed = (np.hypot(*(there - way)) + np.hypot(*(home + way))) / 2
        grades.append(float(np.exp(-missed / max(np.hypot(*way), 2 * heads.stride_px))))
    return float(np.mean(grades)) if grades else 1.0


def _vector(
    field: npt.NDArray[np.float32], half: int, channel: int, at: npt.NDArray[np.floating], stride_px: float
) -> Real:
    """(dx, dy) in input pixels at the cell nearest to a point."""
    rows, columns, _ = field.shape
    column = int(np.clip(round(float(at[0]) / stride_px), 0, columns - 1))
    row = int(np.clip(round(float(at[1]) / stride_px), 0, rows - 1))
    return np.array([field[row, column, half + channel], field[row, column, channel]], np.float64)


def _share(skeleton: Skeleton, a: int, b: int) -> float | None:
    parts = sorted(skeleton.keypoints[k].removeprefix("left_").removeprefix("right_") for k in (a, b))
    return _SHARES.get((parts[0], parts[1]))


def _fading(value: float, good: float, bad: float) -> float:
    """1 up to `good`, 0 from `bad`, a line between."""
    return float(np.clip((bad - value) / (bad - good), 0, 1))
