"""Jitter: how much a track trembles, as the root mean square of its second differences."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.arguments import number
from posecore.evaluation.arrays import checked, checked_points, sealed
from posecore.evaluation.json_numbers import json_number
from posecore.poses import TIMES_S

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.evaluation.arrays import BoolArray, FloatArray

LEAST_STEP_S = 1e-9
"""Frames nearer than this have no accelerations that a float could hold."""


@dataclass(frozen=True, slots=True, eq=False)
class Jitter:
    """The jitter of one track.

    Attributes:
        px: root mean square of |x(t+1) - 2 x(t) + x(t-1)|, in pixels; NaN where no three frames follow each other.
        px_per_s2: the same of the accelerations, in px/s².
        keypoints_px, keypoints_px_per_s2: (K,) float64, of each keypoint.
        counts: (K,) int64, how many triples of frames were measured.
        convention: one sentence.
    """

    px: float
    px_per_s2: float
    keypoints_px: FloatArray
    keypoints_px_per_s2: FloatArray
    counts: npt.NDArray[np.int64]
    convention: str

    def as_dict(self) -> dict[str, Any]:
        """Plain lists, numbers and text for JSON; None where a number is NaN."""
        return {
            "convention": self.convention,
            "px": json_number(self.px),
            "px_per_s2": json_number(self.px_per_s2),
            "keypoints_px": [json_number(value) for value in self.keypoints_px],
            "keypoints_px_per_s2": [json_number(value) for value in self.keypoints_px_per_s2],
            "counts": self.counts.tolist(),
        }

    def __str__(self) -> str:
        return f"jitter {self.px:.3f} px, {self.px_per_s2:.1f} px/s²\n{self.convention}"


def jitter(
    xy: FloatArray, visible: BoolArray, *, fps: float | None = None, times_s: FloatArray | None = None
) -> Jitter:
    """The jitter of a track.

    A second difference is taken of three frames that follow each other in all of which the keypoint is visible; gaps
    are not bridged. A body at rest or in uniform motion has none; what it accelerates is in the number too, so compare
    tracks of the same motion, or give the track minus a reference.

    Args:
        xy: (T, K, 2) float64 in pixels, finite where visible.
        visible: (T, K) bool.
        fps: frames per second, or
        times_s: (T,) float64, ascending seconds, 1e-9 or more apart. Accelerations are then divided differences;
            pixels are not weighted.

    Raises:
        TypeError, ValueError: arrays that do not fit together, neither or both of `fps` and `times_s`.
    """
    checked(visible, "visible", np.bool_, ("T", "K"))
    points = checked_points(xy, "xy", (*visible.shape, 2), visible)
    steps = frame_times(len(visible), fps, times_s)
    clean = np.where(visible[..., None], points, 0.0)
    whole = visible[2:] & visible[1:-1] & visible[:-2]
    velocity = np.diff(clean, axis=0)
    second = np.diff(velocity, axis=0)
    steps = steps[:, None, None]
    acceleration = np.diff(velocity / steps, axis=0) / ((steps[1:] + steps[:-1]) / 2)
    px, keypoints_px = _root_mean_square(second, whole)
    rate, keypoints_rate = _root_mean_square(acceleration, whole)
    clock = f"{fps:g} frames per second" if fps is not None else "the frames' own times"
    return Jitter(
        px,
        rate,
        sealed(keypoints_px),
        sealed(keypoints_rate),
        sealed(whole.sum(axis=0, dtype=np.int64)),
        "jitter: root mean square, over keypoints and frames, of the length of the second difference of three "
        f"consecutive visible frames; px/s² by {clock}.",
    )


def frame_times(frames: int, fps: float | None, times_s: FloatArray | None) -> FloatArray:
    """(T - 1,) float64, the seconds from frame to frame, from the one of the two that is given."""
    if (fps is None) == (times_s is None):
        raise ValueError("fps, times_s: wanted one of the two")
    if fps is not None:
        return np.full(max(frames - 1, 0), 1.0 / number(fps, "fps", 1e-6, 1e6))
    times = checked(times_s, "times_s", np.float64, (frames,))
    steps: FloatArray = np.diff(times)
    if not (np.abs(times) <= TIMES_S).all():
        raise ValueError(f"times_s: wanted finite seconds from {-TIMES_S:g} to {TIMES_S:g}, got others")
    if not (steps > 0).all():
        raise ValueError("times_s: wanted seconds in ascending order, each later than the one before")
    if not (steps >= LEAST_STEP_S).all():
        raise ValueError(
            f"times_s: wanted frames at least {LEAST_STEP_S:g} s apart, got {float(steps.min()):g} s"
        )
    return steps


def _root_mean_square(vectors: FloatArray, measured: BoolArray) -> tuple[float, FloatArray]:
    squares = np.where(measured, (vectors**2).sum(axis=-1), 0.0)
    counts = measured.sum(axis=0)
    each = np.full(counts.shape, np.nan)
    np.divide(squares.sum(axis=0), counts, out=each, where=counts > 0)
    total = int(counts.sum())
    return math.sqrt(squares.sum() / total) if total else math.nan, np.sqrt(each)
