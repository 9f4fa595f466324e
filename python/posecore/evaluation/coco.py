"""`evaluate`: COCO's keypoint AP and AR, all ten numbers to the last bit of pycocotools'."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from posecore.arguments import listed, number, whole
from posecore.errors import SourceError
from posecore.evaluation import protocol as protocols
from posecore.evaluation.coco_files import LYING_NOTE, read_detections, read_truths
from posecore.evaluation.column_checks import check_detections, check_truths
from posecore.evaluation.matching import Accumulated, Matches, accumulate, match, mean_of_found
from posecore.evaluation.protocol import Protocol, sigmas_of
from posecore.evaluation.report import Report
from posecore.evaluation.truths import Detections, FloatColumn, Truths
from posecore.skeletons import Skeleton

_DESCRIBED = "custom"  # a skeleton of which the caller gave the sigmas alone


def evaluate(
    truth: Any,
    results: Any,
    *,
    protocol: str | Protocol = "auto",
    skeleton: Skeleton | None = None,
    sigmas: Sequence[float] | None = None,
    max_detections: int | None = None,
) -> Report:
    """Score results against the truth.

    Args:
        truth: a COCO annotation file: a path, a dict, a stream, bytes, `{image_id: Poses}`, or `Truths`.
        results: a COCO result file: a path, a list of dicts, a stream, bytes, `{image_id: Poses}`, or
            `Detections` of these `Truths`, or of others with the same images.
        protocol: a `Protocol`, the name of one (coco, coco_feet, crowdpose, wholebody_body, wholebody_foot), or
            "auto": the one whose keypoints the truth has.
        skeleton: instead of the protocol's; it needs sigmas.
        sigmas: K of them, instead of the skeleton's.
        max_detections: of each image, instead of the protocol's.

    Raises:
        SourceError: a file that cannot be read or has a record that is wrong: file, record and field are named.
        TypeError, ValueError: keypoints that no protocol knows, or a skeleton without sigmas: the choices are named;
            an argument of another kind; `Truths` or `Detections` whose columns do not fit.
    """
    chosen = (
        None if protocol == "auto" else protocols.get(protocol) if isinstance(protocol, str) else protocol
    )
    if chosen is not None and not isinstance(chosen, Protocol):
        raise TypeError(f"protocol: wanted a Protocol or a name, got {type(chosen).__name__}")
    if skeleton is not None and not isinstance(skeleton, Skeleton):
        raise TypeError(
            f"skeleton: wanted a Skeleton, such as posecore.COCO17, got {type(skeleton).__name__}"
        )
    if sigmas is not None:
        wanted = "wanted a list of numbers, one a keypoint"
        sigmas = tuple(number(sigma, "sigmas", 1e-9, 1e9) for sigma in listed(sigmas, "sigmas", wanted))
    if isinstance(truth, Truths):
        truths = truth
        check_truths(truths)
    else:
        truths = read_truths(truth, fields=chosen.fields if chosen else ("keypoints",))
    chosen = _completed(chosen, truths, skeleton, sigmas)
    truths = truths.as_wide_as(chosen.skeleton.num_keypoints)
    if max_detections is not None:
        chosen = replace(chosen, max_detections=whole(max_detections, "max_detections", 1, 2**31 - 1))
    if isinstance(results, Detections):
        detections = results
        check_detections(detections, truths)
    else:
        # Poses are held against names: where the truth has none, against the protocol's.
        detections = read_detections(
            results, _named(truths, chosen), fields=chosen.fields, score_fields=chosen.score_fields
        )
    areas = areas_of(truths, chosen)
    notes = [*truths.origin.notes, *detections.origin.notes]
    if chosen.labelled == "stated":  # CrowdPose's numbers leave head and neck out
        notes = [note for note in notes if not note.startswith(LYING_NOTE)]
    if chosen.skip_unscored:
        scored = np.asarray((detections.keypoint_scores > 0).any(axis=1))
        if not scored.all():
            count = int((~scored).sum())
            have, are = ("result has", "is") if count == 1 else ("results have", "are")
            notes.append(f"{count} {have} no keypoint score above 0 and {are} left out")
            detections = detections.where(scored)
    unsplit = int(np.isnan(truths.images.crowd_indices).sum()) if chosen.crowd_splits else 0
    if unsplit:
        labels = ", ".join(f"AP_{split.label}" for split in chosen.crowd_splits)
        notes.append(
            f"{unsplit} of {len(truths.images)} images have no crowdIndex and are in none of {labels}"
        )
    ignored = (truths.stated_num_keypoints == 0) if chosen.labelled == "stated" else None
    matches = match(
        truths,
        detections,
        sigmas=sigmas_of(chosen.skeleton),
        areas=areas,
        thresholds=chosen.thresholds,
        ranges=chosen.area_ranges,
        max_detections=chosen.max_detections,
        truth_ignored=ignored,
    )
    accumulated = accumulate(matches, detections.scores)
    names, stats = _stats(chosen, matches, accumulated)
    return Report(truths, detections, chosen, areas, matches, stats, names, accumulated, tuple(notes))


def areas_of(truths: Truths, protocol: Protocol) -> FloatColumn:
    """(G,) float64 in px²: each truth's area as the protocol takes it.

    Raises:
        SourceError: a person without the area or the box that it needs.
    """
    field, column = (
        ("area", truths.areas) if protocol.area == "annotation" else ("bbox", truths.boxes.sum(axis=1))
    )
    unlabelled = np.isnan(truths.boxes).any(axis=1) & (truths.num_labelled == 0)
    for name, lacking in ((field, np.isnan(column)), ("bbox", unlabelled)):
        if lacking.any():
            row = int(np.argmax(lacking))
            other = (
                '; protocol "crowdpose" or Protocol(area="box") takes .53 of the box instead'
                if name == "area"
                else ""
            )
            raise SourceError(
                f"{truths.origin.name}: annotation {row} (id {truths.ids[row]}): wanted the field {name}, "
                f"which protocol {protocol.name} needs, got none{other}"
            )
    if protocol.area == "annotation":
        return truths.areas
    # Height times width times factor, in the order in which xtcocotools multiplies.
    return truths.boxes[:, 3] * truths.boxes[:, 2] * protocol.box_area_factor


def _completed(
    chosen: Protocol | None, truths: Truths, skeleton: Skeleton | None, sigmas: Sequence[float] | None
) -> Protocol:
    where = truths.origin.name
    if chosen is None and skeleton is None:
        try:
            chosen = protocols.for_keypoints(truths.keypoint_names, truths.num_keypoints, where)
        except ValueError:
            if sigmas is None:
                raise
            skeleton = _described(truths)
    if chosen is None and skeleton is not None:
        chosen = replace(protocols.COCO, name="custom", skeleton=_with(skeleton, sigmas))
    elif chosen is not None and (skeleton is not None or sigmas is not None):
        chosen = replace(chosen, skeleton=_with(skeleton or chosen.skeleton, sigmas))
    assert chosen is not None
    if truths.num_keypoints != chosen.skeleton.num_keypoints and len(truths):
        raise ValueError(
            f"protocol: {chosen.name} has {chosen.skeleton.num_keypoints} keypoints, but those of {where} "
            f"are {truths.num_keypoints}"
        )
    return chosen


def _named(truths: Truths, protocol: Protocol) -> Truths:
    """The truths with the protocol's names of keypoints where they have none."""
    known = truths.keypoint_names or protocol.skeleton.name == _DESCRIBED
    return truths if known else replace(truths, keypoint_names=protocol.skeleton.keypoints)


def _described(truths: Truths) -> Skeleton:
    """A skeleton of the truth's own keypoint names."""
    names = truths.keypoint_names or tuple(f"keypoint_{k}" for k in range(truths.num_keypoints))
    flips = tuple(
        (a, names.index(other))
        for a, name in enumerate(names)
        if name.startswith("left_") and (other := "right_" + name[5:]) in names
    )
    return Skeleton(_DESCRIBED, names, flip_pairs=flips)


def _with(skeleton: Skeleton, sigmas: Sequence[float] | None) -> Skeleton:
    return skeleton if sigmas is None else replace(skeleton, sigmas=tuple(sigmas))


def _marked(threshold: float) -> bool:
    return any(abs(threshold - mark) <= protocols.SAME_THRESHOLD for mark in (0.5, 0.75))


def _stats(
    protocol: Protocol, matches: Matches, accumulated: Accumulated
) -> tuple[tuple[str, ...], FloatColumn]:
    """The protocol's numbers: over all thresholds, at .5 and .75, of each further range, for precision and recall."""
    names: list[str] = []
    stats: list[float] = []
    marks = [(f"{round(100 * t)}", i) for i, t in enumerate(protocol.thresholds) if _marked(t)]
    for head, values in (("AP", accumulated.precision), ("AR", accumulated.recall)):
        names.append(head)
        stats.append(mean_of_found(values[..., 0]))
        for label, t in marks:
            names.append(head + label)
            stats.append(mean_of_found(values[t, ..., 0]))
        for a, area in enumerate(protocol.area_ranges[1:], start=1):
            names.append(head + {"small": "S", "medium": "M", "large": "L"}.get(area.label, f"_{area.label}"))
            stats.append(mean_of_found(values[..., a]))
    indices = matches.truths.images.crowd_indices
    for split in protocol.crowd_splits:
        inside = (indices >= split.least) & (indices < split.below)
        part = accumulate(matches, matches.detections.scores, images=inside)
        names.append(f"AP_{split.label}")
        stats.append(mean_of_found(part.precision[..., 0]))
    return tuple(names), np.array(stats)
