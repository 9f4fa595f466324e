"""`PictureSet`: pictures on disk and the labels of their people, whatever file the labels came from."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.arguments import whole
from posecore.errors import SourceError
from posecore.skeletons import Skeleton
from posecore.train.picture_reading import read_pixels, want_picture
from posecore.train.samples import FURTHEST_PX, Labels, Sample, located, sample_of
from posecore.train.warps import moved_labels

if TYPE_CHECKING:
    import numpy.typing as npt

_ROOM = 0.1  # of the labelled keypoints' extent, on each side, where a file has no box


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """G people of all pictures, one row a person, in any order.

    Attributes:
        picture: (G,) int64, which picture of the set.
        xy: (G, K, 2) float64 in pixels, pixel rule of posecore.
        visibility: (G, K) uint8, as in `Labels`.
        boxes: (G, 4) float64: x, y, width, height in pixels; NaN where the file has none.
        unknown: (G,) bool: about these the labels say nothing: they become ignored regions.
    """

    picture: npt.NDArray[np.int64]
    xy: npt.NDArray[np.float64]
    visibility: npt.NDArray[np.uint8]
    boxes: npt.NDArray[np.float64]
    unknown: npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class PictureSet:
    """A dataset of picture files. Reading is without state: any number of threads may do it.

    Attributes:
        skeleton: what the keypoints are.
        folder: where the files are.
        names: I file names, below `folder`.
        sizes: (I, 2) int64, the stated width and height in pixels, 0 where the label file does not say.
        people: who is in them.
        grey: pictures have one channel.
    """

    skeleton: Skeleton
    folder: Path
    names: tuple[str, ...]
    sizes: npt.NDArray[np.int64]
    people: People
    grey: bool = False
    _rows: npt.NDArray[np.int64] = field(init=False, repr=False)
    _starts: npt.NDArray[np.int64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        order = np.argsort(self.people.picture, kind="stable")
        starts = np.searchsorted(self.people.picture[order], np.arange(len(self.names) + 1))
        object.__setattr__(self, "_rows", order.astype(np.int64))
        object.__setattr__(self, "_starts", starts.astype(np.int64))

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Sample:
        return self.sample_for(index, None)

    def labels(self, index: int) -> Labels:
        """The labels of picture `index`, in pixels of the file, without reading it."""
        index = _at(index, len(self))
        rows = self._rows[self._starts[index] : self._starts[index + 1]]
        people = self.people
        unknown = people.unknown[rows]
        known = rows[~unknown]
        visibility = people.visibility[known]
        there = located(visibility)
        xy = np.where(there[:, :, None], people.xy[known], 0.0)
        boxes = people.boxes[known]
        for person in np.flatnonzero(~np.isfinite(boxes).all(axis=1)):
            boxes[person] = _box_around(xy[person][there[person]])
        return Labels(
            xy=xy.astype(np.float32),
            visibility=visibility,
            boxes=boxes.astype(np.float32),
            ignored=_corners(people.boxes[rows[unknown]]),
        )

    def sample_for(
        self,
        index: int,
        size: tuple[float, float] | None,
        frame: tuple[float, float, float, float] | None = None,
    ) -> Sample:
        """Picture `index` with as many pixels as an input of `size` can show.

        Args:
            index: 0 to I - 1.
            size: (width, height) in pixels that the frame is fitted into; None: all pixels.
            frame: x, y, width, height in pixels of the file; None: the whole picture.

        Raises:
            SourceError: the picture cannot be read; the sentence has its name.
        """
        index = _at(index, len(self))
        name = self.names[index]
        image, factor = read_pixels(
            _below(self.folder, name), stated=self._stated(index), grey=self.grey, into=size, frame=frame
        )
        labels = self.labels(index)
        if factor > 1:
            shift = 0.5 / factor - 0.5
            matrix = np.array([[1 / factor, 0, shift], [0, 1 / factor, shift]])
            labels = moved_labels(labels, matrix, (image.shape[1], image.shape[0]), cut=False)
            if frame is not None:
                x, y, frame_width, frame_height = (float(side) / factor for side in frame)
                frame = (
                    x,
                    y,
                    frame_width,
                    frame_height,
                )  # from its border half a pixel before its first centre
        return sample_of(image, labels, name=name, skeleton=self.skeleton, frame=frame)

    def want(self, index: int) -> None:
        """Raises what `sample_for` would of picture `index`, as far as that can be known without decoding it."""
        index = _at(index, len(self))
        want_picture(_below(self.folder, self.names[index]), self._stated(index))

    def _stated(self, index: int) -> tuple[int, int]:
        width, height = self.sizes[index]
        return int(width), int(height)


def _at(index: object, count: int) -> int:
    if not isinstance(index, (int, np.integer)):
        return whole(index, "index", 0, count - 1)
    if not 0 <= index < count:
        raise IndexError(f"index: wanted 0 to {count - 1}, got {index}")
    return int(index)


def _box_around(points: Any) -> tuple[float, float, float, float]:
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    room = _ROOM * max(right - left, bottom - top, 1.0)
    return left - room, top - room, right - left + 2 * room, bottom - top + 2 * room


def _corners(boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """(M, 4, 2) of boxes (M, 4). Where there is no box, somebody is somewhere: the whole picture is meant."""
    finite = np.isfinite(boxes).all(axis=1, keepdims=True)
    x, y, width, height = np.where(finite, boxes, np.array([-1, -1, 2, 2]) * FURTHEST_PX).T
    corners = np.stack([x, y, x + width, y, x + width, y + height, x, y + height], axis=1)
    corners = corners.clip(-FURTHEST_PX, FURTHEST_PX)
    return corners.reshape(-1, 4, 2).astype(np.float32)


def _below(folder: Path, name: str) -> Path:
    """The file of this name in the folder; names come from files of others, and must not lead out of it."""
    for pure in (PurePosixPath(name), PureWindowsPath(name)):
        if not name or "\0" in name or pure.is_absolute() or pure.drive or pure.root or ".." in pure.parts:
            raise SourceError(f"{folder}: wanted the name of a picture in this folder, got {name[:200]!r}")
    return folder / name


def folder_of(pictures: str | os.PathLike[str]) -> Path:
    """`pictures` as a folder that is there; SourceError otherwise."""
    folder = Path(pictures)
    if not folder.is_dir():
        what = "a file" if folder.exists() else "nothing of that name"
        raise SourceError(f"{folder}: wanted a folder with pictures, got {what}")
    return folder
