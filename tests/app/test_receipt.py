"""The receipt measures what passes as the evaluation measures the whole, and counts what is guessed by its rule."""

from __future__ import annotations

import tracemalloc
from typing import Any, NamedTuple

import numpy as np
import pytest
from moving_people import walker

from posecore import receipt as receipt_module
from posecore.evaluation.jitter import jitter
from posecore.evaluation.lag import lag
from posecore.movement import Movement, Recording
from posecore.offline import OfflineSmoother
from posecore.poses import Poses
from posecore.receipt import CONVENTION, MOST_LAG_FRAMES, Ledger, Receipt, lag_told
from posecore.skeletons import COCO17
from posecore.smooth_receipt import SmoothReceipt


def frame(
    people: dict[int, tuple[float, float]], *, time_s: float | None = None, size_px: float = 100.0
) -> Poses:
    """People by their ids, each a cross around a point."""
    around = np.zeros((17, 2), np.float32)
    around[0], around[1] = (0, -size_px / 2), (0, size_px / 2)
    xy = np.array([np.float32(at) + around for at in people.values()], np.float32).reshape(-1, 17, 2)
    ids = np.array(list(people), np.int64)
    scores = np.ones((len(people), 17), np.float32)
    return Poses(xy, scores, skeleton=COCO17, track_ids=ids, time_s=time_s)


def receipt_of(frames: list[Poses], smoothed: list[Poses] | None = None, **counters: Any) -> Receipt:
    ledger = Ledger(Counting(**counters))
    for raw, after in zip(frames, smoothed or frames, strict=True):
        ledger.add(raw, after)
    return ledger.receipt()


def test_it_says_how_far_keypoints_were_moved() -> None:
    measured, smoothed = tracks(80, seed=5)
    moved = np.concatenate(
        [
            (after.xy - before.xy)[before.visible & after.visible].astype(np.float64)
            for before, after in zip(measured, smoothed, strict=True)
        ]
    )
    found = receipt_of(measured, smoothed)
    assert found.moved_px == pytest.approx(np.sqrt((moved**2).sum(axis=1).mean()), rel=1e-6)
    assert found.as_dict()["moved_px"] == found.moved_px > 1
    assert receipt_of(measured).moved_px == 0
    assert receipt_of([]).moved_px is None


def test_of_a_recording_too() -> None:
    measured, _ = tracks(80, seed=6, gaps=False)
    smoother = OfflineSmoother("savgol", outlier_sigmas=0)
    smoothed = smoother.smooth(measured)
    times = np.array([poses.time_s for poses in measured])
    found = SmoothReceipt.of(smoothed, times)
    moved = np.stack([a.xy - b.xy for a, b in zip(smoothed.frames, measured, strict=True)])
    assert found.moved_px == pytest.approx(
        np.sqrt((moved.astype(np.float64) ** 2).sum(axis=-1).mean()), rel=1e-6
    )


class Counting:
    def __init__(self, **counters: Any) -> None:
        self.counters = counters


def tracks(count: int, *, seed: int, gaps: bool = True) -> tuple[list[Poses], list[Poses]]:
    """Two people on wavy ways: measured with noise and gaps, and smoothed by the mean of three frames so far."""
    rng = np.random.default_rng(seed)
    t = np.arange(count)[:, None, None]
    phase = rng.uniform(0, 6, (2, 17))
    true = np.stack([300 + 3 * t + 30 * np.sin(t / 9 + phase), 200 + 40 * np.cos(t / 7 + phase)], axis=-1)
    raw = (true + rng.normal(0, 2, true.shape)).astype(np.float32)
    mean = raw.copy()
    mean[2:] = (raw[2:] + raw[1:-1] + raw[:-2]) / 3
    seen = rng.uniform(size=raw.shape[:3]) > (0.005 if gaps else -1)
    ids = np.array([4, 9], np.int64)
    scores = np.ones((2, 17), np.float32)
    measured, smoothed = (
        [
            Poses(xy[n], scores, skeleton=COCO17, visible=seen[n], track_ids=ids, time_s=0.04 * n)
            for n in range(count)
        ]
        for xy in (raw, mean)
    )
    return measured, smoothed


def column(frames: list[Poses], person: int) -> tuple[np.ndarray, np.ndarray]:
    xy = np.stack([poses.xy[person] for poses in frames]).astype(np.float64)
    return xy, np.stack([poses.visible[person] for poses in frames])


@pytest.mark.parametrize("gaps", [False, True])
def test_jitter_and_lag_are_those_of_the_evaluation(gaps: bool) -> None:
    measured, smoothed = tracks(150, seed=3, gaps=gaps)
    receipt = receipt_of(measured, smoothed)
    # One track whose keypoints are those of both people has the same sums.
    raw_xy, seen = (
        np.concatenate(part, axis=1) for part in zip(*(column(measured, p) for p in (0, 1)), strict=True)
    )
    mean_xy, _ = (
        np.concatenate(part, axis=1) for part in zip(*(column(smoothed, p) for p in (0, 1)), strict=True)
    )
    assert receipt.jitter_before_px == pytest.approx(jitter(raw_xy, seen, fps=25).px, rel=1e-9)
    assert receipt.jitter_after_px == pytest.approx(jitter(mean_xy, seen, fps=25).px, rel=1e-9)
    expected = lag(mean_xy, seen, raw_xy, seen, fps=25, most_frames=MOST_LAG_FRAMES)
    assert receipt.lag_frames == pytest.approx(expected.frames, rel=1e-9)
    assert receipt.lag_ms == pytest.approx(1000 * expected.seconds, rel=1e-9)
    assert receipt.jitter_after_px < receipt.jitter_before_px
    assert 0.5 < receipt.lag_frames < 1.5


def test_somebody_who_was_missing_begins_anew() -> None:
    """Three frames that follow each other are measured, and not those around a gap."""
    walk = [frame({1: (10.0 * n, 50)}, time_s=n) for n in range(4)]
    apart = [frame({}, time_s=4.0)]
    far = [frame({1: (500 + 10.0 * n, 50)}, time_s=5.0 + n) for n in range(4)]
    assert receipt_of(walk + apart + far).jitter_before_px == 0
    assert receipt_of(walk + far).jitter_before_px > 100


def test_people_keep_their_measures_apart_when_rows_change_places_and_others_come_and_go() -> None:
    frames = []
    for n in range(60):
        people = {1: (5.0 * n, 100.0), 2: (900 - 4.0 * n, 300.0)}
        people |= {10 + k: (50.0 * k, 600.0) for k in range(n % 7)}
        order = sorted(people, key=lambda identity, n=n: (identity * 31 + n) % 17)
        frames.append(frame({identity: people[identity] for identity in order}, time_s=n / 30))
    receipt = receipt_of(frames)
    assert receipt.jitter_before_px == pytest.approx(0, abs=1e-9)
    assert receipt.lag_frames == pytest.approx(0)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_what_cannot_be_told_is_none(count: int) -> None:
    receipt = receipt_of([frame({1: (9.0 * n, 5)}, time_s=n / 30) for n in range(count)])
    assert (receipt.frames, receipt.jitter_before_px, receipt.lag_frames, receipt.lag_ms) == (
        count,
        None,
        None,
        None,
    )
    assert "jitter" not in "".join(receipt.lines())


def test_the_lag_of_somebody_who_stands_still_cannot_be_told() -> None:
    receipt = receipt_of([frame({1: (50, 50)}, time_s=n / 30) for n in range(60)])
    assert receipt.jitter_before_px == 0
    assert receipt.lag_frames is None
    assert next(receipt.lines()) == "jitter 0.00 px, nothing to smooth"


def test_a_lag_without_times_has_frames_alone() -> None:
    receipt = receipt_of([frame({1: (9.0 * n, 5)}) for n in range(60)])
    assert receipt.lag_frames == pytest.approx(0)
    assert receipt.lag_ms is None


def test_people_without_an_id_are_not_measured() -> None:
    receipt = receipt_of([walker(n, noise=3) for n in range(30)])
    assert (receipt.frames, receipt.jitter_before_px, receipt.ids_born) == (30, None, 0)


def test_keypoints_and_people_that_are_filled_in_are_gaps() -> None:
    whole = frame({1: (50, 50), 2: (300, 50)}, time_s=0)
    holes = whole.visible.copy()
    holes[0, :3] = False
    assert receipt_of([whole.replace(visible=holes)], [whole]).gaps_filled == 3
    assert receipt_of([whole[:1]], [whole]).gaps_filled == 17
    assert receipt_of([whole], [whole.replace(visible=holes)]).gaps_filled == 0


# Ids


def test_an_id_that_takes_over_where_another_ended_is_a_guessed_switch() -> None:
    def ids(*people: dict[int, tuple[float, float]], step_s: float = 0.1) -> tuple[int, int]:
        receipt = receipt_of([frame(each, time_s=step_s * n) for n, each in enumerate(people)])
        return receipt.ids_born, receipt.id_switches_guessed

    assert ids({1: (100, 100)}, {1: (105, 100)}, {2: (110, 100)}) == (2, 1)
    assert ids({1: (100, 100)}, {}, {}, {2: (130, 100)}) == (2, 1)
    assert ids({1: (100, 100)}, {}, {1: (130, 100)}) == (1, 0), "the same id again is no switch"
    assert ids({1: (100, 100)}, {2: (160, 100)}) == (2, 0), "further than half of the person's size"
    assert ids({1: (100, 100)}, {}, {2: (100, 100)}, step_s=0.6) == (2, 0), "after more than a second"
    assert ids({1: (100, 100)}, {1: (100, 100), 2: (110, 100)}) == (2, 0), "the other is still there"
    assert ids({1: (100, 100)}, {2: (110, 100), 3: (90, 100)}) == (3, 1), "one person is continued once"
    assert ids({1: (0, 0), 2: (100, 0)}, {3: (10, 0), 4: (110, 0)}) == (4, 2)


def test_a_child_is_not_the_continuation_of_an_adult() -> None:
    frames = [frame({1: (100, 100)}, time_s=0.0), frame({2: (100, 100)}, time_s=0.1, size_px=50)]
    assert receipt_of(frames).id_switches_guessed == 0


# What tracker and smoother count themselves


def test_counts_are_those_since_the_beginning_of_the_run() -> None:
    tracker, smoother = Counting(swaps_repaired=5), Counting(outliers_dropped=2)
    ledger = Ledger(tracker, smoother)
    tracker.counters["swaps_repaired"] += 3
    receipt = ledger.receipt()
    assert (receipt.swaps_repaired, receipt.outliers_dropped) == (3, 0)


def test_counts_may_be_a_trackers_and_smoothers_own_attributes() -> None:
    class Tracker:
        swaps_repaired = 1

    class Counters(NamedTuple):
        gated: int
        coasted: int

    class Smoother:
        counters, gated = Counters(4, 9), 4

    ledger = Ledger(Tracker, Smoother)
    Tracker.swaps_repaired, Smoother.counters, Smoother.gated = 3, Counters(10, 9), 10
    receipt = ledger.receipt()
    assert (receipt.swaps_repaired, receipt.outliers_dropped) == (2, 6)


def test_what_nobody_counts_is_none_and_left_out() -> None:
    ledger = Ledger(None, object())
    assert list(ledger.receipt().lines()) == ["nobody was tracked"]
    ledger.add(*[frame({1: (50, 50)}, time_s=0)] * 2)
    receipt = ledger.receipt()
    assert (receipt.swaps_repaired, receipt.outliers_dropped) == (None, None)
    assert list(receipt.lines()) == ["0 keypoints filled in, 1 id given, 0 id switches guessed"]


def test_people_read_two_lines_and_programs_plain_data() -> None:
    receipt = Receipt(90, 5.066, 2.604, 0.4, 13.3, 1, 0, 2, 1, 1)
    assert list(receipt.lines()) == [
        "jitter 5.07 px before, 2.60 px after; lag +0.40 frames, +13 ms",
        "1 left-right swap repaired, 0 keypoints filled in, 2 outliers dropped, 1 id given, 1 id switch guessed",
    ]
    assert receipt.as_dict() == {
        "frames": 90,
        "jitter_before_px": 5.066,
        "jitter_after_px": 2.604,
        "lag_frames": 0.4,
        "lag_ms": 13.3,
        "swaps_repaired": 1,
        "gaps_filled": 0,
        "outliers_dropped": 2,
        "ids_born": 1,
        "id_switches_guessed": 1,
        "poses_without_id": 0,
        "moved_px": None,
        "convention": CONVENTION,
    }


def test_what_trembles_and_was_not_smoothed_is_not_called_still() -> None:
    measured, _ = tracks(60, seed=1)
    assert next(receipt_of(measured).lines()).endswith(" px, not smoothed")


class OnlyTheFirst:
    """A tracker that gives one person an id."""

    def __call__(self, poses: Poses) -> Poses:
        ids = np.full(len(poses), -1, np.int64)
        ids[:1] = 1
        return poses.replace(track_ids=ids)


class Shift:
    """A smoother that moves everybody whom it is given."""

    def __call__(self, poses: Poses) -> Poses:
        return poses.replace(xy=poses.xy + np.float32(5))


def test_people_without_an_id_pass_as_they_came_and_are_counted() -> None:
    frames = [walker(n, people=3, noise=1).replace(time_s=n / 30) for n in range(10)]
    movement = Movement(OnlyTheFirst(), Shift())
    recording = Recording(OnlyTheFirst(), lambda whole: list(whole))
    for poses in frames:
        moved = movement(poses)
        recording.add(poses)
        shift = moved.xy - poses.xy
        assert [float(x) for x in shift[:, 0, 0]] == pytest.approx([5, 0, 0], abs=1e-3)
    recording.smoothed()
    for receipt in (movement.receipt, recording.receipt):
        assert receipt is not None
        assert receipt.poses_without_id == 20
        assert list(receipt.lines())[-1].endswith(", 20 poses without an id left alone")
    assert Ledger().receipt().poses_without_id == 0


@pytest.mark.parametrize(
    ("lag", "told"),
    [
        ((-0.004, -0.4), "lag 0.00 frames, 0 ms"),
        ((0.004, None), "lag 0.00 frames"),
        ((-0.016, -0.52), "lag -0.02 frames, -1 ms"),
        ((0.4, 0.2), "lag +0.40 frames, 0 ms"),
    ],
)
def test_a_lag_of_nothing_has_no_sign(lag: tuple[float, float | None], told: str) -> None:
    assert lag_told(*lag) == told


def test_memory_does_not_grow_with_frames_or_ids(monkeypatch: Any) -> None:
    monkeypatch.setattr(receipt_module, "_MOST_GONE", 50)
    ledger = Ledger(Counting())

    def go_on(start: int) -> int:
        for n in range(start, start + 200):
            ledger.add(*[frame({n: (50.0 * (n % 7), 50), -1: (0, 0), n + 1: (900, 50)}, time_s=n / 30)] * 2)
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        first = go_on(0)
        assert go_on(200) - first < 5_000
    finally:
        tracemalloc.stop()
