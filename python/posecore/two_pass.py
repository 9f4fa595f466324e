"""Whole tracks smoothed with what comes after: the Kalman filter of `KalmanSmoother` forwards in time, and the pass
back of Rauch, Tung and Striebel (AIAA Journal 3, 1965). Without lag, and for recordings only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.arguments import number, whole
from posecore.motion import (
    FPS,
    HOLD_S,
    LEAST_SCORE,
    REACH_PX,
    gate,
    nominal_fps,
    possible_acceleration,
    times,
    want_array,
    want_motion,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float32]
    Real = npt.NDArray[np.float64]
    Bools = npt.NDArray[np.bool_]

_LEAST_PERSON_PX = 8.0
_SIZE_LAG_S = 0.5


def smooth_two_pass(
    xy: FloatArray,
    scores: FloatArray | None = None,
    visible: Bools | None = None,
    time_s: Real | None = None,
    *,
    fps: float | None = None,
    acceleration: float | None = None,
    noise: float = 0.02,
    speed: float = 2.0,
    max_coast_frames: int = 30,
    gate_sigmas: float = 10.0,
    gated_before_restart: int = 3,
    size_px: float | None = None,
) -> FloatArray:
    """Tracks without their trembling, each frame with all that is known before and after it. float64 inside.

    Args:
        xy: (T, K, 2) float32 in pixels, one person; or (T, N, K, 2), N people, as fast as one. A keypoint that is
            not finite is missing, one beyond 32,768 px is held there.
        scores: float32, (T, K) or (T, N, K); one that is not over 0 is missing. All 1 where it is left out.
        visible: bool, the same shape, False where a keypoint is missing.
        time_s: (T,) float64 seconds that do not go back; frames of `fps` (30 where that is None) where it is left
            out.
        fps, noise, speed, max_coast_frames, gated_before_restart: as `KalmanSmoother`'s.
        acceleration: as there. None: 10 sizes per s^2, and below 10 fps more, with 1 / sqrt(fps): clean walks and
            squats at 5 fps come out no worse than they went in, at 15 with .4 to .65 of their noise.
        gate_sigmas: as there, and the only gate: `posecore.outliers.find_outliers` sees more, and both ways in time.
        size_px: the person's size; 1 makes sizes of the options pixels. From the keypoints where it is left out.

    Returns:
        float32 of xy's shape, always finite. Gaps of up to `max_coast_frames` are bridged. A keypoint not yet seen
        is at (0, 0), one missing for longer where it was.

    Raises:
        TypeError: an array of another dtype; nothing is cast.
        ValueError: shapes that do not fit together, times that are not finite or go back, or options out of range.
    """
    if isinstance(xy, np.ndarray) and xy.ndim == 3:
        want_array(xy, "xy", np.float32, (None, None, 2))
    else:
        want_array(xy, "xy", np.float32, (None, None, None, 2))
    shape = xy.shape[:-1]
    if scores is not None:
        want_array(scores, "scores", np.float32, shape)
    if visible is not None:
        want_array(visible, "visible", np.bool_, shape)
    fps = None if fps is None else number(fps, "fps", *FPS)
    if time_s is not None:
        time_s = times(time_s, shape[0])
    fps = nominal_fps(fps, time_s)
    noise, speed = number(noise, "noise", 1e-4, 1e3), number(speed, "speed", 1e-9, 1e9)
    if acceleration is None:
        # What comes after tells noise from motion, so that people need not be taken for slower than they are.
        acceleration = possible_acceleration(10 * max(1.0, (10 / fps) ** 0.5), fps, noise)
    else:
        acceleration = number(acceleration, "acceleration", 1e-9, 1e9)
    want_motion(acceleration, noise, speed, fps)
    with np.errstate(invalid="ignore"):
        seen: Bools = np.isfinite(xy[..., 0]) & np.isfinite(xy[..., 1])
        if visible is not None:
            seen &= visible
        if scores is not None:
            seen &= scores > 0
    measured = np.clip(np.where(seen[..., None], xy, 0), -REACH_PX, REACH_PX).astype(np.float64)
    if measured.size == 0:
        return np.array(xy)
    steps = np.ones(shape[0]) if time_s is None else np.diff(time_s, prepend=time_s[:1]) * fps
    size = (
        _sizes(measured, seen, steps, _SIZE_LAG_S * fps)
        if size_px is None
        else np.full((*shape[:-1], 1), number(size_px, "size_px", 1 / 64, 32768))
    )
    deviation = noise * size * np.ones(shape)
    if scores is not None:
        deviation = deviation / np.clip(np.where(seen, scores, 1), LEAST_SCORE, 1)
    flat = (shape[0], -1)
    forwards = _Forwards(
        q=np.broadcast_to((acceleration * size) ** 2 * HOLD_S / fps**3, shape).reshape(flat),
        start=np.broadcast_to((speed * size / fps) ** 2, shape).reshape(flat),
        steps=steps,
        longest=whole(max_coast_frames, "max_coast_frames", 0, 240),
        gate=gate(gate_sigmas) ** 2,
        patience=whole(gated_before_restart, "gated_before_restart", 0, 100),
    )
    forwards.run(measured.reshape(*flat, 2), seen.reshape(flat), (deviation**2).reshape(flat))
    smoothed: FloatArray = forwards.back().astype(np.float32).reshape(xy.shape)
    return smoothed


@dataclass
class _Forwards:
    """The forward pass over T frames of L keypoints, and what the pass back needs of it. Pixels and frames."""

    q: Real  # (T, L) what a frame adds to the variance of the velocity
    start: Real  # (T, L) variance of a velocity not yet known
    steps: Real  # (T,) frames since the one before
    longest: int
    gate: float
    patience: int

    def run(self, measured: Real, seen: Bools, variance: Real) -> None:
        frames, lanes = seen.shape
        # Position and velocity on both axes, (T, 2, L, 2), and the covariance's p00, p01, p11, (T, 3, L).
        self.state, self.expected = np.zeros((2, frames, 2, lanes, 2))
        self.covariance, self.predicted = np.zeros((2, frames, 3, lanes))
        self.joined = np.zeros((frames, lanes), bool)  # with the frame before
        state, (p00, p01, p11) = np.zeros((2, lanes, 2)), np.zeros((3, lanes))
        age, gated = np.zeros((2, lanes))
        running = np.zeros(lanes, bool)
        for t in range(frames):
            step, q, here, r = self.steps[t], self.q[t], seen[t], variance[t]
            age += step
            ended = running & (age > self.longest + 0.5 + here)
            running &= ~ended
            state[1, ended] = 0
            p00, p01, p11 = (
                p00 + step * (2 * p01 + step * p11) + q * step**3 / 3,
                p01 + step * p11 + q * step**2 / 2,
                p11 + q * step,
            )
            state[0, running] += step * state[1, running]
            self.expected[t], self.predicted[t] = state, (p00, p01, p11)
            off = measured[t] - state[0]
            total = p00 + np.where(here, r, 1)
            far = running & here & ((off**2).sum(axis=1) > self.gate * total) & (self.gate > 0)
            begins = here & (~running | (far & (gated >= self.patience)))
            updated = running & here & ~far
            gated = np.where(far & ~begins, gated + 1, np.where(updated | begins, 0, gated))
            self.joined[t] = running & ~begins
            k0, k1 = np.where(updated, p00 / total, 0), np.where(updated, p01 / total, 0)
            state[0] += k0[:, None] * off
            state[1] += k1[:, None] * off
            p00, p01, p11 = p00 - k0 * p00, p01 - k0 * p01, p11 - k1 * p01
            if begins.any():
                state[0, begins], state[1, begins] = measured[t, begins], 0
                p00, p01 = np.where(begins, r, p00), np.where(begins, 0, p01)
                p11 = np.where(begins, self.start[t], p11)
                running |= begins
            age[updated | begins] = 0
            self.state[t], self.covariance[t] = state, (p00, p01, p11)

    def back(self) -> Real:
        """(T, L, 2) positions given every frame."""
        frames = len(self.steps)
        smoothed = self.state.copy()
        for t in range(frames - 2, -1, -1):
            step, joined = self.steps[t + 1], self.joined[t + 1]
            p00, p01, p11 = self.covariance[t]
            a, b, c = self.predicted[t + 1]
            over = np.where(joined, a * c - b * b, 1)
            share = np.where(joined & (over > 0), 1 / np.where(over > 0, over, 1), 0)
            left, right = p00 + step * p01, p01 + step * p11
            position, velocity = smoothed[t + 1] - self.expected[t + 1]
            smoothed[t, 0] += ((left * c - p01 * b) * share)[:, None] * position
            smoothed[t, 0] += ((p01 * a - left * b) * share)[:, None] * velocity
            smoothed[t, 1] += ((right * c - p11 * b) * share)[:, None] * position
            smoothed[t, 1] += ((p11 * a - right * b) * share)[:, None] * velocity
        positions: Real = smoothed[:, 0]
        return positions


def _sizes(measured: Real, seen: Bools, steps: Real, lag: float) -> Real:
    """(T, 1) or (T, N, 1): the longer sides of the boxes around keypoints, through a low pass in both directions."""
    hidden = ~seen[..., None]
    low = np.where(hidden, np.inf, measured).min(axis=-2)
    high = np.where(hidden, -np.inf, measured).max(axis=-2)
    sides = np.maximum((high - low).max(axis=-1), _LEAST_PERSON_PX)
    sides[~seen.any(axis=-1)] = np.nan
    shares = steps / (steps + lag)
    there = _low_passed(sides, shares)
    back = _low_passed(sides[::-1], np.concatenate([[0.0], shares[:0:-1]]))[::-1]
    both = (np.where(np.isnan(there), back, there) + np.where(np.isnan(back), there, back)) / 2
    found: Real = np.nan_to_num(both, nan=1.0)[..., None]
    return found


def _low_passed(values: Real, shares: Real) -> Real:
    """NaN keeps what was."""
    result = []
    now: Any = values[0]
    for value, share in zip(values, shares, strict=True):
        now = np.where(np.isnan(now), value, np.where(np.isnan(value), now, now + share * (value - now)))
        result.append(now)
    return np.array(result).reshape(values.shape)
