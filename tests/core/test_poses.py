"""`Poses`: a frozen struct of arrays, checked once."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from posecore import COCO17, Poses, Skeleton

AB = Skeleton("ab", ("a", "b"))


def three() -> Poses:
    """Three people of two keypoints, with everything that can be said."""
    xy = np.arange(12, dtype=np.float32).reshape(3, 2, 2)
    scores = np.array([[0.9, 0.8], [0.7, 0], [0.1, 0.2]], np.float32)
    return Poses(
        xy,
        scores,
        np.array([0.9, 0.4, 0.2], np.float32),
        skeleton=AB,
        visible=np.array([[1, 1], [1, 0], [0, 0]], bool),
        track_ids=np.array([7, -1, 3]),
        image_size=(640, 480),
        time_s=1.5,
    )


def test_what_is_left_out_follows():
    poses = Poses(np.zeros((2, 2, 2), np.float32), np.array([[1, 0], [0.5, 0.25]], np.float32), skeleton=AB)
    assert poses.pose_scores.tolist() == [0.5, 0.375]
    assert poses.visible.tolist() == [[True, False], [True, True]]
    assert poses.track_ids.tolist() == [-1, -1]
    assert (poses.image_size, poses.time_s) == (None, None)
    dtypes = [
        poses.xy.dtype,
        poses.scores.dtype,
        poses.pose_scores.dtype,
        poses.visible.dtype,
        poses.track_ids.dtype,
    ]
    assert dtypes == [np.float32, np.float32, np.float32, np.bool_, np.int64]


@pytest.mark.parametrize("skeleton", [AB, COCO17], ids=["ab", "coco17"])
def test_nobody(skeleton):
    poses = Poses.empty(skeleton, image_size=(640, 480), time_s=2.0)
    keypoints = skeleton.num_keypoints
    assert len(poses) == 0
    assert poses.xy.shape == (0, keypoints, 2)
    assert poses.scores.shape == poses.visible.shape == (0, keypoints)
    assert poses.pose_scores.shape == poses.track_ids.shape == (0,)
    assert (poses.image_size, poses.time_s) == ((640, 480), 2.0)
    assert poses.boxes().shape == (0, 4)
    assert len(poses[:]) == len(poses[[]]) == 0


@pytest.mark.parametrize(
    ("which", "people"),
    [
        (0, [0]),
        (-1, [2]),
        (np.int64(1), [1]),
        (slice(1, None), [1, 2]),
        (slice(None, None, -1), [2, 1, 0]),
        ([2, 0], [2, 0]),
        (np.array([True, False, True]), [0, 2]),
        ([False, True, False], [1]),
        ([], []),
    ],
    ids=repr,
)
def test_choosing_people(which, people):
    poses = three()
    chosen = poses[which]
    assert isinstance(chosen, Poses)
    for name in ("xy", "scores", "pose_scores", "visible", "track_ids"):
        assert np.array_equal(getattr(chosen, name), getattr(poses, name)[people])
        assert not getattr(chosen, name).flags.writeable
    assert (chosen.skeleton, chosen.image_size, chosen.time_s) == (AB, (640, 480), 1.5)


def test_people_can_be_walked_through():
    assert [person.track_ids.tolist() for person in three()] == [[7], [-1], [3]]


def test_boxes_are_around_what_is_visible():
    assert three().boxes().tolist() == [[0, 1, 2, 3], [4, 5, 4, 5], [0, 0, 0, 0]]
    assert three().boxes().dtype == np.float32


@pytest.mark.parametrize("far", [-1000.0, 1000.0])
@pytest.mark.parametrize("axis", [0, 1])
def test_a_keypoint_that_is_not_visible_moves_no_side_of_the_box(far, axis):
    xy = np.array([[[10, 20], [30, 40], [15, 25]]], np.float32)
    xy[0, 2, axis] = far
    poses = Poses(
        xy,
        np.ones((1, 3), np.float32),
        skeleton=Skeleton("abc", ("a", "b", "c")),
        visible=np.array([[True, True, False]]),
    )
    assert poses.boxes().tolist() == [[10, 20, 30, 40]]


def test_nothing_can_be_changed():
    poses = three()
    with pytest.raises(AttributeError, match=r"^Poses cannot be changed: use poses.replace\(xy=...\)$"):
        poses.xy = poses.xy
    with pytest.raises(AttributeError, match=r"^Poses cannot be changed$"):
        del poses.xy
    with pytest.raises(AttributeError):
        poses.more = 1
    for name in ("xy", "scores", "pose_scores", "visible", "track_ids"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(poses, name)[0] = 0


@pytest.mark.parametrize("name", ["xy", "scores", "pose_scores", "visible", "track_ids"])
@pytest.mark.parametrize("how", ["itself", "a view", "a view that was frozen"])
def test_what_the_caller_writes_later_changes_nothing(name, how):
    before = three()
    mine = getattr(before, name).copy()
    handed = mine if how == "itself" else mine[:]
    if how == "a view that was frozen":
        handed.flags.writeable = False
    poses = before.replace(**{name: handed})
    mine[...] = 0 if name != "visible" else ~mine
    assert poses == before
    assert mine.flags.writeable, "the caller's own array stays writable"


def test_what_follows_from_the_callers_array_does_not_follow_later_writes():
    scores = np.array([[1, 0.5]], np.float32)
    poses = Poses(np.zeros((1, 2, 2), np.float32), scores, skeleton=AB)
    scores[...] = 0
    assert poses.pose_scores.tolist() == [0.75]
    assert poses.visible.tolist() == [[True, True]]
    assert poses.scores.tolist() == [[1, 0.5]]


def test_chosen_people_share_nothing_that_can_be_written():
    poses = three()
    for chosen in (poses[1:], poses[[2, 0]], poses[0]):
        array = chosen.xy
        while array is not None:
            assert not array.flags.writeable
            array = array.base


def test_replacing_a_field():
    poses = three()
    moved = poses.replace(xy=poses.xy + np.float32(1))
    assert np.array_equal(moved.xy, poses.xy + 1)
    assert np.array_equal(moved.track_ids, poses.track_ids)
    with pytest.raises(TypeError, match=r"^replace: wanted fields of Poses \(xy, .*\), got score$"):
        poses.replace(score=1)
    with pytest.raises(TypeError, match=r"^scores: wanted dtype float32, got float64$"):
        poses.replace(scores=poses.scores.astype(float))


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])
def test_copies_are_equal(again):
    poses, other = three(), again(three())
    for name in ("xy", "scores", "pose_scores", "visible", "track_ids"):
        assert np.array_equal(getattr(other, name), getattr(poses, name))
        assert not getattr(other, name).flags.writeable
    assert (other.skeleton, other.image_size, other.time_s) == (AB, (640, 480), 1.5)


@pytest.mark.parametrize("people", [0, 1, 3])
def test_how_it_looks(people):
    noun = "person" if people == 1 else "people"
    best = ", best 0.90" if people else ""
    assert repr(three()[:people]) == f"Poses({people} {noun} of ab{best}, image 640x480)"


def f(*shape: int, value: float = 0) -> np.ndarray:
    return np.full(shape, value, np.float32)


WRONG = {
    "xy of three": ({"xy": f(2, 2, 3)}, ValueError, "xy: wanted shape (N, 2, 2), got (2, 2, 3)"),
    "xy of others": ({"xy": f(2, 3, 2)}, ValueError, "xy: wanted shape (N, 2, 2), got (2, 3, 2)"),
    "xy flat": ({"xy": f(2, 2)}, ValueError, "xy: wanted shape (N, 2, 2), got (2, 2)"),
    "xy float64": ({"xy": np.zeros((2, 2, 2))}, TypeError, "xy: wanted dtype float32, got float64"),
    "xy list": ({"xy": [[[0]]]}, TypeError, "xy: wanted a NumPy array float32 of shape (N, 2, 2), got list"),
    "xy nan": (
        {"xy": f(2, 2, 2, value=np.nan)},
        ValueError,
        "xy: wanted finite coordinates in pixels, got NaN or infinity",
    ),
    "xy inf": (
        {"xy": f(2, 2, 2, value=-np.inf)},
        ValueError,
        "xy: wanted finite coordinates in pixels, got NaN or infinity",
    ),
    "scores of one": ({"scores": f(1, 2)}, ValueError, "scores: wanted shape (2, 2), got (1, 2)"),
    "scores over 1": (
        {"scores": f(2, 2, value=1.5)},
        ValueError,
        "scores: wanted numbers in [0, 1], got 1.5 to 1.5",
    ),
    "scores nan": (
        {"scores": f(2, 2, value=np.nan)},
        ValueError,
        "scores: wanted numbers in [0, 1], got nan to nan",
    ),
    "pose_scores": ({"pose_scores": f(3)}, ValueError, "pose_scores: wanted shape (2,), got (3,)"),
    "pose_scores under 0": (
        {"pose_scores": f(2, value=-0.5)},
        ValueError,
        "pose_scores: wanted numbers in [0, 1], got -0.5 to -0.5",
    ),
    "visible": ({"visible": f(2, 2)}, TypeError, "visible: wanted dtype bool, got float32"),
    "track_ids": (
        {"track_ids": np.zeros(2, np.int32)},
        TypeError,
        "track_ids: wanted dtype int64, got int32",
    ),
    "image_size": (
        {"image_size": (0, 3)},
        ValueError,
        "image_size: wanted a whole number from 1 to 2147483647, got 0",
    ),
}


@pytest.mark.parametrize(("fields", "error", "sentence"), WRONG.values(), ids=WRONG)
def test_the_sentence(fields, error, sentence):
    with pytest.raises(error) as caught:
        Poses(**{"xy": f(2, 2, 2), "scores": f(2, 2), "skeleton": AB} | fields)
    assert str(caught.value) == sentence


@pytest.mark.parametrize("index", [3, -4, np.int64(9)])
def test_a_person_who_is_not_there(index):
    with pytest.raises(IndexError, match=r"^poses: wanted an index, a slice, .* for 3 people, got "):
        three()[index]


# One sentence that names the argument; its words are free.
MORE = {
    "skeleton": {"skeleton": "coco17"},
    "image_size": {"image_size": 640},
    "image_size of three": {"image_size": (1, 2, 3)},
    "image_size of halves": {"image_size": (1.5, 2)},
    "image_size of letters": {"image_size": "ab"},
    "time_s": {"time_s": "now"},
    "time_s nan": {"time_s": float("nan")},
    "time_s inf": {"time_s": float("inf")},
    "time_s -inf": {"time_s": -float("inf")},
}


@pytest.mark.parametrize(("name", "fields"), MORE.items(), ids=MORE)
def test_one_sentence_that_names_the_argument(name, fields):
    with pytest.raises((TypeError, ValueError), match=rf"^{name.split()[0]}: wanted .*got "):
        Poses(**{"xy": f(2, 2, 2), "scores": f(2, 2), "skeleton": AB} | fields)


@pytest.mark.parametrize(
    "which", [1.5, "a", None, True, np.array(1), [5], [True], (0, 1), [[0, 1]]], ids=repr
)
def test_an_index_that_is_none(which):
    with pytest.raises((TypeError, IndexError), match=r"^poses: wanted .*got "):
        three()[which]


def test_equal_poses():
    assert three() == three()
    assert three() != three().replace(time_s=2.0)
    assert three() != three()[:2]
    assert three() != "three"
    with pytest.raises(TypeError, match=r"unhashable"):
        hash(three())
