"""Each edge case has one right answer, which is that of pycocotools where pycocotools is right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from edge_sets import EDGE_SETS, EdgeSet

import posecore as pc

ANSWERED = {name: case for name, case in EDGE_SETS.items() if not isinstance(case.right, str)}
REFUSED = {name: case for name, case in EDGE_SETS.items() if isinstance(case.right, str)}


@pytest.fixture(scope="module")
def shared_cases(shared: Path) -> dict[str, Any]:
    return json.loads((shared / "data" / "eval" / "edge_cases.json").read_text())


@pytest.mark.parametrize("case", ANSWERED.values(), ids=ANSWERED)
def test_the_right_answer_comes_out(case: EdgeSet) -> None:
    assert pc.evaluate(case.truth, case.results).stats.tolist() == list(case.right)


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_what_has_no_right_answer_is_refused_with_a_sentence_that_names_the_record(case: EdgeSet) -> None:
    with pytest.raises(pc.SourceError, match=case.right) as refusal:
        pc.evaluate(case.truth, case.results)
    assert len(str(refusal.value).splitlines()) == 1


def test_a_nan_in_the_truth_is_refused_too() -> None:
    case = EDGE_SETS["perfect"]
    annotation = dict(case.truth["annotations"][0])
    annotation["keypoints"] = [
        float("inf") if at == 13 else x for at, x in enumerate(annotation["keypoints"])
    ]
    with pytest.raises(pc.SourceError, match=r"\b0\b.*(?i:inf).*\bkeypoint 4\b"):
        pc.evaluate({**case.truth, "annotations": [annotation]}, case.results)


def test_two_annotations_of_one_id_are_refused() -> None:
    case = EDGE_SETS["score_tie_across_images"]
    twice = [{**annotation, "id": 7} for annotation in case.truth["annotations"]]
    with pytest.raises(pc.SourceError, match=r"\b1\b.*\bid\b.*\b7\b"):
        pc.evaluate({**case.truth, "annotations": twice}, case.results)


def test_an_annotation_of_an_unknown_image_is_refused() -> None:
    case = EDGE_SETS["perfect"]
    astray = {**case.truth["annotations"][0], "image_id": 98}
    with pytest.raises(pc.SourceError, match=r"\b0\b.*\bimage_id\b.*\b98\b"):
        pc.evaluate({**case.truth, "annotations": [astray]}, case.results)


@pytest.mark.parametrize("name", EDGE_SETS)
def test_the_cases_are_those_of_the_shared_file(shared_cases: dict[str, Any], name: str) -> None:
    assert len(shared_cases) == len(EDGE_SETS) == 27
    ours, theirs = EDGE_SETS[name], shared_cases[name]
    for mine, other in (
        (ours.truth["annotations"], theirs["gt"]["annotations"]),
        (ours.results, theirs["dt"]),
    ):
        assert len(mine) == len(other)
        for one, two in zip(mine, other, strict=True):
            np.testing.assert_allclose(one["keypoints"], two["keypoints"], atol=1e-9)
            rest = {key: value for key, value in one.items() if key != "keypoints"}
            assert {**two, "keypoints": None, **rest} == {**two, "keypoints": None}


@pytest.mark.parametrize("name", EDGE_SETS)
def test_pycocotools_says_the_same_except_where_it_errs(shared_cases: dict[str, Any], name: str) -> None:
    case, theirs = EDGE_SETS[name], shared_cases[name]["expected_pycocotools"]
    if case.peers_err:
        assert theirs != list(case.right)
    else:
        assert theirs == list(case.right)
