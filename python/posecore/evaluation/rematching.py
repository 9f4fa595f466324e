"""A report's people matched again, by its protocol but for what is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posecore.evaluation.matching import Matches, match
from posecore.evaluation.protocol import AreaRange, sigmas_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from posecore.evaluation.report import Report
    from posecore.evaluation.truths import Detections, FloatColumn


def rematch(
    report: Report,
    *,
    detections: Detections | None = None,
    sigmas: Sequence[float] | None = None,
    thresholds: Sequence[float] | FloatColumn | None = None,
    ranges: Sequence[AreaRange] | None = None,
    truth_ignored: npt.NDArray[np.bool_] | None = None,
    detection_ignored: npt.NDArray[np.bool_] | None = None,
    detection_areas: FloatColumn | None = None,
) -> Matches:
    """The matches of the report's truths with its detections, or with `detections`.

    Args:
        detections: D people, the report's with other keypoints or scores.
        sigmas, thresholds, ranges: instead of the protocol's.
        truth_ignored: (G,) truths that need not be found, on top of those that the protocol leaves out.
        detection_ignored: (D,) detections that are not wrong where they match no one.
        detection_areas: (D,) float64 in px². Where nothing is said they are those of the report's detections,
            wherever the keypoints of `detections` are.
    """
    protocol, truths = report.protocol, report.truths
    if detections is not None and detection_areas is None:
        detection_areas = report.detections.areas
    if protocol.labelled == "stated":
        unlabelled = truths.stated_num_keypoints == 0
        truth_ignored = unlabelled if truth_ignored is None else truth_ignored | unlabelled
    return match(
        truths,
        report.detections if detections is None else detections,
        sigmas=sigmas_of(protocol.skeleton) if sigmas is None else sigmas,
        areas=report.areas,
        thresholds=protocol.thresholds if thresholds is None else thresholds,
        ranges=protocol.area_ranges if ranges is None else ranges,
        max_detections=protocol.max_detections,
        truth_ignored=truth_ignored,
        detection_ignored=detection_ignored,
        detection_areas=detection_areas,
    )
