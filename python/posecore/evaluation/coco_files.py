"""COCO annotation and result files into columns.

Files are read by C++ through a window of 1 MB, straight into the columns: other fields, such as segmentations, are
passed over, whatever their size. What is wrong is one sentence with the file, the record and the field.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from posecore import _core
from posecore.errors import SourceError
from posecore.evaluation import pose_columns
from posecore.evaluation.feeds import Feed, FileFeed, of_records, of_stream
from posecore.evaluation.truths import Detections, Images, Truths
from posecore.poses import Poses

Ids = npt.NDArray[np.int64]
_Columns = TypeVar("_Columns")

LYING_NOTE = "num_keypoints is not the number of keypoints with v > 0"
"""How the note begins that counts such annotations."""
_MOST_FIELDS, _MOST_FIELD_BYTES = 8, 64  # CocoFields::kMost and JsonPull::kMostKeyBytes
_OTHER_FIELDS = (
    *("id", "image_id", "category_id", "iscrowd", "num_keypoints"),
    *("area", "bbox", "score"),
)


def read_truths(truth: Any, *, fields: tuple[str, ...] = ("keypoints",)) -> Truths:
    """The people of a COCO annotation file.

    Args:
        truth: a path; a dict as such a file holds it, where NumPy's numbers and arrays will do; bytes, or a binary or
            text stream, of JSON; or {image_id: Poses}, whose visible keypoints become v 2, with the box around them
            and 0.53 of the box as the area.
        fields: the keypoint fields, one behind the other: ("keypoints", "foot_kpts") are COCO's 17 and six of the feet.

    Where an annotation has no `iscrowd` it is 0, and no `area` or `bbox` is NaN. A note in the origin says
    where `num_keypoints` is not the number of v > 0 in the field "keypoints". Where there is one category, a missing
    `category_id` is that. Where no categories are listed, those of the annotations are the file's, without names.

    Raises:
        SourceError: the file cannot be read or is no JSON; a field that is missing, of another type, not finite, or
            of another count than the first person's; ids that repeat; an image that the file does not have.
        TypeError, ValueError: `truth` or `fields` is none of these.
    """
    wanted = _fields(fields)
    if isinstance(truth, Mapping) and _holds_poses(truth):
        return pose_columns.truths_of(truth)
    feed = _feed(
        truth, "truth", "a path, a dict, a stream, bytes or {image_id: Poses}", _truth_records(wanted)
    )
    with _Sentences(feed):
        images, categories, people = _core.read_coco_truths(feed.fill, wanted)
        return _truths(feed, images, categories, people, wanted)


def read_detections(
    results: Any,
    truths: Truths,
    *,
    fields: tuple[str, ...] = ("keypoints",),
    score_fields: tuple[str, ...] = ("score",),
) -> Detections:
    """The people of a COCO result file.

    Args:
        results: a path; a list of dicts, or a dict with such a list as "annotations", where NumPy's numbers and arrays
            will do; bytes, or a binary or text stream, of JSON; {image_id: Poses}, or an iterable of (image_id, Poses),
            whose keypoints that are not visible are at (0, 0), as posecore's COCO files have them.
        truths: what they are to be compared with.
        fields: the keypoint fields, one behind the other, as for the truths.
        score_fields: the score is the first of these that a result has: "score", or one more before it.

    The area of a result is what its keypoints span. As in COCO's loader it is instead that of its `bbox` where the
    first result has one, and else what its "keypoints" span where `fields` are not these alone.

    A missing `category_id` is the truth's, where that has one. Results of a category that the truth does not have are
    kept, and a note in the origin says how many: COCO's evaluation passes them over.

    Raises:
        SourceError: the file cannot be read or is no JSON; a field that is missing, of another type or not finite;
            another number of keypoints than the truth's; an image that the truth does not have.
        TypeError, ValueError: `results`, `truths` or `fields` is none of these.
    """
    wanted = _fields(fields)
    if not isinstance(truths, Truths):
        raise TypeError(f"truths: wanted Truths, as read_truths gives them, got {type(truths).__name__}")
    poses, results = _poses_of(results)
    if poses is not None:
        only = _only_category(truths.category_names)
        if only is None:
            raise ValueError(
                f"results: wanted a truth of one category for poses, got {len(truths.category_names)}"
            )
        return pose_columns.detections_of(poses, truths, only)
    kinds = "a path, a list of dicts, a dict with annotations, a stream, bytes or poses"
    part_score, *none = [field for field in score_fields if field != "score"] or [""]
    if none:
        raise ValueError(f"score_fields: wanted score and at most one other, got {score_fields!r}")
    records = {"annotations": tuple(dict.fromkeys((*_OTHER_FIELDS, "keypoints", *wanted, *score_fields)))}
    feed = _feed(results, "results", kinds, records, listed=True)
    with _Sentences(feed):
        columns = _core.read_coco_results(feed.fill, wanted, _width(truths), part_score)
        return _detections(feed, columns, truths)


def _width(truths: Truths) -> int:
    """How many keypoints results have to have, -1 where the truth has neither people nor names to say it."""
    return truths.num_keypoints if len(truths) or truths.num_keypoints else -1


def _fields(fields: object) -> list[str]:
    if isinstance(fields, str) or not isinstance(fields, (tuple, list)):
        raise TypeError(f"fields: wanted names of keypoint fields, such as ('keypoints',), got {fields!r}")
    for field in fields:
        if not isinstance(field, str):
            raise TypeError(f"fields: wanted names of keypoint fields, got {type(field).__name__}")
        if not 0 < len(field.encode("utf-8", "replace")) <= _MOST_FIELD_BYTES or not field.isprintable():
            raise ValueError(f"fields: wanted names of 1 to {_MOST_FIELD_BYTES} bytes, got {field[:80]!r}")
        if field in _OTHER_FIELDS:
            raise ValueError(f"fields: wanted keypoint fields, got {field!r}, which holds something else")
    if not 0 < len(fields) <= _MOST_FIELDS or len(set(fields)) != len(fields):
        raise ValueError(f"fields: wanted 1 to {_MOST_FIELDS} names that are all different, got {fields!r}")
    return list(fields)


def _truth_records(fields: list[str]) -> dict[str, tuple[str, ...]]:
    return {
        "images": ("id", "width", "height", "file_name", "crowdIndex"),
        "categories": ("id", "name", "keypoints"),
        "annotations": (*_OTHER_FIELDS, *fields),
    }


def _holds_poses(mapping: Mapping[Any, Any]) -> bool:
    return isinstance(next(iter(mapping.values()), None), Poses)


def _poses_of(results: Any) -> tuple[Iterable[Any] | None, Any]:
    """(image_id, Poses) for all of these, or None; and the results, which are whole where they were an iterator."""
    if isinstance(results, Mapping):
        return (results.items() if _holds_poses(results) else None), results or []
    if isinstance(results, (list, tuple)):
        return (results if results and pose_columns.is_poses(results[0]) else None), results
    if isinstance(results, Iterator) and not hasattr(results, "read"):
        first = next(results, None)
        results = chain([first], results) if first is not None else []
        return (results if pose_columns.is_poses(first) else None), results
    return None, results


def _feed(
    data: Any, argument: str, kinds: str, records: dict[str, tuple[str, ...]], *, listed: bool = False
) -> Feed:
    if isinstance(data, (str, os.PathLike)):
        return FileFeed(data)
    if isinstance(data, (bytes, bytearray, memoryview)):
        return Feed("bytes", [bytes(data)])
    if hasattr(data, "read"):
        return of_stream(data)
    if isinstance(data, Mapping):
        return of_records("dict", data, records)
    if listed and isinstance(data, Iterable):
        return of_records("list", data, records)
    raise TypeError(f"{argument}: wanted {kinds}, got {type(data).__name__}")


class _Sentences:
    """The core's complaints as `SourceError` with the name of the file, which is closed."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._feed.close()
        if isinstance(error, ValueError) and not isinstance(error, SourceError):
            raise SourceError(f"{self._feed.name}: {error}") from None


def _truths(feed: Feed, images: Any, categories: Any, people: Any, fields: list[str]) -> Truths:
    image_ids, widths, heights, file_names, crowd_indices = images
    ids, image_id_of, category_ids, has_category, xy, visibility, areas, boxes, is_crowd, stated, *lying = (
        people
    )
    notes = list(_lies(ids, *lying))
    _all_different(image_ids, "images")
    _all_different(ids, "annotations")
    order = np.argsort(image_ids, kind="stable")
    index = _rows_of(image_id_of, image_ids[order])
    if (unknown := np.flatnonzero(index < 0)).size:
        row = unknown[0]
        raise ValueError(
            f"{_record(row, ids)}: image_id: wanted an image that the file lists, got {image_id_of[row]}"
        )
    listed, listed_ids, names, counts, keypoint_names = categories
    _all_different(listed_ids, "categories")
    category_names = dict(zip(listed_ids.tolist(), names, strict=True))
    notes += _fill_categories(category_ids, has_category, category_names, "annotations", "the file's")
    if not category_names:
        category_names = dict.fromkeys(np.unique(category_ids).tolist(), "")
        if listed or len(ids):
            notes.append("the file lists no categories: those of its annotations are taken, without names")
    notes += _unlisted(category_ids, category_names, "annotations", "the file")
    if not len(ids) and fields == ["keypoints"]:
        xy = xy.reshape(0, max(counts.tolist(), default=0), 2)
        visibility = visibility.reshape(xy.shape[:2])
    return Truths(
        images=Images(
            image_ids[order],
            widths[order],
            heights[order],
            tuple(file_names[row] for row in order),
            crowd_indices[order],
        ),
        ids=ids,
        image_index=index,
        category_ids=category_ids,
        xy=xy,
        visibility=visibility,
        areas=areas,
        boxes=boxes,
        is_crowd=is_crowd,
        stated_num_keypoints=stated,
        keypoint_names=_names_of(xy.shape[1], counts.tolist(), keypoint_names, fields, notes),
        category_names=category_names,
        origin=feed.origin(tuple(notes)),
    )


def _detections(feed: Feed, columns: Any, truths: Truths) -> Detections:
    section, image_ids, category_ids, has_category, xy, keypoint_scores, scores, areas = columns
    index = _rows_of(image_ids, truths.images.ids)
    if (unknown := np.flatnonzero(index < 0)).size:
        row = unknown[0]
        raise ValueError(f"{section}[{row}]: image_id: wanted an image of the truth, got {image_ids[row]}")
    notes = _fill_categories(category_ids, has_category, truths.category_names, section, "the truth's")
    notes += _unlisted(category_ids, truths.category_names, section, "the truth")
    detections = Detections(
        image_index=index,
        category_ids=category_ids,
        xy=xy if len(scores) else xy.reshape(0, truths.num_keypoints, 2),
        keypoint_scores=keypoint_scores if len(scores) else keypoint_scores.reshape(0, truths.num_keypoints),
        scores=scores,
        origin=feed.origin(tuple(notes)),
        images=truths.images,
    )
    unmeasured = np.isnan(areas)
    if unmeasured.all():
        return detections
    return replace(detections, loaded_areas=np.where(unmeasured, detections.areas, areas))


def _rows_of(ids: Ids, ascending: Ids) -> Ids:
    """Where each of `ids` is in `ascending`, -1 where it is not."""
    rows = np.searchsorted(ascending, ids).astype(np.int64)
    if not len(ascending):
        return np.full(len(ids), -1, np.int64)
    found = ascending[np.minimum(rows, len(ascending) - 1)] == ids
    rows[~found] = -1
    return rows


def _all_different(ids: Ids, section: str) -> None:
    order = np.argsort(ids, kind="stable")
    again = np.flatnonzero(ids[order][1:] == ids[order][:-1])
    if again.size:
        at = again[np.argmin(order[again + 1])]
        raise ValueError(
            f"{section}[{order[at + 1]}]: id: wanted ids that are all different, got {ids[order[at]]} "
            f"as in {section}[{order[at]}]"
        )


def _record(row: Any, ids: Ids) -> str:
    return f"annotations[{row}] (id {ids[row]})"


def _only_category(names: Mapping[int, str]) -> int | None:
    return next(iter(names)) if len(names) == 1 else None


def _fill_categories(
    category_ids: Ids, has_category: npt.NDArray[np.bool_], names: Mapping[int, str], section: str, whose: str
) -> list[str]:
    """Put the only category where there is none, and say so."""
    missing = np.flatnonzero(~has_category)
    if not missing.size:
        return []
    only = _only_category(names)
    if only is None:
        raise ValueError(
            f"{section}[{missing[0]}]: category_id: wanted one of {whose} {len(names)} categories, "
            "got nothing: the field is missing"
        )
    category_ids[missing] = only
    return [
        f"category_id is missing in {missing.size} of {len(category_ids)} {section} and {only} is taken; "
        f"the first is {section}[{missing[0]}]"
    ]


def _unlisted(category_ids: Ids, names: Mapping[int, str], section: str, whose: str) -> list[str]:
    unlisted = np.flatnonzero(~np.isin(category_ids, np.fromiter(names, np.int64)))
    if not unlisted.size:
        return []
    row = unlisted[0]
    return [
        f"category_id is none that {whose} lists in {unlisted.size} of {len(category_ids)} {section}, which count "
        f"for nothing; the first is {section}[{row}] with {category_ids[row]}"
    ]


def _lies(ids: Ids, lying: int, row: int, said: int, counted: int) -> Iterator[str]:
    if lying:
        yield (
            f"{LYING_NOTE} in {lying} of {len(ids)} annotations; "
            f"the first is {_record(row, ids)}, which says {said} and has {counted}"
        )


def _names_of(
    keypoints: int, counts: list[int], names: tuple[str, ...], fields: list[str], notes: list[str]
) -> tuple[str, ...]:
    """The names of the first category that has as many as people have keypoints."""
    start = 0
    for count in counts:
        if count == keypoints:
            return names[start : start + count]
        start += count
    if names and fields == ["keypoints"]:
        named = next(count for count in counts if count)
        notes.append(f"the category names {named} keypoints and people have {keypoints}: no names are taken")
    return ()
