"""Crops of the pictures around people, as small JPEGs for a page."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.errors import require
from posecore.evaluation.picture_size import may_be_decoded

if TYPE_CHECKING:
    from posecore.evaluation.truths import Truths

LONG_SIDE_PX = 240
"""A view's longer side."""
_QUALITY = 70
_MARGIN = 0.15
_LEAST_PX = 24.0
_MOST_FILE_BYTES = 1 << 28
MOST_BYTES = 9_500_000
"""All crops together; base64 makes a third more of it, so that a page stays below 15 MB."""


@dataclass(frozen=True, slots=True)
class View:
    """The part of a picture around a person that is shown.

    Attributes:
        left, top, width, height: in the picture's pixels; it may reach beyond the picture.
        scale: shown pixels by the picture's.
    """

    left: float
    top: float
    width: float
    height: float
    scale: float


@dataclass(slots=True)
class Crops:
    """Crops of several people, and what became of the pictures.

    Attributes:
        jpegs: {row of the truths: (JPEG, x, y, width, height)} with the place of the crop in shown pixels of
            the person's view.
        missing: file names that are not in the folder, or that lead out of it, or that are empty.
        broken: files that are no picture, or one of more than `MOST_PIXELS` pixels.
        other_size: pictures of another shape than the annotation file says.
        full: people left without a crop because there were enough bytes.
    """

    jpegs: dict[int, tuple[bytes, float, float, float, float]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    other_size: list[str] = field(default_factory=list)
    full: int = 0


def opencv() -> Any:
    """The module cv2.

    Raises:
        MissingExtra: OpenCV is not installed.
    """
    return require("cv2", extra="eval", purpose="a gallery with pictures")


def view_of(truths: Truths, person: int) -> View:
    """The view of a person: its labelled keypoints and its box with a margin, at most the picture and half of
    it around."""
    points = truths.xy[person][truths.visibility[person] > 0]
    box = truths.boxes[person]
    corners = [points] if len(points) else []
    if np.isfinite(box).all():
        corners.append(np.array([box[:2], box[:2] + np.maximum(box[2:], 0)]))
    image = truths.image_index[person]
    sides = np.array([truths.images.widths[image], truths.images.heights[image]], np.float64)
    every = np.concatenate(corners) if corners else np.array([[0.0, 0.0], sides])
    low, high = every.min(axis=0), every.max(axis=0)
    if (sides > 0).all():
        low, high = np.clip(low, -sides / 2, 1.5 * sides), np.clip(high, -sides / 2, 1.5 * sides)
    grow = np.maximum(_MARGIN * (high - low).max(), (_LEAST_PX - (high - low)) / 2)
    low, high = low - grow, high + grow
    width, height = (float(side) for side in high - low)
    return View(float(low[0]), float(low[1]), width, height, LONG_SIDE_PX / max(width, height))


def crops_of(
    truths: Truths, people: Iterable[int], folder: Path, *, advance: Callable[[], None] = lambda: None
) -> Crops:
    """JPEGs of these people (rows of the truths), at most 240 px on their longer side.

    Each picture is read once. One that is missing or broken is counted and costs its people their crop.

    Args:
        people: in the order in which they get room.
        folder: where the pictures are.
        advance: called after each picture.

    Raises:
        MissingExtra: OpenCV is not installed.
    """
    cv2 = opencv()
    crops = Crops()
    spent = 0
    images: dict[int, list[int]] = {}
    for person in people:
        images.setdefault(int(truths.image_index[person]), []).append(person)
    for image, rows in images.items():
        if spent > MOST_BYTES:
            crops.full += len(rows)
            continue
        picture = _read(cv2, truths, image, folder, crops)
        for person in rows if picture is not None else ():
            crop = _crop(cv2, truths, person, picture)
            if crop is not None:
                crops.jpegs[person] = crop
                spent += len(crop[0])
        advance()
    return crops


def _read(cv2: Any, truths: Truths, image: int, folder: Path, crops: Crops) -> Any:
    """The picture as BGR in the size that the file gives, or None and why in `crops`."""
    name = truths.images.file_names[image]
    size = int(truths.images.widths[image]), int(truths.images.heights[image])
    data = _bytes(name, folder)
    if data is None:
        crops.missing.append(name)
        return None
    if not may_be_decoded(data.tobytes()):
        crops.broken.append(name)
        return None
    for flags in (cv2.IMREAD_COLOR, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION):
        try:
            picture = cv2.imdecode(data, flags)
        except (cv2.error, MemoryError):
            picture = None
        if picture is None or not picture.size:
            crops.broken.append(name)
            return None
        height, width = picture.shape[:2]
        # Annotations are of the picture as stored where that fits better than as its EXIF turns it.
        if min(size) <= 0 or abs(math.log(width * size[1] / (height * size[0]))) < 0.02:
            return picture
    crops.other_size.append(name)
    return None


def _bytes(name: str, folder: Path) -> Any:
    """The file's bytes; None where the name is none in the folder or the file cannot be read."""
    inside = os.path.normpath(name)
    if not name or "\0" in name or os.path.isabs(inside) or inside.split(os.sep)[0] == os.pardir:
        return None
    try:
        path = folder / inside
        if not path.is_file() or not 0 < path.stat().st_size <= _MOST_FILE_BYTES:
            return None
        return np.fromfile(path, np.uint8)
    except (OSError, ValueError):
        return None


def _crop(
    cv2: Any, truths: Truths, person: int, picture: Any
) -> tuple[bytes, float, float, float, float] | None:
    view = view_of(truths, person)
    image = truths.image_index[person]
    height, width = picture.shape[:2]
    # The picture may be a smaller or larger copy of what was annotated.
    by = width / truths.images.widths[image] if truths.images.widths[image] > 0 else 1.0
    x0, y0 = max(0, math.floor(view.left * by)), max(0, math.floor(view.top * by))
    x1 = min(width, math.ceil((view.left + view.width) * by))
    y1 = min(height, math.ceil((view.top + view.height) * by))
    if x1 <= x0 or y1 <= y0:
        return None
    scale = view.scale / by
    shown = max(1, round((x1 - x0) * scale)), max(1, round((y1 - y0) * scale))
    part = picture[y0:y1, x0:x1]
    if scale < 1:
        part = cv2.resize(part, shown, interpolation=cv2.INTER_AREA)
    done, jpeg = cv2.imencode(".jpg", part, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        return None
    place = (x0 / by - view.left) * view.scale, (y0 / by - view.top) * view.scale
    sides = (x1 - x0) * scale, (y1 - y0) * scale
    return jpeg.tobytes(), float(place[0]), float(place[1]), float(sides[0]), float(sides[1])
