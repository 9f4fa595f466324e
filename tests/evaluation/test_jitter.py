"""Jitter: the root mean square of second differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from oracle.tracks import jitter as slow_jitter
from posecore.evaluation.jitter import jitter


def seen(xy: np.ndarray) -> np.ndarray:
    return np.ones(xy.shape[:2], bool)


def test_what_moves_evenly_does_not_tremble():
    xy = np.arange(10.0)[:, None, None] * np.array([[[2.0, -1.0]]])
    found = jitter(xy, seen(xy), fps=30)
    assert (found.px, found.px_per_s2, found.counts.tolist()) == (0, 0, [8])


def test_a_zigzag():
    # 0 3 0 3 …: each second difference is 6 px in x and 8 px in y.
    xy = np.zeros((7, 2, 2))
    xy[1::2, 1] = 3, 4
    found = jitter(xy, seen(xy), fps=10.0)
    assert found.keypoints_px.tolist() == [0, 10]
    assert found.px == pytest.approx(math.sqrt(50))
    assert found.keypoints_px_per_s2[1] == pytest.approx(1000)
    assert found.px_per_s2 == pytest.approx(100 * found.px)
    assert "10 frames per second" in found.convention
    assert str(found).startswith("jitter 7.071 px, 707.1 px/s²\n")


def test_free_fall_has_its_acceleration_at_any_frame_times():
    times = np.array([0.0, 0.1, 0.15, 0.4, 0.41, 1.0])
    xy = np.stack([times, 0.5 * 9.81 * times**2], axis=-1)[:, None]
    assert jitter(xy, seen(xy), times_s=times).px_per_s2 == pytest.approx(9.81)


def test_gaps_are_not_bridged():
    xy = np.zeros((6, 1, 2))
    xy[2] = math.nan
    visible = seen(xy)
    visible[2] = False
    found = jitter(xy, visible, fps=30)
    assert (found.px, found.counts.tolist()) == (0, [1])
    short = jitter(xy[:2], visible[:2], fps=30)
    assert math.isnan(short.px)
    assert short.as_dict()["keypoints_px"] == [None]
    assert jitter(xy[:0], visible[:0], fps=30).counts.tolist() == [0]


@given(st.data())
def test_it_is_that_of_walking_from_frame_to_frame(data):
    shape = (data.draw(st.integers(1, 6)), data.draw(st.integers(1, 3)))
    xy = data.draw(arrays(np.float64, (*shape, 2), elements=st.integers(-100, 100).map(float)))
    visible = data.draw(arrays(np.bool_, shape))
    steps = data.draw(arrays(np.float64, shape[0], elements=st.sampled_from([0.02, 0.04, 0.5])))
    found = jitter(xy, visible, times_s=np.cumsum(steps))
    px, rate = slow_jitter(xy.tolist(), visible.tolist(), np.cumsum(steps).tolist())
    assert found.px == pytest.approx(px, nan_ok=True)
    assert found.px_per_s2 == pytest.approx(rate, nan_ok=True)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "fps, times_s: wanted one of the two"),
        ({"fps": 30, "times_s": np.arange(4.0)}, "fps, times_s: wanted one of the two"),
        ({"fps": 0}, "fps: wanted a number from 1e-06"),
        ({"times_s": np.arange(3.0)}, r"times_s: wanted shape \(4,\), got \(3,\)"),
        ({"times_s": np.array([0.0, 1, 1, 2])}, "times_s: wanted seconds in ascending order"),
        (
            {"times_s": np.array([0.0, 1, math.nan, 2])},
            r"times_s: wanted finite seconds from -1e\+10 to 1e\+10",
        ),
        (
            {"times_s": np.array([0.0, 1, 2, 1.1e10])},
            r"times_s: wanted finite seconds from -1e\+10 to 1e\+10",
        ),
        (
            {"times_s": np.array([0.0, 1e-300, 1, 2])},
            "times_s: wanted frames at least 1e-09 s apart, got 1e-300",
        ),
    ],
)
def test_wrong_times_get_a_sentence(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        jitter(np.zeros((4, 1, 2)), np.ones((4, 1), bool), **options)


def test_what_is_visible_must_be_finite():
    xy = np.full((4, 1, 2), math.nan)
    with pytest.raises(ValueError, match=r"xy: wanted finite pixels .* got \(nan, nan\) at \(0, 0\)"):
        jitter(xy, np.ones((4, 1), bool), fps=30)
