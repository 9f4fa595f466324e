"""The bootstrap's AP is COCO's AP of the drawn set."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from labelled_pictures import Pictures, person

from posecore.ablation_score import Outcomes, draw, interval
from posecore.evaluation.coco import evaluate


def a_set(seed: int, *, ties: bool = True) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """People, and results that are near them, far away, missing or twice; scores of a few values, or all different."""
    random = np.random.default_rng(seed)
    people = [
        np.stack([person(*random.uniform(40, 160, 2), random.uniform(40, 120)) for _ in range(count)])
        if count
        else np.zeros((0, 17, 2))
        for count in random.integers(0, 4, 12)
    ]
    truth = Pictures(people).truth()
    results = []
    for annotation in truth["annotations"]:
        for _ in range(random.integers(0, 3)):
            keypoints = np.array(annotation["keypoints"]).reshape(17, 3)
            keypoints[:, :2] += random.normal(0, random.choice([1, 4, 30]), (17, 2))
            results.append(
                {
                    "image_id": annotation["image_id"],
                    "category_id": 1,
                    "keypoints": keypoints.ravel().tolist(),
                    "score": float(random.choice([0.2, 0.4, 0.5, 0.9]) if ties else random.random()),
                }
            )
    return truth, results


def repeated(
    truth: dict[str, Any], results: list[dict[str, Any]], times: list[int]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The set with picture i so many times."""
    images: list[Any] = []
    annotations: list[Any] = []
    found: list[Any] = []
    for image, count in zip(truth["images"], times, strict=True):
        for copy in range(count):
            new = image["id"] * 1000 + copy
            images.append(image | {"id": new})
            for one in truth["annotations"]:
                if one["image_id"] == image["id"]:
                    annotations.append(one | {"image_id": new, "id": len(annotations) + 1})
            found += [one | {"image_id": new} for one in results if one["image_id"] == image["id"]]
    return truth | {"images": images, "annotations": annotations}, found


@pytest.mark.parametrize("seed", range(8))
def test_each_picture_once_is_the_ap_of_the_set(seed: int) -> None:
    report = evaluate(*a_set(seed))
    once = np.ones((3, len(report.truths.images)), np.int64)
    assert Outcomes.of(report).ap(once) == pytest.approx([report["AP"]] * 3, abs=1e-12)


@pytest.mark.parametrize("seed", range(8))
def test_a_drawn_set_has_the_ap_of_the_set_with_these_pictures(seed: int) -> None:
    truth, results = a_set(seed, ties=False)
    sets = draw(len(truth["images"]), 4, seed)
    found = Outcomes.of(evaluate(truth, results)).ap(sets)
    for times, ap in zip(sets, found, strict=True):
        wanted = evaluate(*repeated(truth, results, times.tolist()))["AP"]
        assert ap == pytest.approx(wanted, abs=1e-12)


def test_a_set_in_which_nobody_has_to_be_found_has_no_ap() -> None:
    report = evaluate(*a_set(0))
    empty = np.zeros((1, len(report.truths.images)), np.int64)
    assert np.isnan(Outcomes.of(report).ap(empty)).all()
    assert len(Outcomes.of(report).ap(empty[:0])) == 0


def test_without_results_ap_is_nothing() -> None:
    truth, _ = a_set(0)
    assert Outcomes.of(evaluate(truth, [])).ap(draw(12, 3, 1)).tolist() == [0, 0, 0]


def test_many_sets_are_as_few(monkeypatch: pytest.MonkeyPatch) -> None:
    report = evaluate(*a_set(3))
    sets = draw(len(report.truths.images), 40, 2)
    whole = Outcomes.of(report).ap(sets)
    monkeypatch.setattr("posecore.ablation_score._CELLS_AT_ONCE", 64)
    assert Outcomes.of(report).ap(sets).tolist() == whole.tolist()


def test_sets_are_as_large_as_the_set_and_the_same_for_the_same_seed() -> None:
    sets = draw(20, 50, 7)
    assert sets.sum(axis=1).tolist() == [20] * 50
    assert np.array_equal(sets, draw(20, 50, 7))
    assert not np.array_equal(sets, draw(20, 50, 8))
    assert draw(20, 0, 7).shape == (0, 20)


def test_an_interval_holds_the_middle() -> None:
    values = np.random.default_rng(0).permutation(np.append(np.arange(1001.0), np.nan))
    assert interval(values) == pytest.approx((25, 975))
    assert interval(np.zeros(0)) is None
    assert interval(np.full(3, np.nan)) is None
