"""Made pictures whose dots say where their keypoints are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from posecore.skeletons import Skeleton
from posecore.train.samples import Sample, located

GREY = 127
PAIR = Skeleton("pair", ("left_hand", "right_hand"), ((0, 1),), flip_pairs=((0, 1),))
FOUR = Skeleton(
    "four",
    ("nose", "left_hand", "right_hand", "tail"),
    ((0, 1), (0, 2), (0, 3)),
    flip_pairs=((1, 2),),
)
COLORS = ((255, 255, 255), (255, 127, 127), (127, 127, 255), (127, 255, 127))
"""Of FOUR's keypoints; each differs from grey in channels of its own, the first in all."""


def dots(points: Any, size: tuple[int, int], *, sigma_px: float = 2.5) -> np.ndarray:
    """A grey picture (h, w, 3) uint8 with a round spot of each keypoint's colour at sub-pixel places (K, 2)."""
    columns, rows = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    image = np.full((size[1], size[0], 3), float(GREY))
    for (x, y), color in zip(points, COLORS, strict=False):
        spot = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma_px**2))
        image += spot[:, :, None] * (np.array(color) - GREY)
    return np.rint(image).clip(0, 255).astype(np.uint8)


def spot(image: np.ndarray, near: Any, radius_px: float = 12) -> np.ndarray:
    """(x, y), the middle of what is not grey around a place, in pixels."""
    columns, rows = np.meshgrid(np.arange(image.shape[1]), np.arange(image.shape[0]))
    weight = np.abs(image.astype(float) - GREY).sum(axis=2)
    weight[(np.abs(columns - near[0]) > radius_px) | (np.abs(rows - near[1]) > radius_px)] = 0
    weight[weight < 12] = 0
    assert weight.sum() > 0, f"nothing near {near}"
    return np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()


def sample(
    points: Any = ((60, 40), (30, 90), (100, 80), (70, 130)),
    size: tuple[int, int] = (140, 170),
    *,
    skeleton: Skeleton = FOUR,
    visibility: Any = None,
    ignored: Any = (),
) -> Sample:
    """One person whose keypoints are dots in the picture, and whose box is around them."""
    xy = np.array(points, np.float32)
    seen = np.full(len(xy), 2, np.uint8) if visibility is None else np.array(visibility, np.uint8)
    there = located(seen)
    xy[~there] = 0
    low, high = xy[there].min(axis=0) - 5, xy[there].max(axis=0) + 5
    return Sample(
        image=dots(points, size),
        xy=xy[None],
        visibility=seen[None],
        boxes=np.concatenate([low, high - low])[None].astype(np.float32),
        ignored=np.array(ignored, np.float32).reshape(-1, 4, 2),
        name="dots",
        skeleton=skeleton,
    )


def without_people(one: Sample) -> Sample:
    return replace(one, **{name: getattr(one, name)[:0] for name in ("xy", "visibility", "boxes")})


def write(path: Path, image: np.ndarray) -> Path:
    """An RGB picture as a file."""
    assert cv2.imwrite(str(path), image[:, :, ::-1])
    return path
