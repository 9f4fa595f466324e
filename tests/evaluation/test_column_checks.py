"""`Truths` and `Detections` from elsewhere: what does not fit is named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from made_people import annotations, found, person

from posecore import evaluate
from posecore.evaluation.coco_files import read_detections, read_truths

TRUTHS = read_truths(annotations(person(1), person(2, 2)))
FOUND = read_detections([found(), found(2, 0.5)], TRUTHS)
NAN = float("nan")


def test_columns_that_fit_are_scored_as_files_are() -> None:
    assert evaluate(TRUTHS, FOUND)["AP"] == pytest.approx(1)
    assert evaluate(TRUTHS, replace(FOUND, images=None))["AP"] == pytest.approx(1)
    again = read_truths(annotations(person(7)))
    assert evaluate(again, FOUND).detections is FOUND


def test_detections_of_another_truth_are_refused() -> None:
    other = read_truths(annotations(person(1), images=3))
    with pytest.raises(
        ValueError, match=r"^results: wanted Detections of these truths, got those \(list\) of a"
    ):
        evaluate(other, FOUND)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"scores": np.array([0.5, NAN])}, "results: wanted finite scores, got others in row 1"),
        ({"xy": FOUND.xy * NAN}, "results: wanted finite xy, got others in row 0"),
        (
            {"xy": FOUND.xy.astype(np.float32)},
            "results: wanted xy as a NumPy array of float64, got float32",
        ),
        ({"xy": FOUND.xy[:, :5]}, r"results: wanted xy .* shape \(2, 17, 2\), got \(2, 5, 2\)"),
        ({"xy": np.asfortranarray(FOUND.xy)}, "results: wanted xy .* got another layout"),
        ({"scores": [0.5, 0.5]}, "results: wanted scores as a NumPy array of float64, got list"),
        ({"scores": np.ma.array([0.5, 0.5])}, "results: wanted scores .* got MaskedArray"),
        ({"scores": np.array([0.5])}, r"results: wanted scores .* shape \(2,\), got \(1,\)"),
        ({"image_index": np.array([0, 2])}, "results: wanted image_index of 2 images, got 2 in row 1"),
        ({"loaded_areas": np.ones(3)}, "results: wanted loaded_areas"),
    ],
)
def test_detections_that_do_not_fit_are_named(changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises((TypeError, ValueError), match=f"^{sentence}"):
        evaluate(TRUTHS, replace(FOUND, **changed))


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"xy": TRUTHS.xy.tolist()}, r"truth: wanted xy as a NumPy array of shape \(G, K, 2\), got list"),
        ({"xy": TRUTHS.xy * NAN}, "truth: wanted finite xy, got others in row 0"),
        ({"ids": np.array([4, 4])}, "truth: wanted ids that are all different, got some twice"),
        ({"image_index": np.array([-1, 0])}, "truth: wanted image_index of 2 images, got -1 in row 0"),
        ({"areas": np.array([1, np.inf])}, "truth: wanted areas that are finite"),
        ({"is_crowd": np.zeros(2, np.uint8)}, "truth: wanted is_crowd as a NumPy array of bool, got uint8"),
        ({"images": replace(TRUTHS.images, ids=np.array([2, 1]))}, "truth: images: wanted ascending ids"),
    ],
)
def test_truths_that_do_not_fit_are_named(changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises((TypeError, ValueError), match=f"^{sentence}"):
        evaluate(replace(TRUTHS, **changed), [found()])
