"""`Footage`: one video or camera of a run, its stages at work at once.

Reading and resizing are a frame or a few ahead of the network, and drawing and writing are as much behind it, in
threads of their own: a frame takes as long as the slowest of the three. The network is in the thread that runs all
this, which is the one that Ctrl-C reaches, so that "the frame in work" is the network's.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.movement import Movement, Recording
from posecore.relay import Ahead, Behind
from posecore.sources import Source
from posecore.video import VideoReader, VideoWriter

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.poses import Poses
    from posecore.prediction import Prediction
    from posecore.summary import Tally

    Image = npt.NDArray[np.uint8]
    Frame = tuple[int, float, Image, Any]

_QUEUE = 4
# How long a camera that was pulled out is waited for when the run ends.
_GRACE_S = 5.0


class Footage:
    """A video or camera.

    Args:
        target: the annotated video, or None.
        tally: what became of it.
        run: what it is a part of.
    """

    def __init__(self, source: Source, target: Path | None, tally: Tally, run: Prediction) -> None:
        self._source, self._target, self._tally, self._run = source, target, tally, run
        self._newest: Image | None = None

    def predict(self) -> None:
        """Go through all frames, until there are no more or the run has ended.

        Raises:
            SourceError: it cannot be read, or the annotated video not be written.
        """
        with ExitStack() as stack:
            reader = self._open()
            fps = reader.fps / self._run.wishes.every
            movement = self._run.make_movement(fps) if self._run.make_movement is not None else None
            recording = movement if isinstance(movement, Recording) else None
            online = movement if isinstance(movement, Movement) else None
            writer = None
            if self._target is not None and recording is None:
                writer = stack.enter_context(VideoWriter(self._target, fps=fps))
            bar = stack.enter_context(self._bar(reader))
            frames = stack.enter_context(self._ahead(reader, prepare=self._run.estimator.prepare))

            def finish(found: tuple[int, float, Image, Any]) -> None:
                index, time_s, image, outputs = found
                detail = self._read(outputs)
                poses = detail.poses.replace(time_s=time_s)
                if recording is not None:
                    with self._stage("track"):
                        recording.add(poses)
                    indices.append(index)
                else:
                    self._finish(index, image, detail, poses, online, writer)
                bar.advance()

            indices: list[int] = []
            with Behind(finish, size=_QUEUE, name="posecore: drawing and writing") as behind:
                for index, time_s, image, prepared in frames:
                    if self._run.ended():
                        break
                    behind.put((index, time_s, image, self._run.estimator.run(prepared)))
                    self._show_newest()
            self._tally.dropped = frames.dropped
            if reader.missing_frames and not self._run.ended():
                self._tally.error = (
                    f"{self._source.name}: the video is cut off or damaged: "
                    f"{reader.frames_read} of {reader.frame_count} frames could be read"
                )
        if recording is not None:
            self._play(recording, indices)
        elif writer is not None and writer.frames_written:
            self._tally.drawn = self._target
        self._tally.receipt = movement.receipt if movement is not None else None

    def _read(self, outputs: Any) -> Any:
        detail = self._run.estimator.read(outputs)
        for name, seconds in detail.times.items():
            self._run.summary.stopwatch.seconds[name] += seconds
        return detail

    def _finish(
        self,
        index: int,
        image: Image,
        detail: Any,
        poses: Poses,
        movement: Movement | None,
        writer: VideoWriter | None,
    ) -> None:
        moved = poses
        if movement is not None:
            with self._stage("track"):
                moved = movement(poses)
        canvas = None
        if writer is not None or self._run.wishes.show:
            with self._stage("draw"):
                canvas = self._run.renderer.draw(
                    image, moved, heads=detail.heads, geometry=detail.geometry, decoded=poses
                )
        self._write(index, moved, image.shape[1])
        if writer is not None and canvas is not None:
            with self._stage("write"):
                # A camera gives frames when it likes; the video keeps their time.
                due = 1
                if self._source.kind == "camera" and poses.time_s is not None:
                    due = round(poses.time_s * writer.fps) + 1 - writer.frames_written
                for _ in range(min(due, 1 + round(10 * writer.fps))):
                    writer.write(canvas)
        self._newest = canvas

    def _write(self, index: int, poses: Poses, width: int) -> None:
        self._run.write(self._source.name, index, self._run.renderer.placed(poses, width))
        self._tally.count(len(poses))

    # Smoothing that needs all poses

    def _play(self, recording: Recording, indices: list[int]) -> None:
        """Smooth the poses of all frames, write them, and draw them on the video, read a second time."""
        with self._stage("track"):
            smoothed = recording.smoothed()
        for index, poses in zip(indices, smoothed, strict=True):
            width = poses.image_size[0] if poses.image_size else 0
            self._write(index, poses, width)
        if self._target is None or not smoothed:
            return
        # Whoever pressed Ctrl-C wants the poses that there are, and no second pass.
        if self._run.ended():
            self._say_what_is_missing(0, len(smoothed))
            return
        with ExitStack() as stack:
            reader = self._open()
            writer = stack.enter_context(VideoWriter(self._target, fps=reader.fps / self._run.wishes.every))
            bar = stack.enter_context(self._bar(reader, "drawing "))
            frames = stack.enter_context(self._ahead(reader))

            def write(canvas: Image) -> None:
                with self._stage("write"):
                    writer.write(canvas)
                bar.advance()

            with Behind(write, size=_QUEUE, name="posecore: writing") as behind:
                for poses, (_, _, image, _) in zip(smoothed, frames, strict=False):
                    if self._run.ended():
                        break
                    with self._stage("draw"):
                        canvas = self._run.renderer.draw(image, poses, heads=None, geometry=None)
                    behind.put(canvas)
            if writer.frames_written:
                self._tally.drawn = self._target
            drawn = writer.frames_written
        if drawn < len(smoothed):
            if self._run.ended():
                self._say_what_is_missing(drawn, len(smoothed))
            else:
                self._tally.error = (
                    f"{self._source.name}: the second time, for drawing, only {drawn} of {len(smoothed)} frames could "
                    "be read"
                )

    def _say_what_is_missing(self, drawn: int, frames: int) -> None:
        """The run ended between the poses of the frames and their drawing."""
        of = f"{frames} frame{'' if frames == 1 else 's'}"
        if drawn:
            told = f"while drawing: {self._target} has the first {drawn} of {of}"
        else:
            told = f"before drawing: {self._target} is not written"
        if self._run.wishes.save:
            told += f", the poses of {of} are written"
        self._run.progress.line(f"{self._source.name}: interrupted {told}")

    # Around the frames

    def _stage(self, name: str) -> Any:
        return self._run.summary.stopwatch.stage(name)

    def _open(self) -> VideoReader:
        source = self._source
        where = source.camera if source.camera is not None else os.fspath(source.path or source.name)
        return VideoReader(where, every=self._run.wishes.every, spare_core=True)

    def _bar(self, reader: VideoReader, what: str = "") -> Any:
        total = None
        if reader.frame_count is not None:
            total = math.ceil(reader.frame_count / self._run.wishes.every)
        return self._run.progress.task(what + os.path.basename(self._source.name), total, "frame")

    def _ahead(self, reader: VideoReader, prepare: Callable[[Image], Any] | None = None) -> Ahead[Frame]:
        # A camera's newest frame is worth more than its next one.
        return Ahead(
            _Reading(reader, self._run, prepare),
            size=1 if reader.live else _QUEUE,
            drop=reader.live,
            name="posecore: reading",
            stop=self._run.ended,
            grace_s=_GRACE_S,
        )

    def _show_newest(self) -> None:
        # Windows belong to the thread that the process began with.
        if self._run.wishes.show and self._newest is not None:
            canvas, self._newest = self._newest, None
            self._run.show(canvas, wait=False)


class _Reading:
    """Frames in the colours of the run, made ready for the network, let go of by the thread that reads them."""

    def __init__(
        self, reader: VideoReader, run: Prediction, prepare: Callable[[Image], Any] | None = None
    ) -> None:
        self._reader, self._run, self._prepare = reader, run, prepare

    def __iter__(self) -> Iterator[Frame]:
        frames = iter(self._reader)
        while True:
            with self._run.summary.stopwatch.stage("read"):
                frame = next(frames, None)
                if frame is None:
                    return
                index, time_s, image = frame
                if self._run.wishes.swap_colors:
                    image = np.ascontiguousarray(image[:, :, ::-1])
            yield index, time_s, image, self._prepare(image) if self._prepare is not None else None
            del frame, image

    def close(self) -> None:
        self._reader.close()
