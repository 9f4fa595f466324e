"""The settings of the promise: 30, 60 and 120 fps, accelerations of 10 to 10,000 px/s^2, and three noises."""

from __future__ import annotations

from itertools import product
from typing import Any, NamedTuple

import numpy as np

from posecore import _core

FRAMES = 100_000
SCENARIOS = ("clean", "jumps", "jumps and gaps")


class Setting(NamedTuple):
    fps: float
    acceleration: float  # px/s^2, drawn anew every frame
    variance: float  # of a measurement, px^2

    @property
    def q(self) -> float:
        """What a frame adds to the variance of the velocity, px^2/frame^2."""
        return self.acceleration**2 / self.fps**4

    @property
    def start_velocity(self) -> float:
        return (1000 / self.fps) ** 2

    def kernel(self, keypoints: int, **options: Any) -> _core.KalmanFilter:
        """The core's filter in pixels, without a gate."""
        return _core.KalmanFilter(
            num_keypoints=keypoints,
            **{
                "fps": self.fps,
                "noise": self.variance**0.5,
                "least_score": 0.1,
                "acceleration": self.acceleration,
                "hold_s": 1 / self.fps,
                "speed": 1000.0,
                "gate_sigmas": 0.0,
                "gated_before_restart": 3,
                "max_coast_frames": 30,
                "constant_position": False,
                "floats": False,
                **options,
            },
        )


SETTINGS = [
    Setting(*each)
    for each in product((30.0, 60.0, 120.0), (10.0, 100.0, 1000.0, 10_000.0), (0.25, 4.0, 25.0))
]


def measurements(setting: Setting, frames: int = FRAMES) -> tuple[np.ndarray, np.ndarray]:
    """(T, 3, 2) float32 coordinates within 0..4096 px and (T, 3) bool where they are seen, one column a scenario:
    a smooth path of the setting's acceleration, with its noise; the same with jumps of up to the whole width; and that
    with gaps of 1 to 30 frames."""
    rng = np.random.default_rng(0)
    t = np.arange(frames)[:, None] / setting.fps
    width = np.array([1200.0, 500.0])[:, None, None]
    turns = np.sqrt(setting.acceleration / width) * np.array([1.0, 1.1])
    path = 2048 + (width * np.sin(turns * t)).sum(axis=0) + rng.normal(0, setting.variance**0.5, (frames, 2))
    leap = rng.random(frames) < 1 / 200
    where = np.maximum.accumulate(np.where(leap, np.arange(frames), 0))
    jumpy = np.clip(path + rng.uniform(-4096, 4096, (frames, 2))[where], 0, 4096)
    seen = np.ones((frames, 3), bool)
    for start in np.flatnonzero(rng.random(frames) < 1 / 100):
        seen[start : start + rng.integers(1, 31), 2] = False
    seen[0] = True
    return np.stack([path, jumpy, jumpy], axis=1).astype(np.float32), seen


def track(
    kernel: Any,
    xy: np.ndarray,
    seen: np.ndarray | None = None,
    scores: np.ndarray | None = None,
    sizes: np.ndarray | None = None,
    times: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, tuple[int, ...]]:
    """Positions (T, K, 2), kinds (T, K), and the counters; in pixels where no sizes are given."""
    out, kinds = np.empty_like(xy), np.empty(xy.shape[:2], np.uint8)
    sizes = np.ones(len(xy), np.float32) if sizes is None else sizes
    visible = None if seen is None else seen.view(np.uint8)
    counted = kernel.track(xy, scores, visible, sizes, times, out, kinds)
    return out, kinds, counted
