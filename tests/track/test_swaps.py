"""Left and right that change places: what motion contradicts is put back, and nothing else is touched."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from walkers import HEIGHT_PX, K, crowd, one, walker

import posecore as pc

PAIRS = pc.COCO17.flip_pairs
ANKLES, LEG, WRISTS = [(15, 16)], [(13, 14), (15, 16)], [(9, 10)]


def exchanged(xy: np.ndarray, pairs: list[tuple[int, int]] | tuple[tuple[int, int], ...]) -> np.ndarray:
    order = np.arange(K)
    for left, right in pairs:
        order[[left, right]] = right, left
    return xy[..., order, :]


def walk(fps: float, noise_px: float, view: str, seed: int, seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """Times and poses (T, 17, 2) float32 of somebody who walks."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(int(seconds * fps)) / fps
    xy = walker(time_s, at_px=100, speed=120 if view == "side" else 0, phase=rng.uniform(0, 6.28), view=view)
    return time_s, (xy + rng.normal(0, noise_px, xy.shape)).astype(np.float32)


def repaired(time_s: np.ndarray, xy: np.ndarray, **options: float) -> tuple[list[pc.Poses], pc.SwapRepair]:
    repair = pc.SwapRepair(pc.COCO17, **options)
    return [repair(one(pose, float(now))) for now, pose in zip(time_s, xy, strict=True)], repair


@pytest.mark.parametrize("fps", [15, 24, 30, 60, 120])
@pytest.mark.parametrize("view", ["side", "front"])
@pytest.mark.parametrize("noise_px", [0, 2, 4, 8])
def test_a_clean_walk_is_left_alone(fps, view, noise_px):
    for seed in range(3):
        time_s, xy = walk(fps, noise_px, view, seed, seconds=8)
        out, repair = repaired(time_s, xy)
        assert (repair.exchanged, repair.duplicates) == (0, 0)
        assert all(np.array_equal(poses.xy[0], pose) for poses, pose in zip(out, xy, strict=True))


@pytest.mark.parametrize("fps", [5, 10])
def test_at_few_frames_a_second_alarms_are_rare(fps):
    alarms = frames = 0
    for seed in range(10):
        time_s, xy = walk(fps, 2, "side", seed, seconds=20)
        _, repair = repaired(time_s, xy)
        alarms += repair.exchanged + repair.duplicates
        frames += len(time_s)
    assert alarms <= 0.01 * frames


@pytest.mark.parametrize("fps", [15, 30, 60])
@pytest.mark.parametrize("pairs", [WRISTS, LEG, PAIRS], ids=["wrists", "leg", "everything"])
@pytest.mark.parametrize("length", [1, 4])
def test_an_exchange_is_put_back_and_counted(fps, pairs, length):
    # From the front: left and right are apart all the time.
    time_s, xy = walk(fps, 2, "front", seed=1, seconds=8)
    wrong = xy.copy()
    bad = [n for start in range(2 * fps, len(xy) - 10, 2 * fps) for n in range(start, start + length)]
    wrong[bad] = exchanged(xy[bad], pairs)
    out, repair = repaired(time_s, wrong)
    assert all(np.array_equal(poses.xy[0], pose) for poses, pose in zip(out, xy, strict=True))
    assert (repair.exchanged, repair.duplicates) == (len(bad), 0)


@pytest.mark.parametrize(("fps", "least"), [(15, 0.7), (30, 0.8), (60, 0.8)])
@pytest.mark.parametrize("pairs", [ANKLES, LEG, PAIRS], ids=["ankles", "leg", "everything"])
def test_seen_from_the_side_most_are_put_back_where_the_sides_are_apart(fps, least, pairs):
    put_back = told_apart = 0
    for seed in range(6):
        time_s, xy = walk(fps, 2, "side", seed, seconds=12)
        bad = np.arange(2 * fps, len(xy) - 10, int(1.3 * fps))
        wrong = xy.copy()
        wrong[bad] = exchanged(xy[bad], pairs)
        out, _ = repaired(time_s, wrong)
        for n in bad:
            apart = max(np.hypot(*(xy[n, left] - xy[n, right])) for left, right in pairs)
            if apart > 0.12 * HEIGHT_PX:
                told_apart += 1
                put_back += np.array_equal(out[n].xy[0], xy[n])
    assert put_back >= least * told_apart > 20


def test_scores_and_visibility_change_sides_with_their_keypoints():
    time_s, xy = walk(30, 1, "front", seed=2, seconds=2)
    repair = pc.SwapRepair(pc.COCO17)
    scores = np.linspace(0.3, 0.9, K, dtype=np.float32)[None]
    for n, now in enumerate(time_s):
        flipped = n == 40
        order = list(pc.COCO17.flip_index) if flipped else list(range(K))
        poses = one(xy[n][order], float(now)).replace(scores=scores[:, order])
        out = repair(poses)
        assert np.array_equal(out.scores, scores)
        assert np.array_equal(out.pose_scores, poses.pose_scores)
    assert repair.exchanged == 1


def test_two_ankles_on_one_foot_are_one_ankle():
    time_s, xy = walk(30, 1, "front", seed=3, seconds=4)
    xy[:] = xy[0] + np.random.default_rng(0).normal(0, 1, xy.shape)
    wrong = xy.copy()
    bad = slice(60, 66)
    wrong[bad, 15] = xy[bad, 16] + (3, 0)
    out, repair = repaired(time_s, wrong)
    for n, poses in enumerate(out):
        missing = np.flatnonzero(~poses.visible[0]).tolist()
        assert missing == ([15] if 60 <= n < 66 else [])
        assert (poses.scores[0, missing] == 0).all()
    assert (repair.exchanged, repair.duplicates) == (0, 6)


def test_who_turns_round_is_believed_after_the_patience():
    time_s, xy = walk(30, 1, "front", seed=4, seconds=6)
    wrong = xy.copy()
    wrong[60:] = exchanged(xy[60:], PAIRS)
    for patience_s in (0.0, 0.1, 0.3, 1.0):
        out, repair = repaired(time_s, wrong, patience_s=patience_s)
        fought = [n for n, poses in enumerate(out) if not np.array_equal(poses.xy[0], wrong[n])]
        assert fought == list(range(60, 60 + len(fought)))
        assert repair.exchanged == len(fought) == pytest.approx(max(1, 30 * patience_s), abs=1)


def test_an_exchange_that_was_there_from_the_first_frame_is_not_seen():
    time_s, xy = walk(30, 1, "front", seed=5, seconds=2)
    _, repair = repaired(time_s, exchanged(xy, LEG))
    assert repair.exchanged == 0


def test_people_are_told_apart_by_their_ids_and_those_without_are_left_alone():
    def frame(now: float, who: list[int], flipped: int | None) -> pc.Poses:
        poses = crowd([(300.0 * n, 0.0) for n in who], now)
        xy = poses.xy.copy()
        for row, n in enumerate(who):
            if n == flipped:
                xy[row] = exchanged(xy[row], PAIRS)
        ids = np.array([n if n < 3 else -1 for n in who], np.int64)
        return poses.replace(xy=xy, track_ids=ids)

    repair = pc.SwapRepair(pc.COCO17)
    for n in range(30):
        assert repair(frame(n / 30, [0, 1, 2, 3], None)).track_ids.tolist() == [0, 1, 2, -1]
    out = repair(frame(1.0, [3, 2, 1, 0], 1))
    assert np.array_equal(out.xy, frame(1.0, [3, 2, 1, 0], None).xy)
    assert repair.exchanged == 1
    assert repair(frame(1.1, [3, 1], 3)) == frame(1.1, [3, 1], 3)
    assert repair.exchanged == 1


def test_a_tracker_repairs_and_counts_unless_told_not_to():
    time_s, xy = walk(30, 1, "front", seed=6, seconds=2)
    wrong = xy.copy()
    wrong[40] = exchanged(xy[40], LEG)
    trackers = pc.Tracker(pc.COCO17), pc.Tracker(pc.COCO17, repair_swaps=False)
    for n, now in enumerate(time_s):
        poses = one(wrong[n], float(now), track_id=-1)
        with_repair, without = (track(poses) for track in trackers)
        assert np.array_equal(with_repair.xy[0], xy[n])
        assert np.array_equal(without.xy[0], wrong[n])
    assert [track.swaps_repaired for track in trackers] == [1, 0]
    assert [track.duplicates for track in trackers] == [0, 0]
    trackers[0].reset()
    assert trackers[0].swaps_repaired == 0


def test_a_body_without_sides_or_edges_can_be_repaired_too():
    for skeleton in (pc.Skeleton("point", ("middle",)), pc.MPII16, pc.CROWDPOSE14, pc.COCO_FEET23):
        repair = pc.SwapRepair(skeleton)
        for n in range(5):
            xy = np.arange(2 * skeleton.num_keypoints, dtype=np.float32).reshape(1, -1, 2) * 7
            scores = np.full(xy.shape[:2], 0.8, np.float32)
            ids = np.array([7], np.int64)
            poses = pc.Poses(xy, scores, skeleton=skeleton, time_s=n / 30, track_ids=ids)
            assert repair(poses) == poses


@given(st.integers(0, 2**31))
def test_whatever_the_poses_are_what_comes_out_is_sane(seed):
    rng = np.random.default_rng(seed)
    repair = pc.SwapRepair(pc.COCO17, max_people=3)
    now = 0.0
    for _ in range(10):
        people = int(rng.integers(0, 6))
        xy = rng.standard_normal((people, K, 2)) * 10.0 ** rng.integers(-30, 38)
        xy = np.clip(xy, -3e38, 3e38).astype(np.float32)
        visible = rng.random((people, K)) < rng.choice([0.0, 0.5, 1.0])
        now += 10.0 ** rng.integers(-9, 6)
        poses = pc.Poses(
            xy,
            rng.random((people, K)).astype(np.float32),
            skeleton=pc.COCO17,
            visible=visible,
            track_ids=rng.integers(-1, 2**63 - 1, people),
            time_s=now,
        )
        out = repair(poses)
        # Keypoints change sides or go; none comes, and none is moved anywhere else.
        assert np.array_equal(np.sort(out.xy, axis=1), np.sort(poses.xy, axis=1))
        assert (out.visible.sum(axis=1) <= poses.visible.sum(axis=1)).all()


def test_a_pickled_repair_is_a_new_one_with_the_same_options():
    repair = pc.SwapRepair(pc.COCO17, patience_s=2, max_people=5)
    assert repr(pickle.loads(pickle.dumps(repair))) == repr(repair)


STANDING = walker(np.zeros(1), at_px=0, speed=0, view="front")[0]
SENTENCES = {
    "not a skeleton": (
        lambda: pc.SwapRepair(17),
        TypeError,
        "skeleton: wanted a Skeleton, such as posecore.COCO17, got int",
    ),
    "not poses": (
        lambda: pc.SwapRepair(pc.COCO17)(None),
        TypeError,
        "poses: wanted Poses, got NoneType",
    ),
    "another skeleton": (
        lambda: pc.SwapRepair(pc.MPII16)(one(STANDING, 0.0)),
        ValueError,
        "poses: wanted skeleton mpii16, got coco17",
    ),
    "no time": (
        lambda: pc.SwapRepair(pc.COCO17)(one(STANDING, 0.0).replace(time_s=None)),
        ValueError,
        "poses: wanted a time_s, got none",
    ),
    "patience": (
        lambda: pc.SwapRepair(pc.COCO17, patience_s=61),
        ValueError,
        "patience_s: wanted a number from 0 to 60, got 61",
    ),
}


@pytest.mark.parametrize(("call", "kind", "sentence"), SENTENCES.values(), ids=SENTENCES)
def test_a_mistake_gets_a_sentence(call, kind, sentence):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == sentence


def test_time_goes_on():
    repair = pc.SwapRepair(pc.COCO17)
    repair(one(STANDING, 2.0))
    with pytest.raises(ValueError, match="wanted") as caught:
        repair(one(STANDING, 2.0))
    assert str(caught.value) == "poses: wanted a time_s after 2.0, that of the frame before, got 2.0"
