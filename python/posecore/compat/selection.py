"""`Selection`: the people that an evaluation looks at, out of two `COCO` objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np

from posecore.compat.coco import COCO
from posecore.errors import SourceError
from posecore.evaluation.coco import areas_of
from posecore.evaluation.coco_files import read_truths
from posecore.evaluation.matching import Matches, match
from posecore.evaluation.protocol import Protocol, sigmas_of
from posecore.evaluation.truths import Detections, FloatColumn, Images, IntColumn, Truths

_People = TypeVar("_People", Truths, Detections, Images)
EVERY_CATEGORY = -1
"""The category of everybody where categories make no difference."""


@dataclass(frozen=True)
class Selection:
    """G truths and D detections of the wanted images and categories.

    Attributes:
        detection_ids: (D,) int64, the ids of the result dicts.
        areas: (G,) float64 in px², as the protocol takes them.
    """

    truths: Truths
    detections: Detections
    detection_ids: IntColumn
    areas: FloatColumn
    protocol: Protocol

    def matched(self, thresholds: Sequence[float]) -> Matches:
        """Everybody matched by the protocol, at these thresholds of OKS."""
        protocol, truths = self.protocol, self.truths
        return match(
            truths,
            self.detections,
            sigmas=sigmas_of(protocol.skeleton),
            areas=self.areas,
            thresholds=thresholds,
            ranges=protocol.area_ranges,
            max_detections=protocol.max_detections,
            truth_ignored=truths.stated_num_keypoints == 0 if protocol.labelled == "stated" else None,
        )


def select(
    annotated: COCO,
    results: COCO,
    protocol: Protocol,
    image_ids: list[Any],
    category_ids: list[Any],
    *,
    use_categories: bool,
) -> Selection:
    """The people of these images and categories.

    Raises:
        SourceError: a record that is wrong.
        ValueError: another number of keypoints than of sigmas.
    """
    truths, detections, ids = _read(annotated, results, protocol, image_ids)
    if len(truths) and truths.num_keypoints != protocol.skeleton.num_keypoints:
        raise ValueError(
            f"kpt_oks_sigmas: wanted {truths.num_keypoints}, one a keypoint of {truths.origin.name}, got "
            f"{protocol.skeleton.num_keypoints}"
        )
    if protocol.skip_unscored:
        scored = np.flatnonzero((detections.keypoint_scores > 0).any(axis=1))
        detections, ids = _rows(detections, scored), ids[scored]
    kept = (
        np.isin(truths.images.ids, np.array(image_ids))
        if image_ids
        else np.zeros(len(truths.images), np.bool_)
    )
    place = np.cumsum(kept) - 1
    truth_rows = _wanted(truths, kept, category_ids, use_categories)
    rows = _wanted(detections, kept, category_ids, use_categories)
    truths, detections = _rows(truths, truth_rows), _rows(detections, rows)
    images = _rows(truths.images, np.flatnonzero(kept))
    if use_categories:
        names, truth_categories, categories = category_ids, truths.category_ids, detections.category_ids
    else:
        names = [EVERY_CATEGORY]
        truth_categories = np.full(len(truths), EVERY_CATEGORY, np.int64)
        categories = np.full(len(detections), EVERY_CATEGORY, np.int64)
    truths = replace(
        truths,
        images=images,
        image_index=place[truths.image_index],
        category_ids=truth_categories,
        category_names={int(name): "" for name in names},
    )
    detections = replace(
        detections, image_index=place[detections.image_index], category_ids=categories, images=images
    )
    return Selection(truths, detections, ids[rows], areas_of(truths, protocol), protocol)


def _read(
    annotated: COCO, results: COCO, protocol: Protocol, image_ids: list[Any]
) -> tuple[Truths, Detections, IntColumn]:
    # Training loops evaluate a few images at a time, out of a set that is held as dicts: those images alone are read.
    # Where that fails the whole is read, for the sentence that names the record by its place in the whole.
    narrowed = annotated.narrowed(image_ids)
    if narrowed is not None and results.is_of(image_ids):
        try:
            truths = read_truths(narrowed, fields=protocol.fields).as_wide_as(protocol.skeleton.num_keypoints)
            detections, ids = results.detections(truths, protocol.fields, protocol.score_fields)
        except SourceError:
            pass
        else:
            return truths, detections, ids
    truths = annotated.truths(protocol.fields).as_wide_as(protocol.skeleton.num_keypoints)
    detections, ids = results.detections(truths, protocol.fields, protocol.score_fields)
    return truths, detections, ids


def _wanted(
    people: Truths | Detections, images: Any, category_ids: list[Any], use_categories: bool
) -> IntColumn:
    """Rows of the wanted images and categories; one category after the other where categories make no difference,
    which is the order in which pycocotools offers truths."""
    known, ranks = np.unique(np.array(category_ids, np.int64), return_index=True)
    place = np.searchsorted(known, people.category_ids)
    inside = images[people.image_index] & (place < len(known))
    inside[inside] = known[place[inside]] == people.category_ids[inside]
    rows = np.flatnonzero(inside)
    return rows if use_categories else rows[np.argsort(ranks[place[rows]], kind="stable")]


def _rows(people: _People, rows: IntColumn) -> _People:
    """These rows of every column."""
    if len(rows) == len(people) and (np.diff(rows) > 0).all():
        return people
    columns = {column.name: getattr(people, column.name) for column in fields(people)}
    changed: dict[str, Any] = {
        name: column[rows] for name, column in columns.items() if isinstance(column, np.ndarray)
    }
    if isinstance(people, Images):
        changed["file_names"] = tuple(people.file_names[row] for row in rows)
    return replace(people, **changed)
