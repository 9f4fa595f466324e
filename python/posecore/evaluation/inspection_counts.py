"""`Counts`: how many pictures, people and keypoints a set has, and how large its people are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.evaluation.truths import Truths

    Ints = npt.NDArray[np.int64]

SMALL_PX2, MEDIUM_PX2 = 32**2, 96**2
"""COCO's people are small below, medium up to and large above these areas."""
SIZE_EDGES_PX = np.array([2.0 ** (n / 2) for n in range(24)])
"""Edges of the size histogram: 1 to 2896 px in steps of half an octave."""


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Numbers of a set.

    Attributes:
        pictures, empty_pictures: all, and those without people.
        unnamed_pictures, unsized_pictures: those without a file name, without width or height.
        people, crowds, unlabelled: annotations, those that are crowds, those that are none and have no
            labelled keypoint.
        visibility: (K, 3) int64: how many people that are no crowd have v = 0, 1, 2 for each keypoint.
        per_picture: (N,) int64: pictures with 0, 1, 2, ... people.
        labelled: (K + 1,) int64: people with 0, 1, ... K labelled keypoints.
        boxes: people with a box of a size.
        sizes: (23,) int64: histogram of the root of the box area over `SIZE_EDGES_PX`, what lies beyond its
            ends counted in the first and last.
        shares: {"small", "medium", "large": people by COCO's areas, of the annotation's area where there is
            one, else of the box}.
        aspects: (3,) float64: 10 %, 50 %, 90 % of box height by width; NaN without boxes.
    """

    pictures: int
    empty_pictures: int
    unnamed_pictures: int
    unsized_pictures: int
    people: int
    crowds: int
    unlabelled: int
    visibility: Ints
    per_picture: Ints
    labelled: Ints
    boxes: int
    sizes: Ints
    shares: dict[str, int]
    aspects: npt.NDArray[np.float64]


def counts_of(truths: Truths) -> Counts:
    """Count."""
    images = truths.images
    people = ~truths.is_crowd
    visibility = truths.visibility[people]
    per_image = np.bincount(truths.image_index, minlength=len(images))
    boxes = truths.boxes[people]
    sized = np.isfinite(boxes).all(axis=1) & (boxes[:, 2] > 0) & (boxes[:, 3] > 0)
    width, height = boxes[sized, 2], boxes[sized, 3]
    roots = np.sqrt(width * height)
    clipped = np.clip(roots, SIZE_EDGES_PX[0], np.nextafter(SIZE_EDGES_PX[-1], 0))
    areas = truths.areas[people]
    areas = np.where(np.isfinite(areas), areas, np.where(sized, boxes[:, 2] * boxes[:, 3], np.nan))
    shares = {
        "small": int((areas < SMALL_PX2).sum()),
        "medium": int(((areas >= SMALL_PX2) & (areas <= MEDIUM_PX2)).sum()),
        "large": int((areas > MEDIUM_PX2).sum()),
    }
    labelled = (visibility > 0).sum(axis=1)
    return Counts(
        pictures=len(images),
        empty_pictures=int((per_image == 0).sum()),
        unnamed_pictures=sum(not name for name in images.file_names),
        unsized_pictures=int(((images.widths <= 0) | (images.heights <= 0)).sum()),
        people=len(truths),
        crowds=int(truths.is_crowd.sum()),
        unlabelled=int((labelled == 0).sum()),
        visibility=np.stack([(visibility == v).sum(axis=0) for v in range(3)], axis=1),
        per_picture=np.bincount(per_image) if len(per_image) else np.zeros(1, np.int64),
        labelled=np.bincount(labelled, minlength=truths.num_keypoints + 1),
        boxes=int(sized.sum()),
        sizes=np.histogram(clipped, SIZE_EDGES_PX)[0],
        shares=shares,
        aspects=np.percentile(height / width, [10, 50, 90]) if sized.any() else np.full(3, np.nan),
    )
