"""Lag: how far a smoothed track comes behind a reference."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.arguments import whole
from posecore.evaluation.arrays import checked, checked_points, sealed
from posecore.evaluation.jitter import frame_times
from posecore.evaluation.json_numbers import json_number

if TYPE_CHECKING:
    from posecore.evaluation.arrays import BoolArray, FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Lag:
    """The lag of one track behind another; negative where it is ahead.

    Attributes:
        frames: the shift that aligns best, to a fraction of a frame; NaN where no shift is best: nothing moves, nothing
            can be compared, or the best is an end of the range.
        seconds: `frames` times the mean time from frame to frame.
        keypoints_frames: (K,) float64, of each keypoint by itself.
        shifts: (S,) int64, the shifts that were tried, in frames.
        costs: (S,) float64, the mean squared distance at each in px²; NaN where nothing can be compared.
        points: how many keypoints of frames were compared at each.
        convention: one sentence.
    """

    frames: float
    seconds: float
    keypoints_frames: FloatArray
    shifts: np.ndarray
    costs: FloatArray
    points: int
    convention: str

    def as_dict(self) -> dict[str, Any]:
        """Plain lists, numbers and text for JSON; None where a number is NaN."""
        return {
            "convention": self.convention,
            "frames": json_number(self.frames),
            "seconds": json_number(self.seconds),
            "keypoints_frames": [json_number(value) for value in self.keypoints_frames],
            "shifts": self.shifts.tolist(),
            "costs": [json_number(value) for value in self.costs],
            "points": self.points,
        }

    def __str__(self) -> str:
        if math.isnan(self.frames):
            return f"lag: none can be told\n{self.convention}"
        return f"lag {self.frames:+.2f} frames, {1000 * self.seconds:+.1f} ms\n{self.convention}"


def lag(
    xy: FloatArray,
    visible: BoolArray,
    reference_xy: FloatArray,
    reference_visible: BoolArray,
    *,
    fps: float | None = None,
    times_s: FloatArray | None = None,
    most_frames: int = 10,
) -> Lag:
    """The shift of a track that brings it nearest to a reference.

    The cost of a shift s is the mean squared distance from reference(t) to track(t + s), over those t and keypoints
    where the reference is visible and the track is at all shifts that are tried: every shift is judged on the same
    frames. The lowest cost and its two neighbours are refined by the parabola through them, which is exact for uniform
    motion.

    Args:
        xy: (T, K, 2) float64 in pixels, the smoothed track, finite where visible.
        visible: (T, K) bool.
        reference_xy, reference_visible: the same of the reference, in the same frames.
        fps: frames per second, or
        times_s: (T,) float64, ascending seconds.
        most_frames: shifts from minus to plus this are tried; at least 2 most_frames + 1 frames are needed.

    Raises:
        TypeError, ValueError: arrays that do not fit together, too few frames, neither or both of `fps` and `times_s`.
    """
    checked(visible, "visible", np.bool_, ("T", "K"))
    checked(reference_visible, "reference_visible", np.bool_, visible.shape)
    track = checked_points(xy, "xy", (*visible.shape, 2), visible)
    reference = checked_points(reference_xy, "reference_xy", (*visible.shape, 2), reference_visible)
    most = whole(most_frames, "most_frames", 1, 10000)
    frames, keypoints = visible.shape
    if frames < 2 * most + 1:
        raise ValueError(f"xy: wanted at least {2 * most + 1} frames for most_frames {most}, got {frames}")
    steps = frame_times(frames, fps, times_s)

    shifts = np.arange(-most, most + 1)
    middle = slice(most, frames - most)
    compared = reference_visible[middle].copy()
    for shift in shifts:
        compared &= visible[most + shift : frames - most + shift]
    squares = np.empty((len(shifts), keypoints))
    for row, shift in enumerate(shifts):
        gap = track[most + shift : frames - most + shift] - reference[middle]
        squares[row] = np.where(
            compared, (np.where(compared[..., None], gap, 0.0) ** 2).sum(axis=-1), 0.0
        ).sum(axis=0)
    counts = compared.sum(axis=0)
    total = int(counts.sum())
    costs = squares.sum(axis=1) / total if total else np.full(len(shifts), np.nan)
    found = lowest(costs) - most
    each = np.array([lowest(squares[:, k]) - most if counts[k] else math.nan for k in range(keypoints)])
    return Lag(
        found,
        found * float(steps.mean()),
        sealed(each),
        sealed(shifts),
        sealed(costs),
        total,
        f"lag: the shift within ±{most} frames with the least mean squared distance to the reference, all shifts on "
        f"the same {total} points, refined by a parabola through the least and its neighbours; above 0 is behind.",
    )


def lowest(costs: FloatArray) -> float:
    """The place of the lowest of (S,) float64 costs, to a fraction by the parabola through it and its neighbours; NaN
    where it is an end, or where all costs are the same."""
    best = int(np.argmin(costs))
    if not 0 < best < len(costs) - 1:
        return math.nan
    before, at, after = (float(cost) for cost in costs[best - 1 : best + 2])
    curvature = before - 2 * at + after
    return best + (before - after) / (2 * curvature) if curvature > 0 else math.nan
