"""Local regression and outliers of whole tracks, against definitions and by what must hold for any track."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracle import regression as oracle
from posecore.outliers import find_outliers
from posecore.regression import lowess, savgol
from smooth.walking import jitter_px, lag_frames, rmse_px, seen, walk

FPS = 30.0
FLOAT32_PX = 2e-4  # of coordinates up to a few thousand


def made(frames: int = 60, keypoints: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A noisy track and its uneven times."""
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.uniform(0.01, 0.06, frames))
    swing = 100 * np.sin(3 * times[:, None, None] + np.arange(keypoints)[None, :, None] + np.array([0, 1]))
    return (500 + swing + rng.normal(0, 3, swing.shape)).astype(np.float32), times


@pytest.mark.parametrize("window", [4, 7, 12, 61, 200])
@pytest.mark.parametrize("iterations", [0, 1, 3])
def test_lowess_is_clevelands(window: int, iterations: int) -> None:
    xy, times = made()
    found = lowess(xy, time_s=times, window_frames=window, iterations=iterations)
    for k in range(xy.shape[1]):
        for axis in range(2):
            wanted = oracle.lowess(times, xy[:, k, axis].astype(np.float64), window, iterations)
            assert found[:, k, axis] == pytest.approx(wanted, abs=FLOAT32_PX)


def test_lowess_sees_only_what_is_visible() -> None:
    xy, times = made()
    visible = np.random.default_rng(1).random(xy.shape[:2]) < 0.7
    hidden = xy.copy()
    hidden[~visible] = np.nan
    found = lowess(hidden, visible, times, window_frames=9)
    for k in range(xy.shape[1]):
        at = visible[:, k]
        wanted = oracle.lowess(times[at], xy[at, k, 0].astype(np.float64), 9, 3)
        assert found[at, k, 0] == pytest.approx(wanted, abs=FLOAT32_PX)
    assert np.isnan(found[~visible]).all()


def test_lowess_is_that_of_statsmodels() -> None:
    theirs = pytest.importorskip(
        "statsmodels.nonparametric.smoothers_lowess", reason="statsmodels is not installed"
    )
    xy, times = made()
    wanted = theirs.lowess(xy[:, 0, 0].astype(float), times, frac=9 / len(xy), it=3, return_sorted=False)
    assert lowess(xy, time_s=times, window_frames=9)[:, 0, 0] == pytest.approx(wanted, abs=1e-2)


@pytest.mark.parametrize("window", [5, 11, 31])
def test_savgol_is_scipys_where_times_are_even(window: int) -> None:
    signal = pytest.importorskip("scipy.signal", reason="scipy is not installed")
    xy, _ = made()
    wanted = signal.savgol_filter(xy.astype(np.float64), window, 2, axis=0)
    assert savgol(xy, window_frames=window) == pytest.approx(wanted, abs=FLOAT32_PX)


@pytest.mark.parametrize("method", [lowess, savgol])
@given(
    slope=st.tuples(*[st.floats(-500, 500)] * 2),
    start=st.tuples(*[st.floats(-2000, 2000)] * 2),
    window=st.integers(3, 40),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=40, deadline=None)
def test_a_straight_line_stays(method: Any, slope: Any, start: Any, window: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.uniform(0.005, 0.2, 30))
    visible = rng.random((30, 1)) < 0.8
    line = (np.array(start) + times[:, None] * np.array(slope))[:, None].astype(np.float32)
    found = method(line, visible, times, window_frames=window)
    assert found == pytest.approx(line, abs=2e-3)


@pytest.mark.parametrize("method", [lowess, savgol])
@given(shift=st.tuples(*[st.integers(-4096, 4096)] * 2), seconds=st.integers(-1000, 1000))
@settings(max_examples=25, deadline=None)
def test_where_and_when_does_not_matter(method: Any, shift: Any, seconds: int) -> None:
    # In 64ths of a pixel and second, so that moving loses no bits.
    xy, times = made(40)
    xy, times = np.round(xy * 64) / np.float32(64), np.round(times * 64) / 64
    times += np.arange(40) / 64
    moved = method(xy + np.array(shift, np.float32), time_s=times + seconds)
    assert moved - np.array(shift) == pytest.approx(method(xy, time_s=times), abs=2e-3)


@pytest.mark.parametrize("method", [lowess, savgol])
def test_backwards_in_time_is_the_same(method: Any) -> None:
    xy, times = made()
    there = method(xy, time_s=times)
    back = method(np.ascontiguousarray(xy[::-1]), time_s=np.ascontiguousarray(1 - times[::-1]))[::-1]
    assert back == pytest.approx(there, abs=FLOAT32_PX)


@pytest.mark.parametrize("method", [lowess, savgol])
def test_nothing_passes_a_gap_that_cuts(method: Any) -> None:
    xy, _ = made(60)
    visible = np.ones((60, 3), bool)
    visible[30:36, 1] = False
    whole = method(xy, visible)
    assert whole[:, 0] == pytest.approx(method(xy)[:, 0])
    cut = method(xy, visible, cut_s=5.5 / FPS)
    assert np.array_equal(cut[:30, 1], method(xy[:30], visible[:30])[:, 1])
    assert np.array_equal(cut[36:, 1], method(xy[36:], visible[36:])[:, 1])
    bridged = method(xy, visible, cut_s=7.5 / FPS)
    assert not np.array_equal(bridged[29, 1], cut[29, 1])


def test_robust_iterations_forget_a_jump() -> None:
    truth = walk(120, FPS, 400)
    raw = seen(truth, 1.0)
    raw[60, 9] += 150
    assert np.abs(lowess(raw, window_frames=9, iterations=0)[60, 9] - truth[60, 9]).max() > 30
    assert np.abs(lowess(raw, window_frames=9)[60, 9] - truth[60, 9]).max() < 10


@pytest.mark.parametrize(("method", "window"), [(lowess, 7), (savgol, 11)])
def test_somebody_who_walks_trembles_less_and_is_not_late(method: Any, window: int) -> None:
    """Facts: 1.4 and 0.95 px from the truth, where the measurements are 2.0."""
    truth = walk(600, FPS, 400)
    raw = seen(truth, 2.0)
    found = method(raw, window_frames=window)
    assert rmse_px(found, truth) < 0.75 * rmse_px(raw, truth)
    assert jitter_px(found) < 0.35 * jitter_px(raw)
    assert abs(lag_frames(found, truth)) < 0.1


def test_planted_outliers_are_found_and_what_is_clean_is_kept() -> None:
    raw = seen(walk(900, FPS, 400), 2.0)
    assert find_outliers(raw).mean() < 0.01
    assert find_outliers(raw, sigmas=1.0).mean() > 0.3  # the recipe of the journals
    rng = np.random.default_rng(3)
    planted = np.zeros(raw.shape[:2], bool)
    # Never within three frames of another of the same keypoint, nor of the ends.
    for k in range(17):
        planted[4 + k % 5 : -4 : 25, k] = True
    angle = rng.uniform(0, 2 * np.pi, planted.shape)
    off = 60 * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    found = find_outliers((raw + np.where(planted[..., None], off, 0)).astype(np.float32))
    assert (found & planted).sum() >= 0.98 * planted.sum()
    assert (found & ~planted).sum() < 0.01 * (~planted).sum()


@pytest.mark.parametrize("burst", [1, 2, 3])
def test_neighbours_of_outliers_are_none(burst: int) -> None:
    line = np.stack([np.arange(60.0), 2 * np.arange(60.0)], axis=1)[:, None].astype(np.float32)
    line += np.random.default_rng(0).normal(0, 0.5, line.shape).astype(np.float32)
    line[30 : 30 + burst] += 80
    assert np.flatnonzero(find_outliers(line)[:, 0]).tolist() == list(range(30, 30 + burst))


def test_what_does_not_fit_gets_a_sentence() -> None:
    xy, times = made(20)
    for call, kind, sentence in (
        (lambda: lowess(xy.astype(np.float64)), TypeError, "xy: wanted dtype float32, got float64"),
        (lambda: lowess(xy[:, :, 0]), ValueError, r"xy: wanted float32 of shape \(T, K, 2\)"),
        (lambda: lowess(xy, np.ones((20, 2), bool)), ValueError, "visible: wanted bool"),
        (
            lambda: lowess(xy, time_s=times[::-1].copy()),
            ValueError,
            "time_s: wanted times that do not go back",
        ),
        (
            lambda: savgol(xy, time_s=np.zeros(20)),
            ValueError,
            "time_s: wanted times that ascend, got 0 twice",
        ),
        (lambda: savgol(xy, window_frames=2), ValueError, "window_frames: wanted a whole number from 3"),
        (lambda: lowess(xy, iterations=21), ValueError, "iterations: wanted a whole number from 0 to 20"),
        (lambda: lowess(xy * np.float32(np.nan)), ValueError, "xy: wanted finite coordinates where visible"),
        (lambda: find_outliers(xy, sigmas=0.1), ValueError, "sigmas: wanted 0 for no outliers, or a number"),
    ):
        with pytest.raises(kind, match=sentence):
            call()


@pytest.mark.parametrize("frames", [0, 1, 2, 3])
@pytest.mark.parametrize("method", [lowess, savgol])
def test_short_tracks_stay(method: Any, frames: int) -> None:
    xy, times = made(10)
    found = method(xy[:frames], time_s=times[:frames])
    assert found.shape == (frames, 3, 2)
    assert np.isfinite(found).all()
    if frames < 3:
        assert np.array_equal(found, xy[:frames])
    assert not find_outliers(xy[:frames], time_s=times[:frames]).any()
