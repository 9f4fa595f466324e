"""Calibration: shares of right detections by score, thresholds that keep what they promise, other sigmas."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from made_people import annotations, found, keypoints, person
from scenes import scene, without_people

from posecore import evaluate
from posecore.evaluation.calibration import calibrate
from posecore.evaluation.report import Report

WRONG = keypoints(400, 150)


def scored(*pairs: tuple[float, bool]) -> Report:
    """One picture a detection, of these scores, right or wrong; a person in each."""
    images = len(pairs)
    truth = annotations(*(person(i + 1, i + 1) for i in range(images)), images=images)
    results = [found(i + 1, score, keypoints() if right else WRONG) for i, (score, right) in enumerate(pairs)]
    return evaluate(truth, results)


def test_bins_count_what_is_right_at_a_score() -> None:
    report = scored((0.05, False), (0.15, True), (0.15, False), (0.95, True), (1.0, True))
    at_50, at_75 = calibrate(report).reliability
    assert (at_50.oks, at_75.oks) == (0.5, 0.75)
    assert at_50.binning == "equal width"
    assert at_50.counts.tolist() == [1, 2, 2]
    assert at_50.right.tolist() == [0, 1, 2]
    assert at_50.precision.tolist() == [0, 0.5, 1]
    assert at_50.least.tolist() == [0.05, 0.15, 0.95]
    assert at_50.most.tolist() == [0.05, 0.15, 1.0]
    assert at_50.expected_error == pytest.approx((0.05 + 2 * 0.35 + 2 * 0.025) / 5)


def test_scores_beyond_one_are_binned_by_count_and_have_no_expected_error() -> None:
    reliability = calibrate(scored(*((float(s), s > 3) for s in range(1, 7))), bins=3).reliability[0]
    assert reliability.binning == "equal count"
    assert reliability.counts.tolist() == [2, 2, 2]
    assert reliability.precision.tolist() == [0, 0.5, 1]
    assert np.isnan(reliability.expected_error)


def test_equal_scores_share_a_bin() -> None:
    reliability = calibrate(scored(*((7.0, s > 2) for s in range(6))), bins=3).reliability[0]
    assert reliability.counts.tolist() == [6]


def test_what_is_ignored_is_neither_right_nor_wrong() -> None:
    crowd = person(1, iscrowd=1, keypoints=[0] * 51, bbox=[100, 100, 100, 200])
    calibration = calibrate(evaluate(annotations(crowd, person(2, 2)), [found(1, 0.5), found(2, 0.6)]))
    assert calibration.rows.tolist() == [1]
    assert calibration.reliability[0].counts.tolist() == [1]


def test_a_threshold_gives_the_precision_that_was_wanted_and_the_highest_recall() -> None:
    calibration = calibrate(
        scored((0.9, True), (0.8, False), (0.7, True), (0.6, True), (0.5, False), (0.4, False))
    )
    threshold = calibration.threshold_for(0.75)
    assert threshold is not None
    assert (threshold.score, threshold.precision, threshold.detections) == (0.6, 0.75, 4)
    assert threshold.recall == 0.5
    sure = calibration.threshold_for(1.0)
    assert sure is not None
    assert (sure.score, sure.recall) == (0.9, pytest.approx(1 / 6))


def test_equal_scores_are_taken_together() -> None:
    calibration = calibrate(scored((0.9, True), (0.9, False)))
    assert calibration.threshold_for(0.9) is None
    half = calibration.threshold_for(0.5)
    assert half is not None
    assert (half.score, half.detections) == (0.9, 2)


@pytest.mark.parametrize("seed", range(6))
def test_a_threshold_keeps_its_promise(seed: int) -> None:
    report = evaluate(*scene(seed, images=6))
    threshold = calibrate(report).threshold_for(0.5, oks=0.75)
    if threshold is None:
        return
    kept = evaluate(report.truths, report.detections.where(report.detections.scores >= threshold.score))
    at = 5
    counted = ~kept.matches.ignored[0, at]
    right = (kept.matches.truth[0, at] >= 0) & counted
    assert right.sum() / counted.sum() == pytest.approx(threshold.precision)
    assert threshold.precision >= 0.5
    assert kept.recall[at, 0, 0, 0] == pytest.approx(threshold.recall)


def test_scores_are_held_against_oks() -> None:
    report = scored((0.9, True), (0.8, True), (0.1, False))
    calibration = calibrate(report)
    np.testing.assert_allclose(calibration.oks, [1, 1, 0], atol=1e-3)
    assert calibration.rank_correlation == pytest.approx(np.corrcoef([3, 2, 1], [2.5, 2.5, 1])[0, 1])
    assert np.isnan(calibrate(scored((0.5, True))).rank_correlation)


def test_larger_sigmas_are_kinder() -> None:
    calibration = calibrate(evaluate(*scene(5)))
    assert [each.scale for each in calibration.sigma_scales] == [0.5, 0.75, 1, 1.5, 2]
    recalls = [each.averages.ar for each in calibration.sigma_scales]
    assert recalls == sorted(recalls)
    assert recalls[0] < recalls[-1]
    report = calibration.report
    own = calibration.sigma_scales[2].averages
    assert (own.ap, own.ap50, own.ap75, own.ar) == (
        report["AP"],
        report["AP50"],
        report["AP75"],
        report["AR"],
    )


def test_nothing_found_is_calibrated_too() -> None:
    calibration = calibrate(evaluate(annotations(person(1)), []))
    assert len(calibration.reliability[0].counts) == 0
    assert calibration.threshold_for(0.1) is None
    assert json.loads(json.dumps(calibration.as_dict(), allow_nan=False))["rank_correlation"] is None


def test_no_one_to_find_is_calibrated_too() -> None:
    calibration = calibrate(without_people(scored((0.5, True), (0.6, True))))
    assert calibration.reliability[0].right.tolist() == [0, 0]
    assert calibration.threshold_for(0.1) is None
    assert {each.averages.ap for each in calibration.sigma_scales} == {-1.0}


def test_plain_data_has_every_bin() -> None:
    data = calibrate(scored((0.2, True), (0.9, False))).as_dict()
    assert data["reliability"][0]["bins"] == [
        {"least": 0.2, "most": 0.2, "mean_score": 0.2, "count": 1, "right": 1},
        {"least": 0.9, "most": 0.9, "mean_score": 0.9, "count": 1, "right": 0},
    ]
    assert data["sigma_scales"][0]["scale"] == 0.5


def test_real_scores_rise_with_precision(shared: Path) -> None:
    folder = shared / "data/eval"
    calibration = calibrate(evaluate(folder / "coco_val250_gt.json", folder / "coco_val250_dt_lwop_ax.json"))
    assert calibration.reliability[0].binning == "equal count"
    assert calibration.reliability[0].counts.sum() == 343
    assert calibration.rank_correlation == pytest.approx(0.774, abs=5e-4)
    threshold = calibration.threshold_for(0.9)
    assert threshold is not None
    assert threshold.recall == pytest.approx(113 / 329)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"bins": 0}, "bins: wanted a whole number from 1 to 1000, got 0"),
        ({"thresholds": []}, "thresholds: wanted at least one number, got none"),
        ({"thresholds": [2]}, "thresholds: wanted a number from 1e-09 to 1, got 2"),
        ({"scales": [0]}, "scales: wanted a number from 0.001 to 1000, got 0"),
        ({"scales": "1"}, "scales: wanted numbers, got '1'"),
    ],
)
def test_a_bad_argument_gets_one_sentence(options: dict, sentence: str) -> None:
    with pytest.raises((TypeError, ValueError), match=f"^{sentence}"):
        calibrate(scored((0.5, True)), **options)


def test_bad_wishes_get_one_sentence() -> None:
    calibration = calibrate(scored((0.5, True)))
    with pytest.raises(ValueError, match="precision: wanted a number from 0 to 1, got 2"):
        calibration.threshold_for(2)
    with pytest.raises(ValueError, match="precision: wanted a number above 0 to 1, got 0"):
        calibration.threshold_for(0)
    with pytest.raises(ValueError, match=r"oks: wanted one of 0.5, 0.75, got 0.6"):
        calibration.threshold_for(0.9, oks=0.6)
    with pytest.raises(TypeError, match="report: wanted a Report, got dict"):
        calibrate({})  # type: ignore[arg-type]
