"""Where pictures come from: what a person typed, as a list of pictures, videos, cameras and heads files."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from posecore.errors import SourceError
from posecore.runtime.picture_file import MAX_PICTURE_PIXELS, read_picture_file

if TYPE_CHECKING:
    import numpy.typing as npt

    Image = npt.NDArray[np.uint8]

__all__ = [
    "MAX_PICTURE_PIXELS",
    "PICTURE_SUFFIXES",
    "VIDEO_SUFFIXES",
    "Kind",
    "Source",
    "find_sources",
    "is_address",
    "read_picture",
    "without_password",
]

Kind = Literal["picture", "video", "camera", "heads"]

_MODEL_SUFFIXES = (".tflite", ".kmodel", ".keras", ".onnx", ".pb")
PICTURE_SUFFIXES = frozenset(
    f".{ending}"
    for ending in "jpg jpeg jpe png bmp dib webp tif tiff ppm pgm pbm pnm jp2 avif".split()  # noqa: SIM905
)
VIDEO_SUFFIXES = frozenset(
    f".{ending}"
    for ending in "mp4 m4v mov avi mkv webm wmv flv mpg mpeg ts mts m2ts 3gp ogv mjpeg mjpg gif".split()  # noqa: SIM905
)
_MAX_FILES = 1_000_000
_DEFAULT_PICTURE = "people.jpg"


@dataclass(frozen=True, slots=True)
class Source:
    """One thing that gives one or many frames.

    Attributes:
        kind: "picture" and "heads" give one frame, "video" and "camera" many.
        name: what it is called in messages and results: the path as it was typed, or "camera 0".
        path: the file; None for a camera and for the default picture, which lies in the package.
        camera: the camera's number, or None.
        error: why there is no such source, or None.
    """

    kind: Kind
    name: str
    path: Path | None = None
    camera: int | None = None
    error: str | None = None

    @property
    def stem(self) -> str:
        """What files about this source are named after."""
        return f"camera-{self.camera}" if self.camera is not None else Path(self.name).stem

    @property
    def suffix(self) -> str:
        """The file's ending with its dot, in lower case."""
        return "" if self.camera is not None else Path(self.name).suffix.lower()


def find_sources(typed: Sequence[str]) -> list[Source]:
    """What was typed, each word a picture, folder, glob, video, camera number or .npz heads; nothing is the
    default picture.

    A folder gives its pictures in natural order (2 before 10), a glob whatever it matches. An animated GIF
    is a video. What a file is is said by its ending; a file without a known one is taken for a picture.
    One of several words that leads nowhere is a source with an error, so that the others are done.

    Raises:
        SourceError: no word leads anywhere: none of these, a folder without pictures, a glob without a match.
    """
    if not typed:
        return [Source("picture", _DEFAULT_PICTURE)]
    found: list[Source] = []
    errors = []
    for word in typed:
        try:
            found += _from_word(word)
        except SourceError as error:
            errors.append(error)
            found.append(Source("picture", word, error=str(error)))
    if len(errors) == len(typed):
        raise errors[0]
    return found


def is_address(word: str) -> bool:
    """Whether this is a network address such as rtsp://host/stream."""
    return re.match(r"[a-z][a-z0-9+.-]+://", word, re.IGNORECASE) is not None


def without_password(word: str) -> str:
    """A network address without its user and password, to be said; other words as they are."""
    return re.sub(r"^([a-z][a-z0-9+.-]+://)[^/?#]*@", r"\1", word, flags=re.IGNORECASE)


def _from_word(word: str) -> list[Source]:
    if "\0" in word:
        raise SourceError(f"{word!r}: wanted a path, got one with a NUL character")
    if re.fullmatch(r"[0-9]{1,4}", word) and not os.path.exists(word):
        return [Source("camera", f"camera {int(word)}", camera=int(word))]
    if is_address(word):
        raise SourceError(
            f"{without_password(word)}: wanted a file, folder, glob or camera number, got a network address"
        )
    if os.path.isdir(word):
        return _from_folder(word)
    if os.path.exists(word):
        return [_from_file(word)]
    if glob.has_magic(word):
        return _from_glob(word)
    raise SourceError(f"{word}: there is no such file or folder")


def _from_folder(folder: str) -> list[Source]:
    try:
        names = sorted(os.listdir(folder), key=_natural)
    except OSError as error:
        raise SourceError(f"{folder}: the folder cannot be read ({error.strerror})") from None
    found = [_from_file(os.path.join(folder, name)) for name in names if _is_picture_name(name)]
    found = [source for source in found if source.path is not None and source.path.is_file()]
    if not found:
        videos = sum(Path(name).suffix.lower() in VIDEO_SUFFIXES for name in names)
        hint = f"; for its videos, use a glob such as {os.path.join(folder, '*')}" if videos else ""
        raise SourceError(f"{folder}: wanted a folder with pictures, got one with none{hint}")
    return found


def _from_glob(pattern: str) -> list[Source]:
    paths: list[str] = []
    for path in glob.iglob(pattern, recursive=True):
        if os.path.isfile(path):
            paths.append(path)
        if len(paths) > _MAX_FILES:
            raise SourceError(f"{pattern}: wanted a glob of at most {_MAX_FILES:,} files, got more")
    known = [p for p in paths if Path(p).suffix.lower() in PICTURE_SUFFIXES | VIDEO_SUFFIXES | {".npz"}]
    if not known:
        got = f"{len(paths)} other file{'s' * (len(paths) != 1)}" if paths else "no match"
        raise SourceError(f"{pattern}: wanted a glob that matches pictures, videos or .npz heads, got {got}")
    return [_from_file(path) for path in sorted(known, key=_natural)]


def _from_file(name: str) -> Source:
    suffix = Path(name).suffix.lower()
    if suffix in _MODEL_SUFFIXES:
        raise SourceError(
            f"{name}: wanted a picture, video or heads, got a model ({suffix}); --model names one"
        )
    kind: Kind = "heads" if suffix == ".npz" else "video" if suffix in VIDEO_SUFFIXES else "picture"
    return Source(kind, name, path=Path(name))


def _is_picture_name(name: str) -> bool:
    # Names with a leading dot are what other programs leave beside pictures.
    return Path(name).suffix.lower() in PICTURE_SUFFIXES and not name.startswith(".")


def _natural(name: str) -> list[tuple[int, int, str]]:
    parts = re.split(r"([0-9]+)", name)
    return [(0, int(part), part) if part.isdecimal() else (1, 0, part.lower()) for part in parts if part]


def read_picture(source: Source) -> Image:
    """The picture of a source as RGB uint8 (H, W, 3); see `read_picture_file`.

    Raises:
        SourceError: as it does; the file is not there, not a picture, or too large.
        MissingExtra: OpenCV is not installed.
    """
    with ExitStack() as stack:
        path = source.path or stack.enter_context(as_file(files("posecore") / "data" / _DEFAULT_PICTURE))
        return read_picture_file(path, source.name)
