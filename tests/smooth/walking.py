"""Somebody who walks, as numbers: where 17 keypoints truly are, and what a network would see of them."""

from __future__ import annotations

import numpy as np

STRIDES_HZ = 0.95
SPEED_M_S = 1.4
HEIGHT_M = 1.75

# Of each keypoint of COCO-17, in metres: forwards, up, half the swing forwards, its phase in turns, half the bob up.
_BODY = np.array(
    [
        *([0.10, 1.60, 0.00, 0.0, 0.02], [0.07, 1.64, 0.00, 0.0, 0.02], [0.07, 1.64, 0.00, 0.0, 0.02]),
        *([0.00, 1.62, 0.00, 0.0, 0.02], [0.00, 1.62, 0.00, 0.0, 0.02]),
        *([0.00, 1.42, 0.03, 0.5, 0.02], [0.00, 1.42, 0.03, 0.0, 0.02]),
        *([0.00, 1.12, 0.12, 0.5, 0.02], [0.00, 1.12, 0.12, 0.0, 0.02]),
        *([0.10, 0.92, 0.25, 0.5, 0.04], [0.10, 0.92, 0.25, 0.0, 0.04]),
        *([0.00, 0.95, 0.02, 0.0, 0.02], [0.00, 0.95, 0.02, 0.5, 0.02]),
        *([0.05, 0.50, 0.20, 0.0, 0.03], [0.05, 0.50, 0.20, 0.5, 0.03]),
        *([0.00, 0.10, 0.40, 0.0, 0.06], [0.00, 0.10, 0.40, 0.5, 0.06]),
    ]
)


def walk(frames: int, fps: float, height_px: float, turn_at_m: float = 6.0) -> np.ndarray:
    """(T, 17, 2) float64: to and fro over `turn_at_m` metres, turning smoothly."""
    t = np.arange(frames)[:, None] / fps
    scale = height_px / HEIGHT_M
    forwards, up, swing, phase, bob = _BODY.T
    # A round trip as an ellipse seen from its edge: the speed is SPEED_M_S in the middle.
    way = np.sin(2 * SPEED_M_S / turn_at_m * t) * turn_at_m / 2
    step = 2 * np.pi * (STRIDES_HZ * t + phase)
    x = turn_at_m / 2 + 0.7 + way + forwards + swing * np.sin(step)
    y = HEIGHT_M + 0.2 - up - bob * np.sin(2 * step)
    return np.stack([x * scale, y * scale], axis=-1)


def squat(frames: int, fps: float, height_px: float) -> np.ndarray:
    """(T, 17, 2) float64: somebody seen from the front who squats every 2.6 s, arms forwards, feet on the ground."""
    t = np.arange(frames)[:, None] / fps
    depth = (1 - np.cos(2 * np.pi * t / 2.6)) / 2
    up = _BODY[:, 1] / 1.65
    half = np.array(
        [0, 0.02, -0.02, 0.04, -0.04, 0.12, -0.12, 0.15, -0.15, 0.16, -0.16, 0.08, -0.08] + [0.1, -0.1] * 2
    )
    sinks = np.array([0.33] * 7 + [0.25, 0.25, 0.1, 0.1, 0.28, 0.28, 0.06, 0.06, 0.0, 0.0])
    x = height_px * (0.7 + half * (1 + 0.3 * depth * (sinks < 0.3) * (sinks > 0)))
    y = height_px * (1.1 - up + sinks * depth)
    return np.stack([np.broadcast_to(x, y.shape), y], axis=-1)


def seen(truth: np.ndarray, noise_px: float, seed: int = 0) -> np.ndarray:
    """What is measured of it: (T, 17, 2) float32."""
    noise = np.random.default_rng(seed).normal(0, noise_px, truth.shape)
    return (truth + noise).astype(np.float32)


def rmse_px(xy: np.ndarray, truth: np.ndarray) -> float:
    return float(np.sqrt(((xy - truth) ** 2).sum(axis=-1).mean() / 2))


def jitter_px(xy: np.ndarray) -> float:
    """The rms second difference of a coordinate."""
    return float(np.sqrt((np.diff(xy.astype(np.float64), n=2, axis=0) ** 2).mean()))


def lag_frames(xy: np.ndarray, truth: np.ndarray, most: float = 6.0) -> float:
    """By how many frames the truth must be delayed to lie nearest to `xy`, in steps of 0.05."""
    frames = np.arange(len(xy), dtype=np.float64)
    flat = truth.reshape(len(truth), -1)
    inside = slice(int(most) + 1, len(xy) - int(most) - 1)
    delays = np.arange(-1.0, most, 0.05)
    misses = []
    for delay in delays:
        moved = np.stack([np.interp(frames - delay, frames, column) for column in flat.T], axis=1)
        misses.append(((xy.reshape(len(xy), -1) - moved)[inside] ** 2).mean())
    return float(delays[int(np.argmin(misses))])
