"""Pictures that the ranges of a quantised model are measured on.

A quantised network can say nothing beyond what calibration saw. Noise has no people in it, so that heatmaps and
displacements get the range of an empty wall; it is refused unless it is insisted on.
"""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.arguments import size as checked_size
from posecore.arguments import whole, yes_or_no
from posecore.artifact import Calibration
from posecore.errors import SourceError
from posecore.export.letterbox import letterboxed
from posecore.runtime.network_input import checked_image
from posecore.runtime.picture_file import read_picture_file

if TYPE_CHECKING:
    import numpy.typing as npt

    Picture = npt.NDArray[np.uint8]

DEFAULT_COUNT = 100
_MOST = 10_000
_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
# Neighbouring pixels of photographs go together (.9 and more, .6 in the wildest of grass); those of noise do not.
_LEAST_CORRELATION = 0.25


def calibration_pictures(
    source: str | os.PathLike[str] | Iterable[Any] | None,
    size: tuple[int, int],
    *,
    count: int = DEFAULT_COUNT,
    random: bool = False,
) -> list[Picture]:
    """Real pictures as the network sees them: letterboxed into its input, grey around them.

    Args:
        source: a folder (with its subfolders) or a list of picture files, read as `read_picture_file` does it, or RGB
            pictures, uint8 (h, w, 3), of any size. Of more than `count`, every so-manyth is taken of files, the
            first of others.
        size: (width, height) of the network's input in pixels.
        count: at most so many, 1..10000.
        random: insists on noise: with `source` None that many pictures of it are made, the same every time, and
            pictures that look like noise are taken.

    Returns:
        uint8 (height, width, 3) each, RGB, in the order of the source.

    Raises:
        TypeError, ValueError: something else; no pictures at all; or pictures that are noise, without `random`.
        SourceError: a folder without pictures, or one that cannot be read; the sentence names it.
        MissingExtra: OpenCV is not installed.
    """
    sides = checked_size(size, "size")
    count = whole(count, "count", 1, _MOST)
    if source is None:
        if not yes_or_no(random, "random"):
            raise ValueError(
                "calibration: wanted a folder of pictures like those that the network will see, got None; noise in "
                "their place gives models that look right and place keypoints wrongly"
            )
        rng = np.random.default_rng(0)
        return [rng.integers(0, 256, (sides[1], sides[0], 3), np.uint8) for _ in range(count)]
    pictures = [
        letterboxed(picture, sides, "calibration") for picture in _pictures(source, count, random=random)
    ]
    if not pictures:
        raise ValueError("calibration: wanted at least one picture, got none")
    return pictures


def described(pictures: Iterable[Picture], *, random: bool) -> Calibration:
    """What an `Artifact` says of these pictures."""
    digest, count = hashlib.sha256(), 0
    for picture in pictures:
        digest.update(repr(picture.shape).encode())
        digest.update(picture.tobytes())
        count += 1
    return Calibration(count, digest.hexdigest(), random)


def is_noise(picture: Picture) -> bool:
    """Whether pixels say nothing about their neighbours, in a picture that is not of one colour; uint8 (h, w, 3)."""
    grey = picture.astype(np.float32).sum(axis=2)
    if min(grey.shape) < 2:
        return False
    for first, second in ((grey[:, 1:], grey[:, :-1]), (grey[1:], grey[:-1])):
        a, b = first - first.mean(), second - second.mean()
        together, apart = float((a * b).mean()), float(np.sqrt((a * a).mean() * (b * b).mean()))
        if apart < 1 or together >= _LEAST_CORRELATION * apart:
            return False
    return True


def _pictures(source: Any, count: int, *, random: bool) -> Iterable[Picture]:
    if isinstance(source, (str, os.PathLike)):
        source = _files(Path(source), count)
    elif isinstance(source, np.ndarray):
        if source.ndim != 4:
            raise ValueError(
                f"calibration: wanted pictures, uint8 of shape (n, h, w, 3), got shape {source.shape}"
            )
    elif not isinstance(source, Iterable):
        raise TypeError(
            f"calibration: wanted a folder, or pictures as uint8 arrays (h, w, 3), got {type(source).__name__}"
        )
    for number, one in enumerate(itertools.islice(source, count)):
        if isinstance(one, (str, os.PathLike)):
            name = os.fspath(one)
            picture = read_picture_file(Path(one), name, extra="export")
        else:
            name = f"picture {number}"
            try:
                picture = checked_image(one)
            except (TypeError, ValueError) as error:
                raise type(error)(f"calibration: {name}: {error}") from None
        if not random and is_noise(picture):
            raise ValueError(
                f"calibration: wanted pictures like those that the network will see, got noise in {name}; "
                "random=True insists on it"
            )
        yield picture


def _files(path: Path, count: int) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise SourceError(f"{path}: there is no such folder of pictures")
    found = sorted(one for one in path.rglob("*") if one.suffix.lower() in _ENDINGS and one.is_file())
    if not found:
        raise SourceError(f"{path}: wanted a folder with pictures ({', '.join(_ENDINGS)}), got one without")
    return [found[i * len(found) // count] for i in range(count)] if len(found) > count else found
