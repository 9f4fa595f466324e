"""Crops of pictures for the gallery: small JPEGs that fit into one page together."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from posecore.errors import require
from posecore.evaluation.page_content import Picture, Point
from posecore.evaluation.picture_size import may_be_decoded

LONGEST_PX = 360
"""The longer side of a crop in the page."""
_QUALITY = 70
_MOST_BYTES = 7_000_000
"""Of all crops together; base64 makes a third more of it."""
_MOST_FILE_BYTES = 1 << 26
_MARGIN, _LEAST_PX = 0.16, 48.0


def crop_around(points: Sequence[Point], width: int, height: int) -> tuple[float, float, float, float]:
    """The part of a picture that holds these points with some room around them: x, y, width, height.

    Args:
        points: in pixels; what lies outside of a picture of known size counts as lying on its border.
        width, height: of the picture in pixels, 0 where it is not known.
    """
    if width and height:
        points = [(min(max(x, 0.0), float(width)), min(max(y, 0.0), float(height))) for x, y in points]
    if not points:
        return (0.0, 0.0, float(width or 100), float(height or 100))
    xs, ys = [x for x, _ in points], [y for _, y in points]
    room = max(_MARGIN * max(max(xs) - min(xs), max(ys) - min(ys)), 8.0)
    left, right = _span(min(xs) - room, max(xs) + room, width)
    top, bottom = _span(min(ys) - room, max(ys) + room, height)
    return (left, top, right - left, bottom - top)


def _span(low: float, high: float, limit: int) -> tuple[float, float]:
    grown = max(0.0, _LEAST_PX - (high - low)) / 2
    low, high = low - grown, high + grown
    if limit:
        low, high = max(low, 0.0), min(high, float(limit))
    return float(round(low)), float(round(high))


def with_pictures(
    pictures: Sequence[Picture], folder: str | os.PathLike[str]
) -> tuple[tuple[Picture, ...], tuple[str, ...]]:
    """The pictures with their crops as JPEG, and sentences about those that have none.

    Names lead to files below `folder` only. A file of another size than the truth says is scaled where its
    shape is the same, and left out otherwise.

    Raises:
        MissingExtra: OpenCV is not installed.
    """
    cv2 = require("cv2", extra="eval", purpose="a gallery with pictures")
    reader = _Reader(cv2, Path(folder))
    most = min(_MOST_BYTES // max(1, len(pictures)), 200_000)
    found: dict[int, Picture] = {}
    # One after the other of a file, so that it is decoded once.
    for index in sorted(range(len(pictures)), key=lambda i: (pictures[i].name, i)):
        picture = pictures[index]
        pixels = reader.read(picture)
        jpeg = None if pixels is None else _jpeg(cv2, pixels, picture, most)
        found[index] = replace(picture, jpeg=jpeg)
    return tuple(found[index] for index in range(len(pictures))), reader.notes()


@dataclass
class _Reader:
    """Reads the files that pictures name, and remembers what was wrong with them."""

    cv2: Any
    folder: Path

    def __post_init__(self) -> None:
        self._last: tuple[Picture | None, Any] = (None, None)
        self._missing: set[str] = set()
        self._unlike: set[str] = set()

    def read(self, picture: Picture) -> Any:
        """(H, W, 3) uint8 in OpenCV's BGR, or None."""
        before, pixels = self._last
        if before is None or (before.name, before.width, before.height) != (
            picture.name,
            picture.width,
            picture.height,
        ):
            pixels = self._fresh(picture)
            self._last = (picture, pixels)
        return pixels

    def notes(self) -> tuple[str, ...]:
        """What a person should know."""
        said = []
        if self._missing:
            said.append(_counted(self._missing, "could not be read from the folder of pictures"))
        if self._unlike:
            said.append(_counted(self._unlike, "have another shape than the truth says and are not shown"))
        return tuple(said)

    def _fresh(self, picture: Picture) -> Any:
        path = picture_path(self.folder, picture.name)
        try:
            data = path.read_bytes() if path is not None and path.stat().st_size <= _MOST_FILE_BYTES else None
        except OSError:  # one that may not be read, or went away
            data = None
        pixels = self._decoded(data, raw=True)
        if pixels is None:
            self._missing.add(picture.name)
            return None
        if picture.width and picture.height and not _alike(pixels, picture):
            # The truth may be about the picture as its orientation mark turns it.
            pixels = self._decoded(data, raw=False)
            if pixels is None or not _alike(pixels, picture):
                self._unlike.add(picture.name)
                return None
        return pixels

    def _decoded(self, data: bytes | None, *, raw: bool) -> Any:
        if not data or not may_be_decoded(data):
            return None
        import numpy as np

        cv2 = self.cv2
        flags = cv2.IMREAD_COLOR | (cv2.IMREAD_IGNORE_ORIENTATION if raw else 0)
        try:
            return cv2.imdecode(np.frombuffer(data, np.uint8), flags)
        except (cv2.error, MemoryError):
            return None


def _alike(pixels: Any, picture: Picture) -> bool:
    """Whether the picture is a scaled copy, within the rounding of its sides."""
    height, width = pixels.shape[:2]
    scale = width / picture.width
    return bool(abs(height - picture.height * scale) <= max(1.0, scale))


def picture_path(folder: Path, name: str) -> Path | None:
    """The file of this name in the folder, or of its last part where the folder is flat; None where it leads out."""
    if not name or "\0" in name:
        return None
    for pure in (PurePosixPath(name), PureWindowsPath(name)):
        if pure.is_absolute() or pure.drive or pure.root or ".." in pure.parts:
            return None
    for path in (folder / name, folder / PurePosixPath(name).name):
        try:
            if path.is_file():
                return path
        except OSError:
            continue
    return None


def _counted(names: Iterable[str], what: str) -> str:
    """12 pictures could not be read (such as a.jpg)"""
    ordered = sorted(names)
    pictures = "picture" if len(ordered) == 1 else "pictures"
    return f"{len(ordered)} {pictures} {what} (such as {ordered[0]})"


def _jpeg(cv2: Any, pixels: Any, picture: Picture, most: int) -> bytes | None:
    """The crop as JPEG of at most `most` bytes: coarser first, then smaller."""
    x, y, width, height = picture.crop
    scale_x = pixels.shape[1] / picture.width if picture.width else 1.0
    scale_y = pixels.shape[0] / picture.height if picture.height else 1.0
    rows, columns = pixels.shape[:2]
    left, right = (min(max(round(v * scale_x), 0), columns) for v in (x, x + width))
    top, bottom = (min(max(round(v * scale_y), 0), rows) for v in (y, y + height))
    if right <= left or bottom <= top:
        return None
    part = pixels[top:bottom, left:right]
    longest = LONGEST_PX
    while True:
        factor = min(1.0, longest / max(part.shape[:2]))
        size = (max(1, round(part.shape[1] * factor)), max(1, round(part.shape[0] * factor)))
        small = cv2.resize(part, size, interpolation=cv2.INTER_AREA) if factor < 1 else part
        for quality in (_QUALITY, 50, 30):
            done, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])
            if done and len(data) <= most:
                return bytes(data.tobytes())
        if longest < 40:
            return None
        longest = longest * 3 // 4
