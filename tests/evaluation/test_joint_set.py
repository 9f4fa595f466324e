"""`JointSet` and `pair`: predictions beside truths, and the published numbers of real files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_people import annotations, found, keypoints, person

from posecore import COCO17, MPII16
from posecore.errors import SourceError
from posecore.evaluation.coco_files import read_detections, read_truths
from posecore.evaluation.distances import pck, pckh
from posecore.evaluation.joint_files import open_joints
from posecore.evaluation.joint_set import LSP14, JointSet, of_detections, of_truths, pair
from posecore.evaluation.limb_score import pcp
from posecore.evaluation.limbs import ten_limbs
from posecore.evaluation.normalisers import torso
from posecore.evaluation.truths import Detections, Origin, Truths


@pytest.fixture(scope="module")
def data(shared: Path) -> Path:
    return shared / "data" / "eval"


def joints(people=3, *, role="truth", skeleton=MPII16, first_pixel=1, image_names=()) -> JointSet:
    points = np.zeros((people, skeleton.num_keypoints, 2))
    return JointSet(
        kind=f"made {role}",
        role=role,
        skeleton=skeleton,
        points=points,
        labelled=np.ones(points.shape[:2], bool),
        first_pixel=first_pixel,
        convention="made",
        origin=Origin(f"{role}.mat"),
        image_names=image_names,
    )


def test_pckh_of_the_eight_stack_hourglass_on_mpii(data):
    truth = open_joints(data / "mpii" / "detections_our_format.mat")
    both = pair(truth, open_joints(data / "mpii" / "pred_bearpaw-hg_s8_b1.mat", "prediction"))
    assert both.offset_px == 0
    score = pckh(
        both.prediction.points,
        both.truth.points,
        both.truth.labelled,
        head_boxes=both.truth.head_boxes,
        skeleton=MPII16,
        offset_px=both.offset_px,
    )
    assert score.mean == 89.09185532136352
    assert score.counts[score.in_mean].sum() == 38430
    assert score.values[13] == pytest.approx(95.31, abs=0.005)  # the left shoulder


def test_pckh_with_the_whole_pixels_of_pose_hg(data):
    truth = open_joints(data / "mpii" / "valid.h5")
    exact = open_joints(data / "mpii" / "detections_our_format.mat")
    assert np.array_equal(truth.labelled, exact.labelled)
    prediction = open_joints(data / "mpii" / "pred_bearpaw-hg_s8_b1.mat", "prediction")
    options = {"head_sizes": truth.head_sizes, "skeleton": MPII16}
    score = pckh(prediction.points, truth.points, truth.labelled, **options)
    # Fractions are cut off in this file, and 13 joints are elsewhere: three joints of 38,430 fall out, one falls in.
    assert score.hits[score.in_mean].sum() == 34238 - 3 + 1
    assert score.mean == pytest.approx(89.0867, abs=5e-5)


def test_pck_and_pcp_of_observer_centric_lsp(data):
    whole = open_joints(data / "lsp" / "lsp-joints-OC.mat")
    assert (whole.skeleton, len(whole)) == (LSP14, 2000)
    both = pair(whole, open_joints(data / "lsp" / "pred_keypoints_lsp_oc.mat", "prediction"))
    assert "rows 1001 to 2000" in both.sentence
    truth, predicted = both.truth, both.prediction.points
    lengths = torso(truth.points, truth.labelled, LSP14)
    score = pck(predicted, truth.points, truth.labelled, lengths, skeleton=LSP14)
    assert score.hits.sum() == 11410
    assert round(score.mean, 2) == 81.50
    limbs = ten_limbs(LSP14)
    sticks = open_joints(data / "lsp" / "pred_sticks_lsp_oc.mat", "prediction").sticks
    for prediction in (predicted, sticks):
        strict = pcp(prediction, truth.points, truth.labelled, limbs)
        assert strict.hits.sum() == 8113
        assert round(strict.mean, 2) == 81.13
        assert round(pcp(prediction, truth.points, truth.labelled, limbs, rule="loose").mean, 2) == 85.73


@pytest.mark.parametrize(
    ("truth", "prediction", "offset"), [(1, 1, 0.0), (1, 0, 1.0), (0, 1, -1.0), (1, None, 0.0)]
)
def test_pixels_that_count_from_another_number_are_moved_and_it_is_said(truth, prediction, offset):
    both = pair(joints(first_pixel=truth), joints(role="prediction", first_pixel=prediction))
    assert both.offset_px == offset
    assert (f"{offset:+g} px" if offset else "nothing is added") in both.sentence


@pytest.mark.parametrize(
    ("truth", "prediction", "sentence"),
    [
        ({}, {"people": 2}, "prediction.mat: wanted 3 people, as truth.mat has, got 2"),
        ({"people": 2000}, {"people": 1000}, "prediction.mat: wanted 2000 people"),
        ({}, {"skeleton": LSP14}, "prediction.mat: wanted 16 keypoints, as truth.mat has, got 14"),
        (
            {"people": 1, "image_names": ("a",)},
            {"people": 1, "image_names": ("<b>",)},
            "prediction.mat: wanted image 'a' in row 0, as truth.mat has, got '<b>'",
        ),
        ({"role": "prediction"}, {}, "prediction.mat: wanted truths, got made prediction"),
    ],
)
def test_what_does_not_fit_together_is_named(truth, prediction, sentence):
    with pytest.raises(SourceError, match=sentence):
        pair(joints(**truth), joints(**({"role": "prediction"} | prediction)))


def test_rows_take_everything_along():
    chosen = joints(image_names=("a", "b", "c")).rows(np.array([2, 0]))
    assert (len(chosen), chosen.image_names, chosen.labelled.shape) == (2, ("c", "a"), (2, 16))
    assert joints().rows(slice(1, None)).image_names == ()


def coco() -> tuple[Truths, Detections]:
    """Three people in one picture, and results that are exact, in the reverse order."""
    places = (100.0, 200.0, 300.0)
    people = [person(n, keypoints=keypoints(x, without=(4,) if n == 1 else ())) for n, x in enumerate(places)]
    truths = read_truths(annotations(*people))
    results = [found(points=keypoints(x, v=0.8)) for x in reversed(places)]
    return truths, read_detections(results, truths)


def test_people_of_coco_files_that_the_caller_matched():
    truths, detections = coco()
    truth = of_truths(truths, COCO17)
    prediction = of_detections(truths, detections, np.array([2, -1, 0]), COCO17)
    assert np.argwhere(~truth.labelled).tolist() == [[1, 4]]
    assert np.array_equal(prediction.points[[0, 2]], truth.points[[0, 2]])
    assert not prediction.labelled[1].any()
    assert "1 of 3 truths have no prediction" in prediction.convention
    both = pair(truth, prediction)
    lengths = torso(truth.points, truth.labelled, COCO17)
    score = pck(both.prediction.points, truth.points, truth.labelled, lengths, nan="miss", skeleton=COCO17)
    assert score.values[4] == 100
    assert score.values[5] == pytest.approx(200 / 3)


def test_rows_of_detections_that_are_not_there_get_a_sentence():
    truths, detections = coco()
    with pytest.raises(ValueError, match="detection_rows: wanted rows from -1 to 2"):
        of_detections(truths, detections, np.array([0, 1, 3]), COCO17)
    with pytest.raises(ValueError, match=r"detection_rows: wanted shape \(3,\), got \(2,\)"):
        of_detections(truths, detections, np.array([0, 1]), COCO17)
    with pytest.raises(ValueError, match=r"skeleton: wanted 17 keypoints, as .* has"):
        of_truths(truths, MPII16)
    with pytest.raises(ValueError, match="skeleton: wanted 17 keypoints"):
        of_detections(truths, detections, np.array([0, 1, 2]), MPII16)
