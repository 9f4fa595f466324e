"""Boxes around people, for what is asked of a person as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from posecore.evaluation.truths import FloatColumn, Truths

_MANY = 64
"""Pictures of more people than this are looked at one by one."""
_TILE = 1 << 17


def truth_boxes(truths: Truths) -> FloatColumn:
    """(G, 4) float64 x0, y0, x1, y1 in pixels: the file's box, or that of the labelled keypoints where it has none.

    NaN where there is neither.
    """
    labelled = (truths.visibility > 0)[:, :, None]
    with np.errstate(invalid="ignore"):
        least = np.where(labelled, truths.xy, np.inf).min(axis=1, initial=np.inf)
        most = np.where(labelled, truths.xy, -np.inf).max(axis=1, initial=-np.inf)
    around = np.concatenate([least, most], axis=1)
    around[~labelled.any(axis=(1, 2))] = np.nan
    own = truths.boxes.copy()
    own[:, 2:] += own[:, :2]
    boxes: FloatColumn = np.where(np.isnan(own).any(axis=1)[:, None], around, own)
    return boxes


def crowding(truths: Truths) -> FloatColumn:
    """(G,) float64 in [0, 1]: the greatest IoU of each person's box with that of another of the picture.

    Crowds are no one else; a person without a box touches no one.
    """
    boxes = truth_boxes(truths)
    greatest = np.zeros(len(truths))
    people = np.flatnonzero(~truths.is_crowd & ~np.isnan(boxes).any(axis=1))
    people = people[np.argsort(truths.image_index[people], kind="stable")]
    images = truths.image_index[people]
    starts = np.flatnonzero(np.diff(images, prepend=-1))
    sizes = np.diff(starts, append=len(images))
    for start, size in zip(starts[sizes > _MANY], sizes[sizes > _MANY], strict=True):
        here = people[start : start + size]
        greatest[here] = _greatest_of_many(boxes[here])
    few = np.repeat(sizes <= _MANY, sizes)
    people, images = people[few], images[few]
    # People of a picture are neighbours: compare each with the next, the one after that, until pictures end.
    for step in range(1, min(_MANY, len(people))):
        one = np.flatnonzero(images[step:] == images[:-step])
        if not one.size:
            break
        a, b = people[one], people[one + step]
        overlap = _iou(boxes[a], boxes[b])
        np.maximum.at(greatest, a, overlap)
        np.maximum.at(greatest, b, overlap)
    return greatest


def _greatest_of_many(boxes: FloatColumn) -> FloatColumn:
    """`crowding` of the people of one picture: all pairs whose sides overlap, in tiles that fit into a cache."""
    order = np.argsort(boxes[:, 0], kind="stable")
    x0, y0, x1, y1 = (np.ascontiguousarray(side) for side in boxes[order].T)
    areas = (x1 - x0) * (y1 - y0)
    greatest = np.zeros(len(boxes))
    first = 0
    while first < len(boxes):
        last = first + max(1, _TILE // (len(boxes) - first))
        end = max(last, int(np.searchsorted(x0, x1[first:last].max())))
        rows, columns = slice(first, last), slice(first, end)
        shared = np.minimum(x1[rows, None], x1[columns]) - np.maximum(x0[rows, None], x0[columns])
        heights = np.minimum(y1[rows, None], y1[columns]) - np.maximum(y0[rows, None], y0[columns])
        np.maximum(shared, 0, out=shared)
        shared *= np.maximum(heights, 0, out=heights)
        whole = np.subtract(areas[rows, None] + areas[columns], shared, out=heights)
        iou = np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0)
        np.fill_diagonal(iou, 0)  # with themselves
        np.maximum(greatest[rows], iou.max(axis=1), out=greatest[rows])
        np.maximum(greatest[columns], iou.max(axis=0), out=greatest[columns])
        first = last
    unsorted: FloatColumn = np.empty_like(greatest)
    unsorted[order] = greatest
    return unsorted


def _iou(a: FloatColumn, b: FloatColumn) -> FloatColumn:
    sides = np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])
    shared = np.clip(sides, 0, None).prod(axis=1)
    whole = (a[:, 2:] - a[:, :2]).prod(axis=1) + (b[:, 2:] - b[:, :2]).prod(axis=1) - shared
    iou: FloatColumn = np.divide(shared, whole, out=np.zeros(len(a)), where=whole > 0)
    return iou
