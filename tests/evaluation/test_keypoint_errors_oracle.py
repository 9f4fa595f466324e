"""Keypoint errors, scores and matches against slow twins that take one keypoint at a time."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scenes import scene

from oracle import coco_matching
from oracle import keypoint_errors as oracle
from posecore import COCO17, evaluate
from posecore.evaluation.keypoint_errors import KINDS
from posecore.evaluation.matching import accumulate
from posecore.evaluation.rematching import rematch

SIGMAS = np.array(COCO17.sigmas)


@pytest.mark.parametrize("true_sigma", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_kinds_and_corrections(seed: int, true_sigma: bool) -> None:
    diagnosis = evaluate(*scene(seed)).diagnose(true_sigma=true_sigma)
    report, errors = diagnosis.report, diagnosis.errors[0]
    truths = report.truths
    assert len(errors) > 0
    for m, (row, matched) in enumerate(zip(errors.detection_rows, errors.truth_rows, strict=True)):
        people = np.flatnonzero(truths.image_index == truths.image_index[matched])
        kinds, corrected = oracle.keypoint_errors(
            report.detections.xy[row],
            int(np.flatnonzero(people == matched)[0]),
            truths.xy[people],
            truths.visibility[people],
            truths.areas[people],
            SIGMAS,
            list(COCO17.flip_index),
            SIGMAS * (2 if true_sigma else 1),
        )
        assert [KINDS[kind] for kind in errors.kinds[m]] == kinds
        np.testing.assert_allclose(errors.corrected_xy[m], corrected, rtol=0, atol=1e-9)


def test_the_scenes_have_every_kind() -> None:
    counts = sum(evaluate(*scene(seed)).diagnose().errors[0].counts for seed in range(12))
    assert (counts.sum(axis=0) > 20).all()


@pytest.mark.parametrize("seed", range(12))
def test_scores(seed: int) -> None:
    diagnosis = evaluate(*scene(seed)).diagnose()
    report = diagnosis.report
    truths, detections = report.truths, report.detections
    counted = ~diagnosis.baseline_matches[0].truth_ignored[0]
    for image in range(len(truths.images)):
        rows = np.flatnonzero(detections.image_index == image)
        people = np.flatnonzero((truths.image_index == image) & counted)
        nearest = np.array(
            [
                max(
                    (
                        coco_matching.object_keypoint_similarity(
                            detections.xy[row],
                            truths.xy[g],
                            truths.visibility[g] > 0,
                            truths.boxes[g],
                            truths.areas[g],
                            SIGMAS,
                        )
                        for g in people
                    ),
                    default=0.0,
                )
                for row in rows
            ]
        )
        np.testing.assert_allclose(diagnosis.alone_max_oks[0, rows], nearest, rtol=1e-12)
        expected = oracle.suppressed(detections.xy[rows], nearest, SIGMAS)
        np.testing.assert_allclose(diagnosis.alone_optimal_scores[0, rows], expected, rtol=1e-9, atol=1e-300)


@pytest.mark.parametrize("seed", range(12))
def test_matches_with_people_left_out(seed: int) -> None:
    report = evaluate(*scene(seed), max_detections=5)
    truths, detections = report.truths, report.detections
    rng = np.random.default_rng(seed)
    options = {
        "truth_ignored": rng.random(len(truths)) < 0.3,
        "detection_ignored": rng.random(len(detections)) < 0.3,
        "detection_areas": rng.choice([100.0, 5000.0, 20000.0], len(detections)),
    }
    matches = rematch(report, **options)
    expected = coco_matching.match(
        truths,
        detections,
        sigmas=SIGMAS,
        areas=truths.areas,
        thresholds=report.protocol.thresholds,
        ranges=report.protocol.area_ranges,
        max_detections=5,
        **options,
    )
    for name in ("order", "truth", "ignored", "detection_of_truth", "truth_ignored"):
        np.testing.assert_array_equal(getattr(matches, name), getattr(expected, name), err_msg=name)
    found = accumulate(matches, detections.scores)
    precision, recall, scores = coco_matching.accumulate(expected, detections.scores)
    np.testing.assert_array_equal(found.precision[:, :, 0], precision)
    np.testing.assert_array_equal(found.recall[:, 0], recall)
    np.testing.assert_array_equal(found.scores[:, :, 0], scores)


def test_the_score_of_a_detection_changes_its_turn_and_nothing_else() -> None:
    report = evaluate(*scene(3))
    other = dataclasses.replace(report.detections, scores=report.detections.scores * 7 - 3)
    np.testing.assert_array_equal(rematch(report, detections=other).truth, report.matches.truth)
