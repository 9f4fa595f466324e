"""Local regression over whole tracks: LOWESS (Cleveland, JASA 74, 1979) and Savitzky-Golay's smoothing (Analytical
Chemistry 36, 1964). Both fit a polynomial to the nearest frames around each frame; all keypoints at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from posecore.arguments import number, whole
from posecore.motion import NOMINAL_FPS, times, want_array

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float32]
    Real = npt.NDArray[np.float64]
    Bools = npt.NDArray[np.bool_]
    Numbers = npt.NDArray[np.intp]

MOST_WINDOW = 1001
_LEAST_SPREAD_PX = 0.01  # files of poses are rounded to this: whoever lies closer to the fit is on it
_POINTS_AT_ONCE = 50_000
_SINGULAR = 1e-9


def lowess(
    xy: FloatArray,
    visible: Bools | None = None,
    time_s: Real | None = None,
    *,
    window_frames: int = 13,
    iterations: int = 3,
    cut_s: float | None = None,
) -> FloatArray:
    """Locally weighted linear regression, robust: x and y each by itself. float64 inside.

    Each keypoint of each frame becomes the value there of a straight line through the `window_frames` nearest frames
    in which it is seen, itself among them. Their weights are tricube over the distance to the furthest of them,
    whose own is thus 0. Then the fit is repeated with bisquare weights over 6 median absolute residuals.

    Args:
        xy: (T, K, 2) float32 in pixels, finite where visible.
        visible: (T, K) bool; all True where it is left out.
        time_s: (T,) float64 seconds, ascending; frames at 30 fps where it is left out.
        window_frames: 3..1001.
        iterations: of the robust weights, 0..20; 0 is plain local regression.
        cut_s: a keypoint that is not seen for longer begins anew, and neither side knows of the other. The
            window's length, in median steps of time, where it is left out.

    Returns:
        (T, K, 2) float32; a keypoint that is not visible is where it was in `xy`.

    Raises:
        TypeError: an array of another dtype; nothing is cast.
        ValueError: shapes that do not fit together, times that do not ascend, or options out of range.
    """
    window = whole(window_frames, "window_frames", 3, MOST_WINDOW)
    repeats = whole(iterations, "iterations", 0, 20)
    points = sights(xy, visible, time_s, window, cut_s)
    smoothed = points.y.copy()
    for part in points.parts():
        windows = _Windows.of(points, part, window)
        distance = np.minimum(np.abs(windows.x), 1)
        kernel = (1 - distance**3) ** 3 * windows.inside
        y = points.y[:, part]
        robust = np.ones_like(y)
        fit = windows.lines(y, kernel, robust, y)
        for _ in range(repeats):
            residuals = np.abs(y - fit)
            for axis in range(2):
                spread = np.maximum(points.run_medians(residuals[axis], part), _LEAST_SPREAD_PX)
                robust[axis] = np.maximum(1 - (residuals[axis] / (6 * spread)) ** 2, 0) ** 2
            fit = windows.lines(y, kernel, robust, fit)
        smoothed[:, part] = fit
    return points.put(smoothed, xy)


def savgol(
    xy: FloatArray,
    visible: Bools | None = None,
    time_s: Real | None = None,
    *,
    window_frames: int = 11,
    cut_s: float | None = None,
) -> FloatArray:
    """Savitzky-Golay smoothing of second degree: a parabola through the nearest frames, each with the same weight.

    For even times without gaps and an odd window this is the filter of that name, with a whole window at both ends
    too; for others it is what the filter stands for, with the times as they are. float64 inside.

    Args:
        xy, visible, time_s, cut_s: as `lowess`'s.
        window_frames: 3..1001.

    Returns:
        (T, K, 2) float32; a keypoint that is not visible is where it was in `xy`.

    Raises:
        TypeError: an array of another dtype; nothing is cast.
        ValueError: shapes that do not fit together, times that do not ascend, or options out of range.
    """
    window = whole(window_frames, "window_frames", 3, MOST_WINDOW)
    points = sights(xy, visible, time_s, window, cut_s)
    smoothed = points.y.copy()
    for part in points.parts():
        smoothed[:, part] = _Windows.of(points, part, window).parabolas(points.y[:, part])
    return points.put(smoothed, xy)


@dataclass
class Sights:
    """All sights of all keypoints, M of them, one keypoint after the other, and the runs that they fall into.

    Attributes:
        lanes, frames: (M,) which keypoint, and when.
        t: (M,) float64 seconds.
        y: (2, M) float64 pixels.
        run: (M,) which run; a run is one keypoint without a gap that cuts it.
        first, end: (M,) where its run begins and ends among the M.
    """

    lanes: Numbers
    frames: Numbers
    t: Real
    y: Real
    run: Numbers
    first: Numbers
    end: Numbers

    def parts(self) -> Iterator[slice]:
        """Whole runs, about 50,000 sights of them at once, so that the arrays stay in the cache."""
        start, ends = 0, np.unique(self.end)
        while start < len(self.t):
            at = min(int(np.searchsorted(ends, start + _POINTS_AT_ONCE)), len(ends) - 1)
            yield slice(start, int(ends[at]))
            start = int(ends[at])

    def run_medians(self, values: Real, part: slice) -> Real:
        """The median of each sight's run; `values` are those of the part."""
        run = self.run[part]
        first, end = self.first[part] - part.start, self.end[part] - part.start
        ordered = values[np.lexsort((values, run))]
        count = end - first
        found: Real = (ordered[first + (count - 1) // 2] + ordered[first + count // 2]) / 2
        return found

    def put(self, y: Real, xy: FloatArray) -> FloatArray:
        """`xy` with these sights instead."""
        found: FloatArray = xy.copy()
        found[self.frames, self.lanes] = y.T
        return found


def sights(
    xy: FloatArray, visible: Bools | None, time_s: Real | None, window: int, cut_s: float | None
) -> Sights:
    """The sights of a track, after a look at the arguments, which are `lowess`'s."""
    want_array(xy, "xy", np.float32, (None, None, 2))
    shape = xy.shape[:2]
    if visible is None:
        visible = np.ones(shape, np.bool_)
    want_array(visible, "visible", np.bool_, shape)
    if not np.isfinite(xy[visible]).all():
        raise ValueError("xy: wanted finite coordinates where visible, got NaN or infinity")
    clock = np.arange(shape[0]) / NOMINAL_FPS if time_s is None else times(time_s, shape[0])
    steps = np.diff(clock)
    if not (steps > 0).all():
        at = int(np.flatnonzero(steps <= 0)[0])
        raise ValueError(f"time_s: wanted times that ascend, got {clock[at]:g} twice, at {at} and {at + 1}")
    if cut_s is None:
        cut_s = window * (float(np.median(steps)) if len(steps) else 1 / NOMINAL_FPS)
    cut = number(cut_s, "cut_s", 0, 1e10)
    lanes, frames = np.nonzero(visible.T)
    t = clock[frames]
    begins = np.ones(len(t), np.bool_)
    begins[1:] = (lanes[1:] != lanes[:-1]) | (np.diff(t) > cut * (1 + 1e-9))
    run = np.cumsum(begins) - 1
    starts = np.flatnonzero(begins)
    bounds = np.append(starts, len(t))
    y = np.ascontiguousarray(xy[frames, lanes].T, np.float64)
    return Sights(lanes, frames, t, y, run, bounds[run], bounds[run + 1])


@dataclass
class _Windows:
    """The nearest sights around each of m, w of them, within its run.

    Attributes:
        which: (w, m) numbers of sights, those of the part from 0.
        x: (w, m) their distance in time by that of the furthest, -1..1.
        inside: (w, m) False where the run is shorter than the window.
    """

    which: Numbers
    x: Real
    inside: Bools

    @classmethod
    def of(cls, points: Sights, part: slice, window: int) -> _Windows:
        t = points.t[part]
        first, end = points.first[part] - part.start, points.end[part] - part.start
        width = np.minimum(window, end - first)
        here = np.arange(len(t))
        reach, left = np.full(len(t), np.inf), here.copy()
        for back in range(window):
            low = np.clip(here - back, first, end - width)
            far = np.maximum(t - t[low], t[low + width - 1] - t)
            nearer = far < reach
            reach, left = np.where(nearer, far, reach), np.where(nearer, low, left)
        offsets = np.arange(window)[:, None]
        inside = offsets < width
        which = np.where(inside, left + offsets, here)
        scale = np.where(reach > 0, reach, 1)
        return cls(which, (t[which] - t) / scale, inside)

    def lines(self, y: Real, kernel: Real, robust: Real, otherwise: Real) -> Real:
        """(2, m) of the weighted lines at their middles; `otherwise` where no weight is left."""
        s, sx, sxx, sy, sxy = np.zeros((5, *y.shape))
        for which, x, k in zip(self.which, self.x, kernel, strict=True):
            weight = k * robust[:, which]
            value = y[:, which] - y  # differences, so that where the picture lies does not matter
            wx = weight * x
            s += weight
            sx += wx
            sxx += wx * x
            sy += weight * value
            sxy += wx * value
        over = s * sxx - sx * sx
        good = over > _SINGULAR * s * s
        line = (sxx * sy - sx * sxy) / np.where(good, over, 1)
        mean = sy / np.where(s > 0, s, 1)
        found: Real = np.where(good, y + line, np.where(s > 0, y + mean, otherwise))
        return found

    def parabolas(self, y: Real) -> Real:
        """(2, m) of the parabolas at their middles; the sight itself where there are not three."""
        powers = np.zeros((5, y.shape[1]))
        moments = np.zeros((3, *y.shape))
        for which, x, inside in zip(self.which, self.x, self.inside, strict=True):
            value = (y[:, which] - y) * inside
            power = inside.astype(np.float64)
            for k in range(5):
                powers[k] += power
                if k < 3:
                    moments[k] += value
                    value = value * x
                power = power * x
        s0, s1, s2, s3, s4 = powers
        # The first row of the inverse of the normal equations, by Cramer.
        a, b, c = s2 * s4 - s3 * s3, s2 * s3 - s1 * s4, s1 * s3 - s2 * s2
        over = s0 * a + s1 * b + s2 * c
        good = (over > _SINGULAR * s0**3) & (s0 >= 3)
        found: Real = y + np.where(
            good, (a * moments[0] + b * moments[1] + c * moments[2]) / np.where(good, over, 1), 0
        )
        return found
