"""Videos, cameras and network streams as frames, and frames as a video, one at a time: memory does not grow with
length."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.errors import SourceError, require
from posecore.sources import is_address, without_password

if TYPE_CHECKING:
    import numpy.typing as npt

    Image = npt.NDArray[np.uint8]

# OpenCV's wheels carry encoders for these; H.264 they do not.
CODECS = {".mp4": "mp4v", ".m4v": "mp4v", ".mov": "mp4v", ".mkv": "mp4v", ".avi": "MJPG", ".webm": "VP80"}
_MAX_SIDE = 16384
_CAMERA_FPS = 30.0
# Half of a minute, as FFmpeg has it, is long for somebody who waits.
_OPEN_WITHIN_MS, _READ_WITHIN_MS = 10_000, 5_000
# Frames up to this are decoded fast enough by what a spare core leaves: somewhat over 1920x1080.
_SPARING_PIXELS = 2_500_000


class VideoReader:
    """Frames of a video file, a camera or a network address, upright: a telephone's rotation is applied.

    Iterating gives (index, time_s, image): the frame's number in the file, its time in seconds, and RGB
    uint8 (H, W, 3). Frames that `every` leaves out are not decoded to pictures.

    Args:
        source: a file's path, a camera's number, or a network address (rtsp://, http://, ...) that OpenCV opens:
            one that does not answer within 10 s, or gives no frame for 5 s, has ended.
        every: give each N-th frame only: 0, N, 2N, ...
        spare_core: decode files of up to 1080p with one thread fewer than there are cores, where something else
            works all the time; on two cores more of them only take turns with it.

    Attributes:
        fps: frames per second of the source; 25 where a file does not say it, 30 where a camera does not.
        frame_count: frames in the file by its header, or None where it is not known.
        live: whether frames come when they like: from a camera, or an address that promises no number of frames.
        frames_read: how many frames were passed so far, those left out included.

    Raises:
        SourceError: not a video, cut off before its first frame, no such camera, or no answer.
        MissingExtra: OpenCV is not installed.
    """

    def __init__(
        self, source: str | os.PathLike[str] | int, *, every: int = 1, spare_core: bool = False
    ) -> None:
        if every < 1:
            raise ValueError(f"every: wanted a number from 1, got {every}")
        self._cv2: Any = require("cv2", extra="app", purpose="Reading videos")
        self._camera = isinstance(source, int)
        path = "" if isinstance(source, int) else os.fspath(source)
        address = is_address(path)
        self._name = f"camera {source}" if isinstance(source, int) else without_password(path)
        self._every = every
        if address:
            opening = (self._cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _OPEN_WITHIN_MS)
            reading = (self._cv2.CAP_PROP_READ_TIMEOUT_MSEC, _READ_WITHIN_MS)
            self._capture = self._cv2.VideoCapture(path, self._cv2.CAP_FFMPEG, (*opening, *reading))
        else:
            if not self._camera:
                _check_file(Path(path), self._name)
            self._capture = self._sparing(path) if spare_core and not self._camera else None
            if self._capture is None:
                self._capture = self._cv2.VideoCapture(source if self._camera else path)
        if not self._capture.isOpened():
            self.close()
            if self._camera:
                raise SourceError(f"{self._name}: there is no such camera, or another program holds it")
            raise SourceError(
                f"{self._name}: wanted a video, got "
                + ("no answer, or one that is not one" if address else "a file that is not one, is cut off, ")
                + ("" if address else "or has an unknown codec")
            )
        get = self._capture.get
        fps = float(get(self._cv2.CAP_PROP_FPS))
        known = math.isfinite(fps) and 0.1 <= fps <= 1000
        self.fps = fps if known else _CAMERA_FPS if self._camera else 25.0
        count = float(get(self._cv2.CAP_PROP_FRAME_COUNT))
        self.frame_count = int(count) if not self._camera and 0 < count < 1e9 else None
        self.live = self._camera or (address and self.frame_count is None)
        self.frames_read = 0
        self._started: float | None = None

    def _sparing(self, path: str) -> Any | None:
        """The file opened for one thread fewer than there are cores; None where it is large, or cannot be so."""
        threads = (os.cpu_count() or 1) - 1
        if threads < 1:
            return None
        cv2 = self._cv2
        capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG, (cv2.CAP_PROP_N_THREADS, threads))
        pixels = capture.get(cv2.CAP_PROP_FRAME_WIDTH) * capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
        if capture.isOpened() and 0 < pixels <= _SPARING_PIXELS:
            return capture
        capture.release()
        return None

    def __iter__(self) -> Iterator[tuple[int, float, Image]]:
        last_s = -1.0
        while self._capture.grab():
            index = self.frames_read
            self.frames_read += 1
            if index % self._every:
                continue
            good, image = self._capture.retrieve()
            if not good or image is None:
                break
            time_s = self._time_s(index)
            # Damaged files and some containers have times that stand still or run back.
            last_s = time_s if time_s > last_s else last_s + 1 / self.fps
            yield index, last_s, self._rgb(image)
        if self.frames_read == 0:
            raise SourceError(
                f"{self._name}: wanted a video, got a file without one frame that can be decoded"
            )

    def _time_s(self, index: int) -> float:
        if not self.live or self._has_stamp():
            milliseconds = float(self._capture.get(self._cv2.CAP_PROP_POS_MSEC))
            known = math.isfinite(milliseconds) and milliseconds > 0
            return milliseconds / 1000 if known else index / self.fps
        now = monotonic()
        self._started = now if self._started is None else self._started
        return now - self._started

    def _has_stamp(self) -> bool:
        """Whether a frame of a network stream has a time of its own; where it has none, OpenCV's position in
        milliseconds is a count of frames at a rate that nobody keeps."""
        stamp = getattr(self._cv2, "CAP_PROP_PTS", None)
        return not self._camera and stamp is not None and abs(float(self._capture.get(stamp))) < 2**62

    def _rgb(self, image: npt.NDArray[Any]) -> Image:
        if image.dtype != np.uint8 or image.ndim not in (2, 3):
            raise SourceError(
                f"{self._name}: wanted frames of 8 bits, got {image.dtype} of shape {image.shape}"
            )
        code = self._cv2.COLOR_GRAY2RGB if image.ndim == 2 else self._cv2.COLOR_BGR2RGB
        return np.asarray(self._cv2.cvtColor(image, code), np.uint8)

    @property
    def missing_frames(self) -> int:
        """How many of the frames that the header promises did not come, once iterating has ended.

        Headers of some containers estimate, so one frame or one in a hundred fewer counts as none.
        """
        if self.frame_count is None:
            return 0
        missing = self.frame_count - self.frames_read
        return missing if missing > max(1, self.frame_count // 100) else 0

    def close(self) -> None:
        """Let go of the file or camera."""
        self._capture.release()

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class VideoWriter:
    """Writes frames to a video: .mp4, .m4v, .mov, .mkv, .avi or .webm.

    The file is written beside its name and gets it in `close`, so that nobody meets half a video; `discard`
    drops it. As a context manager it closes, also on Ctrl-C, and discards on any other exception.
    An odd width or height, which video codecs cannot hold, is made even by repeating the last column or row.

    Args:
        path: where the video will be; an existing one is replaced by `close`.
        fps: frames per second.

    Raises:
        ValueError: another ending, or a rate that is no positive number.
        SourceError: OpenCV cannot write such a file there.
        MissingExtra: OpenCV is not installed.
    """

    def __init__(self, path: str | os.PathLike[str], *, fps: float) -> None:
        self.path = Path(path)
        if self.path.suffix.lower() not in CODECS:
            raise ValueError(f"path: wanted a file ending in {', '.join(CODECS)}, got {self.path.name}")
        if not (math.isfinite(fps) and fps > 0):
            raise ValueError(f"fps: wanted a positive number of frames per second, got {fps}")
        self._cv2: Any = require("cv2", extra="app", purpose="Writing videos")
        self.fps = float(fps)
        self.frames_written = 0
        self._beside = self.path.with_name(f".{self.path.stem}.{os.getpid()}.part{self.path.suffix}")
        self._writer: Any = None
        self._size: tuple[int, int] | None = None

    def write(self, image: Image) -> None:
        """Append one RGB uint8 (H, W, 3) frame; all frames have the size of the first.

        Raises:
            TypeError, ValueError: not such a frame.
            SourceError: the file cannot be written.
        """
        if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
            got = image.dtype if isinstance(image, np.ndarray) else type(image).__name__
            raise TypeError(f"image: wanted a NumPy array uint8 of shape (H, W, 3), got {got}")
        if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape or max(image.shape) > _MAX_SIDE:
            raise ValueError(f"image: wanted shape (H, W, 3) with sides up to {_MAX_SIDE}, got {image.shape}")
        size = (image.shape[1], image.shape[0])
        if self._writer is None:
            self._open(size)
        elif size != self._size:
            raise ValueError(f"image: wanted {self._size} as the first frame had, got {size}")
        frame = self._cv2.cvtColor(image, self._cv2.COLOR_RGB2BGR)
        odd_columns, odd_rows = size[0] % 2, size[1] % 2
        if odd_columns or odd_rows:
            frame = self._cv2.copyMakeBorder(frame, 0, odd_rows, 0, odd_columns, self._cv2.BORDER_REPLICATE)
        self._writer.write(frame)
        self.frames_written += 1

    def _open(self, size: tuple[int, int]) -> None:
        self._size = size
        code = self._cv2.VideoWriter_fourcc(*CODECS[self.path.suffix.lower()])
        even = (size[0] + size[0] % 2, size[1] + size[1] % 2)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = self._cv2.VideoWriter(str(self._beside), code, self.fps, even)
        if not self._writer.isOpened():
            self.discard()
            raise SourceError(f"{self.path}: OpenCV cannot write a video of {size[0]}x{size[1]} there")

    def close(self) -> None:
        """Finish the file and give it its name; without one frame there is no file."""
        if self._writer is None:
            return
        self._writer.release()
        self._writer = None
        if not self._is_whole():
            self.discard()
            raise SourceError(f"{self.path}: the video could not be written whole; is the disk full?")
        os.replace(self._beside, self.path)

    def _is_whole(self) -> bool:
        """OpenCV says nothing where a write fails: the file is whole if it opens, has its frames, and the last
        can be read; headers are written first and promise more than a full disk kept."""
        reader = self._cv2.VideoCapture(str(self._beside))
        try:
            frames = round(reader.get(self._cv2.CAP_PROP_FRAME_COUNT))
            if not reader.isOpened() or not reader.grab() or abs(frames - self.frames_written) > 2:
                return False
            if self.frames_written <= 2:
                return True
            reader.set(self._cv2.CAP_PROP_POS_FRAMES, max(min(frames, self.frames_written) - 2, 0))
            return bool(reader.grab())
        finally:
            reader.release()

    def discard(self) -> None:
        """Drop what was written."""
        if self._writer is not None:
            self._writer.release()
            self._writer = None
        self._beside.unlink(missing_ok=True)

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None or issubclass(kind, KeyboardInterrupt):
            self.close()
        else:
            self.discard()


def _check_file(path: Path, name: str) -> None:
    try:
        if not path.is_file():
            raise SourceError(
                f"{name}: wanted a video file, got {'a folder' if path.is_dir() else 'nothing of that name'}"
            )
        with path.open("rb") as file:
            if not file.read(1):
                raise SourceError(f"{name}: wanted a video, got an empty file")
    except OSError as error:
        raise SourceError(f"{name}: the file cannot be read ({error.strerror})") from None
