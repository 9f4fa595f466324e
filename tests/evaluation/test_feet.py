"""Merging foot annotations: by annotation id, counted, and nothing else changed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from made_people import annotations, keypoints, person

from posecore import COCO_FEET23, evaluate
from posecore.errors import SourceError
from posecore.evaluation.feet import merge_feet

TOES = [166, 300, 2, 172, 298, 2, 160, 296, 1, 134, 300, 2, 0, 0, 0, 140, 296, 2]


def foot(number: int, image: int = 1, points: list[float] | None = None) -> dict[str, Any]:
    return {"id": number, "image_id": image, "keypoints": TOES if points is None else points}


def test_feet_go_behind_the_body_of_the_same_annotation_id() -> None:
    merge = merge_feet(annotations(person(7), person(8, 2)), {"annotations": [foot(8, 2), foot(7)]})
    assert merge.matched == 2
    for merged in merge.annotations["annotations"]:
        assert merged["keypoints"] == keypoints() + TOES
        assert merged["num_keypoints"] == 17 + 5
    assert tuple(merge.annotations["categories"][0]["keypoints"]) == COCO_FEET23.keypoints


def test_foot_annotations_with_23_keypoints_give_their_last_six() -> None:
    merge = merge_feet(annotations(person(7)), {"annotations": [foot(7, points=[1] * 51 + TOES)]})
    assert merge.annotations["annotations"][0]["keypoints"] == keypoints() + TOES


def test_what_does_not_fit_is_counted_and_said() -> None:
    merge = merge_feet(
        annotations(person(1), person(2), person(3)), {"annotations": [foot(1), foot(2, image=2), foot(99)]}
    )
    assert (merge.matched, merge.without_feet, merge.without_body, merge.elsewhere) == (1, 2, (99,), (2,))
    assert merge.annotations["annotations"][1]["keypoints"][51:] == [0] * 18
    assert str(merge) == (
        "1 people have body and feet, 2 without foot annotation kept with unlabelled feet; foot annotations left "
        "out: 1 of people that are not in the body set, 1 that name another picture"
    )


def test_people_without_feet_can_be_dropped() -> None:
    merge = merge_feet(annotations(person(1), person(2)), {"annotations": [foot(2)]}, unmatched="drop")
    assert [p["id"] for p in merge.annotations["annotations"]] == [2]
    assert merge.dropped == 1


def test_the_body_set_is_not_changed() -> None:
    body = annotations(person(1))
    merge_feet(body, {"annotations": [foot(1)]})
    assert body == annotations(person(1))


def test_the_json_of_a_merge_has_no_numbers_that_json_has_not() -> None:
    merge = merge_feet(annotations(person(1)), {"annotations": [foot(1)]})
    assert json.loads(merge.json_text()) == merge.annotations
    merge = merge_feet(annotations(person(1), person(2, area=float("nan"))), {"annotations": []})
    sentence = "^body: annotations: 1: area: wanted finite numbers, got NaN or infinity$"
    with pytest.raises(SourceError, match=sentence):
        merge.json_text()


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"categories": None}, "body: wanted a list categories, got null"),
        ({"categories": [7]}, "body: category 0: wanted an object, got a number"),
        (
            {"categories": [{"keypoints": None}]},
            "body: category 0: wanted a list of names in keypoints, got null",
        ),
        (
            {"categories": [{"keypoints": "seventeen letters"}]},
            "body: category 0: wanted a list of names in keypoints, got text",
        ),
        (
            {"categories": [{"keypoints": ["a"] * 17, "skeleton": None}]},
            "body: category 0: wanted a list of pairs in skeleton, got null",
        ),
        (
            {"annotations": [person(5), person(6), person(5)]},
            r"body: annotation 2 \(id 5\): wanted different ids, got this one twice",
        ),
        ({"annotations": [3]}, "body: annotation 0: wanted an object, got a number"),
    ],
)
def test_a_body_set_that_is_wrong_is_a_sentence(changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SourceError, match=sentence):
        merge_feet(annotations(person(1)) | changed, {"annotations": [foot(1)]})


def test_a_merged_set_is_evaluated_with_23_keypoints() -> None:
    merged = merge_feet(annotations(person(1)), {"annotations": [foot(1)]}).annotations
    perfect = [{"image_id": 1, "category_id": 1, "score": 1.0, "keypoints": keypoints() + TOES}]
    report = evaluate(merged, perfect)
    assert report.protocol.name == "coco_feet"
    assert report["AR"] == 1.0


@pytest.mark.parametrize(
    ("feet", "sentence"),
    [
        ({}, "feet: wanted COCO annotations with a list annotations, got none"),
        (
            {"annotations": [foot(1, points=[0] * 17)]},
            r"feet: annotation 0 \(id 1\): wanted 18 or 69 numbers in keypoints, got 17",
        ),
        (
            {"annotations": [foot(1), foot(1)]},
            r"annotation 1 \(id 1\): wanted different ids, got this one twice",
        ),
        (
            {"annotations": [{"id": "a", "image_id": 1}]},
            "feet: annotation 0: wanted a whole number id, got 'a'",
        ),
        (
            {"annotations": [foot(1, points=[float("nan")] * 18)]},
            r"feet: annotation 0 \(id 1\): wanted finite numbers in keypoints",
        ),
    ],
)
def test_records_that_are_wrong_are_named(feet: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SourceError, match=sentence):
        merge_feet(annotations(person(1)), feet)
