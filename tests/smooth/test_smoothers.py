"""`KalmanSmoother` and `OneEuroSmoother` as people use them: Poses in, Poses out, tracks, counters, sentences."""

from __future__ import annotations

import contextlib
import inspect
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from posecore import COCO17, MPII16, Poses
from posecore.motion import nominal_fps
from posecore.smooth import Counters, KalmanSmoother, OneEuroSmoother
from smooth.walking import jitter_px, lag_frames, rmse_px, seen, squat, walk

BOTH = pytest.mark.parametrize("kind", [KalmanSmoother, OneEuroSmoother])
Kind = Callable[..., Any]


def poses(xy: np.ndarray, ids: list[int] | None = None, **fields: Any) -> Poses:
    """People with scores of 0.9."""
    scores = np.full(xy.shape[:2], 0.9, np.float32)
    track_ids = None if ids is None else np.array(ids, np.int64)
    return Poses(xy, fields.pop("scores", scores), skeleton=COCO17, track_ids=track_ids, **fields)


def walker(frames: int = 90, fps: float = 30.0, height_px: float = 300.0, seed: int = 0) -> np.ndarray:
    return seen(walk(frames, fps, height_px), 0.006 * height_px, seed)


@BOTH
def test_frames_one_by_one_are_the_track(kind: Kind) -> None:
    xy = walker()
    scores = np.full((90, 17), 0.9, np.float32)
    wanted = kind(fps=30).track(xy, scores)
    smoother = kind(COCO17, fps=30)
    for t in range(90):
        smoothed = smoother(poses(xy[t : t + 1]))
        assert np.array_equal(smoothed.xy[0], wanted[t])
        assert smoothed.visible.all()
        assert np.array_equal(smoothed.scores, scores[t : t + 1])


@BOTH
def test_people_are_known_by_their_ids(kind: Kind) -> None:
    """In any order, and whoever else comes or goes."""
    people = {identity: walker(seed=identity) for identity in (7, 3, 12)}
    scores = np.full((90, 17), 0.9, np.float32)
    wanted = {identity: kind(fps=30).track(xy, scores) for identity, xy in people.items()}
    smoother = kind(fps=30)
    rng = np.random.default_rng(0)
    for t in range(90):
        ids = rng.permutation(list(people)).tolist()
        if t >= 50:
            ids.remove(12)
        xy = np.stack([people[identity][t] for identity in ids])
        smoothed = smoother(poses(xy, ids))
        assert smoothed.track_ids.tolist() == ids
        for identity, found in zip(ids, smoothed.xy, strict=True):
            assert np.array_equal(found, wanted[identity][t])


@BOTH
def test_ids_that_went_are_forgotten(kind: Kind) -> None:
    smoother = kind(fps=30, max_coast_frames=10)
    first, later = walker()[:1], walker()[60:61]
    for identity in range(100):
        smoother(poses(first, [identity]))
    for _ in range(20):
        smoother(poses(later, [0]))
    assert len(smoother._slots) == 1
    assert np.abs(smoother(poses(first, [55])).xy - first).max() <= 2**-16


def test_missing_keypoints_are_expected_and_fade() -> None:
    xy = walker(120)
    smoother = KalmanSmoother(fps=30)
    scores = np.full((1, 17), 0.8, np.float32)
    for t in range(20):
        smoother(poses(xy[t : t + 1], scores=scores))
    gone = scores.copy()
    gone[0, 4] = 0
    for n in range(1, 31):
        smoothed = smoother(poses(xy[20:21] * 0, scores=gone))
        assert smoothed.visible[0, 4]
        assert smoothed.scores[0, 4] == pytest.approx(0.8 * 0.9**n)
        assert smoothed.xy[0, 4].min() > 10
    smoothed = smoother(poses(xy[20:21], scores=gone))
    assert not smoothed.visible[0, 4]
    assert smoothed.scores[0, 4] == 0
    assert np.isfinite(smoothed.xy).all()


def test_outliers_are_not_followed_and_counted() -> None:
    xy = walker()
    xy[50, 9] += 200
    smoother = KalmanSmoother(fps=30)
    clean = KalmanSmoother(fps=30).track(walker())
    found = [smoother(poses(xy[t : t + 1])) for t in range(90)]
    assert np.abs(found[50].xy[0, 9] - clean[50, 9]).max() < 20
    assert found[50].scores[0, 9] == pytest.approx(0.81)
    assert smoother.counters == Counters(saturations=0, gated=1, coasted=0, restarts=0)
    assert (smoother.saturations, smoother.gated, smoother.coasted, smoother.restarts) == (0, 1, 0, 0)
    smoother.reset()
    assert smoother.counters == (0, 0, 0, 0)


def test_scores_below_a_third_are_no_worse() -> None:
    """A wrist that is hardly seen is still where it is seen, more or less: 100 px of overshoot is no smoothing."""
    truth = squat(100, 5, 700)
    xy = seen(truth, 4.0)
    scores = np.ones((100, 17), np.float32)
    scores[:, 9] = 0.3
    wanted = KalmanSmoother(fps=5).track(xy, scores)
    scores[:, 9] = np.random.default_rng(0).uniform(0.01, 0.3, 100)
    assert np.array_equal(KalmanSmoother(fps=5).track(xy, scores), wanted)
    assert np.abs(wanted - truth).max() < 75


@BOTH
def test_what_poses_say_besides_stays(kind: Kind) -> None:
    given = poses(walker()[:1], [4], image_size=(640, 480), time_s=2.5)
    smoothed = kind()(given)
    assert (smoothed.image_size, smoothed.time_s, smoothed.skeleton) == ((640, 480), 2.5, COCO17)
    assert np.array_equal(smoothed.pose_scores, given.pose_scores)
    with pytest.raises(ValueError, match="read-only"):
        smoothed.xy[:] = 0
    assert len(kind(fps=30)(Poses.empty(COCO17))) == 0


@pytest.mark.parametrize("fps", [15, 24, 30, 60, 120])
@pytest.mark.parametrize("noise", [0.006, 0.012, 0.02])
def test_a_walk_trembles_half_as_much_and_is_not_late(fps: int, noise: float) -> None:
    """Somebody of 337 px who is seen with a noise of 2 to 7 px, with no options: jitter (rms second difference, beyond
    that of the walk itself) at least halved, and a lag of less than a quarter of a frame."""
    truth = walk(20 * fps, fps, 337)
    xy = seen(truth, noise * 337)
    found = KalmanSmoother(fps=fps).track(xy)
    own = jitter_px(truth)
    assert jitter_px(found) ** 2 - own**2 < (jitter_px(xy) ** 2 - own**2) * (0.55 if fps >= 24 else 0.62) ** 2
    assert lag_frames(found, truth) <= 0.25
    if fps >= 30:
        assert rmse_px(found, truth) < 0.9 * rmse_px(xy, truth)


@BOTH
@pytest.mark.parametrize("height_px", [60.0, 1500.0], ids=["240p", "4K"])
def test_resolution_does_not_matter(kind: Kind, height_px: float) -> None:
    """What is left of noise, by the person's height, is that of a person of 337 px."""
    results = []
    for height in (337.0, height_px):
        truth = walk(600, 30, height)
        found = kind(fps=30).track(seen(truth, 0.01 * height))
        results.append((rmse_px(found, truth) / height, jitter_px(found) / height))
    assert results[1] == pytest.approx(results[0], rel=0.01)


def test_both_arithmetics_agree() -> None:
    xy = walker(300)
    found = KalmanSmoother(fps=30).track(xy), KalmanSmoother(fps=30, arithmetic="float").track(xy)
    assert 0 < np.abs(found[0] - found[1]).max() < 0.002


def test_the_preset_lags_on_a_walk_and_is_worse_than_no_filter() -> None:
    truth = walk(600, 30, 337)
    xy = seen(truth, 2.0)
    found = KalmanSmoother(preset="constant_position").track(xy)
    assert rmse_px(found, truth) > 3 * rmse_px(xy, truth)
    assert 2 < lag_frames(found, truth) < 3.2


@BOTH
def test_a_track_takes_its_rate_from_its_times(kind: Kind) -> None:
    xy = walker(200, fps=60)
    found = kind().track(xy, time_s=1e9 + np.arange(200) / 60)
    assert np.abs(found - kind(fps=60).track(xy)).max() < 0.05


@BOTH
def test_in_place_and_views(kind: Kind) -> None:
    xy = walker()
    wanted = kind(fps=30).track(xy)
    assert np.array_equal(kind(fps=30).track(np.repeat(xy, 2, axis=1)[:, ::2]), wanted)
    assert kind(fps=30).track(xy, out=xy) is xy
    assert np.array_equal(xy, wanted)
    assert kind(fps=30).track(xy[:0]).shape == (0, 17, 2)


def test_defaults_are_the_headers(repository: Path) -> None:
    for name, kind in (("kalman", KalmanSmoother), ("one_euro", OneEuroSmoother)):
        header = (repository / "cpp" / "include" / "posecore" / f"{name}.hpp").read_text(encoding="utf-8")
        (fields,) = re.findall(r"Options \{(.*?)\n\};", header, re.DOTALL)
        in_cpp = {name: float(value) for name, value in re.findall(r"(\w+) = ([\d.]+)F?;", fields)}
        for parameter in inspect.signature(kind).parameters.values():
            if isinstance(parameter.default, float | int):
                assert parameter.default == in_cpp[parameter.name], parameter.name
        assert "max_coast_frames" in in_cpp


XY = walker(3)
ONE = np.ones((3, 17), np.float32)


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (
            lambda: KalmanSmoother("17"),
            TypeError,
            "skeleton: wanted a Skeleton, a number of keypoints or None",
        ),
        (lambda: KalmanSmoother(0), ValueError, "skeleton: wanted a whole number from 1 to 1024, got 0"),
        (lambda: KalmanSmoother(fps=0), ValueError, "fps: wanted a number from 1 to 1000, got 0"),
        (lambda: KalmanSmoother(acceleration=-1), ValueError, "acceleration: wanted a number from 1e-09"),
        (
            lambda: KalmanSmoother(acceleration=1e6),
            ValueError,
            r"acceleration: wanted .* to 569 for noise 0.02 at 30 fps, got 1e\+06",
        ),
        (lambda: KalmanSmoother(speed=1e6), ValueError, "speed: wanted .* to 600 for noise 0.02 at 30 fps"),
        (lambda: KalmanSmoother(gate_sigmas=0.5), ValueError, "gate_sigmas: wanted 0 for no gate, or"),
        (lambda: KalmanSmoother(max_coast_frames=241), ValueError, "max_coast_frames: wanted a whole number"),
        (lambda: KalmanSmoother(arithmetic="q16"), ValueError, "arithmetic: wanted one of fixed, float"),
        (lambda: KalmanSmoother(preset="x"), ValueError, "preset: wanted one of constant_velocity, "),
        (lambda: OneEuroSmoother(beta=-1), ValueError, "beta: wanted a number from 0 to 1000, got -1"),
        (
            lambda: KalmanSmoother().track(XY.tolist()),
            TypeError,
            r"xy: wanted a NumPy array float32 of shape",
        ),
        (
            lambda: KalmanSmoother().track(XY.astype(float)),
            TypeError,
            "xy: wanted dtype float32, got float64",
        ),
        (lambda: KalmanSmoother(5).track(XY), ValueError, r"xy: wanted float32 of shape \(T, 5, 2\), got"),
        (lambda: KalmanSmoother().track(XY[:, :0]), ValueError, "xy: wanted 1 to 1024 keypoints, got 0"),
        (
            lambda: KalmanSmoother().track(XY, ONE[:2]),
            ValueError,
            r"scores: wanted float32 of shape \(3, 17\)",
        ),
        (lambda: KalmanSmoother().track(XY, ONE, ONE), TypeError, "visible: wanted dtype bool, got float32"),
        (
            lambda: KalmanSmoother().track(XY, time_s=np.array([0.0, 2.0, 1.0])),
            ValueError,
            "time_s: wanted times that do not go back, got 2 and then 1 at 2",
        ),
        (
            lambda: KalmanSmoother().track(XY, time_s=np.array([0.0, np.nan, 1.0])),
            ValueError,
            "time_s: wanted finite seconds from -1e[+]10 to 1e[+]10, got nan",
        ),
        (lambda: KalmanSmoother().track(XY, size_px=0), ValueError, "size_px: wanted a number from 0.015625"),
        (
            lambda: KalmanSmoother().track(XY, size_px=np.array([1, np.nan, 1], np.float32)),
            ValueError,
            "size_px: wanted pixels from 1/64 to 32768, got nan to nan",
        ),
        (lambda: KalmanSmoother().track(XY, out=XY[::-1]), ValueError, "out: wanted contiguous memory"),
        (lambda: KalmanSmoother()(XY), TypeError, "poses: wanted Poses, got ndarray"),
        (lambda: KalmanSmoother()(poses(XY[:1])), ValueError, "poses: wanted time_s in the poses or fps in"),
        (
            lambda: KalmanSmoother(fps=30)(poses(XY)),
            ValueError,
            "poses: wanted track ids for 3 people, got none",
        ),
        (
            lambda: KalmanSmoother(fps=30)(poses(XY, [1, 2, 1])),
            ValueError,
            "poses: wanted each track id once, got 1 twice",
        ),
        (
            lambda: KalmanSmoother(MPII16, fps=30)(poses(XY[:1])),
            ValueError,
            "poses: wanted 16 keypoints, got 17 of coco17",
        ),
        (
            lambda: KalmanSmoother()(poses(XY[:1], time_s=1e11)),
            ValueError,
            r"time_s: wanted a number from -1e\+10 to 1e\+10, got 100000000000",
        ),
    ],
)
def test_mistakes_get_a_sentence(call: Callable[[], Any], error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        call()


@BOTH
def test_time_does_not_go_back(kind: Kind) -> None:
    smoother = kind()
    smoother(poses(XY[:1], time_s=5.0))
    with pytest.raises(ValueError, match="wanted time_s not before the last frame's 5, got 4; reset"):
        smoother(poses(XY[:1], time_s=4.0))
    smoother.reset()
    smoother(poses(XY[:1], time_s=4.0))


def test_a_second_thread_is_told() -> None:
    smoother = KalmanSmoother(fps=30)
    said: list[BaseException] = []

    def call() -> None:
        try:
            smoother(poses(XY[:1]))
        except RuntimeError as error:
            said.append(error)

    with smoother._lock:
        thread = threading.Thread(target=call)
        thread.start()
        thread.join()
    assert "at work in another thread" in str(said[0])


def test_the_filters_beneath_keep_other_threads_out() -> None:
    core = KalmanSmoother(fps=30)._made(1, 30)
    xy = np.zeros((200000, 1, 2), np.float32)
    kinds = np.zeros(xy.shape[:2], np.uint8)
    told, done = set(), threading.Event()

    def look() -> None:
        while not done.is_set():
            try:
                assert core.count(0) == (0, 0, 0, 0)
            except RuntimeError as error:
                told.add(str(error))
                done.set()

    other = threading.Thread(target=look)
    other.start()
    for _ in range(1000):
        with contextlib.suppress(RuntimeError):  # the other one was first
            core.track(xy, None, None, None, None, xy.copy(), kinds)
        if done.is_set():
            break
    done.set()
    other.join()
    assert told == {"this smoother is at work in another thread: make one a thread"}


def test_times_that_stand_still_do_not_make_a_video_fast() -> None:
    thirty = np.arange(20) / 30.0
    assert nominal_fps(None, np.repeat(thirty, 2)) == pytest.approx(30)
    assert nominal_fps(None, np.zeros(5)) == 30
