"""What a tracker promises: stable ids, whatever order people come in and whoever leaves."""

from __future__ import annotations

import pickle
import threading
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from walkers import K, crossing, crowd, found, walker

import posecore as pc
from oracle.tracking import greatest_sum, precision, similarity

PLACES = [(100.0, 0.0), (300.0, 20.0), (500.0, -10.0), (700.0, 5.0)]


def tracker(**options: object) -> pc.Tracker:
    return pc.Tracker(pc.COCO17, **options)


def ids(poses: pc.Poses) -> list[int]:
    return poses.track_ids.tolist()


def test_ids_begin_at_1_and_go_by_score():
    assert ids(tracker()(crowd(PLACES, 0.0, (0.5, 0.9, 0.7, 0.8)))) == [4, 1, 3, 2]


def test_the_people_are_the_same_in_the_same_order():
    poses = crowd(PLACES, 1.5)
    tracked = tracker()(poses)
    assert tracked == poses.replace(track_ids=tracked.track_ids)


def test_nobody_is_a_frame_too():
    track = tracker()
    assert len(track(pc.Poses.empty(pc.COCO17, time_s=0.0))) == 0
    assert ids(track(crowd(PLACES[:1], 0.1))) == [1]
    assert ids(track(pc.Poses.empty(pc.COCO17, time_s=0.2))) == []
    assert ids(track(crowd(PLACES[:1], 0.3))) == [1]


@pytest.mark.parametrize("leaver", range(4))
def test_an_id_does_not_change_because_somebody_else_left(leaver):
    track = tracker()
    given_ids = ids(track(crowd(PLACES, 0.0)))
    stay = [n for n in range(4) if n != leaver]
    for frame in range(1, 90):
        assert ids(track(crowd([PLACES[n] for n in stay], frame / 30))) == [given_ids[n] for n in stay]
    assert [each.id for each in track.tracks] == sorted(given_ids[n] for n in stay)


def test_somebody_who_comes_back_within_the_gap_is_herself_and_later_somebody_new():
    for gap_s, again in ((0.9, 2), (1.0, 2), (1.1, 3)):
        track = tracker(max_gap_s=1.0)
        assert ids(track(crowd(PLACES[:2], 0.0))) == [1, 2]
        for frame in range(1, 10):
            track(crowd(PLACES[:1], gap_s * frame / 10))
        assert ids(track(crowd(PLACES[:2], gap_s))) == [1, again]
        assert (track.births, track.deaths) == (again, again - 2)


def test_a_walker_who_is_hidden_is_expected_where_she_comes_out():
    time_s = np.arange(90) / 30
    person = walker(time_s, at_px=100, speed=200)
    track = tracker()
    for frame, now in enumerate(time_s):
        hidden = 40 <= frame < 65
        poses = pc.Poses(
            person[[frame]].astype(np.float32)[: 0 if hidden else 1],
            np.full((0 if hidden else 1, K), 0.8, np.float32),
            skeleton=pc.COCO17,
            time_s=float(now),
        )
        assert ids(track(poses)) == ([] if hidden else [1])
    assert [each.hits for each in track.tracks] == [65]


def test_ids_are_never_given_twice():
    track = tracker(max_gap_s=0.1)
    seen = [ids(track(crowd([(100.0 * n, 0.0)], n * 1.0)))[0] for n in range(20)]
    assert seen == list(range(1, 21))
    assert (track.births, track.deaths) == (20, 19)


@given(st.permutations(range(4)), st.permutations(range(4)))
def test_the_order_of_the_people_does_not_matter(first, second):
    straight, mixed = tracker(), tracker()
    scores = (0.5, 0.9, 0.7, 0.7)
    for order, now in ((first, 0.0), (second, 0.04)):
        poses = crowd([(x + 200 * now, y) for x, y in PLACES], now, scores)
        assert ids(mixed(poses[list(order)])) == ids(straight(poses)[list(order)])


def test_the_same_frames_give_the_same_ids():
    time_s = np.arange(90) / 30
    runs = []
    for _ in range(2):
        track = tracker()
        frames = found(crossing(5, time_s), time_s, noise_px=8, missed=0.4, seed=5)
        runs.append([(ids(track(poses)), track.tracks) for poses, _ in frames])
    assert runs[0] == runs[1]


def test_a_body_whose_sides_are_exchanged_is_the_same_person():
    flipped = list(pc.COCO17.flip_index)
    track = tracker(repair_swaps=False)
    for frame in range(20):
        poses = crowd(PLACES, frame / 30)
        if frame % 3 == 1:
            poses = poses.replace(xy=poses.xy[:, flipped])
        assert ids(track(poses)) == [1, 2, 3, 4]


def test_a_pose_made_of_the_limbs_of_others_is_nobody():
    # Face and arms of the first, and the rest of the second.
    people = crowd([(100.0, 0.0), (250.0, 0.0)], 0.0, (0.9, 0.8))
    mixed = np.where(np.arange(K)[:, None] < 11, people.xy[0], people.xy[1])
    poses = pc.Poses(
        np.concatenate([people.xy, mixed[None]]),
        np.full((3, K), 0.8, np.float32),
        np.array([0.9, 0.8, 0.4], np.float32),
        skeleton=pc.COCO17,
        time_s=0.0,
    )
    assert ids(tracker()(poses)) == [1, 2, -1]


def test_a_weak_pose_goes_on_with_an_id_but_gets_none():
    track = tracker(min_birth_score=0.5)
    assert ids(track(crowd(PLACES[:2], 0.0, (0.8, 0.4)))) == [1, -1]
    assert ids(track(crowd(PLACES[:2], 0.1, (0.3, 0.4)))) == [1, -1]
    assert ids(track(crowd(PLACES[:2], 0.2, (0.3, 0.6)))) == [1, 2]


def test_min_hits_keeps_who_flickers_from_getting_an_id():
    track = tracker(min_hits=3)
    flickers = [1, 1, 0, 1, 1, 0, 1, 1, 1, 1]
    seen = []
    for frame, there in enumerate(flickers):
        tracked = track(crowd(PLACES[: 1 + there], frame / 30))
        seen.append(ids(tracked))
    assert [each[0] for each in seen] == [-1, -1, *[1] * 8]
    assert [each[1] for each in seen if len(each) == 2] == [-1, -1, -1, -1, -1, -1, 2, 2]
    assert track.births == 2


def test_a_tracker_tells_whom_it_holds():
    track = tracker()
    track(crowd(PLACES[:2], 1.0))
    track(crowd(PLACES[:2], 1.5))
    track(crowd(PLACES[:1], 2.0))
    assert track.tracks == (pc.Track(1, 1.0, 2.0, 3), pc.Track(2, 1.0, 1.5, 2))
    assert [each.age_s for each in track.tracks] == [1.0, 0.5]


def test_reset_forgets_everything():
    track = tracker()
    track(crowd(PLACES, 5.0))
    track.reset()
    assert (track.tracks, track.births, track.deaths) == ((), 0, 0)
    assert ids(track(crowd(PLACES[:1], 0.0))) == [1]


def test_with_fps_frames_need_no_time():
    track = tracker(fps=25)
    timeless = [crowd(PLACES[:1], 0.0).replace(time_s=None) for _ in range(4)]
    assert [track(poses).time_s for poses in timeless] == [0.0, 0.04, 0.08, 0.12]
    assert track.tracks[0].age_s == pytest.approx(0.12)


def test_a_skeleton_without_sigmas_and_one_of_a_single_point_are_tracked():
    for skeleton in (pc.MPII16, pc.Skeleton("point", ("middle",)), replace(pc.COCO17, edges=(), limbs=())):
        track = pc.Tracker(skeleton)
        for frame in range(5):
            xy = np.full((2, skeleton.num_keypoints, 2), frame, np.float32)
            xy[1] += 400
            xy += np.arange(skeleton.num_keypoints, dtype=np.float32)[:, None] * 9
            scores = np.full(xy.shape[:2], 0.8, np.float32)
            assert ids(track(pc.Poses(xy, scores, skeleton=skeleton, time_s=frame / 30))) == [1, 2]


def test_when_there_is_no_room_the_longest_unseen_makes_it():
    track = tracker(max_people=2, max_gap_s=100)
    assert ids(track(crowd(PLACES[:2], 0.0))) == [1, 2]
    assert ids(track(crowd(PLACES[:1], 1.0))) == [1]
    assert ids(track(crowd([(5000.0, 0.0)], 2.0))) == [3]
    assert [each.id for each in track.tracks] == [1, 3]
    assert (track.births, track.deaths) == (3, 1)


def values_of(first: pc.Poses, second: pc.Poses, dt: float) -> np.ndarray:
    """What the oracle says that each pose of the second frame is worth to each of the first."""
    sigmas, flip = np.array(pc.COCO17.sigmas), np.array(pc.COCO17.flip_index)
    values = np.zeros((len(second), len(first)))
    for i, pose in enumerate(second.xy.astype(float)):
        for j, person in enumerate(first.xy.astype(float)):
            like = similarity(person, first.scores[j], pose, second.scores[i], sigmas, flip, dt)
            values[i, j] = like * precision(dt) * (0.5 + 0.5 * second.pose_scores[i]) if like >= 0.1 else 0
    return values


def value_of(first_ids: list[int], second_ids: list[int], values: np.ndarray) -> float:
    """What the tracker's choice is worth."""
    return sum(values[i, first_ids.index(k)] for i, k in enumerate(second_ids) if k in first_ids)


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 2**31), st.sampled_from([0.01, 0.04, 0.2]))
def test_the_assignment_is_the_best_one(before, now, seed, dt):
    rng = np.random.default_rng(seed)
    # No two of one frame on each other: those would be copies.
    first = crowd([(40.0 * n + rng.uniform(0, 30), rng.uniform(0, 200)) for n in range(before)], 0.0)
    second = crowd([(40.0 * n + rng.uniform(0, 30), rng.uniform(0, 200)) for n in range(now)], dt)
    track = tracker(repair_swaps=False)
    first_ids, second_ids = ids(track(first)), ids(track(second))
    values = values_of(first, second, dt)
    assert value_of(first_ids, second_ids, values) == pytest.approx(greatest_sum(values), abs=1e-3)
    assert len(set(second_ids)) == now


def test_the_assignment_of_many_people_is_the_best_one():
    optimize = pytest.importorskip("scipy.optimize", reason="scipy is not installed")
    rng = np.random.default_rng(0)
    first = crowd([(20.0 * n + rng.uniform(0, 15), rng.uniform(0, 200)) for n in range(40)], 0.0)
    second = crowd([(18.0 * n + rng.uniform(0, 15), rng.uniform(0, 200)) for n in range(50)], 0.1)
    track = tracker(repair_swaps=False)
    first_ids, second_ids = ids(track(first)), ids(track(second))
    values = values_of(first, second, 0.1)
    rows, columns = optimize.linear_sum_assignment(values, maximize=True)
    assert value_of(first_ids, second_ids, values) == pytest.approx(values[rows, columns].sum(), rel=1e-4)


@given(st.integers(0, 2**31))
def test_whatever_the_poses_are_the_ids_are_sane(seed):
    rng = np.random.default_rng(seed)
    track = tracker(max_people=6)
    given_ids: set[int] = set()
    now = 0.0
    for _ in range(8):
        people = int(rng.integers(0, 7))
        xy = (rng.standard_normal((people, K, 2)) * 10.0 ** rng.integers(-30, 38)).astype(np.float32)
        xy = np.clip(np.nan_to_num(xy), -3e38, 3e38)
        scores = rng.random((people, K)).astype(np.float32)
        visible = rng.random((people, K)) < rng.choice([0.0, 0.5, 1.0])
        now += 10.0 ** rng.integers(-9, 6)
        tracked = track(pc.Poses(xy, scores, skeleton=pc.COCO17, visible=visible, time_s=now))
        assert np.isfinite(tracked.xy).all()
        got = [k for k in ids(tracked) if k != -1]
        assert len(set(got)) == len(got)
        assert all(k in given_ids or k > max(given_ids, default=0) for k in got)
        given_ids |= set(got)
        assert len(track.tracks) <= 6


def test_nobody_who_is_invisible_gets_an_id():
    poses = crowd(PLACES, 0.0)
    assert ids(tracker()(poses.replace(visible=np.zeros((4, K), bool)))) == [-1] * 4


def test_a_pickled_tracker_is_a_new_one_with_the_same_options():
    track = tracker(max_gap_s=3, min_hits=2, fps=10)
    again = pickle.loads(pickle.dumps(track))
    assert repr(again) == repr(track)
    assert again.tracks == ()


def test_a_second_thread_is_told():
    track = tracker(max_people=256)
    poses = crowd([(float(n), 0.0) for n in range(200)], 0.0)
    told: list[str] = []
    gate = threading.Barrier(2)
    clock = iter(range(1, 10**6))

    def work() -> None:
        gate.wait()
        for _ in range(100):
            try:
                track(poses.replace(time_s=float(next(clock))))
            except (RuntimeError, ValueError) as error:
                told.append(str(error).partition(" after")[0])

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # A thread that drew its time before the other one did may come too late with it.
    busy = "this Tracker is at work in another thread: make one Tracker a stream"
    assert busy in told
    assert set(told) <= {busy, "poses: wanted a time_s"}


SENTENCES = {
    "not a skeleton": (
        lambda: pc.Tracker("coco17"),
        TypeError,
        "skeleton: wanted a Skeleton, such as posecore.COCO17, got str",
    ),
    "not poses": (lambda: tracker()(3), TypeError, "poses: wanted Poses, got int"),
    "another skeleton": (
        lambda: tracker()(pc.Poses.empty(pc.MPII16, time_s=0.0)),
        ValueError,
        "poses: wanted skeleton coco17, got mpii16",
    ),
    "no time": (
        lambda: tracker()(pc.Poses.empty(pc.COCO17)),
        ValueError,
        "poses: wanted a time_s, or Tracker(fps=...), got neither",
    ),
    "too many": (
        lambda: tracker()(crowd([(0.0, 0.0)] * 65536, 0.0)),
        ValueError,
        "poses: wanted at most 64 people, as max_people says, got 65536",
    ),
    "gap": (
        lambda: tracker(max_gap_s=-1),
        ValueError,
        "max_gap_s: wanted a number from 0 to 3600, got -1",
    ),
    "similarity": (
        lambda: tracker(min_similarity=0),
        ValueError,
        "min_similarity: wanted a number from 0.001 to 1, got 0",
    ),
    "hits": (
        lambda: tracker(min_hits=0),
        ValueError,
        "min_hits: wanted a whole number from 1 to 1000, got 0",
    ),
    "people": (
        lambda: tracker(max_people=257),
        ValueError,
        "max_people: wanted a whole number from 1 to 256, got 257",
    ),
    "fps": (lambda: tracker(fps=0), ValueError, "fps: wanted a number from 0.001 to 100000, got 0"),
    "repair": (
        lambda: tracker(repair_swaps=1),
        TypeError,
        "repair_swaps: wanted True or False, got int",
    ),
}


@pytest.mark.parametrize(("call", "kind", "sentence"), SENTENCES.values(), ids=SENTENCES)
def test_a_mistake_gets_a_sentence(call, kind, sentence):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == sentence


@pytest.mark.parametrize("time_s", [1.0, 0.5, -3.0])
def test_time_goes_on_and_a_frame_that_does_not_changes_nothing(time_s):
    track = tracker()
    track(crowd(PLACES, 1.0))
    with pytest.raises(ValueError, match="wanted") as caught:
        track(crowd(PLACES[:1], time_s))
    assert str(caught.value) == f"poses: wanted a time_s after 1.0, that of the frame before, got {time_s}"
    assert ids(track(crowd(PLACES, 1.1))) == [1, 2, 3, 4]
