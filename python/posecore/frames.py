"""`Frames`: whatever pictures come from, as frames with their times."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from posecore.errors import SourceError
from posecore.poses import TIMES_S
from posecore.sources import Source, find_sources, is_address, read_picture, without_password
from posecore.video import VideoReader

if TYPE_CHECKING:
    import numpy.typing as npt

    Image = npt.NDArray[np.uint8]

DEFAULT_FPS = 30.0
"""Of pictures and frames that nobody gives a rate."""


class Frames(Protocol):
    """What gives frames, one after the other.

    Attributes:
        fps: frames per second, by the source or by whoever asked.
        live: whether frames come when they like, and are lost where nobody takes them.
        missing_frames: how many promised frames did not come, once iterating has ended.
    """

    fps: float
    live: bool

    @property
    def missing_frames(self) -> int: ...

    def __iter__(self) -> Iterator[tuple[int, float, Image]]:
        """(index, time_s, image): counted from 0, seconds in ascending order, RGB uint8 (H, W, 3) that nobody else
        writes to."""

    def close(self) -> None:
        """Let go of the file, camera or connection."""


def open_frames(source: object, *, fps: float | None = None) -> Frames:
    """The frames of a video file, a picture, a folder or glob of pictures, a camera's number, a network address, or
    of anything that gives frames, or (frame, time in seconds) pairs, when it is iterated.

    Args:
        fps: frame n then has the time n / fps. Left out, a video's or stream's frames have the times of their
            container, a camera's those at which they come, and other frames 30 a second.

    Raises:
        TypeError: none of these.
        ValueError: an fps for a live source, whose frames have times of their own.
        SourceError: it cannot be read.
    """
    if isinstance(source, (int, np.integer)) and not isinstance(source, bool):
        if not 0 <= source <= 9999:
            raise ValueError(f"source: wanted a camera's number from 0 to 9999, got {source}")
        opened: Frames = VideoReader(int(source))
    elif isinstance(source, (str, os.PathLike)):
        opened = _named(source)
    elif isinstance(source, Iterable) and not isinstance(source, (bytes, bytearray)):
        return _Given(source, fps)
    else:
        raise TypeError(
            "source: wanted a file, folder, camera number, network address, or frames to iterate over, "
            f"got {type(source).__name__}"
        )
    if fps is None:
        return opened
    if opened.live:
        opened.close()
        raise ValueError(
            f"fps: wanted None for a live source, whose frames have the times at which they come, got {fps:g}"
        )
    return _Timed(opened, fps)


def _named(source: str | os.PathLike[str]) -> Frames:
    word = os.fspath(source)
    if not isinstance(word, str):
        raise TypeError(f"source: wanted a path as text, got {type(word).__name__}")
    if is_address(word):
        return VideoReader(word)
    found = find_sources([word])
    if found[0].camera is not None:
        return VideoReader(found[0].camera)
    if len(found) == 1 and found[0].kind == "video":
        return VideoReader(word if found[0].path is None else found[0].path, spare_core=True)
    other = next((each for each in found if each.kind != "picture"), None)
    if other is not None:
        what = "heads, which have no picture" if other.kind == "heads" else "a video among others"
        raise SourceError(f"{without_password(other.name)}: wanted one video, or pictures, got {what}")
    return _Pictures(found)


class _Timed:
    """A video or pictures at another rate than their own."""

    live = False

    @property
    def missing_frames(self) -> int:
        return self._frames.missing_frames

    def __init__(self, frames: Frames, fps: float) -> None:
        self._frames, self.fps = frames, fps

    def __iter__(self) -> Iterator[tuple[int, float, Image]]:
        for index, _, image in self._frames:
            yield index, index / self.fps, image

    def close(self) -> None:
        self._frames.close()


class _Pictures:
    """Picture files, one frame each."""

    fps, live, missing_frames = DEFAULT_FPS, False, 0

    def __init__(self, sources: list[Source]) -> None:
        self._sources = sources

    def __iter__(self) -> Iterator[tuple[int, float, Image]]:
        for index, source in enumerate(self._sources):
            yield index, index / self.fps, read_picture(source)

    def close(self) -> None:
        """Files are open while they are read, and not longer."""


class _Given:
    """Frames, or (frame, time in seconds) pairs, out of somebody's hands: each is checked and copied, since whoever
    gives them may use the array again."""

    live, missing_frames = False, 0

    def __init__(self, frames: Iterable[Any], fps: float | None) -> None:
        self._frames, self._rate = frames, fps
        self.fps = fps or DEFAULT_FPS

    def __iter__(self) -> Iterator[tuple[int, float, Image]]:
        last_s = -math.inf
        for index, given in enumerate(self._frames):
            pair = isinstance(given, (tuple, list)) and len(given) == 2
            frame, time_s = given if pair else (given, index / self.fps)
            if pair:
                time_s = self._checked_time(time_s, last_s, index)
            last_s = time_s
            yield index, time_s, _checked_frame(frame, index)

    def _checked_time(self, time_s: object, last_s: float, index: int) -> float:
        if self._rate is not None:
            raise ValueError(f"fps: wanted None, since the frames come with their times, got {self._rate:g}")
        wanted = "source: wanted (frame, seconds) with each time later than the one before"
        if isinstance(time_s, (bool, np.bool_)) or not isinstance(
            time_s, (int, float, np.integer, np.floating)
        ):
            raise TypeError(f"{wanted}, got {type(time_s).__name__} for the time of frame {index}")
        if not abs(time_s) <= TIMES_S:
            raise ValueError(
                f"{wanted} and from {-TIMES_S:g} to {TIMES_S:g}, got {time_s:g} in frame {index}"
            )
        if not time_s > last_s:
            raise ValueError(f"{wanted}, got {time_s:g} after {last_s:g} in frame {index}")
        return float(time_s)

    def close(self) -> None:
        """Whoever gives the frames keeps them."""


def _checked_frame(frame: object, index: int) -> Image:
    wanted = "source: wanted frames that are NumPy arrays uint8 of shape (H, W, 3)"
    if not isinstance(frame, np.ndarray):
        raise TypeError(f"{wanted}, got {type(frame).__name__} as frame {index}")
    if frame.dtype != np.uint8:
        raise TypeError(f"{wanted}, got {frame.dtype} as frame {index}")
    if frame.ndim != 3 or frame.shape[2] != 3 or 0 in frame.shape:
        raise ValueError(f"{wanted}, got shape {frame.shape} as frame {index}")
    return np.array(frame, order="C")
