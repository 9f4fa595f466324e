"""Outliers of a track: keypoints that lie too far from where the frames around them say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from posecore.arguments import number
from posecore.regression import sights

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.regression import Sights

    FloatArray = npt.NDArray[np.float32]
    Real = npt.NDArray[np.float64]
    Bools = npt.NDArray[np.bool_]

PAIRS = 3
_AROUND = 15  # sights on each side that say how much is usual now
_NORMAL = 1.4826  # the standard deviation by the median absolute deviation, of a normal distribution
_MOST_SIGMAS = 6.0
_LEAST_SIGMA_PX = 0.01  # files of poses are rounded to this
_MOST_ROUNDS = 10


def find_outliers(
    xy: FloatArray,
    visible: Bools | None = None,
    time_s: Real | None = None,
    *,
    sigmas: float = 3.0,
    least_px: float = 1.0,
    cut_s: float | None = None,
) -> Bools:
    """Sights whose x or y is further than `sigmas` standard deviations from their neighbours.

    What the neighbours say is the median of three values: the lines from the sight before to the one after, from two
    before to two after, and from three before to three after. The standard deviation is that of the distance to it,
    robust: the larger of 1.4826 times its median over the whole run, and its root mean square over 31 sights around,
    of which none counts for more than 6 of the former; so a fast movement is not taken for outliers. The worst
    within three sights goes first, and then the others too far off are looked at again without it: neighbours of an
    outlier stay, and several in a row are found. The first and the last two sights of a run stay: they have too few
    neighbours.

    Args:
        xy: (T, K, 2) float32 in pixels, finite where visible.
        visible: (T, K) bool; all True where it is left out.
        time_s: (T,) float64 seconds, ascending; frames at 30 fps where it is left out.
        sigmas: 0.5..1000, or 0: there are none. The recipe of keypoint journals is 1, which drops nearly half of
            clean measurements; 3 keeps 99 % of them.
        least_px: who is within this of the neighbours is no outlier, 0..1e6.
        cut_s: who is not seen for longer has no neighbours there; 7 median steps where it is left out.

    Returns:
        (T, K) bool.

    Raises:
        TypeError: an array of another dtype; nothing is cast.
        ValueError: shapes that do not fit together, times that do not ascend, or options out of range.
    """
    limit = number(sigmas, "sigmas", 0, 1000)
    if 0 < limit < 0.5:
        raise ValueError(f"sigmas: wanted 0 for no outliers, or a number from 0.5 to 1000, got {limit:g}")
    least = number(least_px, "least_px", 0, 1e6)
    points = sights(xy, visible, time_s, 2 * PAIRS + 1, cut_s)
    found = np.zeros(xy.shape[:2], np.bool_)
    if limit == 0:
        return found
    seen = np.ones_like(found) if visible is None else visible
    suspects = None
    for _ in range(_MOST_ROUNDS):
        far, more = _worst(points, limit, least, suspects)
        if suspects is None:
            suspects = np.zeros_like(found)
            suspects[points.frames[far], points.lanes[far]] = True
        if not more.any():
            break
        found[points.frames[more], points.lanes[more]] = True
        # Only keypoints that had one can have another.
        seen = seen & ~found
        seen[:, np.bincount(points.lanes[more], minlength=seen.shape[1]) == 0] = False
        points = sights(xy, seen, time_s, 2 * PAIRS + 1, cut_s)
    return found


def _worst(points: Sights, limit: float, least: float, suspects: Bools | None) -> tuple[Bools, Bools]:
    """(M,) those too far off, of suspects alone where there are some, and of neighbours among them the furthest."""
    every, worst = np.zeros((2, len(points.t)), np.bool_)
    for part in points.parts():
        distance, judged = _distances(points, part)
        off = np.zeros(len(judged))
        for axis in range(2):
            sigmas = distance[axis] / np.maximum(_deviations(points, part, distance[axis]), _LEAST_SIGMA_PX)
            off = np.maximum(off, np.where(distance[axis] > least, sigmas, 0))
        if suspects is not None:
            judged &= suspects[points.frames[part], points.lanes[part]]
        off[~judged | (off <= limit)] = 0
        first, last = points.first[part] - part.start, points.end[part] - part.start - 1
        here = np.arange(len(off))
        far = off > 0
        every[part] = far
        for step in range(1, PAIRS + 1):
            # Of two that are as far off the first.
            far &= (off > off[np.maximum(here - step, first)]) | (here - step < first)
            far &= (off >= off[np.minimum(here + step, last)]) | (here + step > last)
        worst[part] = far
    return every, worst


def _distances(points: Sights, part: slice) -> tuple[Real, Bools]:
    """(2, m) pixels from what the neighbours say, and (m,) where they say anything."""
    t, y = points.t[part], points.y[:, part]
    first, last = points.first[part] - part.start, points.end[part] - part.start - 1
    here = np.arange(len(t))
    room = np.minimum(here - first, last - here)
    off = []
    for pair in range(1, PAIRS + 1):
        # Near the ends there are fewer pairs: the last of them stands for those that are not there.
        step = np.minimum(pair, room)
        before, after = here - step, here + step
        whole = np.where(step > 0, t[after] - t[before], 1)
        off.append(y[:, before] + (y[:, after] - y[:, before]) * ((t - t[before]) / whole) - y)
    low, high = np.minimum(off[0], off[1]), np.maximum(off[0], off[1])
    middle = np.abs(np.maximum(low, np.minimum(high, off[2])))
    # Two pairs: whichever is nearer; a wrong neighbour must not make a right one wrong.
    nearest = np.abs(off).min(axis=0)
    return np.where(room >= PAIRS, middle, nearest), room >= 2


def _deviations(points: Sights, part: slice, distance: Real) -> Real:
    """(m,) the standard deviation of the distance, around each sight."""
    usual = _NORMAL * points.run_medians(distance, part)
    sums = np.concatenate([[0.0], np.cumsum(np.minimum(distance, _MOST_SIGMAS * usual) ** 2)])
    here = np.arange(len(distance))
    low = np.maximum(here - _AROUND, points.first[part] - part.start)
    high = np.minimum(here + _AROUND + 1, points.end[part] - part.start)
    found: Real = np.maximum(usual, np.sqrt(np.maximum(sums[high] - sums[low], 0) / (high - low)))
    return found
