"""Poses as truths and as detections."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from made_people import annotations, person

from posecore import COCO17, Poses, Skeleton, evaluate
from posecore.evaluation.coco_files import read_detections, read_truths

PAIR = Skeleton("pair", ("a", "b"))


def poses(*people: list[tuple[float, float, float]], skeleton: Skeleton = PAIR) -> Poses:
    """People of (x, y, score) a keypoint."""
    points = np.array(people, np.float32).reshape(len(people), skeleton.num_keypoints, 3)
    return Poses(points[:, :, :2].copy(), points[:, :, 2].copy(), skeleton=skeleton, image_size=(64, 48))


def test_visible_keypoints_are_the_truth() -> None:
    truths = read_truths(
        {7: poses([(1, 2, 0.5), (4, 6, 1)]), 3: poses([(5, 5, 0), (2, 2, 1)], [(0, 0, 0)] * 2)}
    )
    assert truths.images.ids.tolist() == [3, 7]
    assert truths.images.widths.tolist() == [64, 64]
    assert truths.image_index.tolist() == [0, 1]
    assert truths.xy.tolist() == [[[0, 0], [2, 2]], [[1, 2], [4, 6]]]
    assert truths.visibility.tolist() == [[0, 2], [2, 2]]
    assert truths.boxes.tolist() == [[2, 2, 0, 0], [1, 2, 3, 4]]
    assert truths.areas.tolist() == [0, 0.53 * 3 * 4]
    assert truths.stated_num_keypoints.tolist() == [1, 2]
    assert truths.keypoint_names == ("a", "b")
    assert truths.origin.notes[1] == "1 of 3 people have no visible keypoint and are left out"


def test_nobody_in_the_pictures_is_a_truth_too() -> None:
    truths = read_truths({1: Poses.empty(PAIR)})
    assert truths.xy.shape == (0, 2, 2)
    assert truths.boxes.shape == (0, 4)
    assert len(truths.images) == 1


def test_poses_are_detections() -> None:
    truths = read_truths({1: poses([(1, 2, 1), (4, 6, 1)]), 2: Poses.empty(PAIR)})
    found = {2: poses([(1.25, 2, 0.5), (9, 9, 0)]), 1: Poses.empty(PAIR)}
    for results in (found, list(found.items()), iter(found.items())):
        detections = read_detections(results, truths)
        assert detections.image_index.tolist() == [1]
        # As in the COCO files that posecore writes: what is not visible is at the origin, and counts there.
        assert detections.xy.tolist() == [[[1.25, 2], [0, 0]]]
        assert detections.keypoint_scores.tolist() == [[0.5, 0]]
        assert detections.scores.tolist() == [0.25]
        assert detections.category_ids.tolist() == [1]
    assert len(read_detections(iter([]), truths)) == 0


@pytest.mark.parametrize(
    ("results", "error", "words"),
    [
        ({9: poses([(0, 0, 1)] * 2)}, ValueError, "wanted images of the truth, got image 9"),
        ({1: Poses.empty(COCO17)}, ValueError, "wanted poses of the truth's 2 keypoints, got 17"),
        ([(1, Poses.empty(PAIR)), 3], TypeError, "wanted Poses for each image_id, got int"),
        ({"1": Poses.empty(PAIR)}, TypeError, "wanted whole numbers as image ids, got str"),
        ({2**70: Poses.empty(PAIR)}, ValueError, "at most 64 bits"),
    ],
)
def test_other_poses_are_refused(results: Any, error: type[Exception], words: str) -> None:
    truths = read_truths({1: poses([(1, 2, 1), (4, 6, 1)])})
    with pytest.raises(error, match=f"^results: .*{words}"):
        read_detections(results, truths)


def test_poses_of_other_keypoints_are_refused_though_they_are_as_many() -> None:
    other = Skeleton("other17", tuple(reversed(COCO17.keypoints)), sigmas=COCO17.sigmas)
    words = r"wanted poses of the truth's keypoints \(nose, left_eye, .* got those of other17 \(right_ankle, "
    truth = annotations(person(1))
    with pytest.raises(ValueError, match=rf"^results: {words}.* for image 1"):
        evaluate(truth, {1: Poses.empty(other)})
    spelled = Skeleton("spelled", tuple(name.replace("_", " ").title() for name in COCO17.keypoints))
    assert evaluate(truth, {1: Poses.empty(spelled)})["AP"] == 0
    del truth["categories"][0]["keypoints"]
    with pytest.raises(ValueError, match=rf"^results: {words}"):
        evaluate(truth, {1: Poses.empty(other)}, protocol="coco")
    truth["annotations"] = [person(1, keypoints=[1, 2, 2, 4, 6, 2])]
    assert evaluate(truth, {1: poses([(1, 2, 1), (4, 6, 1)])}, sigmas=[0.1, 0.1])["AR"] == 1


def test_a_truth_of_two_skeletons_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^truth: wanted poses of one skeleton"):
        read_truths({1: Poses.empty(PAIR), 2: Poses.empty(COCO17)})


def test_poses_of_a_truth_with_several_categories_are_refused() -> None:
    data = annotations(person(1))
    data["categories"] = [*data["categories"], {"id": 2, "name": "dog"}]
    assert len(read_detections({}, read_truths(data))) == 0
    with pytest.raises(ValueError, match=r"^results: wanted a truth of one category for poses, got 2"):
        read_detections({1: Poses.empty(COCO17)}, read_truths(data))
