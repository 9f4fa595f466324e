"""A stream's memory does not grow with its length: people come and go, frames are dropped on the floor.

POSECORE_SLOW=1 makes it 100,000 frames.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from moving_people import MeanSmoother, RowTracker, frames, number_of, walker

import posecore as pc

FRAMES = 100_000 if os.environ.get("POSECORE_SLOW") == "1" else 4_000
WARM_UP = 1_500
MOST_MB = 4.0


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def visitors(frame: np.ndarray) -> pc.Poses:
    """One to three people, each of whom stays for 40 frames, walks, and is followed by another one elsewhere."""
    number = number_of(frame)
    stay, since = divmod(number, 40)
    people = walker(since, people=1 + stay % 3, noise=1.0)
    return people.replace(xy=people.xy + np.float32((stay % 11) * 400))


def stand_ins() -> tuple[Any, Any]:
    return RowTracker(), MeanSmoother()


def real_ones() -> tuple[Any, Any]:
    if find_spec("posecore.smooth") is None or find_spec("posecore.track") is None:
        pytest.skip("there is no tracker and smoother yet")
    from posecore.smooth import KalmanSmoother

    return pc.Tracker(pc.COCO17), KalmanSmoother(pc.COCO17)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc")
@pytest.mark.parametrize("steps", [stand_ins, real_ones])
def test_memory_is_flat(steps: Any) -> None:
    def times() -> Iterator[tuple[np.ndarray, float]]:
        for number, frame in enumerate(frames(FRAMES)):
            yield frame, number / 30

    tracker, smoother = steps()
    if isinstance(tracker, RowTracker):
        tracker.times_s = _Forgetful()
    stream = pc.stream(times(), visitors, tracker, smoother)
    before = 0.0
    for done, _ in enumerate(stream):
        if done == WARM_UP:
            gc.collect()
            before = resident_mb()
    assert done == FRAMES - 1
    gc.collect()
    assert resident_mb() - before < MOST_MB
    receipt = stream.receipt
    assert receipt is not None
    assert receipt.frames == FRAMES


class _Forgetful(list[Any]):
    def append(self, _: object) -> None:
        pass
