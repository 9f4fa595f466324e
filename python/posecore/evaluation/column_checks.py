"""Columns that were made elsewhere than here: each has its dtype, its shape, and numbers that can be compared."""

from __future__ import annotations

from typing import Any

import numpy as np

from posecore.evaluation.truths import Detections, Images, Truths

_Column = tuple[
    str, type[np.generic], tuple[int | str, ...], bool
]  # name, dtype, shape behind the rows, finite


def check_truths(truths: Truths) -> None:
    """That every column is as `Truths` has it.

    Raises:
        TypeError: something else than an array of the dtype.
        ValueError: another shape, numbers that are not finite, rows of images that there are not, ids that repeat.
    """
    _check_images(truths.images)
    keypoints = _keypoints(truths.xy, "truth")
    columns: tuple[_Column, ...] = (
        ("ids", np.int64, (), False),
        ("image_index", np.int64, (), False),
        ("category_ids", np.int64, (), False),
        ("xy", np.float64, (keypoints, 2), True),
        ("visibility", np.uint8, (keypoints,), False),
        ("stated_num_keypoints", np.int64, (), False),
        ("areas", np.float64, (), False),
        ("boxes", np.float64, (4,), False),
        ("is_crowd", np.bool_, (), False),
    )
    _check(truths, "truth", columns)
    for name in ("areas", "boxes"):
        if np.isinf(getattr(truths, name)).any():
            raise ValueError(
                f"truth: wanted {name} that are finite, or NaN where there are none, got infinite ones"
            )
    _check_rows(truths, "truth", len(truths.images))
    if len(np.unique(truths.ids)) != len(truths):
        raise ValueError("truth: wanted ids that are all different, got some twice")


def check_detections(detections: Detections, truths: Truths) -> None:
    """That every column is as `Detections` has it, and that they are detections in these truths' images.

    Raises:
        TypeError: something else than an array of the dtype.
        ValueError: another shape or number of keypoints, numbers that are not finite, detections in other images.
    """
    keypoints = truths.num_keypoints
    columns: tuple[_Column, ...] = (
        ("image_index", np.int64, (), False),
        ("category_ids", np.int64, (), False),
        ("xy", np.float64, (keypoints, 2), True),
        ("keypoint_scores", np.float32, (keypoints,), False),
        ("scores", np.float64, (), True),
    )
    if detections.loaded_areas is not None:
        columns += (("loaded_areas", np.float64, (), False),)
    _check(detections, "results", columns)
    _check_rows(detections, "results", len(truths.images))
    images = detections.images
    if (
        images is not None
        and images is not truths.images
        and not np.array_equal(images.ids, truths.images.ids)
    ):
        raise ValueError(
            f"results: wanted Detections of these truths, got those ({detections.origin.name}) of a truth of "
            f"{len(images)} other images"
        )


def _check_images(images: Images) -> None:
    columns: tuple[_Column, ...] = (
        ("ids", np.int64, (), False),
        ("widths", np.int64, (), False),
        ("heights", np.int64, (), False),
        ("crowd_indices", np.float64, (), False),
    )
    _check(images, "truth: images", columns)
    if (np.diff(images.ids) <= 0).any() or len(images.file_names) != len(images):
        raise ValueError("truth: images: wanted ascending ids, and as many file names, got others")


def _check(people: Any, argument: str, columns: tuple[_Column, ...]) -> None:
    rows = None
    for name, dtype, behind, is_finite in columns:
        column = getattr(people, name)
        wanted = f"{argument}: wanted {name} as a NumPy array of {np.dtype(dtype)}"
        if type(column) is not np.ndarray:
            raise TypeError(f"{wanted}, got {type(column).__name__}")
        if column.dtype != dtype:
            raise TypeError(f"{wanted}, got {column.dtype}")
        rows = (column.shape[0] if column.ndim else 0) if rows is None else rows
        if column.shape != (rows, *behind):
            raise ValueError(f"{wanted} and shape {(rows, *behind)}, got {column.shape}")
        if not column.flags.c_contiguous:
            raise ValueError(f"{wanted} whose rows lie one behind the other, got another layout")
        if is_finite and not np.isfinite(column).all():
            row = int(np.argwhere(~np.isfinite(column))[0][0])
            raise ValueError(f"{argument}: wanted finite {name}, got others in row {row}")


def _check_rows(people: Truths | Detections, argument: str, images: int) -> None:
    outside = (people.image_index < 0) | (people.image_index >= images)
    if outside.any():
        row = int(np.argmax(outside))
        raise ValueError(
            f"{argument}: wanted image_index of {images} images, got {people.image_index[row]} in row {row}"
        )


def _keypoints(xy: Any, argument: str) -> int:
    if type(xy) is not np.ndarray or xy.ndim != 3:
        raise TypeError(f"{argument}: wanted xy as a NumPy array of shape (G, K, 2), got {type(xy).__name__}")
    return int(xy.shape[1])
