"""What COCO's loader adds to results, and the parts of WholeBody: areas, scores and visibilities of their own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from posecore.errors import SourceError
from posecore.evaluation.coco_files import read_detections, read_truths

TRUTH = {
    "images": [{"id": 1}],
    "annotations": [
        {
            "id": 1,
            "image_id": 1,
            "category_id": 1,
            "keypoints": [0, 0, 2, 1, 1, 2],
            "hand": [0, 0, 0.01, 1, 1, 0, 2, 2, 0.99, 3, 3, 1],
        }
    ],
    "categories": [{"id": 1, "name": "person"}],
}
BODY, HAND = ("keypoints",), ("hand",)


def result(**more: Any) -> dict[str, Any]:
    """The body spans 30 x 10, the hand 3 x 2."""
    body, hand = [0, 0, 1, 30, 10, 1], [5, 5, 1, 8, 7, 1, 6, 6, 1, 7, 7, 1]
    return {"image_id": 1, "category_id": 1, "score": 0.5, "keypoints": body, "hand": hand} | more


def areas(results: list[dict[str, Any]], fields: tuple[str, ...]) -> list[float]:
    return read_detections(results, read_truths(TRUTH, fields=fields), fields=fields).areas.tolist()


def test_the_area_of_a_result_is_that_of_its_body_whatever_is_scored() -> None:
    assert areas([result()], BODY) == [300.0]
    assert areas([result()], HAND) == [300.0]
    assert areas([result(hand=[500, 500, 1] * 4)], (*HAND, *BODY)) == [300.0]
    without = {key: value for key, value in result().items() if key != "keypoints"}
    assert areas([without, result()], HAND) == [6.0, 300.0]


@pytest.mark.parametrize("fields", [BODY, HAND])
def test_boxes_are_measured_where_the_first_result_has_one(fields: tuple[str, ...]) -> None:
    boxed = result(bbox=[9, 9, 20, 7.5])
    assert areas([boxed, result(bbox=[0, 0, 2, 2])], fields) == [150.0, 4.0]
    assert areas([result(), boxed], fields) == [300.0, 300.0]
    assert areas([result(bbox=[]), boxed], fields) == [300.0, 300.0]
    assert areas([boxed, result(bbox=[])], BODY) == [150.0, 300.0]


def test_a_wrong_box_is_named() -> None:
    with pytest.raises(
        SourceError, match=r"results\[0\] \(image_id 1\): bbox: wanted four numbers .*, got 3"
    ):
        areas([result(bbox=[1, 2, 3])], BODY)


def test_a_part_may_have_a_score_of_its_own() -> None:
    results = [result(hand_score=0.25), result()]
    truths = read_truths(TRUTH, fields=HAND)
    scores = read_detections(results, truths, fields=HAND, score_fields=("hand_score", "score")).scores
    assert scores.tolist() == [0.25, 0.5]
    only = {key: value for key, value in results[0].items() if key != "score"}
    assert read_detections([only], truths, fields=HAND, score_fields=("hand_score", "score")).scores == 0.25
    with pytest.raises(ValueError, match="score_fields: wanted score and at most one other"):
        read_detections(results, truths, fields=HAND, score_fields=("a", "b", "score"))


def test_any_visibility_above_0_is_a_label() -> None:
    # COCO-WholeBody's hands have confidences there.
    truths = read_truths(TRUTH, fields=HAND)
    assert truths.visibility.tolist() == [[1, 0, 1, 1]]
    assert np.array_equal(truths.num_labelled, [3])
