"""From evaluation and diagnosis to what their page shows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

import numpy as np

from posecore.arguments import whole
from posecore.evaluation import calibration
from posecore.evaluation.keypoint_errors import KINDS
from posecore.evaluation.page_content import (
    AreaRange,
    Calibration,
    Curve,
    Entry,
    KeypointKinds,
    PageContent,
    PictureRow,
    Point,
    ReliabilityBin,
    Run,
    ScoreThreshold,
    SigmaPoint,
    SliceBar,
    SliceGroup,
    Step,
    Waterfall,
)
from posecore.evaluation.page_figure import has_figure
from posecore.evaluation.page_gallery_entries import Worst
from posecore.evaluation.page_pictures import with_pictures
from posecore.evaluation.slices import rank_pictures, slices

if TYPE_CHECKING:
    from posecore.evaluation.diagnosis import Diagnosis
    from posecore.evaluation.report import Report
    from posecore.evaluation.truths import FloatColumn, Truths

_SLICES = {
    "size": ("Size", "by the square root of the person's area"),
    "keypoints": ("Labelled keypoints", "how many of the person's keypoints have a label"),
    "crowding": ("Crowding", "by the greatest IoU of the person's box with another's in the picture"),
    "aspect": ("Aspect", "portrait where the person's box is higher than wide"),
}
_WORST_PICTURES = 10
_BINS = 10
_PRECISIONS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
_SCALES = (0.5, 0.6, 0.7, 0.85, 1.0, 1.2, 1.4, 1.7, 2.0)


def page_of(
    diagnoses: Diagnosis | Sequence[Diagnosis],
    *,
    images: str | os.PathLike[str] | None = None,
    worst: int = 100,
    title: str | None = None,
) -> PageContent:
    """What the page of one or two diagnoses shows.

    Args:
        diagnoses: one, or two of the same truths.
        images: the folder of the pictures; without it people are drawn on plain grounds.
        worst: how many people of each run the gallery has at most, 0 to 1000.
        title: of the page; it names the file of truths where nothing is said.

    Raises:
        TypeError, ValueError: an argument is not as above, or the two are not about the same people.
        MissingExtra: `images` is given and OpenCV is not installed.
    """
    both = list(diagnoses) if isinstance(diagnoses, Sequence) else [diagnoses]
    if len(both) not in (1, 2):
        raise ValueError(f"diagnoses: wanted one or two, got {len(both)}")
    whole(worst, "worst", 0, 1000)
    _check_same(both)
    report = both[0].report
    skeleton = report.protocol.skeleton
    entries, pictures, note = Worst(both, worst).entries()
    notes: tuple[str, ...] = ()
    if images is not None:
        pictures, notes = with_pictures(pictures, images)
    names = _names(both)
    runs = tuple(
        _run(diagnosis, name, entries[index])
        for index, (diagnosis, name) in enumerate(zip(both, names, strict=True))
    )
    return PageContent(
        title=title or f"Keypoint evaluation of {_last_part(report.truths.origin.name)}",
        skeleton=skeleton,
        runs=runs,
        pictures=pictures,
        gallery_note=" ".join([note, *(f"{said}." for said in notes)]),
        layout=None if has_figure(skeleton) else mean_pose(report.truths),
    )


def mean_pose(truths: Truths) -> tuple[Point, ...]:
    """K points: where each keypoint is on average in the box around a person's labelled keypoints, in [0, 1]."""
    seen = (truths.visibility > 0)[..., np.newaxis]
    low = np.where(seen, truths.xy, np.inf).min(axis=1, keepdims=True)
    high = np.where(seen, truths.xy, -np.inf).max(axis=1, keepdims=True)
    # Boxes of few keypoints say little about where in a body they are.
    enough = truths.num_labelled > truths.num_keypoints // 2
    if not enough.any():
        enough = truths.num_labelled > 1
    seen, low, high, xy = seen[enough], low[enough], high[enough], truths.xy[enough]
    # The taller side is the unit of both, so that a person is no square.
    extent = (high - low).max(axis=2, keepdims=True)
    inside = np.where(seen, (xy - (low + high) / 2) / np.where(extent > 0, extent, 1), 0.0)
    count = seen.sum(axis=0)
    mean = inside.sum(axis=0) / np.maximum(count, 1)
    return tuple((float(x) + 0.5, float(y) + 0.5) for x, y in mean)


def _check_same(both: Sequence[Diagnosis]) -> None:
    if len(both) == 1:
        return
    first, second = (diagnosis.report for diagnosis in both)
    same = (
        first.protocol.skeleton == second.protocol.skeleton
        and np.array_equal(first.truths.ids, second.truths.ids)
        and np.array_equal(first.truths.xy, second.truths.xy)
        and [r.label for r in first.protocol.area_ranges] == [r.label for r in second.protocol.area_ranges]
        and first.protocol.thresholds == second.protocol.thresholds
        and both[0].ranges == both[1].ranges
        and np.array_equal(both[0].thresholds, both[1].thresholds)
    )
    if not same:
        raise ValueError(
            "diagnoses: wanted two of the same people by the same protocol, ranges and thresholds, got "
            f"{first.truths.origin.name} ({first.protocol.name}) and {second.truths.origin.name} "
            f"({second.protocol.name})"
        )


def _names(both: Sequence[Diagnosis]) -> list[str]:
    """What the runs are called: their files' names, with folders where these are the same."""
    full = [diagnosis.report.detections.origin.name for diagnosis in both]
    short = [_last_part(name) for name in full]
    return full if len(set(short)) < len(short) else short


def _last_part(name: str) -> str:
    path = PureWindowsPath(name) if "\\" in name else PurePosixPath(name)
    return path.name or name


def _run(diagnosis: Diagnosis, name: str, entries: tuple[Entry, ...]) -> Run:
    report = diagnosis.report
    known = calibration.calibrate(report, thresholds=(0.5,), bins=_BINS, scales=_SCALES)
    return Run(
        name=name,
        card=(*report.card(), ("corrections", _corrections(diagnosis))),
        stats=tuple((n, _number(v)) for n, v in zip(report.stat_names, report.stats, strict=True)),
        images=len(report.truths.images),
        truths=len(report.truths),
        detections=len(report.detections),
        matched=len(diagnosis.errors[0]),
        areas=_areas(report),
        waterfalls=_waterfalls(diagnosis),
        keypoints=tuple(
            KeypointKinds(keypoint, tuple(int(v) for v in counts[1:]))  # type: ignore[arg-type]
            for keypoint, counts in zip(
                report.protocol.skeleton.keypoints, diagnosis.errors[0].counts, strict=True
            )
        ),
        slices=_slices(report),
        worst_pictures=_worst_pictures(report),
        calibration=_calibration(known),
        sigma_scale=_sigma_scale(known),
        entries=entries,
        at_origin=_at_origin(diagnosis),
    )


def _at_origin(diagnosis: Diagnosis) -> tuple[int, int]:
    errors = diagnosis.errors[0]
    there = (diagnosis.report.detections.xy[errors.detection_rows] == 0).all(axis=-1)
    misses = there & (errors.kinds == KINDS.index("miss"))
    return int(there.sum()), int(misses.sum())


def _corrections(diagnosis: Diagnosis) -> str:
    if diagnosis.true_sigma:
        return "keypoints are put where their similarity is .5 (miss) or .85 (jitter)"
    return (
        "A corrected keypoint is put at a distance that coco-analyze takes from sigma where OKS uses 2 sigma: nearer "
        "than needed; a similarity of .50 becomes .84 and .85 becomes .96. --true-sigma puts it where OKS wants it."
    )


def _areas(report: Report) -> tuple[AreaRange, ...]:
    found = []
    recall_steps = report.accumulated.precision.shape[1]
    for a, area in enumerate(report.protocol.area_ranges):
        curves = []
        for t, threshold in enumerate(report.protocol.thresholds):
            # Categories without people in the range are -1 at every recall and count nowhere.
            precision = report.accumulated.precision[t, :, :, a]
            known = precision[:, (precision > -1).all(axis=0)]
            recall = report.accumulated.recall[t, :, a]
            recall = recall[recall > -1]
            mean = known.mean(axis=1) if known.size else np.zeros(recall_steps)
            curves.append(
                Curve(
                    float(threshold),
                    tuple(float(v) for v in mean),
                    float(known.mean()) if known.size else None,
                    float(recall.mean()) if recall.size else None,
                )
            )
        people = int((~report.matches.truth_ignored[a]).sum())
        found.append(
            AreaRange(area.label, float(area.least_px2), float(area.most_px2), people, tuple(curves))
        )
    return tuple(found)


def _waterfalls(diagnosis: Diagnosis) -> tuple[Waterfall, ...]:
    return tuple(
        Waterfall(
            area.label,
            float(area.least_px2),
            float(area.most_px2),
            tuple(float(t) for t in diagnosis.thresholds),
            _steps(diagnosis, diagnosis.progressive_ap[a], diagnosis.progressive_recall[a]),
            _steps(diagnosis, diagnosis.alone_ap[a], diagnosis.alone_recall[a]),
        )
        for a, area in enumerate(diagnosis.ranges)
    )


def _steps(diagnosis: Diagnosis, ap: FloatColumn, recall: FloatColumn) -> tuple[Step, ...]:
    return tuple(
        Step(name, tuple(_number(v) for v in ap[s]), tuple(_number(v) for v in recall[s]))
        for s, name in enumerate(diagnosis.steps)
    )


def _slices(report: Report) -> tuple[SliceGroup, ...]:
    parts = slices(report, by=tuple(_SLICES))
    return tuple(
        SliceGroup(
            title,
            note,
            tuple(
                SliceBar(
                    part.label,
                    part.truths,
                    part.detections,
                    *(_number(value) for value in (part.ap, part.ap50, part.ap75, part.ar)),
                )
                for part in parts
                if part.name == name and part.truths
            ),
        )
        for name, (title, note) in _SLICES.items()
        if any(part.name == name and part.truths for part in parts)
    )


def _worst_pictures(report: Report) -> tuple[PictureRow, ...]:
    ranked, images = rank_pictures(report), report.truths.images
    found = ranked.truths - ranked.missed
    # As `eval --per-image` orders them, so that there is one ranking.
    order = np.lexsort([images.ids[ranked.rows], -(ranked.missed + ranked.wrong)])[:_WORST_PICTURES]
    return tuple(
        PictureRow(
            name=images.file_names[row] or f"image {images.ids[row]}",
            truths=int(ranked.truths[place]),
            missed=int(ranked.missed[place]),
            wrong=int(ranked.wrong[place]),
            mean_oks=float(ranked.mean_oks[place] * ranked.truths[place] / found[place])
            if found[place]
            else None,
        )
        for place, row in zip(order, ranked.rows[order], strict=True)
    )


def _calibration(known: calibration.Calibration) -> Calibration:
    first = known.reliability[0]
    in_unit = first.binning == "equal width"
    bins = []
    for b, (least, most) in enumerate(zip(first.least, first.most, strict=True)):
        if in_unit:
            # Bars as wide as their bins, which are wider than the extreme scores in them.
            place = min(int(least * _BINS), _BINS - 1)
            least, most = place / _BINS, (place + 1) / _BINS
        mean, precision = float(first.mean_scores[b]), float(first.precision[b])
        bins.append(ReliabilityBin(float(least), float(most), mean, precision, int(first.counts[b])))
    reached = {wanted: known.threshold_for(wanted) for wanted in _PRECISIONS}
    thresholds = tuple(
        ScoreThreshold(wanted, None, None, None, 0)
        if found is None
        else ScoreThreshold(wanted, found.score, found.precision, _finite(found.recall), found.detections)
        for wanted, found in reached.items()
    )
    return Calibration(
        oks=first.oks,
        bins=tuple(bins),
        thresholds=thresholds,
        in_unit=in_unit,
        error=_finite(first.expected_error),
        rank_correlation=_finite(known.rank_correlation),
    )


def _sigma_scale(known: calibration.Calibration) -> tuple[SigmaPoint, ...]:
    return tuple(SigmaPoint(point.scale, _number(point.averages.ap)) for point in known.sigma_scales)


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _number(value: float) -> float | None:
    """COCO's -1 is that there is no number."""
    return None if value < 0 or not np.isfinite(value) else float(value)
