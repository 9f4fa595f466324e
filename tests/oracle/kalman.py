"""The Kalman filter of keypoints in float64, from its definition: many lanes at once, each a keypoint with options of
its own. Predict with F = [[1, t], [0, 1]] and the noise of white acceleration, Q = q [[t^3/3, t^2/2], [t^2/2, t]];
update with K = P H' / (H P H' + R); both axes share P. Lengths in pixels, time in nominal frames.

With a gate, a calm keypoint is not believed for the first frame in which it is suddenly elsewhere; the noise of score 1
says how far that is.

The ranges that the kernel keeps are part of the definition here: see cpp/include/posecore/kalman.hpp.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

NEVER, RUNNING, LOST = 0, 1, 2
REACH_PX = 32768.0
FASTEST_PX = 8192.0  # a frame
MOST_VELOCITY_GAIN = 1.9921875
MOST_COVARIANCE = 2.0**23  # by the unit


@dataclass
class Lanes:
    """L keypoints. Every array is (L,), but position and velocity, which are (L, 2)."""

    q: np.ndarray  # what a frame adds to the variance of the velocity, px^2 / frame^2
    start_velocity: np.ndarray  # variance, px^2 / frame^2
    unit: np.ndarray  # px^2
    gate_sigmas: float = 0.0
    gated_before_restart: int = 3
    max_coast_frames: int = 30
    fps: float = 30.0
    noise_px: np.ndarray | None = None  # of a keypoint of score 1; the root of the unit where it is left out
    position: np.ndarray = field(init=False)
    velocity: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        lanes = len(self.q)
        self.position = np.zeros((lanes, 2))
        self.velocity = np.zeros((lanes, 2))
        self.p00, self.p01, self.p11 = np.zeros((3, lanes))
        self.age = np.zeros(lanes)
        self.gated_now = np.zeros(lanes, int)
        self.phase = np.full(lanes, NEVER)
        self.noise_px = np.sqrt(self.unit) if self.noise_px is None else self.noise_px
        self.spread = np.zeros(lanes)
        self.saturations, self.gated, self.coasted, self.restarts = np.zeros((4, lanes), int)

    def step(
        self, measured: np.ndarray, variance: np.ndarray, frames: float | np.ndarray = 1.0
    ) -> np.ndarray:
        """One frame, `frames` after the last: measured (L, 2), its variance (L,), 0 where it is missing. Returns the
        positions (L, 2)."""
        seen = variance > 0
        self.age += frames
        running = self.phase == RUNNING
        expired = running & (self.age > self.max_coast_frames + 0.5 + seen)
        p11 = self.p11 + self.q * frames
        p01 = self.p01 + frames * self.p11 + self.q * frames**2 / 2
        p00 = self.p00 + frames * (2 * self.p01 + frames * self.p11) + self.q * frames**3 / 3
        at = self.position + self.velocity * np.reshape(frames, (-1, 1))
        fits = (np.abs(at) < REACH_PX).all(axis=1) & (np.maximum(p00, p11) < MOST_COVARIANCE * self.unit)
        left = running & ~expired & ~fits
        self.saturations += left
        self.phase[expired | left] = LOST
        self.velocity[expired | left] = 0
        running = self.phase == RUNNING

        total = p00 + np.where(seen, variance, 1)
        off = measured - at
        too_far = np.zeros(len(seen), bool)
        if self.gate_sigmas:
            too_far = running & seen & ((off**2).sum(axis=1) > self.gate_sigmas**2 * total)
        begins = seen & (~running | (too_far & (self.gated_now >= self.gated_before_restart)))
        spike = np.zeros(len(seen), bool)
        if self.gate_sigmas:
            spike = self.find_spikes(off, running & seen & ~too_far)
        gated = (too_far & ~begins) | spike
        updated = running & seen & ~too_far & ~spike
        expected = running & ~updated & ~begins

        k0, k1 = p00 / total, p01 / total
        clamped = k1 >= MOST_VELOCITY_GAIN
        self.saturations += updated & clamped
        k1 = np.minimum(k1, MOST_VELOCITY_GAIN)
        turned = self.velocity + k1[:, None] * off
        held = np.clip(turned, -FASTEST_PX, FASTEST_PX)
        self.saturations += np.where(updated, (held != turned).sum(axis=1), 0)

        for name, new, predicted, first in (
            ("p00", variance * k0, p00, variance),
            ("p01", variance * k1, p01, 0.0),
            ("p11", np.maximum(p11 - k1 * p01, 0), p11, self.start_velocity),
        ):
            now = getattr(self, name)
            setattr(
                self,
                name,
                np.where(updated, new, np.where(expected & ~spike, predicted, np.where(begins, first, now))),
            )
        self.velocity = np.where(updated[:, None], held, np.where(begins[:, None], 0.0, self.velocity))
        moved = np.where(updated[:, None], at + k0[:, None] * off, at)
        self.position = np.where(
            begins[:, None], measured, np.where((updated | expected)[:, None], moved, self.position)
        )
        self.gated += gated
        self.coasted += running & ~seen
        self.restarts += begins & (self.phase != NEVER)
        self.phase[begins] = RUNNING
        self.gated_now = np.where(gated, self.gated_now + 1, np.where(updated | begins, 0, self.gated_now))
        self.age[updated | begins] = 0
        self.spread = np.where(begins, 10 * self.noise_px, self.spread)
        return self.position

    def find_spikes(self, off: np.ndarray, looked_at: np.ndarray) -> np.ndarray:
        """(L,) bool; and what measurements are off is followed."""
        sides = np.minimum(np.abs(off), 8192)
        distance = sides.max(axis=1) + sides.min(axis=1) / 2
        floor = self.noise_px * np.maximum(5, 3000 * (self.age / self.fps) ** 2)
        limit = np.maximum(5 * self.spread, floor)
        far = looked_at & (distance > limit)
        followed = self.spread * 7 / 8 + np.minimum(distance, limit / 2) / 8
        moves = far & (self.gated_now > 0)
        self.spread = np.where(
            looked_at, np.where(moves, np.maximum(followed, distance), followed), self.spread
        )
        return far & ~moves


def recipe(measured: np.ndarray) -> np.ndarray:
    """(T, N) coordinates through F = H = P = I, R = 0.1 I, Q = 0.01 I, with the first measurement as the first state:
    predict and update with matrices, as the books have them."""
    n = measured.shape[1]
    eye = np.eye(n)
    x, p = measured[0].astype(np.float64), eye.copy()
    out = []
    for z in measured:
        p = eye @ p @ eye + 0.01 * eye
        gain = p @ np.linalg.inv(p + 0.1 * eye)
        x = x + gain @ (z - x)
        p = (eye - gain) @ p
        out.append(x)
    return np.array(out)
