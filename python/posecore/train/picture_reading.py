"""Picture files as pixels for training: bounded, whole, and turned the way that their labels are.

Orientation marks (EXIF). COCO, MPII and LSP were labelled on the stored pixels: COCO's width and height are those
before any turning, and so are its coordinates; MATLAB, in which MPII and LSP were made, does not know the mark. OpenCV
turns by default, which puts every keypoint of such a picture in a wrong place. So pictures are read as they are
stored. Where the label file states a size that only the turned picture has, it was labelled turned, and is turned.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.errors import SourceError, require
from posecore.evaluation.picture_size import MOST_PIXELS, picture_size
from posecore.train.warps import fitted_scale

if TYPE_CHECKING:
    import numpy.typing as npt

    Size = tuple[int, int]

_MOST_BYTES = 1 << 26
_JPEG = b"\xff\xd8"
_FACTORS = (8, 4, 2)  # what libjpeg decodes to without decoding all


def read_pixels(
    path: str | os.PathLike[str],
    *,
    stated: Size = (0, 0),
    grey: bool = False,
    into: tuple[float, float] | None = None,
    frame: tuple[float, float, float, float] | None = None,
) -> tuple[npt.NDArray[np.uint8], int]:
    """The pixels of a picture file, and by how much they were reduced.

    Args:
        path: a JPEG, PNG or other file that OpenCV reads, of at most 64 MiB and 100 megapixels.
        stated: (width, height) that the labels state, in pixels; 0 where they do not say.
        grey: one channel instead of three.
        into: (width, height) in pixels. A JPEG is decoded to a half, a quarter or an eighth of its size, which is
            several times as fast, as long as it has no fewer pixels than it fills of `into`. None: all pixels.
        frame: x, y, width, height in pixels of the file, the part that fills `into`; None: the whole picture.

    Returns:
        (h, w, 3) uint8, RGB, or (h, w, 1), and the factor f, 1, 2, 4 or 8: pixel (x, y) of the file lies at
        ((x + 0.5) / f - 0.5, (y + 0.5) / f - 0.5).

    Raises:
        SourceError: one sentence with the file: it is missing, too large, cut off, no picture, or of another size
            than stated.
        MissingExtra: OpenCV is not installed.
    """
    cv2: Any = require("cv2", extra="train", purpose="Reading pictures")
    name = os.fspath(path)
    data, size, turned = _checked(name, stated)
    jpeg = data.startswith(_JPEG)
    factor = 1
    if jpeg and into is not None:
        whole = size[::-1] if turned else size
        scale = fitted_scale(whole if frame is None else frame[2:], into)
        factor = next((f for f in _FACTORS if f * scale <= 1), 1)
    image = _decoded(cv2, data, factor, grey=grey, turned=turned)
    if image is None:
        raise SourceError(
            f"{name}: wanted a picture, got a file that is damaged or that OpenCV does not read"
        )
    wanted = stated if stated[0] and stated[1] else size
    height, width = image.shape[:2]
    if (width, height) != (-(-wanted[0] // factor), -(-wanted[1] // factor)):
        raise _other_size(name, wanted, size)
    return image, factor


def want_picture(path: str | os.PathLike[str], stated: Size = (0, 0)) -> None:
    """Raises what `read_pixels` would, as far as that can be known without decoding."""
    name = os.fspath(path)
    _, size, turned = _checked(name, stated)
    if stated[0] and stated[1] and stated != (size[::-1] if turned else size):
        raise _other_size(name, stated, size)


def _checked(name: str, stated: Size) -> tuple[bytes, Size, bool]:
    """The bytes of a file, its size in pixels as stored, and whether its labels are of the turned picture."""
    data = _bytes_of(name)
    size = picture_size(data)
    if size is not None and not 0 < size[0] * size[1] <= MOST_PIXELS:
        raise SourceError(
            f"{name}: wanted a picture of at most {MOST_PIXELS // 1_000_000} megapixels, got {size[0]}x{size[1]}"
        )
    if size is None:
        raise SourceError(f"{name}: wanted a picture, got a file that is not one, or of an unknown kind")
    if data.startswith(_JPEG) and not _has_end(data):
        raise SourceError(f"{name}: wanted a whole picture, got a JPEG file that is cut off")
    return data, size, bool(stated[0] and stated[1]) and stated != size and stated == size[::-1]


def _other_size(name: str, wanted: Size, got: Size) -> SourceError:
    return SourceError(
        f"{name}: wanted {wanted[0]}x{wanted[1]} pixels, as its labels say, got {got[0]}x{got[1]}"
    )


def _decoded(cv2: Any, data: bytes, factor: int, *, grey: bool, turned: bool) -> Any:
    kind = "GRAYSCALE" if grey else "COLOR"
    flags = getattr(cv2, f"IMREAD_{kind}" if factor == 1 else f"IMREAD_REDUCED_{kind}_{factor}")
    if not turned:
        flags |= cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except (cv2.error, MemoryError):
        return None
    if image is None:
        return None
    return image[:, :, None] if grey else cv2.cvtColor(image, cv2.COLOR_BGR2RGB, dst=image)


def _bytes_of(name: str) -> bytes:
    try:
        if not os.path.isfile(name):
            what = "a folder" if os.path.isdir(name) else "nothing of that name"
            raise SourceError(f"{name}: wanted a picture file, got {what}")
        length = os.path.getsize(name)
        if length > _MOST_BYTES:
            raise SourceError(
                f"{name}: wanted a picture of at most {_MOST_BYTES >> 20} MiB, got {length >> 20} MiB"
            )
        with open(name, "rb") as file:
            data = file.read(_MOST_BYTES)
    except OSError as error:
        raise SourceError(f"{name}: the picture cannot be read ({error.strerror})") from None
    if not data:
        raise SourceError(f"{name}: wanted a picture, got an empty file")
    return data


def _has_end(data: bytes) -> bool:
    """Whether a JPEG has its end mark behind its first scan; libjpeg fills up what is missing with grey, in silence."""
    at = 2
    try:
        while True:
            at = data.index(b"\xff", at)
            while data[at] == 0xFF:
                at += 1
            marker = data[at]
            at += 1
            if marker == 0 or marker == 0x01 or 0xD0 <= marker <= 0xD8:
                continue
            if marker == 0xDA:
                return data.find(b"\xff\xd9", at) >= 0
            at += max(2, struct.unpack_from(">H", data, at)[0])
    except (ValueError, IndexError, struct.error):
        return False
