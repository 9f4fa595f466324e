"""Boxes around people, for what is asked of a person as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from posecore.evaluation.truths import FloatColumn, Truths


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
    # People of a picture are neighbours: compare each with the next, the one after that, until pictures end.
    for step in range(1, len(people)):
        one = np.flatnonzero(images[step:] == images[:-step])
        if not one.size:
            break
        a, b = people[one], people[one + step]
        overlap = _iou(boxes[a], boxes[b])
        np.maximum.at(greatest, a, overlap)
        np.maximum.at(greatest, b, overlap)
    return greatest


def _iou(a: FloatColumn, b: FloatColumn) -> FloatColumn:
    sides = np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])
    shared = np.clip(sides, 0, None).prod(axis=1)
    whole = (a[:, 2:] - a[:, :2]).prod(axis=1) + (b[:, 2:] - b[:, :2]).prod(axis=1) - shared
    iou: FloatColumn = np.divide(shared, whole, out=np.zeros(len(a)), where=whole > 0)
    return iou
