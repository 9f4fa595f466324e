"""Two people who cross: how often both keep their ids, over 100 seeds a setting."""

from __future__ import annotations

import numpy as np
import pytest
from walkers import crossing, found

import posecore as pc

SEEDS = range(100)


def times(fps: float, seconds: float = 4.0) -> np.ndarray:
    return np.arange(int(seconds * fps)) / fps


def keeps_ids(seed: int, time_s: np.ndarray, **options: float) -> bool:
    tracker = pc.Tracker(pc.COCO17)
    ids: dict[int, set[int]] = {0: set(), 1: set()}
    for poses, who in found(crossing(seed, time_s), time_s, seed=seed, **options):
        for n, track_id in zip(who, tracker(poses).track_ids, strict=True):
            ids[n].add(int(track_id))
    return sorted(map(sorted, ids.values())) == [[1], [2]]


# The least of 100 that the issue asks for at 30 fps is 95; here is what holds, less 2.
@pytest.mark.parametrize(
    ("fps", "options", "least"),
    [
        (30, {"noise_px": 4}, 98),
        (30, {"noise_px": 4, "missed": 0.2}, 98),
        (30, {"noise_px": 4, "missed": 0.2, "hidden_px": 40}, 98),
        (30, {"noise_px": 4, "missed": 0.2, "hidden_px": 80}, 98),
        (15, {"noise_px": 4, "missed": 0.2}, 96),
        (60, {"noise_px": 4, "missed": 0.2, "hidden_px": 40}, 98),
        (120, {"noise_px": 4, "missed": 0.2}, 98),
    ],
    ids=str,
)
def test_two_people_who_cross_keep_their_ids(fps: float, options: dict[str, float], least: int) -> None:
    kept = sum(keeps_ids(seed, times(fps), **options) for seed in SEEDS)
    assert kept >= least


def test_the_ids_are_kept_at_uneven_times() -> None:
    kept = 0
    for seed in SEEDS:
        steps = np.random.default_rng(seed).uniform(0.2, 1.8, 120) / 30
        kept += keeps_ids(seed, np.cumsum(steps), noise_px=4, missed=0.2)
    assert kept >= 97


def test_half_the_frames_twice_the_speed_is_the_same_walk() -> None:
    # The same people at 15 fps, and the same pictures played at 30 fps: what differs is the clock.
    for scale in (1, 2):
        time_s = times(15)
        people = crossing(3, time_s)
        tracker = pc.Tracker(pc.COCO17)
        seen = [
            tuple(tracker(poses.replace(time_s=poses.time_s / scale)).track_ids[np.argsort(who)])
            for poses, who in found(people, time_s, noise_px=2)
        ]
        assert set(seen) <= {(1, 2), (2, 1)}
        assert len(set(seen)) == 1
