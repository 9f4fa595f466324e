"""The core's Kalman filter beside float64, and what it does with gaps, outliers and hostile numbers."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from oracle.kalman import Lanes, recipe
from posecore import _core
from smooth.settings import Setting, track

ABSENT, MEASURED, COASTED, GATED, RESTARTED = range(5)
SETTING = Setting(30.0, 300.0, 4.0)
ARITHMETIC = pytest.mark.parametrize("floats", [False, True], ids=["fixed", "float"])


def path(frames: int, keypoints: int = 1, noise_px: float = 2.0, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    t = np.arange(frames)[:, None, None]
    start = rng.uniform(300, 700, (keypoints, 2))
    return (start + 200 * np.sin(t / 40 + start) + rng.normal(0, noise_px, (frames, keypoints, 2))).astype(
        np.float32
    )


def lanes(count: int, setting: Setting = SETTING, **options: Any) -> Lanes:
    return Lanes(
        q=np.full(count, setting.q),
        start_velocity=np.full(count, setting.start_velocity),
        unit=np.full(count, setting.variance),
        **options,
    )


@ARITHMETIC
def test_scores_say_how_sure_a_measurement_is(floats: bool) -> None:
    """A score s weighs as a standard deviation of noise / s, and not less than a tenth."""
    xy = path(500, 3)
    scores = np.random.default_rng(2).uniform(0.01, 1, (500, 3)).astype(np.float32)
    found, kinds, _ = track(SETTING.kernel(3, floats=floats), xy, scores=scores)
    oracle = lanes(3)
    for t in range(500):
        variance = SETTING.variance / np.clip(scores[t].astype(float), 0.1, 1) ** 2
        assert np.abs(oracle.step(xy[t], variance) - found[t]).max() < 0.002
    assert (kinds[0] == RESTARTED).all()
    assert (kinds[1:] == MEASURED).all()


@ARITHMETIC
def test_times_may_be_uneven(floats: bool) -> None:
    rng = np.random.default_rng(3)
    xy = path(500)
    times = 1000 + np.cumsum(rng.choice([0.0, 0.01, 1 / 30, 0.031, 0.2], 500))
    found, _, _ = track(SETTING.kernel(1, floats=floats), xy, times=times)
    oracle = lanes(1)
    for t in range(500):
        frames = (times[t] - times[t - 1]) * SETTING.fps if t else 0.0
        wanted = oracle.step(xy[t], np.array([SETTING.variance]), frames)
        assert np.abs(wanted - found[t]).max() < 0.005


def test_the_nominal_rate_is_a_unit_and_not_an_assumption() -> None:
    """The same times through filters of 30 and 60 nominal frames a second."""
    xy = path(400)
    times = np.arange(400) / 30
    found = [
        track(SETTING.kernel(1, fps=fps, hold_s=1 / 30), xy, times=times)[0] for fps in (30.0, 60.0, 25.0)
    ]
    assert np.abs(found[1] - found[0]).max() < 0.005
    assert np.abs(found[2] - found[0]).max() < 0.005


@ARITHMETIC
def test_a_person_who_grows_keeps_what_is_known(floats: bool) -> None:
    """Sizes go over powers of two in both directions; noise and motion are in sizes, positions in pixels."""
    xy = path(600, 2, noise_px=1.0)
    sizes = np.repeat([100.0, 130.0, 260.0, 1100.0, 90.0, 30.0], 100).astype(np.float32)
    options = {"noise": 0.02, "acceleration": 8.0, "speed": 2.0, "floats": floats}
    found, _, counted = track(SETTING.kernel(2, **options), xy, sizes=sizes)
    oracle = lanes(2)
    for t in range(600):
        size = float(sizes[t])
        oracle.q[:] = (8.0 * size) ** 2 / 30**4
        oracle.start_velocity[:] = (2.0 * size / 30) ** 2
        wanted = oracle.step(xy[t], np.full(2, (0.02 * size) ** 2))
        assert np.abs(wanted - found[t]).max() < 0.003
    assert counted == (0, 0, 0, 0)


@ARITHMETIC
def test_outliers_are_gated_until_they_are_many(floats: bool) -> None:
    xy = path(200, 1)
    xy[50] += 400
    xy[100:103] += 400
    xy[150:] += 400
    found, kinds, counted = track(SETTING.kernel(1, floats=floats, gate_sigmas=6.0), xy)
    oracle = lanes(1, gate_sigmas=6.0)
    for t in range(200):
        assert np.abs(oracle.step(xy[t], np.array([SETTING.variance])) - found[t]).max() < 0.002
    kinds = kinds[:, 0]
    assert (kinds[[50, 100, 101, 102, 150, 151, 152]] == GATED).all()
    assert kinds[153] == RESTARTED
    assert found[153, 0].tolist() == xy[153, 0].tolist()
    assert counted == (0, 7, 0, 1)
    assert (oracle.gated[0], oracle.restarts[0]) == (7, 1)


@ARITHMETIC
@pytest.mark.parametrize(("gap", "kept"), [(30, True), (31, False)])
def test_coasting_ends(floats: bool, gap: int, kept: bool) -> None:
    xy = path(100, 1)
    seen = np.ones((100, 1), bool)
    seen[40 : 40 + gap] = False
    found, kinds, counted = track(SETTING.kernel(1, floats=floats), xy, seen)
    kinds = kinds[:, 0]
    assert (kinds[40:70] == COASTED).all()
    assert (kinds[70 : 40 + gap] == ABSENT).all()
    assert kinds[40 + gap] == (MEASURED if kept else RESTARTED)
    steps = np.diff(found[39:70, 0], axis=0)
    assert np.abs(steps - steps[0]).max() < 0.001, "with constant velocity"
    assert counted == (0, 0, 30, 0 if kept else 1)
    if not kept:
        assert found[71, 0].tolist() == xy[71, 0].tolist()
        assert found[70, 0].tolist() == found[69, 0].tolist()


def test_a_cap_of_no_frames_begins_again_after_every_gap() -> None:
    seen = np.ones((50, 1), bool)
    seen[[10, 20]] = False
    _, kinds, counted = track(SETTING.kernel(1, max_coast_frames=0), path(50), seen)
    assert kinds[[10, 11, 20, 21], 0].tolist() == [ABSENT, RESTARTED, ABSENT, RESTARTED]
    assert counted == (0, 0, 0, 2)


@ARITHMETIC
def test_a_keypoint_never_seen_is_at_the_origin(floats: bool) -> None:
    found, kinds, _ = track(SETTING.kernel(1, floats=floats), path(5), np.zeros((5, 1), bool))
    assert not found.any()
    assert not kinds.any()


@ARITHMETIC
def test_ranges_are_kept_and_counted(floats: bool) -> None:
    """A measurement beyond 32,768 px, and somebody who coasts out of them."""
    xy = np.full((60, 1, 2), 100.0, np.float32)
    xy[5] = 1e9
    _, _, counted = track(SETTING.kernel(1, floats=floats), xy)
    assert counted == (2, 0, 0, 0)
    fast = Setting(30.0, 10_000.0, 0.25)
    xy = np.zeros((60, 1, 2), np.float32)
    xy[:10, 0, 0] = 3000.0 * np.arange(10)
    seen = np.ones((60, 1), bool)
    seen[10:20] = False
    found, kinds, counted = track(fast.kernel(1, floats=floats), xy, seen)
    assert counted[0] == 1
    assert kinds[20, 0] == RESTARTED
    assert ABSENT in kinds[10:20, 0]
    assert np.abs(found).max() < 32768


@ARITHMETIC
def test_keypoints_that_are_seen_alike_are_what_each_would_be_alone(floats: bool) -> None:
    """They share one covariance, and nothing else: to the last bit."""
    xy = path(300, 17)
    xy[100:110, 3] += 500
    scores = np.full((300, 17), 0.7, np.float32)
    scores[200:, ::2] = 0.4
    seen = np.ones((300, 17), bool)
    seen[50:55, 7] = False
    sizes = np.linspace(0.5, 3, 300).astype(np.float32)
    together, kinds, counted = track(
        SETTING.kernel(17, floats=floats, gate_sigmas=6.0), xy, seen, scores, sizes
    )
    alone = [
        track(
            SETTING.kernel(1, floats=floats, gate_sigmas=6.0),
            *(np.ascontiguousarray(array[:, k : k + 1]) for array in (xy, seen, scores)),
            sizes,
        )
        for k in range(17)
    ]
    for k, (xy_alone, kinds_alone, _) in enumerate(alone):
        assert np.array_equal(together[:, k], xy_alone[:, 0]), k
        assert np.array_equal(kinds[:, k], kinds_alone[:, 0])
    assert counted == tuple(np.sum([counts for *_, counts in alone], axis=0))
    assert min(counted[1:3]) > 0


@ARITHMETIC
def test_a_result_may_lie_in_the_measurements_memory(floats: bool) -> None:
    xy = path(100, 17)
    seen = np.random.default_rng(4).random((100, 17)) > 0.1
    wanted, _, _ = track(SETTING.kernel(17, floats=floats), xy, seen)
    kinds = np.empty((100, 17), np.uint8)
    SETTING.kernel(17, floats=floats).track(
        xy, None, seen.view(np.uint8), np.ones(100, np.float32), None, xy, kinds
    )
    assert np.array_equal(xy, wanted)


@ARITHMETIC
def test_people_of_a_frame_are_what_their_tracks_are(floats: bool) -> None:
    """Frame by frame with slots that change order, and each person's whole track."""
    people = [path(60, 5, seed=seed) for seed in range(4)]
    wanted = [track(SETTING.kernel(5, floats=floats), xy)[0] for xy in people]
    kernel = SETTING.kernel(5, floats=floats)
    rng = np.random.default_rng(5)
    for t in range(60):
        slots = rng.permutation(4).astype(np.int32)
        xy = np.stack([people[slot][t] for slot in slots])
        kernel.people(xy, None, None, np.ones(4, np.float32), None, slots, xy, np.empty((4, 5), np.uint8))
        assert np.array_equal(xy, np.stack([wanted[slot][t] for slot in slots]))


def test_integers_give_what_floats_give() -> None:
    """The call for boards without floats, on numbers that are exact in both."""
    rng = np.random.default_rng(6)
    xy = (np.round(path(300, 3) * 256) / 256).astype(np.float32)
    wanted, _, _ = track(SETTING.kernel(3), xy)
    weakness = np.full((300, 3), 1 << 20, np.uint32)
    frames = np.full(300, 65536, np.uint32)
    integers = np.round(xy.astype(np.float64) * 65536).astype(np.int32)
    found = SETTING.kernel(3).track_integers(integers, weakness, frames, 65536)
    assert np.array_equal((found / 65536).astype(np.float32), wanted)
    weakness[rng.random((300, 3)) < 0.2] = 0
    found = SETTING.kernel(3).track_integers(integers, weakness, frames, 65536)
    wanted, _, _ = track(SETTING.kernel(3), xy, weakness > 0)
    assert np.array_equal((found / 65536).astype(np.float32), wanted)


def preset(keypoints: int, **options: Any) -> _core.KalmanFilter:
    return SETTING.kernel(keypoints, constant_position=True, **options)


@ARITHMETIC
def test_the_preset_is_the_recipe(floats: bool) -> None:
    xy = path(2000, 17)
    found, _, _ = track(preset(17, floats=floats), xy)
    wanted = recipe(xy.reshape(2000, 34)).reshape(2000, 17, 2)
    assert np.abs(found - wanted).max() < (3e-4 if floats else 1e-4)


def test_the_preset_is_the_recipe_in_4k() -> None:
    """In integers, since float32 itself has steps of 2.4e-4 px from 2048 px on."""
    xy = np.round(path(2000, 17) * 5 * 65536).astype(np.int32)
    ones = np.full((2000, 17), 1 << 20, np.uint32)
    found = preset(17).track_integers(xy, ones, np.full(2000, 65536, np.uint32), 0)
    wanted = recipe(xy.reshape(2000, 34) / 65536).reshape(2000, 17, 2)
    assert np.abs(found / 65536 - wanted).max() < 1e-4


def test_the_preset_is_filterpys_recipe() -> None:
    if importlib.util.find_spec("filterpy") is None:
        pytest.skip("filterpy is not installed")
    filters = importlib.import_module("filterpy.kalman")
    xy = path(500, 17)
    kalman = filters.KalmanFilter(dim_x=34, dim_z=34)
    kalman.F, kalman.H, kalman.P = np.eye(34), np.eye(34), np.eye(34)
    kalman.R, kalman.Q = 0.1 * np.eye(34), 0.01 * np.eye(34)
    kalman.x = xy[0].reshape(34, 1).astype(np.float64)
    found, _, _ = track(preset(17), xy)
    for t in range(500):
        kalman.predict()
        kalman.update(xy[t].reshape(34, 1))
        assert np.abs(kalman.x.reshape(17, 2) - found[t]).max() < 1e-4


def test_the_presets_gain_and_lag() -> None:
    """An exponential average: after a step, 1 - (1 - 0.2702)^n of it; 2.70 frames behind on average."""
    xy = np.zeros((200, 1, 2), np.float32)
    xy[100:] = 1000
    found, _, _ = track(preset(1), xy)
    left = 1 - found[100:, 0, 0] / 1000
    assert abs(left[0] - (1 - 0.2701562119)) < 1e-6
    assert abs(left.sum() - 2.70) < 0.01


numbers = st.floats(width=32, allow_nan=True, allow_infinity=True) | st.sampled_from(
    [np.float32(v) for v in (0.0, -0.0, 1e-45, 32767.998, 32768.0, -32768.0, 3.4e38, 100.0, 101.0)]
)


@ARITHMETIC
@given(
    xy=arrays.arrays(np.float32, (25, 3, 2), elements=numbers),
    scores=arrays.arrays(np.float32, (25, 3), elements=numbers),
    sizes=st.none() | arrays.arrays(np.float32, 25, elements=numbers),
    steps=arrays.arrays(np.float64, 25, elements=st.sampled_from([0.0, 1e-9, 0.01, 1 / 30, 0.5, 1e6])),
    gate=st.sampled_from([0.0, 1.0, 6.0]),
)
def test_whatever_comes_in_what_comes_out_is_finite(
    floats: bool, xy: np.ndarray, scores: np.ndarray, sizes: np.ndarray | None, steps: np.ndarray, gate: float
) -> None:
    kernel = SETTING.kernel(3, floats=floats, gate_sigmas=gate)
    out, kinds = np.full_like(xy, np.nan), np.full((25, 3), 99, np.uint8)
    counted = kernel.track(xy, scores, None, sizes, np.cumsum(steps), out, kinds)
    assert np.isfinite(out).all()
    assert np.abs(out).max() <= 32768
    assert kinds.max() <= RESTARTED
    assert min(counted) >= 0
    missing = ~np.isfinite(xy).all(axis=2) | ~(scores > 0)
    assert np.isin(kinds[missing], (ABSENT, COASTED)).all()
