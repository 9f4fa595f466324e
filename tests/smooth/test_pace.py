"""Frames that come one by one without a rate: their times say it, however far apart they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from posecore import COCO17, Poses
from posecore.motion import Pace, usual_acceleration
from posecore.smooth import KalmanSmoother, OneEuroSmoother
from smooth.walking import rmse_px, seen, squat, walk

BOTH = pytest.mark.parametrize("kind", [KalmanSmoother, OneEuroSmoother])
Kind = Callable[..., Any]


def one_by_one(smoother: Any, xy: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    scores = np.full((1, 17), 0.9, np.float32)
    ids = np.array([3])
    frames = [
        Poses(xy[t : t + 1], scores, skeleton=COCO17, time_s=float(time_s[t]), track_ids=ids)
        for t in range(len(xy))
    ]
    return np.concatenate([smoother(poses).xy for poses in frames])


@BOTH
@pytest.mark.parametrize("fps", [1, 2, 5, 10, 15, 25, 60, 120, 240])
def test_a_smoother_without_a_rate_is_one_of_the_rate_that_the_times_have(kind: Kind, fps: float) -> None:
    xy = seen(walk(60, fps, 300), 2.0)
    time_s = np.arange(60) / fps
    found = one_by_one(kind(), xy, time_s)
    assert np.abs(found - one_by_one(kind(fps=fps), xy, time_s)).max() < 0.3
    assert np.abs(found - kind().track(xy, np.full((60, 17), 0.9, np.float32), time_s=time_s)).max() < 0.3


@BOTH
@pytest.mark.parametrize("step_s", [2.0, 5.0, 20.0])
def test_people_whose_frames_are_far_apart_are_not_forgotten(kind: Kind, step_s: float) -> None:
    xy = np.repeat(seen(walk(1, 30, 300), 0.0), 40, axis=0)
    xy += np.random.default_rng(0).normal(0, 2, xy.shape).astype(np.float32)
    smoother = kind()
    one_by_one(smoother, xy[:20], step_s * np.arange(20))
    assert smoother.counters == (0, 0, 0, 0)
    hidden = np.zeros((1, 17), np.float32)
    poses = Poses(xy[:1], hidden, skeleton=COCO17, time_s=step_s * 20, track_ids=np.array([3]))
    smoothed = smoother(poses)
    assert smoothed.visible.all()
    assert np.abs(smoothed.xy - xy[:1]).max() < 60
    assert smoother.counters == (0, 0, 17, 0)


def test_below_a_frame_a_second_what_is_measured_is_followed() -> None:
    """Nobody can say where somebody who walks will be two seconds later."""
    truth = walk(60, 0.5, 300)
    xy = seen(truth, 2.0)
    found = one_by_one(KalmanSmoother(), xy, np.arange(60) * 2.0)
    assert rmse_px(found, truth) < 1.05 * rmse_px(xy, truth)


def test_a_pace_is_that_of_most_frames_and_clocks_may_tremble() -> None:
    rng = np.random.default_rng(0)
    pace = Pace()
    times = np.cumsum(rng.uniform(0.039, 0.041, 200))
    changes = [pace.changes(now) for now in times]
    assert changes.count(True) == 1
    assert changes[1]
    assert pace.step_s == pytest.approx(0.04, rel=0.03)
    later = times[-1] + np.cumsum([5.0, *[0.04] * 20])
    assert not any(pace.changes(now) for now in later), "one stop"
    slower = later[-1] + np.cumsum(np.full(20, 0.2))
    assert any(pace.changes(now) for now in slower)
    assert pace.step_s == pytest.approx(0.2)
    assert not pace.changes(slower[-1]), "a time that stands still"


def test_a_reset_forgets_the_pace() -> None:
    smoother = KalmanSmoother()
    xy = seen(walk(40, 30, 300), 2.0)
    one_by_one(smoother, xy[:10], 5.0 * np.arange(10))
    smoother.reset()
    found = one_by_one(smoother, xy, np.arange(40) / 30)
    assert np.array_equal(found, one_by_one(KalmanSmoother(), xy, np.arange(40) / 30))


@pytest.mark.parametrize(("fps", "limit"), [(5, 1.2), (10, 1.0), (15, 0.9), (30, 0.8), (60, 0.75)])
def test_who_squats_is_not_smoothed_away(fps: int, limit: float) -> None:
    """Clean squats: their error beside that of what was measured, with no options."""
    truth = squat(20 * fps, fps, 700)
    for seed in range(3):
        xy = seen(truth, 0.006 * 700, seed)
        assert rmse_px(KalmanSmoother(fps=fps).track(xy), truth) < limit * rmse_px(xy, truth)


def test_usual_accelerations_fit_every_rate_and_noise() -> None:
    for fps in (1, 2, 5, 5.5, 15, 30, 1000):
        for noise in (1e-4, 0.02, 100.0):
            KalmanSmoother(fps=fps, noise=noise, speed=fps * noise)
    assert usual_acceleration(30) == usual_acceleration(120) == 10
    assert usual_acceleration(15) == 5
    slow = [usual_acceleration(fps) for fps in (5.5, 5, 4, 3)]
    assert slow == sorted(slow)
