"""One area range with its errors taken out, step by step: each time matched and counted anew."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from posecore.evaluation.keypoint_errors import (
    INVERSION,
    JITTER,
    MATCH_OKS,
    MISS,
    SWAP,
    KeypointErrors,
    find_keypoint_errors,
)
from posecore.evaluation.matching import accumulate, mean_of_found, pair_oks
from posecore.evaluation.protocol import AreaRange, sigmas_of
from posecore.evaluation.rematching import rematch
from posecore.evaluation.rescoring import nearest_oks, suppress

if TYPE_CHECKING:
    from posecore.evaluation.matching import Accumulated, Matches
    from posecore.evaluation.report import Report
    from posecore.evaluation.truths import Detections, FloatColumn

STEPS = ("baseline", "miss", "swap", "inversion", "jitter", "score", "background_fp", "fn")

_KEYPOINT_STEPS = (MISS, SWAP, INVERSION, JITTER)
_CUT = -1.0  # a score below all that can be earned


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """AP and recall at T thresholds, one row a step: (S, T) float64 each, -1 where no truth counts."""

    ap: FloatColumn
    recall: FloatColumn


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """Of one range; see `Diagnosis`, which has these of all ranges."""

    errors: KeypointErrors
    progressive: Curve
    alone: Curve
    max_oks: FloatColumn
    optimal_scores: FloatColumn
    alone_max_oks: FloatColumn
    alone_optimal_scores: FloatColumn
    baseline_matches: Matches
    corrected_matches: Matches


def examine(report: Report, area: AreaRange, thresholds: FloatColumn, *, true_sigma: bool) -> Findings:
    """All steps in the range `area` at `thresholds` (T,)."""
    examiner = _Examiner(report, area, thresholds)
    detections = report.detections
    errors = examiner.keypoint_errors(true_sigma)
    baseline = examiner.match(detections)
    first = _counted(accumulate(baseline, detections.scores))
    progressive, alone = [first], [first]
    corrected = detections
    for done, kind in enumerate(_KEYPOINT_STEPS, start=1):
        corrected = errors.correct(detections, _KEYPOINT_STEPS[:done])
        progressive.append(examiner.count(corrected))
        alone.append(progressive[-1] if done == 1 else examiner.count(errors.correct(detections, (kind,))))
    max_oks, optimal = examiner.rescore(corrected, baseline)
    alone_max_oks, alone_optimal = examiner.rescore(detections, baseline)
    rescored = examiner.match(dataclasses.replace(corrected, scores=optimal))
    progressive.append(_counted(accumulate(rescored, optimal)))
    alone.append(examiner.count(dataclasses.replace(detections, scores=alone_optimal)))
    without = without_background(rescored, optimal)
    progressive += [without, without_missed(rescored, optimal, background=False)]
    alone += [
        without_background(baseline, detections.scores),
        without_missed(baseline, detections.scores, background=True),
    ]
    return Findings(
        errors,
        _curve(progressive),
        _curve(alone),
        max_oks,
        np.where(np.isnan(max_oks), np.nan, optimal),
        alone_max_oks,
        np.where(np.isnan(alone_max_oks), np.nan, alone_optimal),
        baseline,
        rescored,
    )


Counts = tuple["FloatColumn", "FloatColumn"]


def without_background(matches: Matches, scores: FloatColumn) -> Counts:
    """AP and recall, (T,) each, of matches of one range where a detection that matches no one is not counted."""
    return _counted(
        accumulate(dataclasses.replace(matches, ignored=matches.ignored | (matches.truth < 0)), scores)
    )


def without_missed(matches: Matches, scores: FloatColumn, *, background: bool) -> Counts:
    """AP and recall, (T,) each, of matches of one range where a truth that no one matches is not counted.

    At each threshold these are the truths that are not matched at it: they would be matched with no one either if
    they were ignored, so nothing has to be matched again. `background` counts detections that match no one.
    """
    ignored = matches.ignored if background else matches.ignored | (matches.truth < 0)
    # The truths differ by threshold, and what differs by range may: each threshold is a range of its own.
    turned = dataclasses.replace(
        matches,
        thresholds=matches.thresholds[:1],
        ranges=matches.ranges * len(matches.thresholds),
        truth=matches.truth.swapaxes(0, 1),
        ignored=ignored.swapaxes(0, 1),
        detection_of_truth=matches.detection_of_truth.swapaxes(0, 1),
        truth_ignored=matches.truth_ignored | (matches.detection_of_truth[0] < 0),
    )
    found = accumulate(turned, scores)
    return _counted(
        dataclasses.replace(
            found, precision=found.precision.swapaxes(0, -1), recall=found.recall.swapaxes(0, -1)
        )
    )


class _Examiner:
    """Matches and counts detections of one report in one range."""

    def __init__(self, report: Report, area: AreaRange, thresholds: FloatColumn) -> None:
        self.report, self.area, self.thresholds = report, area, thresholds
        self.sigmas = sigmas_of(report.protocol.skeleton)
        self.original_areas = report.detections.areas

    def match(self, detections: Detections, thresholds: FloatColumn | None = None) -> Matches:
        return rematch(
            self.report,
            detections=detections,
            ranges=(self.area,),
            thresholds=self.thresholds if thresholds is None else thresholds,
            detection_areas=self.original_areas,
        )

    def count(self, detections: Detections) -> Counts:
        return _counted(accumulate(self.match(detections), detections.scores))

    def keypoint_errors(self, true_sigma: bool) -> KeypointErrors:
        truths, detections = self.report.truths, self.report.detections
        matches = self.match(detections, np.array([MATCH_OKS]))
        truth_rows = matches.truth[0, 0].astype(np.int64)
        paired = np.flatnonzero(truth_rows >= 0)
        paired = paired[truths.num_labelled[truth_rows[paired]] > 0]
        truth_rows, rows = truth_rows[paired], matches.order[paired]
        oks = pair_oks(truths, detections, truth_rows, rows, sigmas=self.sigmas, areas=self.report.areas)
        return find_keypoint_errors(
            truths,
            detections,
            self.report.protocol.skeleton,
            (rows, truth_rows, oks),
            areas=self.report.areas,
            true_sigma=true_sigma,
        )

    def rescore(self, detections: Detections, baseline: Matches) -> tuple[FloatColumn, FloatColumn]:
        """(D,) OKS with the nearest truth that counts, NaN for the cut, and (D,) scores, the cut at the end."""
        rows = np.sort(baseline.order)
        nearest = nearest_oks(
            self.report.truths,
            detections,
            ~baseline.truth_ignored[0],
            rows,
            sigmas=self.sigmas,
            areas=self.report.areas,
        )
        cut = np.ones(len(detections), bool)
        cut[rows] = False
        scores = suppress(detections, nearest, sigmas=self.sigmas)
        return np.where(cut, np.nan, nearest), np.where(cut, _CUT, scores)


def _counted(found: Accumulated) -> Counts:
    ap = np.array([mean_of_found(precision) for precision in found.precision[..., 0]])
    recall = np.array([mean_of_found(recall) for recall in found.recall[..., 0]])
    return ap, recall


def _curve(steps: list[Counts]) -> Curve:
    return Curve(np.stack([ap for ap, _ in steps]), np.stack([recall for _, recall in steps]))
