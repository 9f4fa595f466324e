"""COCO's matching of detections to truths, and precision and recall out of it.

The rules are those of pycocotools 2.0.11, to the last bit: detections best first with ties in the order of the
file, each taking the truth of the highest OKS that is free (of equal ones the last), ignored truths only where no
regular one is held, crowds any number of times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore import _core
from posecore.evaluation.protocol import RECALL_LEVELS, AreaRange
from posecore.evaluation.truths import Detections, FloatColumn, IntColumn, Truths

if TYPE_CHECKING:
    import numpy.typing as npt

    BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """Who was matched to whom, for A area ranges and T thresholds of OKS.

    Attributes:
        truths, detections: the G and D people whose rows the arrays below name.
        categories: (C,) int64, ascending ids of the categories that are evaluated.
        thresholds: (T,) float64.
        ranges: A area ranges.
        order: (E,) int64, the rows of the detections that are evaluated: by category, image, and score, highest
            first; at most `max_detections` of an image and category.
        offsets: (C + 1,) int64, where each category begins in `order`.
        truth: (A, T, E) int32, the row of the truth that `order[e]` was matched to, or -1.
        ignored: (A, T, E) bool, True where the detection is neither right nor wrong.
        detection_of_truth: (A, T, G) int32, the row of the (last) detection that was matched to it, or -1.
        truth_ignored: (A, G) bool, True where the truth need not be found.
    """

    truths: Truths
    detections: Detections
    categories: IntColumn
    thresholds: FloatColumn
    ranges: tuple[AreaRange, ...]
    order: IntColumn
    offsets: IntColumn
    truth: npt.NDArray[np.int32]
    ignored: BoolArray
    detection_of_truth: npt.NDArray[np.int32]
    truth_ignored: BoolArray


@dataclass(frozen=True, slots=True, eq=False)
class Accumulated:
    """Precision and recall for C categories, in the layout of pycocotools; -1 where a category has no positive.

    Attributes:
        precision: (T, R, C, A) float64, the highest precision at each of the R = 101 levels of recall or beyond.
        recall: (T, C, A) float64, of all detections together.
        scores: (T, R, C, A) float64, the score of the detection with which the level was reached, 0 beyond.
    """

    precision: FloatColumn
    recall: FloatColumn
    scores: FloatColumn


def match(
    truths: Truths,
    detections: Detections,
    *,
    sigmas: Sequence[float],
    areas: FloatColumn,
    thresholds: Sequence[float] | FloatColumn,
    ranges: Sequence[AreaRange],
    max_detections: int,
    truth_ignored: BoolArray | None = None,
    detection_ignored: BoolArray | None = None,
    detection_areas: FloatColumn | None = None,
) -> Matches:
    """Match detections to truths, for every range and threshold.

    Args:
        sigmas: K of them.
        areas: (G,) float64 in px², of each truth: in OKS, and against the ranges.
        truth_ignored: (G,) truths that need not be found, on top of COCO's rules.
        detection_ignored: (D,) detections that are not wrong where they match nothing, on top of COCO's rules.
        detection_areas: (D,) float64 in px², instead of `detections.areas`.
    """
    categories = np.unique(
        np.array(list(truths.category_names), np.int64) if truths.category_names else truths.category_ids
    )
    num_images = len(truths.images)
    truth_rows, truth_groups = _grouped(truths, categories, num_images, None)
    rows, groups = _grouped(detections, categories, num_images, detections.scores)
    rows, groups = _best(rows, groups, max_detections)
    # Groups that have people: there may be far more pairs of a category and an image.
    peopled = np.union1d(truth_groups, groups)
    truth, ignored, detection_of_truth, never = _core.match_people(
        truth_xy=truths.xy,
        visibility=truths.visibility,
        truth_areas=areas,
        boxes=truths.boxes,
        crowd=truths.is_crowd.view(np.uint8),
        sigmas=np.array(sigmas, np.float64),
        truth_ignored=_bytes(truth_ignored),
        truth_rows=truth_rows,
        truth_offsets=_offsets(truth_groups, peopled),
        detection_xy=detections.xy,
        detection_areas=detections.loaded_areas if detection_areas is None else detection_areas,
        detection_ignored=_bytes(detection_ignored),
        detection_rows=rows,
        detection_offsets=_offsets(groups, peopled),
        thresholds=[float(t) for t in thresholds],
        ranges=[(float(r.least_px2), float(r.most_px2)) for r in ranges],
    )
    return Matches(
        truths=truths,
        detections=detections,
        categories=categories,
        thresholds=np.array(thresholds, np.float64),
        ranges=tuple(ranges),
        order=rows,
        offsets=_offsets(groups // max(num_images, 1), np.arange(len(categories))),
        truth=truth,
        ignored=ignored.view(np.bool_),
        detection_of_truth=detection_of_truth,
        truth_ignored=never.view(np.bool_),
    )


def accumulate(
    matches: Matches,
    scores: FloatColumn,
    *,
    images: BoolArray | None = None,
    recall_levels: FloatColumn = RECALL_LEVELS,
    max_detections: int | None = None,
) -> Accumulated:
    """Precision at levels of recall, and recall.

    Args:
        scores: (D,) float64, of the detections; the order within an image is that of `matches`.
        images: (I,) the pictures that count; all where it is left out.
        recall_levels: (R,) float64, ascending.
        max_detections: the best of each image and category that count; all that were matched where it is left out.
    """
    truths, detections = matches.truths, matches.detections
    shape = (len(matches.thresholds), len(recall_levels), len(matches.categories), len(matches.ranges))
    precision, reached = np.full(shape, -1.0), np.full(shape, -1.0)
    recall = np.full((shape[0], *shape[2:]), -1.0)
    by_category = np.argsort(truths.category_ids, kind="stable")
    ascending = truths.category_ids[by_category]
    begins = np.searchsorted(ascending, matches.categories, side="left")
    ends = np.searchsorted(ascending, matches.categories, side="right")
    # A category without truths has no positive.
    for c in np.flatnonzero(ends > begins):
        places = np.arange(matches.offsets[c], matches.offsets[c + 1])
        wanted = by_category[begins[c] : ends[c]]
        if max_detections is not None:
            places = places[_places_in_runs(detections.image_index[matches.order[places]]) < max_detections]
        if images is not None:
            places = places[images[detections.image_index[matches.order[places]]]]
            wanted = wanted[images[truths.image_index[wanted]]]
        best = np.argsort(-scores[matches.order[places]], kind="stable")
        ranking = places[best]
        ranked = scores[matches.order[ranking]]
        for a in range(shape[3]):
            positives = int(np.count_nonzero(~matches.truth_ignored[a, wanted]))
            if positives == 0:
                continue
            for t in range(shape[0]):
                precision[t, :, c, a], reached[t, :, c, a], recall[t, c, a] = _core.accumulate_matches(
                    ranking,
                    ranked,
                    matches.truth[a, t],
                    _bytes(matches.ignored[a, t]),
                    positives,
                    recall_levels,
                )
    return Accumulated(precision, recall, reached)


def mean_of_found(values: FloatColumn) -> float:
    """The mean of what is above -1, summed as NumPy does; -1 where nothing is."""
    found = values[values > -1]
    return float(np.mean(found)) if found.size else -1.0


def pair_oks(
    truths: Truths,
    detections: Detections,
    truth_rows: IntColumn,
    detection_rows: IntColumn,
    *,
    sigmas: Sequence[float],
    areas: FloatColumn,
) -> FloatColumn:
    """(P,) float64: OKS of each detection with the truth at the same place of `truth_rows`."""
    oks: FloatColumn = _core.oks_of_pairs(
        truth_xy=truths.xy,
        visibility=truths.visibility,
        truth_areas=areas,
        boxes=truths.boxes,
        sigmas=np.array(sigmas, np.float64),
        detection_xy=detections.xy,
        truth_rows=truth_rows.astype(np.int64),
        detection_rows=detection_rows.astype(np.int64),
    )
    return oks


def _grouped(
    people: Truths | Detections, categories: IntColumn, num_images: int, scores: FloatColumn | None
) -> tuple[IntColumn, IntColumn]:
    """Rows by category and image, and the group of each: its category's place times the images, and its image.

    People of other categories are left out.
    """
    place = np.searchsorted(categories, people.category_ids)
    known = np.zeros(len(place), np.bool_)
    inside = place < len(categories)
    known[inside] = categories[place[inside]] == people.category_ids[inside]
    group = place * num_images + people.image_index
    # Stable: of equal scores, the first in the file comes first.
    order = np.argsort(group, kind="stable") if scores is None else np.lexsort((-scores, group))
    order = order[known[order]].astype(np.int64)
    return order, group[order].astype(np.int64)


def _best(rows: IntColumn, groups: IntColumn, most: int) -> tuple[IntColumn, IntColumn]:
    """The first `most` rows of each group."""
    kept = _places_in_runs(groups) < most
    return rows[kept], groups[kept]


def _offsets(groups: IntColumn, known: IntColumn) -> IntColumn:
    """(N + 1,) where each of the N known groups begins among ascending ones."""
    return np.append(np.searchsorted(groups, known), len(groups)).astype(np.int64)


def _places_in_runs(values: IntColumn) -> IntColumn:
    """0, 1, 2, ... within each run of equal values."""
    starts = np.flatnonzero(np.diff(values, prepend=-1))
    counts = np.diff(np.append(starts, len(values)))
    return np.arange(len(values)) - np.repeat(starts, counts)


def _bytes(flags: BoolArray | None) -> Any:
    return None if flags is None else np.ascontiguousarray(flags).view(np.uint8)
