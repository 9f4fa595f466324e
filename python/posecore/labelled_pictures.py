"""Pictures that a file of labels names: where they are, and that they are what it says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from posecore.errors import SourceError
from posecore.sources import Source, read_picture

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.evaluation.truths import Truths


def labelled_paths(
    truths: Truths, labels: str | os.PathLike[str], pictures: str | os.PathLike[str]
) -> list[Path]:
    """A file for each picture of the truth, in its order, so that all are looked for before a network runs.

    Args:
        truths: what was read from the file `labels`.
        pictures: the folder.

    Raises:
        SourceError: there are no pictures, or some are not there.
    """
    from posecore.evaluation.page_pictures import picture_path

    names = truths.images.file_names
    if not len(names):
        raise SourceError(f"{os.fspath(labels)}: wanted images, got none")
    found = [picture_path(Path(pictures), name) for name in names]
    missing = [name for name, path in zip(names, found, strict=True) if path is None]
    if missing:
        raise SourceError(
            f"{os.fspath(pictures)}: wanted the {len(found):,} pictures of {os.fspath(labels)}, but {len(missing):,} "
            f"are not there, first {missing[0] or '(an image without a file_name)'}"
        )
    return [path for path in found if path is not None]


def read_labelled(truths: Truths, row: int, path: Path) -> npt.NDArray[np.uint8]:
    """The picture of the truth's image number `row`, RGB uint8 (h, w, 3).

    Raises:
        SourceError: it cannot be read, or is not of the size that the labels say.
    """
    image = read_picture(Source("picture", str(path), path))
    wanted = int(truths.images.widths[row]), int(truths.images.heights[row])
    size = image.shape[1], image.shape[0]
    if wanted != size and wanted != (0, 0):
        raise SourceError(
            f"{path}: wanted a picture of {wanted[0]}x{wanted[1]} as {truths.origin.name} says, "
            f"got one of {size[0]}x{size[1]}"
        )
    return image
