"""Lag: the shift that brings a track nearest to a reference."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posecore.evaluation.lag import lag


def seen(xy: np.ndarray) -> np.ndarray:
    return np.ones(xy.shape[:2], bool)


def moving(times: np.ndarray) -> np.ndarray:
    """Two keypoints that swing at different paces, (T, 2, 2)."""
    return np.stack(
        [
            np.stack([100 * np.sin(times / 7), 80 * np.cos(times / 9)], axis=-1),
            np.stack([50 * np.cos(times / 11), 3 * times], axis=-1),
        ],
        axis=1,
    )


T = np.arange(80.0)


@given(st.integers(-9, 9))
def test_whole_frames(frames):
    reference, track = moving(T), moving(T - frames)
    found = lag(track, seen(track), reference, seen(reference), fps=25)
    assert found.frames == pytest.approx(frames, abs=0.05)
    assert found.costs[found.shifts == frames] == pytest.approx(0, abs=1e-20)
    assert found.seconds == pytest.approx(found.frames / 25)


@given(st.floats(-8.9, 8.9))
def test_parts_of_a_frame_are_exact_in_uniform_motion(frames):
    velocity = np.array([[[3.0, -4.0]]])
    reference, track = T[:, None, None] * velocity, (T - frames)[:, None, None] * velocity
    assert lag(track, seen(track), reference, seen(reference), fps=30).frames == pytest.approx(
        frames, abs=1e-6
    )


def test_parts_of_a_frame_of_any_motion_and_each_keypoint():
    reference, track = moving(T), moving(T - 2.3)
    track[:, 1] = moving(T - 4.6)[:, 1]
    found = lag(track, seen(track), reference, seen(reference), times_s=T / 50)
    assert found.keypoints_frames.tolist() == pytest.approx([2.3, 4.6], abs=0.02)
    assert 2.3 < found.frames < 4.6


def test_a_moving_mean_of_five_frames_is_two_behind():
    reference = moving(T)
    track = np.stack([reference[max(0, t - 4) : t + 1].mean(axis=0) for t in range(len(T))])
    found = lag(track, seen(track), reference, seen(reference), fps=30)
    assert found.frames == pytest.approx(2, abs=0.05)
    assert str(found).startswith(f"lag {found.frames:+.2f} frames, {1000 * found.seconds:+.1f} ms\n")


def test_where_no_shift_is_best_there_is_no_lag():
    still = np.ones((30, 1, 2))
    found = lag(still, seen(still), still, seen(still), fps=30)
    assert math.isnan(found.frames)
    assert "none can be told" in str(found)
    ramp = T[:, None, None] * np.ones((1, 1, 2))
    assert math.isnan(lag(ramp - 50, seen(ramp), ramp, seen(ramp), fps=30).frames)  # more than 10 behind
    unseen = lag(ramp, seen(ramp), ramp, ~seen(ramp), fps=30)
    assert math.isnan(unseen.frames)
    assert json.loads(json.dumps(unseen.as_dict(), allow_nan=False))["costs"] == [None] * 21


def test_only_frames_that_every_shift_can_be_judged_on_count():
    reference, track = moving(T), moving(T - 3)
    visible = seen(track)
    visible[40, 0] = False
    track[40, 0] = math.nan
    found = lag(track, visible, reference, seen(reference), fps=30)
    assert "same 99 points" in found.convention  # 2 x 60 in the middle, without 21 of the first keypoint
    assert found.frames == pytest.approx(3, abs=0.05)


def test_wrong_arguments_get_a_sentence():
    xy = np.zeros((20, 1, 2))
    with pytest.raises(ValueError, match="xy: wanted at least 21 frames for most_frames 10, got 20"):
        lag(xy, seen(xy), xy, seen(xy), fps=30)
    with pytest.raises(ValueError, match="most_frames: wanted a whole number from 1"):
        lag(xy, seen(xy), xy, seen(xy), fps=30, most_frames=0)
    with pytest.raises(ValueError, match=r"reference_xy: wanted shape \(20, 1, 2\), got \(19, 1, 2\)"):
        lag(xy, seen(xy), xy[1:], seen(xy), fps=30, most_frames=2)
