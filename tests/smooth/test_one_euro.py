"""The one-euro filter beside the paper's algorithm."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from oracle.one_euro import OneEuro
from posecore import _core
from smooth.settings import track

ABSENT, MEASURED, COASTED, _, RESTARTED = range(5)


def kernel(keypoints: int, **options: Any) -> _core.OneEuroFilter:
    usual = {
        "fps": 30.0,
        "min_cutoff_hz": 1.0,
        "beta": 20.0,
        "derivative_cutoff_hz": 1.0,
        "max_coast_frames": 30,
    }
    return _core.OneEuroFilter(num_keypoints=keypoints, **{**usual, **options})


def test_it_is_the_papers_algorithm() -> None:
    rng = np.random.default_rng(0)
    xy = (500 + np.cumsum(rng.normal(0, 5, (400, 3, 2)), axis=0)).astype(np.float32)
    times = np.cumsum(rng.uniform(0.01, 0.1, 400))
    sizes = rng.uniform(50, 500, 400).astype(np.float32)
    found, _, counted = track(kernel(3), xy, sizes=sizes, times=times)
    oracles = [OneEuro(1.0, 20.0, 1.0) for _ in range(6)]
    for t in range(400):
        seconds = times[t] - times[t - 1]
        wanted = [
            oracle(float(v), seconds, float(sizes[t]))
            for oracle, v in zip(oracles, xy[t].reshape(-1), strict=True)
        ]
        assert np.abs(found[t].reshape(-1) - wanted).max() < 0.01
    assert counted == (0, 0, 0, 0)


def test_a_missing_keypoint_stays_and_then_begins_again() -> None:
    xy = np.zeros((60, 1, 2), np.float32)
    xy[:, 0, 0] = np.arange(60)
    seen = np.ones((60, 1), bool)
    seen[10:14] = False
    seen[20:51] = False
    found, kinds, counted = track(kernel(1), xy, seen)
    kinds = kinds[:, 0]
    assert (kinds[10:14] == COASTED).all()
    assert (found[10:14, 0] == found[9, 0]).all()
    assert kinds[14] == MEASURED
    assert (kinds[20:50] == COASTED).all()
    assert (kinds[50], kinds[51]) == (ABSENT, RESTARTED)
    assert found[51, 0].tolist() == [51, 0]
    assert counted == (0, 0, 34, 1)


def test_two_measurements_of_one_time_change_nothing() -> None:
    xy = np.array([[[10, 10]], [[20, 20]], [[90, 90]]], np.float32)
    found, _, _ = track(kernel(1), xy, times=np.array([0.0, 0.1, 0.1]))
    assert np.array_equal(found[2], found[1])


numbers = st.floats(width=32, allow_nan=True, allow_infinity=True)


@given(
    xy=arrays.arrays(np.float32, (20, 2, 2), elements=numbers),
    sizes=st.none() | arrays.arrays(np.float32, 20, elements=numbers),
    steps=arrays.arrays(np.float64, 20, elements=st.sampled_from([0.0, 1e-9, 0.01, 1 / 30, 1e6])),
)
def test_whatever_comes_in_what_comes_out_is_finite(
    xy: np.ndarray, sizes: np.ndarray | None, steps: np.ndarray
) -> None:
    out, kinds = np.full_like(xy, np.nan), np.full((20, 2), 99, np.uint8)
    kernel(2, beta=1000.0).track(xy, None, None, sizes, np.cumsum(steps), out, kinds)
    assert np.isfinite(out).all()
    assert np.abs(out).max() <= 32768
    assert kinds.max() <= RESTARTED
