"""PCK, PCKh, PDJ and the score in pixels."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from oracle.distances import pck as slow_pck
from posecore import COCO17, MPII16, Skeleton
from posecore.evaluation.distances import pck, pckh, pdj, within_pixels
from posecore.evaluation.normalisers import Normaliser, between, box_side, head_size, torso

# Integers, and thresholds that are sums of halves: at the threshold is at the threshold.
PIXELS = st.integers(-50, 50).map(float)


@st.composite
def people(draw, most_people=5, most_keypoints=4):
    count, keypoints = draw(st.integers(0, most_people)), draw(st.integers(1, most_keypoints))
    shape = (count, keypoints)
    return SimpleNamespace(
        predictions=draw(arrays(np.float64, (*shape, 2), elements=PIXELS)),
        truths=draw(arrays(np.float64, (*shape, 2), elements=PIXELS)),
        labelled=draw(arrays(np.bool_, shape)),
        lengths=draw(arrays(np.float64, count, elements=st.sampled_from([0.0, math.nan, 1.0, 10.0, 37.5]))),
    )


def score(people, **options):
    return pck(people.predictions, people.truths, people.labelled, Normaliser(people.lengths), **options)


@pytest.fixture(scope="module")
def worked(shared: Path) -> dict:
    return json.loads((shared / "data" / "eval" / "worked_examples.json").read_text())


@pytest.mark.parametrize(("comparison", "key"), [("<=", "pckh_le"), ("<", "pckh_lt")])
def test_pckh_of_the_worked_example(worked, comparison, key):
    example = worked["pckh"]
    truths, predictions = np.array([example["gt"]]), np.array([example["pred"]])
    labelled = np.array([example["visible"]]) == 1
    head_boxes = np.array([example["head_box"]], np.float64).reshape(1, 4)
    assert head_size(head_boxes).lengths.tolist() == [example["head_size"]]
    found = pckh(predictions, truths, labelled, head_boxes=head_boxes, comparison=comparison)
    assert found.mean == example[key]
    assert found.counts.tolist() == example["visible"]
    assert math.isnan(found.values[4])
    if comparison == "<=":
        assert (found.hits[:4] == 1).tolist() == example["pckh_0_5_le"]


def test_pckh_without_the_example_file():
    errors = np.array([[[5.4, 7.2], [9, 12], [10.8, 14.4], [0, 0]]])
    labelled = np.ones((1, 4), bool)
    boxes = np.array([[100.0, 50, 130, 90]])
    assert pckh(errors, 0 * errors, labelled, head_boxes=boxes).mean == 75
    assert pckh(errors, 0 * errors, labelled, head_boxes=boxes, comparison="<").mean == 50
    assert pckh(errors, 0 * errors, labelled, head_sizes=np.array([30.0])).mean == 75


def test_pdj_of_the_worked_example(worked):
    example = worked["pdj"]
    errors = np.array([example["error_vectors"]])
    labelled = np.ones((1, 4), bool)
    ends = np.array([[example["left_shoulder"], example["right_hip"]]])
    bones = Skeleton("two", ("left_shoulder", "right_hip"))
    lengths = torso(ends, np.ones((1, 2), bool), bones)
    assert lengths.lengths.tolist() == [example["torso_diameter"]]
    for threshold, percent in example["pdj"].items():
        found = pdj(errors, 0 * errors, labelled, lengths, threshold=float(threshold))
        assert found.mean == percent
        # The curve has the same number at the same threshold.
        assert found.curve.mean[found.curve.thresholds == float(threshold)].tolist() == [percent]
    curve = found.curve
    assert (curve.thresholds[0], curve.thresholds[-1], len(curve.thresholds)) == (0, 0.5, 51)
    # Each keypoint's curve is a step; the trapezoid takes half of the interval before it.
    steps = [0.115, 0.195, 0.245, 0.0]
    assert curve.auc == pytest.approx(np.mean([100 * (0.5 - step) / 0.5 for step in steps]))
    assert curve.auc_values.tolist() == pytest.approx([100 * (0.5 - step) / 0.5 for step in steps])
    assert "from 0 to 0.5, by the trapezoid rule" in curve.rule


def test_pck_of_mmpose_in_the_worked_example(worked):
    example = worked["pck_bbox_mmpose"]
    x0, y0, x1, y1 = example["bbox_xyxy"]
    errors = np.array([[[error, 0.0] for error in example["err"]]])
    found = pck(
        errors,
        0 * errors,
        np.ones((1, 3), bool),
        box_side(np.array([[x0, y0, x1 - x0, y1 - y0]], np.float64)),
        threshold=example["thr"],
        comparison="<",
    )
    assert (found.hits == 1).tolist() == example["lt"]
    assert found.mean / 100 == pytest.approx(example["pck"], abs=1e-15)


def test_two_means():
    labelled = np.array([[True, True], [True, False], [True, False]])
    errors = np.zeros((3, 2, 2))
    errors[0, 1] = 100
    options = {"threshold_px": 25.0, "skeleton": Skeleton("ab", ("a", "b"))}
    assert within_pixels(errors, 0 * errors, labelled, average="labels", **options).mean == 75
    assert within_pixels(errors, 0 * errors, labelled, average="keypoints", **options).mean == 50
    assert within_pixels(errors, 0 * errors, labelled, without=("b",), **options).mean == 100
    assert within_pixels(errors, 0 * errors, labelled, without=(0,), **options).mean == 0
    assert math.isnan(within_pixels(errors, 0 * errors, labelled, without=(0, 1), **options).mean)


def test_within_25_pixels_counts_at_25():
    errors = np.array([[[15.0, 20], [15, 20.01]]])
    labelled = np.ones((1, 2), bool)
    assert within_pixels(errors, 0 * errors, labelled).hits.tolist() == [1, 0]
    assert within_pixels(errors, 0 * errors, labelled, comparison="<").hits.tolist() == [0, 0]


def test_the_offset_is_added_to_predictions_and_said():
    truths = np.full((1, 1, 2), 10.0)
    labelled = np.ones((1, 1), bool)
    found = within_pixels(truths - 1, truths, labelled, threshold_px=0.0, offset_px=1.0)
    assert found.mean == 100
    assert "+1 px added to the predictions" in found.convention
    assert "no pixel offset" in within_pixels(truths, truths, labelled).convention


def test_pckh_leaves_pelvis_and_thorax_of_mpii_out_of_the_mean():
    truths = np.zeros((1, 16, 2))
    predictions = truths.copy()
    predictions[0, 6:8] = 1000
    found = pckh(predictions, truths, np.ones((1, 16), bool), head_sizes=np.array([10.0]), skeleton=MPII16)
    assert found.mean == 100
    assert found.values[6:8].tolist() == [0, 0]
    assert "without pelvis, thorax" in found.convention
    everything = pckh(
        predictions, truths, np.ones((1, 16), bool), head_sizes=np.array([10.0]), skeleton=MPII16, without=()
    )
    assert everything.mean == 87.5


def test_people_without_a_normaliser_count_nowhere_and_are_counted():
    zeros = np.zeros((3, 2, 2))
    labelled = np.array([[True, True], [True, True], [False, False]])
    found = pck(zeros, zeros, labelled, Normaliser(np.array([0.0, 5.0, math.nan])))
    assert found.counts.tolist() == [1, 1]
    assert found.left_out == 1
    assert "1 of 3 people" in found.convention


def test_a_torso_needs_both_ends_labelled():
    truths = np.array([[[0.0, 0], [3, 4]], [[0, 0], [math.nan, math.nan]]])
    labelled = np.array([[True, True], [True, False]])
    bones = Skeleton("two", ("left_shoulder", "right_hip"))
    lengths = torso(truths, labelled, bones).lengths
    assert lengths[0] == 5
    assert math.isnan(lengths[1])
    assert between(truths, labelled, 0, 1).lengths[0] == 5


def test_nan_is_refused_or_a_miss():
    predictions, truths = np.zeros((2, 2, 2)), np.zeros((2, 2, 2))
    predictions[1, 0, 1] = math.nan
    labelled = np.array([[True, True], [True, False]])
    with pytest.raises(ValueError, match=r"predictions: wanted finite pixels .*, got \(0, nan\) at \(1, 0\)"):
        within_pixels(predictions, truths, labelled)
    found = within_pixels(predictions, truths, labelled, nan="miss")
    assert found.hits.tolist() == [1, 1]
    assert found.counts.tolist() == [2, 1]
    assert "a prediction of NaN is a miss" in found.convention
    predictions[1, 0] = math.inf
    with pytest.raises(ValueError, match="predictions: wanted finite pixels"):
        within_pixels(predictions, truths, labelled, nan="miss")


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e300])
def test_what_is_not_labelled_is_never_read(value):
    predictions, truths = np.zeros((1, 2, 2)), np.zeros((1, 2, 2))
    predictions[0, 1] = truths[0, 1] = value
    assert within_pixels(predictions, truths, np.array([[True, False]])).counts.tolist() == [1, 0]
    with pytest.raises(ValueError, match="truths: wanted finite pixels"):
        within_pixels(0 * np.zeros((1, 2, 2)), truths, np.array([[True, True]]), nan="miss")


def test_nobody():
    found = within_pixels(
        np.zeros((0, 17, 2)), np.zeros((0, 17, 2)), np.zeros((0, 17), bool), skeleton=COCO17
    )
    assert math.isnan(found.mean)
    assert found.counts.sum() == 0
    assert json.loads(json.dumps(found.as_dict(), allow_nan=False))["mean"] is None
    assert "mean" in str(found)


@given(people(), st.sampled_from(["<=", "<"]), st.sampled_from([0.0, 0.2, 0.5, 1.0, 3.0]))
def test_hits_and_labels_are_those_of_counting_one_by_one(given_people, comparison, threshold):
    if not len(given_people.labelled):
        return
    found = score(given_people, comparison=comparison, threshold=threshold)
    slow = slow_pck(
        given_people.predictions.tolist(),
        given_people.truths.tolist(),
        given_people.labelled.tolist(),
        given_people.lengths.tolist(),
        threshold,
        comparison,
    )
    assert list(zip(found.hits.tolist(), found.counts.tolist(), strict=True)) == slow


@given(people(), st.integers(-6, 6))
def test_the_scale_of_the_picture_does_not_matter(given_people, power):
    bigger = SimpleNamespace(**vars(given_people))
    for name in ("predictions", "truths", "lengths"):
        setattr(bigger, name, getattr(given_people, name) * 2.0**power)
    assert score(bigger).hits.tolist() == score(given_people).hits.tolist()


@given(people(), st.floats(0, 3), st.floats(0, 3))
def test_a_larger_threshold_loses_nothing(given_people, a, b):
    less, more = (score(given_people, threshold=threshold) for threshold in sorted((a, b)))
    assert (less.hits <= more.hits).all()
    assert (less.counts == more.counts).all()
    assert (
        score(given_people, threshold=a, comparison="<").hits <= score(given_people, threshold=a).hits
    ).all()


@given(people(), st.randoms(use_true_random=False))
def test_the_order_of_people_does_not_matter(given_people, random):
    order = list(range(len(given_people.labelled)))
    random.shuffle(order)
    shuffled = SimpleNamespace(**{name: value[order] for name, value in vars(given_people).items()})
    one, other = score(given_people, average="labels"), score(shuffled, average="labels")
    assert one.hits.tolist() == other.hits.tolist()
    assert one.mean == other.mean or math.isnan(one.mean)
    assert str(one) == str(other)


@given(people())
def test_the_curve_is_the_score_at_each_threshold(given_people):
    thresholds = (0.0, 0.1, 0.5, 2.0)
    found = score(given_people, curve=thresholds)
    for row, threshold in enumerate(thresholds):
        at = score(given_people, threshold=threshold)
        assert np.array_equal(found.curve.values[row], at.values, equal_nan=True)
        assert found.curve.mean[row] == at.mean or math.isnan(at.mean)
    assert math.isnan(found.curve.auc) or 0 <= found.curve.auc <= 100


SHAPE = (2, 3)
GOOD = (np.zeros((*SHAPE, 2)), np.zeros((*SHAPE, 2)), np.ones(SHAPE, bool))


@pytest.mark.parametrize(
    ("arguments", "options", "sentence"),
    [
        ((GOOD[0].astype(np.float32), *GOOD[1:]), {}, "predictions: wanted dtype float64, got float32"),
        ((GOOD[0][:1], *GOOD[1:]), {}, r"predictions: wanted shape \(2, 3, 2\), got \(1, 3, 2\)"),
        (([[0, 0]], *GOOD[1:]), {}, r"predictions: wanted a NumPy array float64 .* got list"),
        ((*GOOD[:2], GOOD[2].astype(np.uint8)), {}, "labelled: wanted dtype bool, got uint8"),
        (GOOD, {"comparison": "="}, "comparison: wanted one of <=, <, got '='"),
        (GOOD, {"average": "mean"}, "average: wanted one of labels, keypoints, got 'mean'"),
        (GOOD, {"nan": "ignore"}, "nan: wanted one of refuse, miss, got 'ignore'"),
        (GOOD, {"threshold_px": math.nan}, "threshold_px: wanted a number from 0 to 1e.09, got nan"),
        (GOOD, {"without": (3,)}, "without: wanted a whole number from 0 to 2, got 3"),
        (GOOD, {"without": ("nose",)}, "without: wanted a keypoint's number, or a skeleton for its name"),
        (GOOD, {"skeleton": COCO17}, "skeleton: wanted 3 keypoints, as labelled has, got 17 of coco17"),
        (GOOD, {"curve": (0.5, 0.5)}, "curve: wanted at least two thresholds in ascending order"),
        (GOOD, {"curve": 0.5}, "curve: wanted thresholds in ascending order, got 0.5"),
        (GOOD, {"offset_px": "1"}, "offset_px: wanted a number"),
    ],
)
def test_wrong_arguments_get_a_sentence(arguments, options, sentence):
    with pytest.raises((TypeError, ValueError), match=sentence):
        within_pixels(*arguments, **options)


def test_wrong_normalisers_get_a_sentence():
    with pytest.raises(TypeError, match="normaliser: wanted a Normaliser, got float"):
        pck(*GOOD, 5.0)
    with pytest.raises(ValueError, match=r"normaliser: wanted 2 lengths, one a person, got 1"):
        pck(*GOOD, Normaliser(np.ones(1)))
    with pytest.raises(ValueError, match=r"lengths: wanted pixels from 0 .* got -1 for person 1"):
        Normaliser(np.array([1.0, -1.0]))
    with pytest.raises(ValueError, match="head_boxes, head_sizes: wanted one of the two"):
        pckh(*GOOD)
    with pytest.raises(ValueError, match="second: wanted another keypoint"):
        between(*GOOD[1:], 1, 1)
    with pytest.raises(ValueError, match=r"keypoint: wanted one of right_ankle, .*, got 'left_shoulde'"):
        between(np.zeros((1, 16, 2)), np.ones((1, 16), bool), 0, "left_shoulde", skeleton=MPII16)


def test_the_score_prints_as_a_table_with_its_convention():
    bones = Skeleton("pair", ("left_hand", "right_hand", "nose"), flip_pairs=((0, 1),))
    errors = np.zeros((2, 3, 2))
    errors[0, 0] = 30
    labelled = np.array([[True, True, False], [True, True, False]])
    found = within_pixels(errors, 0 * errors, labelled, skeleton=bones)
    assert str(found).splitlines() == [
        "within 25 px in percent",
        "              score       of",
        "left_hand     50.00        2",
        "right_hand   100.00        2",
        "nose              -        0",
        "mean          75.00        4",
        "",
        "               left    right",
        "hand          50.00   100.00",
        "",
        "within 25 px: a labelled keypoint counts where its error is <= 25 px; mean over the keypoints with labels; "
        "no pixel offset (+0 px); a prediction of NaN is refused.",
    ]
    assert found.as_dict()["sides"] == [
        {"name": "hand", "left": 50.0, "right": 100.0, "left_count": 2, "right_count": 2}
    ]
    with pytest.raises(ValueError, match="read-only"):
        found.values[0] = 100
