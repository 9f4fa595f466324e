"""Affine maps that move a picture and all of its labels together.

A map is a float64 matrix (2, 3): pixel (x, y) of the sample goes to matrix @ (x, y, 1) of the result. The centre of the
top-left pixel is (0, 0) on both sides, which is also how cv2.warpAffine counts, so points and pixels go the same way.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.arguments import size as checked_size
from posecore.errors import require
from posecore.train.samples import (
    FURTHEST_PX,
    OUTSIDE,
    PAD_BYTE,
    UNLABELLED,
    Labels,
    Sample,
    located,
    sample_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Matrix = npt.NDArray[np.float64]
    Size = tuple[int, int]

_CHEAP_PIXELS = 500_000


def letterbox(sample: Sample, size: Size) -> Sample:
    """The sample's frame with its own aspect, as large as fits into `size`, in the middle of grey.

    Pixel (x, y) goes to ((x + 0.5) * scale - 0.5 + offset): half-pixel centres, sides rounded to whole pixels, offset
    the smaller half of what is left. A whole picture becomes the same bytes that prediction makes of it.

    Args:
        size: (width, height) in pixels.

    Returns:
        a sample of exactly that size, without a frame. Labelled keypoints that are not in it are OUTSIDE.
    """
    size = checked_size(size, "size")
    matrix = letterbox_map(sample, size)
    if sample.frame is not None:
        return warped(sample, matrix, size)
    cv2: Any = require("cv2", extra="train", purpose="Resizing pictures")
    width, height, left, top = _inside(sample.size, size)
    canvas = np.full((size[1], size[0], sample.image.shape[2]), PAD_BYTE, np.uint8)
    resized = _resized(cv2, sample.image, (width, height))
    canvas[top : top + height, left : left + width] = resized.reshape(height, width, -1)
    return _moved(sample, canvas, matrix, size)


def letterbox_map(sample: Sample, size: Size) -> Matrix:
    """The map of `letterbox`, (2, 3) float64."""
    if sample.frame is None:
        width, height, left, top = _inside(sample.size, size)
        scale_x, scale_y = width / sample.size[0], height / sample.size[1]
        return np.array([[scale_x, 0, 0.5 * scale_x - 0.5 + left], [0, scale_y, 0.5 * scale_y - 0.5 + top]])
    x, y, frame_width, frame_height = sample.frame
    scale = fitted_scale((frame_width, frame_height), size)
    middle = np.array([(size[0] - 1) / 2, (size[1] - 1) / 2])
    shift = middle - scale * np.array([x + (frame_width - 1) / 2, y + (frame_height - 1) / 2])
    return np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])


def fitted_scale(frame: Sequence[float], size: Sequence[float]) -> float:
    """The scale at which a frame (width, height) just fits into `size`, both in pixels."""
    return min(size[0] / frame[0], size[1] / frame[1])


def warped(sample: Sample, matrix: Matrix, size: Size, *, mirror: bool = False) -> Sample:
    """The sample moved by a map, the picture by one cv2.warpAffine with bilinear sampling.

    Args:
        matrix: (2, 3) float64, from pixels of the sample to those of the result. It must be invertible.
        size: (width, height) of the result in pixels.
        mirror: the map mirrors: left and right keypoints change places.

    A labelled keypoint that leaves the picture is OUTSIDE from then on, whatever map comes next: its pixels are gone,
    and what comes into sight where it would be is grey.
    """
    cv2: Any = require("cv2", extra="train", purpose="Moving pictures")
    image, pixels = sample.image, matrix
    # Bilinear sampling reads two pixels a side: where the map shrinks more than twice, pixels are averaged first.
    shrink = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    while shrink < 0.5 and max(image.shape[:2]) > 1:
        height, width = image.shape[:2]
        half = (width + 1) // 2, (height + 1) // 2
        image = cv2.resize(
            image, half
        )  # of an even side the mean of two, and several times as fast as INTER_AREA
        across, down = width / half[0], height / half[1]
        pixels = pixels @ np.array([[across, 0, 0.5 * across - 0.5], [0, down, 0.5 * down - 0.5], [0, 0, 1]])
        shrink *= 2
    channels = sample.image.shape[2]
    pad = (PAD_BYTE,) * channels
    image = cv2.warpAffine(image, pixels, size, flags=cv2.INTER_LINEAR, borderValue=pad)
    return _moved(sample, image.reshape(size[1], size[0], channels), matrix, size, mirror=mirror)


def cut_out(sample: Sample, room: float) -> Sample:
    """The sample's picture without what is far from its frame: a view of it, not a copy.

    Args:
        room: what stays around the frame on each side, times the frame's longer side.
    """
    if sample.frame is None:
        return sample
    x, y, frame_width, frame_height = sample.frame
    around = room * max(frame_width, frame_height)
    width, height = sample.size
    left, right = _between(x - around, x + frame_width + around, width)
    top, bottom = _between(y - around, y + frame_height + around, height)
    matrix = np.array([[1.0, 0, -left], [0, 1, -top]])
    size = (right - left, bottom - top)
    moved = _moved(sample, sample.image[top:bottom, left:right], matrix, size)
    return replace(moved, frame=(x - left, y - top, frame_width, frame_height))


def _between(low: float, high: float, side: int) -> tuple[int, int]:
    """Whole pixels from low to high of a picture's side, at least one."""
    first = min(max(int(np.floor(low)), 0), side - 1)
    return first, max(min(int(np.ceil(high)) + 1, side), first + 1)


def moved_labels(
    labels: Labels,
    matrix: Matrix,
    size: Size,
    *,
    flip_index: Sequence[int] | None = None,
    cut: bool = True,
) -> Labels:
    """Labels moved by a map into a picture of `size`.

    Args:
        matrix: (2, 3) float64.
        size: (width, height) of the result in pixels.
        flip_index: K indices, `Skeleton.flip_index`, where the map mirrors.
        cut: what lies outside of the picture goes: labelled keypoints become OUTSIDE, boxes end at the border, people
            and regions that are wholly outside are left out.
    """
    width, height = size
    visibility = labels.visibility.copy()
    xy = _mapped(labels.xy, matrix)
    corners = _box_corners(labels.boxes)
    corners = _mapped(corners, matrix)
    low, high = corners.min(axis=1), corners.max(axis=1)
    ignored = _mapped(labels.ignored, matrix)
    if cut:
        inside = (xy > -0.5).all(axis=2) & (xy[:, :, 0] < width - 0.5) & (xy[:, :, 1] < height - 0.5)
        visibility[~inside & (visibility != UNLABELLED)] = OUTSIDE
        border = np.array([width - 0.5, height - 0.5])
        low, high = np.clip(low, -0.5, border), np.clip(high, -0.5, border)
        stays = (high > low).all(axis=1) | located(visibility).any(axis=1)
        xy, visibility, low, high = (a[stays] for a in (xy, visibility, low, high))
        around = ignored.reshape(-1, 4, 2)
        seen = (around.max(axis=1) > -0.5).all(axis=1) & (around.min(axis=1) < border).all(axis=1)
        ignored = ignored[seen]
    xy[~located(visibility)] = 0
    if flip_index is not None:
        order = list(flip_index)
        xy, visibility = xy[:, order], visibility[:, order]
    return Labels(
        xy=np.ascontiguousarray(xy, np.float32),
        visibility=np.ascontiguousarray(visibility),
        boxes=np.concatenate([low, high - low], axis=1).astype(np.float32),
        ignored=ignored.clip(-FURTHEST_PX, FURTHEST_PX).astype(np.float32),
    )


def _moved(
    sample: Sample, image: npt.NDArray[np.uint8], matrix: Matrix, size: Size, *, mirror: bool = False
) -> Sample:
    flip_index = sample.skeleton.flip_index if mirror else None
    labels = moved_labels(sample.labels, matrix, size, flip_index=flip_index)
    return sample_of(image, labels, name=sample.name, skeleton=sample.skeleton)


def _mapped(points: npt.NDArray[Any], matrix: Matrix) -> npt.NDArray[np.float64]:
    """(..., 2) pixels through a map, in double precision."""
    mapped: npt.NDArray[np.float64] = points.astype(np.float64) @ matrix[:, :2].T + matrix[:, 2]
    return mapped


def _box_corners(boxes: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """(N, 4, 2): a turned box becomes the upright one around its corners, which may be larger than the person."""
    x, y, width, height = boxes.astype(np.float64).T
    corners = np.stack([x, y, x + width, y, x + width, y + height, x, y + height], axis=1)
    return corners.reshape(-1, 4, 2)


def _inside(picture: Size, size: Size) -> tuple[int, int, int, int]:
    """Width, height, left and top of the letterboxed picture, in whole pixels of the result."""
    scale = fitted_scale(picture, size)
    width, height = (min(max(round(side * scale), 1), most) for side, most in zip(picture, size, strict=True))
    return width, height, (size[0] - width) // 2, (size[1] - height) // 2


def _resized(cv2: Any, image: npt.NDArray[np.uint8], size: Size) -> Any:
    """As prediction resizes: bilinear, and pixels averaged first where that alone would skip too many."""
    height, width = image.shape[:2]
    if (width, height) == size:
        return image
    if width * height > _CHEAP_PIXELS:
        if width > 4 * size[0] or height > 4 * size[1]:
            image = cv2.resize(image, (min(width, 2 * size[0]), min(height, 2 * size[1])))
        return cv2.resize(image, size)
    while width > 2 * size[0] or height > 2 * size[1]:
        width = (width + 1) // 2 if width > 2 * size[0] else width
        height = (height + 1) // 2 if height > 2 * size[1] else height
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return cv2.resize(image, size)
