"""`Diagnosis`: what an average precision was lost to, after Ronchi and Perona (ICCV 2017).

Every error that a detection can have is corrected, one kind after the other and each alone, and the set is matched
and accumulated again. The numbers are those of their program, coco-analyze.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.arguments import listed, number
from posecore.evaluation.diagnosis_table import as_dict, as_text
from posecore.evaluation.examination import STEPS, examine
from posecore.evaluation.protocol import COCO_RANGES, AreaRange
from posecore.evaluation.report import Report
from posecore.skeletons import COCO17

if TYPE_CHECKING:
    from collections.abc import Sequence

    from posecore.evaluation.keypoint_errors import KeypointErrors
    from posecore.evaluation.matching import Matches
    from posecore.evaluation.truths import FloatColumn, IntColumn

RANGES = (
    AreaRange("all", 32.0**2, 1e5**2),
    AreaRange("medium", 32.0**2, 96.0**2),
    AreaRange("large", 96.0**2, 1e5**2),
)
"""coco-analyze's: COCO's ranges, from 32² px on, as no smaller person of COCO has keypoints."""


@dataclass(frozen=True, slots=True, eq=False)
class Diagnosis:
    """What is wrong with D detections of G people, in A area ranges and at T thresholds of OKS.

    The steps, in this order: "baseline" is as it came; "miss", "swap", "inversion" and "jitter" put the keypoints
    with that error where it is gone (`KeypointErrors.corrected_xy`); "score" gives each detection its
    `optimal_scores`; "background_fp" leaves detections out that match no one; "fn" leaves people out that no one
    matches. An average precision is COCO's, the mean of 101 precisions, -1 where no person is in the range.

    Attributes:
        report: what was diagnosed.
        true_sigma: whether corrections are as far off as they should be (see `diagnose`).
        ranges: A of (label, least, most), px².
        thresholds: (T,) float64.
        errors: A `KeypointErrors`, one a range.
        progressive_ap, progressive_recall: (A, 8, T) float64, after each step and all before it.
        alone_ap, alone_recall: (A, 8, T) float64, after each step alone.
        max_oks: (A, D) float64, the OKS of each detection, its keypoints corrected, with the nearest person that
            counts in the range; NaN where the detection was cut, being beyond the most that a picture may have.
        optimal_scores: (A, D) float64, the same, lowered where a better detection is on the same person.
        alone_max_oks, alone_optimal_scores: (A, D) float64, with the keypoints as they came.
        baseline_matches, corrected_matches: A of the matches of the detections as they came, and after "score".
    """

    report: Report
    true_sigma: bool
    ranges: tuple[AreaRange, ...]
    thresholds: FloatColumn
    errors: tuple[KeypointErrors, ...]
    progressive_ap: FloatColumn
    progressive_recall: FloatColumn
    alone_ap: FloatColumn
    alone_recall: FloatColumn
    max_oks: FloatColumn
    optimal_scores: FloatColumn
    alone_max_oks: FloatColumn
    alone_optimal_scores: FloatColumn
    baseline_matches: tuple[Matches, ...]
    corrected_matches: tuple[Matches, ...]

    @property
    def steps(self) -> tuple[str, ...]:
        """The eight names of the steps."""
        return STEPS

    @property
    def false_positives(self) -> tuple[tuple[IntColumn, ...], ...]:
        """[range][threshold]: int64 rows of the detections that count and match no one, errors corrected."""
        return tuple(
            tuple(
                matches.order[(truth < 0) & ~ignored]
                for truth, ignored in zip(matches.truth[0], matches.ignored[0], strict=True)
            )
            for matches in self.corrected_matches
        )

    @property
    def false_negatives(self) -> tuple[tuple[IntColumn, ...], ...]:
        """[range][threshold]: int64 rows of the truths that count and that no one matches, errors corrected."""
        return tuple(
            tuple(
                np.flatnonzero((found < 0) & ~matches.truth_ignored[0])
                for found in matches.detection_of_truth[0]
            )
            for matches in self.corrected_matches
        )

    @property
    def suboptimal_images(self) -> IntColumn:
        """int64 rows of the images in which `alone_optimal_scores` of the first range order the people otherwise."""
        detections, rows = self.report.detections, np.sort(self.baseline_matches[0].order)
        images = detections.image_index[rows]
        as_scored = rows[np.lexsort([-detections.scores[rows], images])]
        as_wanted = rows[np.lexsort([-self.alone_optimal_scores[0, rows], images])]
        return np.unique(detections.image_index[as_scored[as_scored != as_wanted]])

    def table(self) -> str:
        """The steps and the keypoints for people, as lines of at most 100 columns."""
        return as_text(self)

    def as_dict(self) -> dict[str, Any]:
        """The same for programs: numbers, texts, lists and dicts, as JSON has them."""
        return as_dict(self)

    def __str__(self) -> str:
        return self.table()


def diagnose(
    report: Report,
    *,
    true_sigma: bool = False,
    ranges: Sequence[tuple[str, float, float]] | None = None,
    thresholds: Sequence[float] | FloatColumn | None = None,
) -> Diagnosis:
    """What each kind of error costs.

    Args:
        report: of an evaluation. Where its skeleton has no flip pairs nothing is an inversion.
        true_sigma: where coco-analyze moves a keypoint to similarity s, the similarity becomes s^¼ (.841 for a miss,
            .960 for jitter), as it takes sigma where OKS takes 2 sigma. False gives its numbers; True moves keypoints
            to s itself, and the gains are smaller.
        ranges: (label, least, most) of areas in px², both ends included. Where nothing is said `RANGES` for
            skeletons that begin with COCO's 17 keypoints; the protocol's own for others, and where these are not
            COCO's or people under 32² px have keypoints.
        thresholds: of OKS in (0, 1], ascending; those of the report's protocol where nothing is said.

    Raises:
        TypeError, ValueError: an argument is not as above; the sentence says which.
    """
    if not isinstance(report, Report):
        raise TypeError(f"report: wanted a Report, got {type(report).__name__}")
    if not isinstance(true_sigma, bool):
        raise TypeError(f"true_sigma: wanted True or False, got {true_sigma!r}")
    chosen = _default_ranges(report) if ranges is None else _ranges(ranges)
    limits = _thresholds(report.protocol.thresholds if thresholds is None else thresholds)
    found = [examine(report, area, limits, true_sigma=true_sigma) for area in chosen]
    return Diagnosis(
        report=report,
        true_sigma=true_sigma,
        ranges=chosen,
        thresholds=limits,
        errors=tuple(each.errors for each in found),
        progressive_ap=np.stack([each.progressive.ap for each in found]),
        progressive_recall=np.stack([each.progressive.recall for each in found]),
        alone_ap=np.stack([each.alone.ap for each in found]),
        alone_recall=np.stack([each.alone.recall for each in found]),
        max_oks=np.stack([each.max_oks for each in found]),
        optimal_scores=np.stack([each.optimal_scores for each in found]),
        alone_max_oks=np.stack([each.alone_max_oks for each in found]),
        alone_optimal_scores=np.stack([each.alone_optimal_scores for each in found]),
        baseline_matches=tuple(each.baseline_matches for each in found),
        corrected_matches=tuple(each.corrected_matches for each in found),
    )


def _default_ranges(report: Report) -> tuple[AreaRange, ...]:
    small = (report.areas < RANGES[0].least_px2) & ~report.matches.truth_ignored[0]
    own, body = report.protocol.area_ranges, COCO17.keypoints
    is_coco = own == COCO_RANGES and report.protocol.skeleton.keypoints[: len(body)] == body
    return RANGES if is_coco and not small.any() else own


def _ranges(ranges: object) -> tuple[AreaRange, ...]:
    wanted = "wanted (label, least, most) of areas in px²"
    found = []
    for area in listed(ranges, "ranges", wanted):
        parts = tuple(area) if isinstance(area, (tuple, list)) else ()
        if len(parts) != 3 or not isinstance(parts[0], str):
            raise TypeError(f"ranges: {wanted}, got {area!r}")
        least, most = (number(part, f"ranges: {parts[0]!r}", 0, 1e300) for part in parts[1:])
        if least > most:
            raise ValueError(f"ranges: {wanted} with least <= most, got {area!r}")
        found.append(AreaRange(parts[0], least, most))
    if not found or len({area.label for area in found}) != len(found):
        raise ValueError(f"ranges: {wanted}, at least one and each label once, got {ranges!r}")
    return tuple(found)


def _thresholds(thresholds: object) -> FloatColumn:
    wanted = "wanted numbers in (0, 1], ascending"
    values = [number(t, "thresholds", 0, 1) for t in listed(thresholds, "thresholds", wanted)]
    if not values or values[0] <= 0 or any(a >= b for a, b in pairwise(values)):
        raise ValueError(f"thresholds: {wanted}, got {thresholds!r}")
    return np.array(values)
