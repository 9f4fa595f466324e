"""Recordings of poses smoothed as a whole: who is who, what is missing, what is replaced."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from posecore.offline import METHODS, OfflineSmoother, smooth_tracks, usual_window
from posecore.poses import Poses
from posecore.skeletons import COCO17, MPII16
from posecore.trajectories import frame_times, trajectories
from smooth.walking import jitter_px, rmse_px, seen, walk

FPS = 30.0


def recording(
    *tracks: np.ndarray, gone: tuple[tuple[int, int], ...] = (), scores: float = 0.8, timed: bool = True
) -> list[Poses]:
    """Frames with people 3, 4, ... of these tracks; `gone` are (person, frame) that are not there."""
    frames = []
    for t in range(len(tracks[0])):
        here = [n for n in range(len(tracks)) if (n, t) not in gone]
        frames.append(
            Poses(
                np.stack([tracks[n][t] for n in here]).astype(np.float32)
                if here
                else np.zeros((0, 17, 2), np.float32),
                np.full((len(here), 17), scores, np.float32),
                skeleton=COCO17,
                track_ids=np.array([n + 3 for n in here], np.int64),
                time_s=t / FPS if timed else None,
            )
        )
    return frames


def xy_of(frames: list[Poses], identity: int) -> np.ndarray:
    return np.stack([frame.xy[frame.track_ids == identity][0] for frame in frames])


@pytest.mark.parametrize("method", METHODS)
def test_everybody_trembles_less_and_stays_who_they_are(method: str) -> None:
    one = walk(240, FPS, 400)
    two = one[::-1] + 300
    frames = recording(seen(one, 3.0), seen(two, 3.0, seed=1))
    found = smooth_tracks(frames, method)
    assert len(found) == len(frames)
    for before, after in zip(frames, found, strict=True):
        assert after.track_ids.tolist() == before.track_ids.tolist()
        assert np.array_equal(after.pose_scores, before.pose_scores)
        assert after.time_s == before.time_s
    for identity in (3, 4):
        assert jitter_px(xy_of(found, identity)) < 0.75 * jitter_px(xy_of(frames, identity))


@pytest.mark.parametrize("method", METHODS)
def test_who_walks_beside_changes_nothing(method: str) -> None:
    one, two = seen(walk(90, FPS, 300), 2.0), seen(walk(90, FPS, 200)[::-1], 2.0)
    both = smooth_tracks(recording(one, two), method)
    assert xy_of(both, 3) == pytest.approx(xy_of(smooth_tracks(recording(one), method), 3), abs=1e-4)


def test_two_passes_are_those_of_each_alone() -> None:
    """However people come and go: the method that takes them together gives each as if alone."""
    track = seen(walk(120, FPS, 300), 2.0)
    gone = tuple((1, t) for t in range(70)) + tuple((0, t) for t in range(20, 120))
    gone += tuple((2, t) for t in [*range(10), *range(95, 120)])
    frames = recording(track, track + 50, track + 99, gone=gone)
    found = smooth_tracks(frames, "rts")
    for identity in (3, 4, 5):
        alone = smooth_tracks([frame[frame.track_ids == identity] for frame in frames], "rts")
        for one, whole in zip(alone, found, strict=True):
            assert one.xy == pytest.approx(whole.xy[whole.track_ids == identity], abs=1e-3)


def test_lowess_is_the_default_and_beats_the_measurements() -> None:
    truth = walk(300, FPS, 400)
    raw = seen(truth, 2.0)
    found = xy_of(smooth_tracks(recording(raw)), 3)
    assert np.array_equal(found, xy_of(smooth_tracks(recording(raw), "lowess", window_frames=7), 3))
    assert rmse_px(found, truth) < 0.75 * rmse_px(raw, truth)


@pytest.mark.parametrize("fps", [15, 30, 60, 120])
@pytest.mark.parametrize("method", ["lowess", "savgol"])
def test_the_usual_window_fits_somebody_who_walks(fps: int, method: str) -> None:
    truth = walk(20 * fps, fps, 400)
    raw = seen(truth, 2.0)
    frames = [frame.replace(time_s=t / fps) for t, frame in enumerate(recording(raw))]
    found = xy_of(smooth_tracks(frames, method), 3)
    assert rmse_px(found, truth) < rmse_px(raw, truth)
    assert usual_window(method, fps) % 2 == 1


@pytest.mark.parametrize("method", METHODS)
def test_short_gaps_are_filled_and_long_ones_never(method: str) -> None:
    track = walk(120, FPS, 300)
    gone = tuple((0, t) for t in [*range(30, 34), *range(60, 90)])
    frames = recording(seen(track, 1.0), gone=gone)
    smoother = OfflineSmoother(method, max_gap_s=0.2)
    found = smoother(frames)
    assert [len(frame) for frame in found[30:34]] == [1] * 4
    assert all(len(frame) == 0 for frame in found[60:90])
    assert smoother.counters.gaps_filled == 4 * 17
    assert found[31].track_ids.tolist() == [3]
    assert found[31].scores[0] == pytest.approx(0.72)
    assert found[31].visible.all()
    assert np.abs(found[31].xy[0] - track[31]).max() < 12
    assert all(len(frame) == 0 for frame in smooth_tracks(frames, method)[30:34]), "not asked to"


@pytest.mark.parametrize("method", METHODS)
def test_who_is_away_for_long_comes_back_as_somebody_else_would(method: str) -> None:
    track = seen(walk(120, FPS, 300), 1.0)
    away = [frame if t < 40 or t >= 80 else frame[:0] for t, frame in enumerate(recording(track))]
    found = OfflineSmoother(method).smooth(away)
    assert [(each.track_id, each.start, len(each.there)) for each in found.tracks] == [
        (3, 0, 40),
        (3, 80, 40),
    ]
    assert [each.start for each in found.measured] == [0, 80]
    alone = smooth_tracks(away[80:], method)
    for one, other in zip(alone, found.frames[80:], strict=True):
        assert other.xy == pytest.approx(one.xy, abs=1e-3)


def test_memory_goes_with_the_poses_and_not_with_the_time_between_them() -> None:
    """A thousand ids in the first and in the last of many frames are two thousand poses and no more."""
    crowd = Poses(
        np.zeros((1000, 17, 2), np.float32),
        np.ones((1000, 17), np.float32),
        skeleton=COCO17,
        track_ids=np.arange(1000),
    )
    nobody = Poses.empty(COCO17)
    frames = [crowd, *[nobody] * 20_000, crowd]
    tracks = trajectories(frames, frame_times(frames, None), 0.25)
    assert len(tracks) == 2000
    assert sum(track.visible.size for track in tracks) == 2000 * 17


def test_a_hidden_keypoint_is_filled_where_it_was() -> None:
    frames = recording(seen(walk(60, FPS, 300), 1.0))
    visible = np.ones((1, 17), bool)
    visible[0, 14] = False
    frames[20] = frames[20].replace(visible=visible)
    smoother = OfflineSmoother(max_gap_s=0.1)
    found = smoother(frames)
    assert found[20].visible.all()
    assert smoother.counters.gaps_filled == 1
    between = (found[19].xy[0, 14] + found[21].xy[0, 14]) / 2
    assert found[20].xy[0, 14] == pytest.approx(between, abs=1e-3)
    assert not smooth_tracks(frames)[20].visible[0, 14]


@pytest.mark.parametrize("method", METHODS)
def test_an_outlier_is_replaced_by_interpolation(method: str) -> None:
    truth = walk(90, FPS, 300)
    raw = seen(truth, 1.0)
    raw[40, 9] += 100
    smoother = OfflineSmoother(method)
    result = smoother.smooth(recording(raw))
    assert result.tracks[0].outliers[40, 9]
    assert result.counters.outliers_dropped == result.tracks[0].outliers.sum() < 0.01 * 90 * 17
    assert np.abs(result.frames[40].xy[0, 9] - truth[40, 9]).max() < 15
    assert result.frames[40].visible[0, 9]
    assert result.frames[40].scores[0, 9] == pytest.approx(0.72)
    assert OfflineSmoother(method, outlier_sigmas=0).smooth(recording(raw)).counters.outliers_dropped == 0


def test_counters_add_up_over_recordings() -> None:
    raw = seen(walk(60, FPS, 300), 1.0)
    raw[30, 9] += 100
    smoother = OfflineSmoother()
    smoother(recording(raw))
    once = smoother.counters.outliers_dropped
    smoother(recording(raw))
    assert smoother.counters.outliers_dropped == 2 * once > 0


def test_people_without_id_stay_as_they_are() -> None:
    frames = recording(seen(walk(30, FPS, 300), 1.0))
    nobody = [frame.replace(track_ids=np.array([-1])) for frame in frames]
    assert smooth_tracks(nobody) == nobody
    assert smooth_tracks([]) == []


def test_frames_without_times_come_at_fps() -> None:
    raw = seen(walk(60, FPS, 300), 1.0)
    timed = smooth_tracks(recording(raw))
    untimed = smooth_tracks(recording(raw, timed=False), fps=30)
    assert xy_of(untimed, 3) == pytest.approx(xy_of(timed, 3), abs=1e-3)


def test_what_does_not_fit_gets_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = recording(seen(walk(30, FPS, 300), 1.0))
    twice = frames[0][[0, 0]]
    other = Poses.empty(MPII16, time_s=5.0)
    cases: list[tuple[Any, type[Exception], str]] = [
        ([*frames, 1], TypeError, "frames: wanted Poses, got int at 30"),
        ([twice], ValueError, "frames: wanted each track id once a frame, got 3 twice at 0"),
        ([*frames, other], ValueError, "frames: wanted one skeleton, got coco17 and mpii16 at 30"),
        (
            [*frames, frames[4]],
            ValueError,
            "frames: wanted time_s that ascends, got 0.966667 and then 0.133333 at 30",
        ),
        ([*frames, frames[4].replace(time_s=None)], ValueError, "in all of them or in none, got None at 30"),
    ]
    for given, kind, sentence in cases:
        with pytest.raises(kind, match=sentence):
            smooth_tracks(given)
    monkeypatch.setattr("posecore.trajectories._MOST_MISSING", 10 * 17 - 1)
    now_and_then = [frame if t % 6 == 0 else frame[:0] for t, frame in enumerate(frames)]
    smooth_tracks(now_and_then, window_frames=3)
    with pytest.raises(
        ValueError,
        match=r"frames: wanted at most 169 keypoints of people away for up to 2 s, got 340; a shorter max_gap_s",
    ):
        smooth_tracks(now_and_then, max_gap_s=2.0)
    for options, sentence in (
        ({"method": "magic"}, "method: wanted one of lowess"),
        ({"window_frames": 2}, "window_frames: wanted a whole number from 3"),
        ({"outlier_sigmas": 0.2}, "outlier_sigmas: wanted 0 for none, or a number from 0.5"),
        ({"max_gap_s": -1.0}, "max_gap_s: wanted a number from 0 to 60"),
        ({"fps": 0.5}, "fps: wanted a number from 1 to 1000"),
    ):
        with pytest.raises(ValueError, match=sentence):
            OfflineSmoother(**options)  # type: ignore[arg-type]
