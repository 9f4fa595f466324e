"""`score_joints`: PCK, PCKh, PDJ, PCP and the score in pixels out of two files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from posecore.arguments import choice, number
from posecore.errors import SourceError
from posecore.evaluation.coco import evaluate
from posecore.evaluation.distance_score import DistanceScore
from posecore.evaluation.distances import pck, pckh, pdj, within_pixels
from posecore.evaluation.joint_files import open_joints
from posecore.evaluation.joint_set import JointSet, Pair, of_detections, of_truths, pair
from posecore.evaluation.limb_score import pcp
from posecore.evaluation.limbs import ten_limbs
from posecore.evaluation.normalisers import Normaliser, box_side, torso
from posecore.evaluation.protocol import ALL, Protocol
from posecore.evaluation.rematching import rematch
from posecore.evaluation.report import Report
from posecore.printable import printable
from posecore.skeletons import Skeleton

METRICS = ("pckh", "pck", "pdj", "pcp", "pcp-loose", "px")
LEAST_OKS = 0.1
"""A COCO result belongs to a truth where COCO's matching pairs them at this OKS."""


@dataclass(frozen=True, slots=True, eq=False)
class JointScore:
    """A distance metric of two files.

    Attributes:
        score: the numbers, with the sentence of their convention.
        pair: what was compared.
    """

    score: DistanceScore
    pair: Pair

    def __str__(self) -> str:
        both = self.pair
        files = f"truth: {printable(both.truth.origin.name)}\npredictions: {printable(both.prediction.origin.name)}"
        return (
            f"{self.score}\n{both.sentence}\n{both.truth.convention}\n{both.prediction.convention}\n{files}"
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        both = self.pair
        return self.score.as_dict() | {
            "pairing": both.sentence,
            "truth": {"file": both.truth.origin.name, "convention": both.truth.convention},
            "predictions": {"file": both.prediction.origin.name, "convention": both.prediction.convention},
        }


def score_joints(
    metric: str,
    truth: str | os.PathLike[str],
    predictions: str | os.PathLike[str],
    *,
    threshold: float | None = None,
    normaliser: Literal["box", "torso"] | None = None,
    comparison: Literal["<=", "<"] = "<=",
    offset_px: float | None = None,
    protocol: str | Protocol = "auto",
    skeleton: Skeleton | None = None,
    sigmas: Sequence[float] | None = None,
) -> JointScore:
    """A distance metric of predictions against the truth.

    Args:
        metric: one of `METRICS`; pcp is the strict one, px counts keypoints within so many pixels.
        truth, predictions: files of MPII or LSP in the kinds that `open_joints` knows, one prediction a truth, or COCO
            annotations and results. A COCO truth has the result that COCO's matching gives it at OKS .1, and one
            that has none is missed with all its keypoints.
        threshold: in units of the normaliser, pixels for px; the metric's own where it is left out.
        normaliser: of pck: the longer side of the box, or the torso (left shoulder to right hip). Left out: the torso,
            as in PDJ.
        offset_px: added to the predictions; left out: so that both files count pixels from the same number.
        protocol, skeleton, sigmas: as `evaluate` takes them, of the matching of COCO files; others are not matched.

    Raises:
        SourceError: a file that cannot be read, or lacks what the metric needs.
        ValueError: options that do not fit.
    """
    choice(metric, "metric", METRICS)
    if normaliser is not None:
        choice(normaliser, "normaliser", ("box", "torso"))
        if metric != "pck":
            raise ValueError(f"normaliser: wanted it for pck alone, got it for {metric}")
    if _is_coco(truth):
        report = evaluate(truth, predictions, protocol=protocol, skeleton=skeleton, sigmas=sigmas)
        both = _coco_pair(report)
    else:
        for name, given in (("protocol", protocol), ("skeleton", skeleton), ("sigmas", sigmas)):
            if given not in (None, "auto"):
                raise ValueError(
                    f"{name}: wanted with COCO files, which are matched, alone, got it for {truth}"
                )
        both = pair(open_joints(truth), open_joints(predictions, "prediction"))
    if offset_px is not None:
        offset = number(offset_px, "offset_px", -1e6, 1e6)
        both = Pair(
            both.truth, both.prediction, offset, f"{offset:+g} px on the predictions, as was asked for."
        )
    if threshold is not None:
        threshold = number(threshold, "threshold", 0, 1e9)
    return JointScore(_score(metric, both, threshold, normaliser or "torso", comparison), both)


def _score(
    metric: str, both: Pair, threshold: float | None, normaliser: str, comparison: Any
) -> DistanceScore:
    true, predicted = both.truth, both.prediction
    common: dict[str, Any] = {"comparison": comparison, "offset_px": both.offset_px, "nan": "miss"}
    if threshold is not None:
        common["threshold_px" if metric == "px" else "threshold"] = threshold
    if predicted.sticks is not None and not metric.startswith("pcp"):
        raise SourceError(
            f"{predicted.origin.name}: wanted keypoints for {metric}, got sticks, which only pcp takes"
        )
    points = predicted.points if predicted.sticks is None else predicted.sticks
    if metric.startswith("pcp"):
        rule: Any = "loose" if metric == "pcp-loose" else "strict"
        return pcp(points, true.points, true.labelled, ten_limbs(true.skeleton), rule=rule, **common)
    common["skeleton"] = true.skeleton
    if metric == "px":
        return within_pixels(points, true.points, true.labelled, **common)
    if metric == "pckh":
        if true.head_boxes is None and true.head_sizes is None:
            raise SourceError(
                f"{true.origin.name}: wanted head boxes, which PCKh measures by, got {true.kind}, which has none"
            )
        return pckh(
            points,
            true.points,
            true.labelled,
            head_boxes=true.head_boxes,
            head_sizes=true.head_sizes,
            **common,
        )
    by = _normaliser(true, normaliser)
    return (pck if metric == "pck" else pdj)(points, true.points, true.labelled, by, **common)


def _normaliser(true: JointSet, name: str) -> Normaliser:
    if name == "torso":
        return torso(true.points, true.labelled, true.skeleton)
    if true.boxes is None:
        raise SourceError(f"{true.origin.name}: wanted boxes of people, got {true.kind}, which has none")
    return box_side(true.boxes)


def _is_coco(path: str | os.PathLike[str]) -> bool:
    """Whether a file is JSON of an object; HRNet's JSON for MPII is a list."""
    with open(path, "rb") as file:
        head = file.read(4096)
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{"


def _coco_pair(report: Report) -> Pair:
    matched = rematch(report, thresholds=(LEAST_OKS,), ranges=(ALL,))
    rows = matched.detection_of_truth[0, 0].astype(np.int64)
    wanted = ~report.truths.is_crowd & (report.truths.num_labelled > 0)
    skeleton = report.protocol.skeleton
    return Pair(
        of_truths(report.truths, skeleton).rows(wanted),
        of_detections(report.truths, report.detections, rows, skeleton).rows(wanted),
        0.0,
        f"Each person that is no crowd and has labels, with the result that COCO's matching gives at OKS {LEAST_OKS}.",
    )
