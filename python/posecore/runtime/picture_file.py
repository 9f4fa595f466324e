"""A picture's file, from anywhere, as pixels: the same ones for prediction, calibration and verification."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from posecore.errors import SourceError, require

if TYPE_CHECKING:
    import numpy.typing as npt

    Image = npt.NDArray[np.uint8]

MAX_PICTURE_PIXELS = 178_956_970
"""The largest picture that is decoded, 0.5 GB as RGB; Pillow's limit too."""
_MAX_PICTURE_BYTES = 1 << 29


def read_picture_file(path: Path, name: str, *, extra: str = "app") -> Image:
    """A picture file as RGB uint8 (H, W, 3), the way that a viewer shows it: EXIF orientation applied, grey
    and palette as colours, 16 bits as 8, transparency over white.

    Args:
        path: the file.
        name: what it is called in sentences.
        extra: the extra of posecore that brings OpenCV to whoever asks.

    Raises:
        SourceError: the file is not there, not readable, empty, cut off, not a picture, or has more than
            `MAX_PICTURE_PIXELS` pixels.
        MissingExtra: OpenCV is not installed.
    """
    cv2 = require("cv2", extra=extra, purpose="Reading pictures")
    data = _read_bytes(path, name)
    try:
        image = cv2.imdecode(data, cv2.IMREAD_COLOR)
    except cv2.error as error:
        if "CV_IO_MAX_IMAGE" in str(error):
            raise SourceError(
                f"{name}: wanted a picture of at most {MAX_PICTURE_PIXELS // 1_000_000} megapixels, "
                "got a larger one"
            ) from None
        image = None
    except MemoryError:
        image = None
    if image is None:
        raise SourceError(f"{name}: wanted a picture, got {_what_it_is(data)}")
    image = _over_white(cv2, image, data)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def _read_bytes(path: Path, name: str) -> npt.NDArray[np.uint8]:
    try:
        if not path.is_file():
            what = (
                "a folder"
                if path.is_dir()
                else "no regular file"
                if path.exists()
                else "nothing of that name"
            )
            raise SourceError(f"{name}: wanted a picture file, got {what}")
        size = path.stat().st_size
        if size > _MAX_PICTURE_BYTES:
            raise SourceError(f"{name}: wanted a picture of at most 512 MiB, got {size / 2**20:.0f} MiB")
        data = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise SourceError(f"{name}: the file cannot be read ({error.strerror})") from None
    if data.size == 0:
        raise SourceError(f"{name}: wanted a picture, got an empty file")
    return data


def _what_it_is(data: npt.NDArray[np.uint8]) -> str:
    start = data[:16].tobytes()
    for magic, name in (
        (b"\xff\xd8\xff", "JPEG"),
        (b"\x89PNG", "PNG"),
        (b"BM", "BMP"),
        (b"RIFF", "WebP"),
        (b"II*\0", "TIFF"),
        (b"MM\0*", "TIFF"),
    ):
        if start.startswith(magic):
            return f"a {name} file that is cut off, damaged or too large"
    return "a file that is not one, or of a kind that OpenCV does not read"


def _over_white(cv2: object, image: Image, data: npt.NDArray[np.uint8]) -> Image:
    """`image` with its transparent parts white; OpenCV's colour reader shows what lies hidden there."""
    start = data[:32].tobytes()
    png_alpha = start.startswith(b"\x89PNG") and (data.size > 25 and data[25] in (3, 4, 6))
    if not (png_alpha or start.startswith((b"RIFF", b"II*\0", b"MM\0*"))):
        return image
    whole = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)  # type: ignore[attr-defined]
    # This reader does not turn the picture by its EXIF orientation: other shapes mean a turned one.
    if whole is None or whole.ndim != 3 or whole.shape[2] != 4 or whole.shape[:2] != image.shape[:2]:
        return image
    if whole.dtype.kind != "u":
        return image
    top = int(np.iinfo(whole.dtype).max)
    if whole[:, :, 3].min() == top:
        return image
    alpha = whole[:, :, 3:].astype(np.float32) / top
    return np.asarray(np.rint(image * alpha + 255 * (1 - alpha)), np.uint8)
