"""Frames that say which one they are, and an estimator, tracker and smoother that need no model."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np

from posecore.poses import Poses
from posecore.skeletons import COCO17


def numbered(number: int, *, size: tuple[int, int] = (16, 12)) -> np.ndarray:
    """A tiny RGB frame that holds its number."""
    frame = np.zeros((size[1], size[0], 3), np.uint8)
    frame[:] = number // 65536 % 256, number // 256 % 256, number % 256
    return frame


def number_of(frame: np.ndarray) -> int:
    assert (frame == frame[0, 0]).all(), "a frame of one colour"
    high, middle, low = (int(value) for value in frame[0, 0])
    return high * 65536 + middle * 256 + low


def frames(count: int) -> Iterator[np.ndarray]:
    """Frames that all are one array, written anew each time, as some sources do it."""
    buffer = numbered(0)
    for number in range(count):
        buffer[:] = numbered(number)
        yield buffer


def walker(number: int, *, people: int = 1, noise: float = 0.0) -> Poses:
    """People who walk 3 px a frame to the right."""
    rng = np.random.default_rng(number)
    xy = np.zeros((people, 17, 2), np.float32)
    xy[:, :, 0] = 3 * number + 7 * np.arange(17) + 200 * np.arange(people)[:, None]
    xy[:, :, 1] = 60 + 5 * np.arange(17)
    xy += noise * rng.standard_normal(xy.shape).astype(np.float32)
    return Poses(xy, np.full((people, 17), 0.9, np.float32), skeleton=COCO17, image_size=(640, 480))


def estimate(frame: np.ndarray) -> Poses:
    return walker(number_of(frame))


class RowTracker:
    """Calls the person in row n number n + 1, and counts what it was given."""

    def __init__(self, *_: Any, **options: Any) -> None:
        self.options = options
        self.counters = {"swaps_repaired": 0}
        self.times_s: list[float | None] = []

    def __call__(self, poses: Poses) -> Poses:
        self.times_s.append(poses.time_s)
        self.counters["swaps_repaired"] += 1
        return poses.replace(track_ids=np.arange(1, len(poses) + 1, dtype=np.int64))


class MeanSmoother:
    """The mean of this frame and the one before: half a frame of lag on steady motion."""

    def __init__(self, *_: Any, **options: Any) -> None:
        self.options = options
        self.counters = {"outliers_dropped": 0}
        self._before: np.ndarray | None = None

    def __call__(self, poses: Poses) -> Poses:
        xy = poses.xy
        if self._before is not None and self._before.shape == xy.shape:
            xy = (xy + self._before) / np.float32(2)
        self._before = poses.xy
        return poses.replace(xy=xy)


def our_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("posecore")]
