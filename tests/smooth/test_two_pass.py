"""Smoothing with what comes after, beside the whole track's least squares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from posecore.smooth import KalmanSmoother
from posecore.two_pass import smooth_two_pass
from smooth.walking import jitter_px, lag_frames, rmse_px, seen, squat, walk

FPS, NOISE_PX, ACCELERATION, SPEED = 30.0, 2.0, 300.0, 500.0


def in_pixels(xy: np.ndarray, **options: Any) -> np.ndarray:
    return smooth_two_pass(
        xy,
        fps=FPS,
        noise=NOISE_PX,
        acceleration=ACCELERATION,
        speed=SPEED,
        size_px=1,
        **{"gate_sigmas": 0.0, **options},
    )


def least_squares(z: np.ndarray, frames: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """The most likely path of one coordinate: z (T,), at times `frames`, NaN where it is missing. All states at once:
    the first velocity, every measurement and every step are equations, each by its standard deviation."""
    steps = np.diff(frames)
    q = ACCELERATION**2 / 30 / FPS**3
    count = len(z)
    rows: list[np.ndarray] = []
    wanted: list[float] = []

    def add(weights: np.ndarray, value: float) -> None:
        rows.append(weights)
        wanted.append(value)

    for t in np.flatnonzero(np.isfinite(z)):
        row = np.zeros(2 * count)
        row[2 * t] = 1 / deviation[t]
        add(row, z[t] / deviation[t])
    first = np.zeros(2 * count)
    first[1] = FPS / SPEED
    add(first, 0.0)
    for t, step in enumerate(steps):
        noise = q * np.array([[step**3 / 3, step**2 / 2], [step**2 / 2, step]])
        half = np.linalg.inv(np.linalg.cholesky(noise))
        move = np.zeros((2, 2 * count))
        move[:, 2 * t : 2 * t + 2] = -np.array([[1, step], [0, 1]])
        move[:, 2 * t + 2 : 2 * t + 4] = np.eye(2)
        for row in half @ move:
            add(row, 0.0)
    return np.linalg.lstsq(np.array(rows), np.array(wanted), rcond=None)[0][::2]


def test_it_is_the_most_likely_path() -> None:
    """With gaps, scores and uneven times."""
    rng = np.random.default_rng(0)
    frames = np.cumsum(rng.uniform(0.5, 1.5, 60))
    xy = (300 + 100 * np.sin(frames / 8)[:, None, None] + rng.normal(0, 2, (60, 1, 2))).astype(np.float32)
    scores = rng.uniform(0.3, 1, (60, 1)).astype(np.float32)
    xy[20:26] = np.nan
    found = in_pixels(xy, scores=scores, time_s=frames / FPS)
    for axis in range(2):
        wanted = least_squares(xy[:, 0, axis], frames, NOISE_PX / scores[:, 0].astype(np.float64))
        assert np.abs(found[:, 0, axis] - wanted).max() < 1e-3


def test_it_is_nearer_and_later_than_nothing() -> None:
    truth = walk(900, 30, 337)
    xy = seen(truth, 2.0)
    found = smooth_two_pass(xy, fps=30)
    forwards = KalmanSmoother(fps=30).track(xy)
    assert rmse_px(found, truth) < 0.5 * rmse_px(xy, truth) < rmse_px(forwards, truth)
    assert jitter_px(found) < 1.1 * jitter_px(truth)
    assert abs(lag_frames(found, truth)) < 0.05


@pytest.mark.parametrize(("fps", "limit"), [(5, 1.0), (10, 0.85), (15, 0.7), (30, 0.5)])
@pytest.mark.parametrize("noise", [0.006, 0.012, 0.02])
@pytest.mark.parametrize(("way", "height_px"), [(walk, 337), (squat, 700)], ids=["walk", "squats"])
def test_it_is_never_worse_than_nothing(
    fps: int, limit: float, noise: float, way: Callable[..., np.ndarray], height_px: float
) -> None:
    truth = way(20 * fps, fps, height_px)
    for seed in range(3):
        xy = seen(truth, noise * height_px, seed)
        assert rmse_px(smooth_two_pass(xy, fps=fps), truth) < limit * rmse_px(xy, truth)


def test_the_last_frame_is_the_filters() -> None:
    xy = seen(walk(300, 30, 337), 2.0)
    assert (
        np.abs(
            smooth_two_pass(xy, fps=30, size_px=300)[-1] - KalmanSmoother(fps=30).track(xy, size_px=300)[-1]
        ).max()
        < 0.005
    )


def test_gaps_are_bridged_and_outliers_left_out() -> None:
    truth = walk(300, 30, 337)
    xy = seen(truth, 2.0)
    xy[100:106] = np.nan
    xy[200, 9] += 250
    found = smooth_two_pass(xy, fps=30)
    assert rmse_px(found[100:106], truth[100:106]) < 6
    assert np.abs(found[200, 9] - truth[200, 9]).max() < 12


def test_a_gap_beyond_the_cap_is_not_bridged() -> None:
    xy = np.zeros((100, 1, 2), np.float32)
    xy[60:] = 900
    visible = np.ones((100, 1), bool)
    visible[20:60] = False
    found = in_pixels(xy, visible=visible)
    assert np.abs(found[:51]).max() < 1
    assert np.abs(found[60:] - 900).max() < 1


def test_people_together_are_people_alone() -> None:
    people = np.stack([seen(walk(80, 30, height), 2.0) for height in (200.0, 400.0)], axis=1)
    people[30:35, 1] = np.nan
    together = smooth_two_pass(people, fps=30)
    for n in range(2):
        alone = smooth_two_pass(np.ascontiguousarray(people[:, n]), fps=30)
        assert np.abs(together[:, n] - alone).max() < 1e-3


numbers = st.floats(width=32, allow_nan=True, allow_infinity=True)


@given(
    xy=arrays.arrays(
        np.float32, st.tuples(st.integers(0, 12), st.integers(0, 3), st.just(2)), elements=numbers
    ),
    step=st.sampled_from([0.0, 1e-9, 0.05, 1e6]),
)
def test_whatever_comes_in_what_comes_out_is_finite(xy: np.ndarray, step: float) -> None:
    found = smooth_two_pass(xy, time_s=np.arange(len(xy)) * step, fps=30)
    assert found.shape == xy.shape
    assert np.isfinite(found).all() or not len(xy)


XY = np.zeros((3, 17, 2), np.float32)


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: smooth_two_pass(XY[0]), ValueError, "xy: wanted float32 of shape"),
        (lambda: smooth_two_pass(XY.astype(int)), TypeError, "xy: wanted dtype float32, got int64"),
        (
            lambda: smooth_two_pass(XY, XY[..., 0][:2]),
            ValueError,
            r"scores: wanted float32 of shape \(3, 17\)",
        ),
        (lambda: smooth_two_pass(XY, fps=-1), ValueError, "fps: wanted a number from 1 to 1000, got -1"),
        (lambda: smooth_two_pass(XY, noise=0), ValueError, "noise: wanted a number from 0.0001"),
        (lambda: smooth_two_pass(XY, acceleration=1e6), ValueError, "acceleration: wanted .* for noise 0.02"),
        (
            lambda: smooth_two_pass(XY, time_s=np.zeros(2)),
            ValueError,
            r"time_s: wanted float64 of shape \(3,\)",
        ),
        (lambda: smooth_two_pass(XY, size_px=0), ValueError, "size_px: wanted a number from"),
    ],
)
def test_mistakes_get_a_sentence(call: Callable[[], Any], error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        call()
