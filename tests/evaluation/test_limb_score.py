"""PCP, strict and loose."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from oracle.distances import pcp as slow_pcp
from posecore import COCO17, MPII16, Skeleton
from posecore.evaluation.joint_set import LSP14, STICKS20
from posecore.evaluation.limb_score import pcp
from posecore.evaluation.limbs import Limb, sticks, ten_limbs

ONE = (Limb("limb", (0,), (1,)),)
PIXELS = st.integers(-20, 20).map(float)


def of_limb(predictions, **options):
    """The score of predictions of a limb from (0, 0) to (0, 100)."""
    predicted = np.array(predictions, np.float64)
    truths = np.broadcast_to(np.array([[0.0, 0], [0, 100]]), predicted.shape).copy()
    return pcp(predicted, truths, np.ones(predicted.shape[:2], bool), ONE, **options)


def test_the_worked_example(shared: Path):
    example = json.loads((shared / "data" / "eval" / "worked_examples.json").read_text())["pcp"]
    for case in example["cases"]:
        for rule in ("strict", "loose"):
            assert of_limb([case["pred"]], rule=rule).hits.tolist() == [case[rule]]
    cases = [case["pred"] for case in example["cases"]]
    assert of_limb(cases).mean == example["strict"]
    assert of_limb(cases, rule="loose").mean == example["loose"]


def test_two_and_four_of_five():
    cases = [
        ((30, 40), (0, 100)),
        ((36, 48), (6, 108)),
        ((36, 48), (30, 140)),
        ((0, 10), (0, 90)),
        ((60, 0), (40, 100)),
    ]
    assert of_limb(cases).mean == 40
    assert of_limb(cases, rule="loose").mean == 80
    assert of_limb(cases, comparison="<").mean == 20


def test_a_limb_the_wrong_way_round_is_a_miss():
    assert of_limb([((0, 100), (0, 0))]).mean == 0
    assert of_limb([((0, 100), (0, 0))], rule="loose").mean == 0


@pytest.mark.parametrize("rule", ["strict", "loose"])
def test_a_limb_without_length_is_a_hit_where_it_is_exact(rule):
    truths = np.full((2, 2, 2), 5.0)
    predictions = truths.copy()
    predictions[1, 0, 0] += 1e-9
    found = pcp(predictions, truths, np.ones((2, 2), bool), ONE, rule=rule)
    assert (found.hits.tolist(), found.counts.tolist()) == ([1], [2])
    assert "of length 0, counted, and misses unless exact: 2" in found.convention


def test_both_ends_must_be_labelled():
    points = np.zeros((2, 2, 2))
    points[:, 1] = 10
    points[1, 1] = math.nan
    labelled = np.array([[True, True], [True, False]])
    assert pcp(points, points, labelled, ONE).counts.tolist() == [1]


def test_nan_is_refused_or_a_miss():
    truths = np.array([[[0.0, 0], [0, 100]]] * 2)
    predictions = truths.copy()
    predictions[0, 1, 0] = math.nan
    labelled = np.ones((2, 2), bool)
    for predicted in (predictions, predictions[:, None]):
        with pytest.raises(ValueError, match="predictions: wanted finite pixels"):
            pcp(predicted, truths, labelled, ONE)
        assert pcp(predicted, truths, labelled, ONE, nan="miss").mean == 50


def test_ten_limbs():
    assert [limb.name for limb in ten_limbs(LSP14)] == [
        name.removesuffix("_start") for name in STICKS20.keypoints if name.endswith("_start")
    ]
    assert len(ten_limbs(MPII16)) == 10
    assert "head" not in [limb.name for limb in ten_limbs(COCO17)]
    assert ten_limbs(LSP14)[-1] == Limb("torso", (2, 3), (8, 9))
    with pytest.raises(ValueError, match="skeleton: wanted one with hips"):
        ten_limbs(Skeleton("face", ("nose",)))


def test_an_end_may_be_the_middle_of_two():
    points = np.array([[[0.0, 0], [10, 0], [4, 8]]])
    found, there = sticks(points, np.ones((1, 3), bool), (Limb("a", (0, 1), (2,)),))
    assert found.tolist() == [[[[5, 0], [4, 8]]]]
    assert there.tolist() == [[True]]
    assert sticks(points, np.array([[True, False, True]]), (Limb("a", (0, 1), (2,)),))[1].tolist() == [
        [False]
    ]


def test_left_and_right_limbs_stand_side_by_side():
    points = np.random.default_rng(1).uniform(0, 100, (3, 14, 2))
    found = pcp(points, points, np.ones((3, 14), bool), ten_limbs(LSP14))
    assert [side.name for side in found.sides] == ["upper_leg", "lower_leg", "upper_arm", "forearm"]
    assert found.mean == 100


@st.composite
def bodies(draw):
    shape = (draw(st.integers(1, 4)), 3)
    return (
        draw(arrays(np.float64, (*shape, 2), elements=PIXELS)),
        draw(arrays(np.float64, (*shape, 2), elements=PIXELS)),
        draw(arrays(np.bool_, shape)),
    )


TWO = (Limb("a", (0,), (1,)), Limb("b", (1,), (2,)))


@given(bodies(), st.sampled_from([0.0, 0.2, 0.5, 1.0]), st.sampled_from(["strict", "loose"]))
def test_hits_and_labels_are_those_of_counting_one_by_one(body, threshold, rule):
    found = pcp(*body, TWO, threshold=threshold, rule=rule)
    slow = slow_pcp(*(part.tolist() for part in body), [(0, 1), (1, 2)], threshold, rule)
    assert list(zip(found.hits.tolist(), found.counts.tolist(), strict=True)) == slow


@given(bodies(), st.floats(0, 2), st.sampled_from(["<=", "<"]))
def test_what_is_right_strictly_is_right_loosely(body, threshold, comparison):
    # The mean of two numbers is at most the larger one, also as floats.
    strict, loose = (
        pcp(*body, TWO, threshold=threshold, rule=rule, comparison=comparison) for rule in ("strict", "loose")
    )
    assert (strict.hits <= loose.hits).all()


@given(bodies(), st.floats(0, 2), st.floats(0, 2), st.sampled_from(["strict", "loose"]))
def test_a_larger_threshold_loses_nothing(body, a, b, rule):
    less, more = (pcp(*body, TWO, threshold=threshold, rule=rule) for threshold in sorted((a, b)))
    assert (less.hits <= more.hits).all()


@given(bodies(), st.integers(-6, 6), st.sampled_from(["strict", "loose"]))
def test_the_scale_of_the_picture_does_not_matter(body, power, rule):
    bigger = (body[0] * 2.0**power, body[1] * 2.0**power, body[2])
    assert pcp(*bigger, TWO, rule=rule).hits.tolist() == pcp(*body, TWO, rule=rule).hits.tolist()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Limb("a", (), (1,)), "start: limb 'a' wants at least one keypoint number"),
        (lambda: Limb("a", (1,), (1,)), "end: limb 'a' wants another end"),
        (lambda: Limb("a", 1, (1,)), "start: limb 'a' wants keypoint numbers, got 1"),
        (lambda: of_limb([((0, 0), (0, 1))], rule="hard"), "rule: wanted one of strict, loose"),
        (
            lambda: pcp(np.zeros((1, 1, 2)), np.zeros((1, 1, 2)), np.ones((1, 1), bool), ONE),
            r"limbs: wanted keypoints 0\.\.0",
        ),
        (
            lambda: pcp(np.zeros((1, 2, 2)), np.zeros((1, 2, 2)), np.ones((1, 2), bool), ((0, 1),)),
            "limbs: wanted Limbs",
        ),
        (
            lambda: pcp(np.zeros((1, 3, 2, 2)), np.zeros((1, 2, 2)), np.ones((1, 2), bool), ONE),
            r"predictions: wanted shape \(1, 1, 2, 2\), got \(1, 3, 2, 2\)",
        ),
    ],
)
def test_wrong_arguments_get_a_sentence(make, sentence):
    with pytest.raises((TypeError, ValueError), match=sentence):
        make()
