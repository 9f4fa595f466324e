"""The diagnosis of real detections has coco-analyze's numbers (https://github.com/matteorr/coco-analyze).

Where coco-analyze slips, the slip is repeated here, and the diagnosis has what was meant:
- after the false negatives it lists the thresholds the other way round;
- with several area ranges it suppresses the scores of each with the keypoints that were corrected for the last;
- it has no false negatives alone: they come after the background.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from posecore import evaluate
from posecore.evaluation.diagnosis import RANGES, Diagnosis
from posecore.evaluation.examination import without_missed
from posecore.evaluation.keypoint_errors import KINDS
from posecore.evaluation.matching import accumulate, mean_of_found
from posecore.evaluation.protocol import COCO17
from posecore.evaluation.rematching import rematch
from posecore.evaluation.rescoring import suppress

NAMES = {"bckgd_false_pos": "background_fp", "false_neg": "fn"}
EXACT = {"rtol": 0, "atol": 1e-12}


@pytest.fixture(scope="module")
def reference(shared: Path) -> dict[str, Any]:
    return json.loads((shared / "data/eval/coco_analyze_val250_ax.json").read_text())


@pytest.fixture(scope="module")
def diagnosis(shared: Path) -> Diagnosis:
    folder = shared / "data/eval"
    return evaluate(folder / "coco_val250_gt.json", folder / "coco_val250_dt_lwop_ax_top20.json").diagnose()


def curves(rows: list[dict[str, Any]]) -> dict[tuple[str, str], np.ndarray]:
    """{(step, range): (2, T) AP and recall at ascending thresholds} of coco-analyze's rows."""
    found: dict[tuple[str, str], dict[float, tuple[float, float]]] = {}
    for row in rows:
        name = NAMES.get(row["err"], row["err"])
        found.setdefault((name, row["area"]), {})[row["oks"]] = row["auc"], row["recall"]
    ordered = {key: np.array([at[t] for t in sorted(at)]).T for key, at in found.items()}
    return {key: values[:, ::-1] if key[0] == "fn" else values for key, values in ordered.items()}


def ours(diagnosis: Diagnosis, which: str, step: str, area: str) -> np.ndarray:
    a = [r.label for r in diagnosis.ranges].index(area)
    s = diagnosis.steps.index(step)
    values = (getattr(diagnosis, f"{which}_ap"), getattr(diagnosis, f"{which}_recall"))
    return np.array([value[a, s] for value in values])


def test_each_step_costs_what_it_did(reference: dict[str, Any], diagnosis: Diagnosis) -> None:
    rows = curves(reference["all_range_cumulative"])
    assert len(rows) == 8
    for (step, area), expected in rows.items():
        np.testing.assert_allclose(ours(diagnosis, "progressive", step, area), expected, **EXACT)
    mean = [diagnosis.progressive_ap[0, step].mean() for step in range(8)]
    assert np.round(mean, 6).tolist() == [
        0.215359,
        0.425469,
        0.436592,
        0.493975,
        0.573494,
        0.604548,
        0.607921,
        1,
    ]


def test_each_range_costs_what_it_did(reference: dict[str, Any], diagnosis: Diagnosis) -> None:
    rows = curves(reference["default3_cumulative"])
    assert len(rows) == 24
    for (step, area), expected in rows.items():
        if step == "score":
            got = score_step_of_several_ranges(diagnosis, area)
        else:
            got = ours(diagnosis, "progressive", step, area)
        np.testing.assert_allclose(got, expected, **EXACT, err_msg=f"{step} {area}")


def score_step_of_several_ranges(diagnosis: Diagnosis, area: str) -> np.ndarray:
    """With scores that are suppressed by the keypoints of the last range."""
    a, report = [r.label for r in diagnosis.ranges].index(area), diagnosis.report
    scores = suppress(
        diagnosis.errors[-1].correct(report.detections, (2, 3, 4, 5)),
        diagnosis.max_oks[a],
        sigmas=COCO17.sigmas or (),
    )
    own = diagnosis.errors[a].correct(report.detections, (2, 3, 4, 5))
    found = accumulate(
        rematch(report, detections=dataclasses.replace(own, scores=scores), ranges=[RANGES[a]]), scores
    )
    return np.array([[mean_of_found(v) for v in values] for values in (found.precision, found.recall)])


def test_each_step_alone_costs_what_it_did(reference: dict[str, Any], diagnosis: Diagnosis) -> None:
    compared = 0
    for rows in reference["independent"].values():
        for (step, area), expected in curves(rows).items():
            if step == "fn":
                a = [r.label for r in diagnosis.ranges].index(area)
                matches, scores = diagnosis.baseline_matches[a], diagnosis.report.detections.scores
                got = np.array(without_missed(matches, scores, background=False))
            else:
                got = ours(diagnosis, "alone", step, area)
            np.testing.assert_allclose(got, expected, **EXACT, err_msg=f"{step} {area}")
            compared += 1
    assert compared == 39


def test_scores_alone_at_one_threshold(reference: dict[str, Any], diagnosis: Diagnosis) -> None:
    at_75 = int(np.argmin(abs(diagnosis.thresholds - 0.75)))
    for (step, area), expected in curves(reference["score_only_oks75"]).items():
        got = ours(diagnosis, "alone", step, area)[:, at_75 : at_75 + 1]
        np.testing.assert_allclose(got, expected, **EXACT)
    rows = reference["score_only_opt"]
    assert [row["id"] for row in rows] == list(range(1, 435))
    np.testing.assert_allclose(diagnosis.alone_max_oks[0], [row["max_oks"] for row in rows], **EXACT)
    np.testing.assert_allclose(diagnosis.alone_optimal_scores[0], [row["opt_score"] for row in rows], **EXACT)
    suboptimal, images = reference["suboptimal_order_images"]
    assert len(diagnosis.suboptimal_images) == suboptimal
    assert len(np.unique(diagnosis.report.detections.image_index)) == images


def test_every_keypoint_is_what_it_was(reference: dict[str, Any], diagnosis: Diagnosis) -> None:
    rows, errors = reference["all_range_detections"], diagnosis.errors[0]
    np.testing.assert_allclose(diagnosis.max_oks[0], [row["max_oks"] for row in rows], **EXACT)
    np.testing.assert_allclose(diagnosis.optimal_scores[0], [row["opt_score"] for row in rows], **EXACT)
    matched = {row["id"] - 1: row for row in rows if "good" in row}
    assert sorted(errors.detection_rows.tolist()) == sorted(matched)
    for m, detection in enumerate(errors.detection_rows.tolist()):
        row = matched[detection]
        assert diagnosis.report.truths.ids[errors.truth_rows[m]] == row["gt_id"]
        assert errors.oks[m] == pytest.approx(row["oks"], abs=1e-12)
        for kind, name in enumerate(KINDS[1:], start=1):
            assert (errors.kinds[m] == kind).astype(int).tolist() == row[name]
        expected = np.array(row["opt_keypoints"]).reshape(17, 3)[:, :2]
        np.testing.assert_allclose(errors.corrected_xy[m], expected, **EXACT)
    where = reference["localization"]
    assert len(errors) == where["n_matched"] == 226
    for kind, name in enumerate(KINDS[1:], start=1):
        assert errors.counts[:, kind].tolist() == where[name]
    assert errors.counts[:, 1:].sum() == where["total_keypoints"]


def test_background_and_missed_people_are_those(reference: dict[str, Any], diagnosis: Diagnosis) -> None:
    ids = diagnosis.report.truths.ids
    corrected, baseline = diagnosis.corrected_matches[0], diagnosis.baseline_matches[0]
    for t, threshold in enumerate(
        ["0.5", "0.55", "0.6", "0.65", "0.7", "0.75", "0.8", "0.85", "0.9", "0.95"]
    ):
        false_positives = sorted(corrected.order[corrected.truth[0, t] < 0] + 1)
        false_negatives = sorted(ids[corrected.detection_of_truth[0, t] < 0])
        assert false_positives == sorted(reference["all_range_false_pos"][threshold])
        assert false_negatives == sorted(reference["all_range_false_neg"][threshold])
        found = reference["background"][threshold]
        assert np.count_nonzero(baseline.truth[0, t] >= 0) == found["dt_matches"]
        assert np.count_nonzero(baseline.truth[0, t] < 0) == found["false_pos"]
        assert np.count_nonzero(baseline.detection_of_truth[0, t] >= 0) == found["gt_matches"]
        assert np.count_nonzero(baseline.detection_of_truth[0, t] < 0) == found["false_neg"]


def test_only_the_best_twenty_of_a_picture_are_looked_at(shared: Path, diagnosis: Diagnosis) -> None:
    folder = shared / "data/eval"
    every = evaluate(folder / "coco_val250_gt.json", folder / "coco_val250_dt_lwop_ax.json").diagnose()
    assert len(every.report.detections) == 451
    assert np.count_nonzero(~np.isnan(every.max_oks[0])) == 434
    np.testing.assert_allclose(every.progressive_ap, diagnosis.progressive_ap, **EXACT)
    np.testing.assert_allclose(every.alone_ap, diagnosis.alone_ap, **EXACT)


def test_the_baseline_begins_at_32_squared(reference: dict[str, Any], diagnosis: Diagnosis) -> None:
    """pycocotools counts small detections that match no one as wrong in the range "all", and has .21535592."""
    assert diagnosis.report["AP"] == 0.21535592895458897
    assert diagnosis.progressive_ap[0, 0].mean() == pytest.approx(reference["evaluate_stats10"][0], abs=1e-15)
