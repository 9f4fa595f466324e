"""One run of `posecore predict`: each frame through the estimator, the pen and the writers."""

from __future__ import annotations

import math
import os
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.errors import ModelError, SourceError, require
from posecore.interruption import Interruption
from posecore.outputs import PoseWriter, file_names, open_writer, write_file
from posecore.progress import Progress
from posecore.sources import MAX_PICTURE_PIXELS, Source, read_picture
from posecore.summary import Summary, Tally
from posecore.video import VideoReader, VideoWriter

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.destinations import Destinations
    from posecore.heads import Heads
    from posecore.poses import Poses
    from posecore.skeletons import Skeleton

    Image = npt.NDArray[np.uint8]

_FAINT_BELOW = 0.25
_STILL = ("picture", "heads")


@dataclass(frozen=True)
class Wishes:
    """What is done with each frame.

    Attributes:
        drawings: of "poses", "heatmaps", "offsets", "names".
        save: formats of poses.
        decoding: the decode options that were given, for heads that come from a file.
        skeleton: the name of their skeleton, or None for the one with as many keypoints.
        faint_below: score below which drawing is faint.
        mirror: mirror the picture after its people were found.
        swap_colors: red and blue of the source have changed places.
        every: of a video take each N-th frame.
        show: show each frame in a window.
    """

    drawings: tuple[str, ...] = ("poses",)
    save: tuple[str, ...] = ("json",)
    decoding: dict[str, Any] = field(default_factory=dict)
    skeleton: str | None = None
    faint_below: float = _FAINT_BELOW
    mirror: bool = False
    swap_colors: bool = False
    every: int = 1
    show: bool = False


class Prediction:
    """A run over these sources. `estimator` may be None where all of them are heads."""

    def __init__(
        self,
        sources: list[Source],
        destinations: Destinations,
        wishes: Wishes,
        estimator: Any,
        progress: Progress,
        interruption: Interruption,
    ) -> None:
        self._sources, self._destinations, self._wishes = sources, destinations, wishes
        self._estimator, self._progress, self._interruption = estimator, progress, interruption
        self._writers: list[PoseWriter] | None = None
        self._stopped = False
        self.summary = Summary()
        self.skeleton: Skeleton | None = None
        """Of the poses found, once there was a frame."""

    def run(self) -> Summary:
        """Go through all sources. One that cannot be used is told and left out; Ctrl-C ends after the frame
        in work; whatever is written is whole.

        Raises:
            PosecoreError: something that no other source would mend; poses are then not written.
        """
        try:
            with ExitStack() as stack:
                # A video shows its own progress, and there is one bar at a time.
                stills = len(self._sources) if all(source.kind in _STILL for source in self._sources) else 0
                bar = (
                    stack.enter_context(self._progress.task("pictures", stills, "picture"))
                    if stills > 1
                    else None
                )
                for source, target in zip(self._sources, self._destinations.drawn, strict=True):
                    if self._ended():
                        break
                    self._source(source, target)
                    if bar is not None:
                        bar.advance()
            self._finish(keep=True)
        except BaseException as error:
            # On a second Ctrl-C what is there stays; on an error nothing half-written does.
            self._finish(keep=isinstance(error, KeyboardInterrupt))
            raise
        self.summary.interrupted = self._interruption.came is not None
        return self.summary

    def _ended(self) -> bool:
        return self._stopped or self._interruption.came is not None

    def _finish(self, *, keep: bool) -> None:
        with self.summary.stopwatch.stage("write"):
            for writer in self._writers or []:
                if keep:
                    writer.close()
                else:
                    writer.discard()
        folder = self._destinations.folder
        if keep and self._writers and folder is not None:
            stem = self._destinations.data_stem
            self.summary.saved += [
                folder / name for form in self._wishes.save for name in file_names(form, stem)
            ]

    def _source(self, source: Source, target: Path | None) -> None:
        tally = Tally(source)
        self.summary.tallies.append(tally)
        before = self.summary.stopwatch.total
        try:
            if source.error is not None:
                raise SourceError(source.error)
            if source.kind in _STILL:
                self._still(source, target, tally)
            else:
                self._moving(source, target, tally)
        except SourceError as error:
            tally.error = str(error)
        tally.seconds = self.summary.stopwatch.total - before
        if tally.frames:
            self._progress.line(tally.line())
        if tally.error is not None:
            self._progress.error(f"posecore: {tally.error}")

    def _still(self, source: Source, target: Path | None, tally: Tally) -> None:
        stage = self.summary.stopwatch.stage
        drawn = target is not None or self._wishes.show
        if source.kind == "heads":
            poses, canvas = self._heads(source, drawn)
        else:
            with stage("read"):
                image = read_picture(source)
            poses, canvas = self._picture(image, None, drawn)
        self._write(source.name, 0, poses)
        tally.count(len(poses))
        if target is not None and canvas is not None:
            with stage("write"):
                write_file(target, _encoded(canvas, target.suffix.lower()))
            tally.drawn = target
        if self._wishes.show and canvas is not None:
            self._show(canvas, wait=True)

    def _moving(self, source: Source, target: Path | None, tally: Tally) -> None:
        stage, every = self.summary.stopwatch.stage, self._wishes.every
        where = source.camera if source.camera is not None else os.fspath(source.path or source.name)
        with ExitStack() as stack:
            reader = stack.enter_context(VideoReader(where, every=every))
            fps = reader.fps / every
            writer = stack.enter_context(VideoWriter(target, fps=fps)) if target is not None else None
            total = None if reader.frame_count is None else math.ceil(reader.frame_count / every)
            bar = stack.enter_context(self._progress.task(os.path.basename(source.name), total, "frame"))
            frames = iter(reader)
            while not self._ended():
                with stage("read"):
                    frame = next(frames, None)
                if frame is None:
                    break
                index, time_s, image = frame
                poses, canvas = self._picture(image, time_s, writer is not None or self._wishes.show)
                self._write(source.name, index, poses)
                tally.count(len(poses))
                if writer is not None and canvas is not None:
                    with stage("write"):
                        # A camera gives frames when it likes; the video keeps their time.
                        due = 1 if source.kind == "video" else round(time_s * fps) + 1 - writer.frames_written
                        for _ in range(min(due, 1 + round(10 * fps))):
                            writer.write(canvas)
                if self._wishes.show and canvas is not None:
                    self._show(canvas, wait=False)
                bar.advance()
            if reader.missing_frames and not self._ended():
                tally.error = (
                    f"{source.name}: the video is cut off or damaged: "
                    f"{reader.frames_read} of {reader.frame_count} frames could be read"
                )
        if writer is not None and writer.frames_written:
            tally.drawn = target

    def _picture(self, image: Image, time_s: float | None, drawn: bool) -> tuple[Poses, Image | None]:
        if self._wishes.swap_colors:
            image = np.ascontiguousarray(image[:, :, ::-1])
        detail = self._estimator.detail(image)
        for name, seconds in detail.times.items():
            self.summary.stopwatch.seconds[name] += seconds
        poses = detail.poses if time_s is None else detail.poses.replace(time_s=time_s)
        return self._draw(image, poses, detail.heads, detail.geometry, drawn)

    def _heads(self, source: Source, drawn: bool) -> tuple[Poses, Image | None]:
        from posecore.drawing import blank
        from posecore.heads import Heads
        from posecore.runtime.geometry import Geometry

        with self.summary.stopwatch.stage("read"):
            heads = Heads.load(source.path or source.name)
        rows, columns = (cells * heads.stride_px for cells in heads.grid)
        if rows * columns > MAX_PICTURE_PIXELS:
            raise SourceError(
                f"{source.name}: wanted heads of an input of at most {MAX_PICTURE_PIXELS // 1_000_000} "
                f"megapixels, got {columns:.0f}x{rows:.0f}"
            )
        with self.summary.stopwatch.stage("decode"):
            poses = _decoded(heads, source.name, self._wishes)
        image = blank(heads)
        size = (image.shape[1], image.shape[0])
        return self._draw(image, poses.replace(image_size=size), heads, Geometry(size, size, size), drawn)

    def _draw(
        self, image: Image, poses: Poses, heads: Heads | None, geometry: Any, drawn: bool
    ) -> tuple[Poses, Image | None]:
        if self._wishes.mirror:
            # The network has seen the picture as it is: so left stays the person's own left.
            image, geometry = np.ascontiguousarray(image[:, ::-1]), _Mirrored(geometry, image.shape[1])
            poses = poses.replace(xy=geometry.flip(poses.xy))
        wanted = self._wishes.drawings
        if not drawn:
            return poses, None
        from posecore.drawing import draw, draw_heatmaps, draw_offsets

        of_heads = [name for name in wanted if name in ("heatmaps", "offsets")]
        if of_heads and heads is None:
            raise ModelError(
                f"--draw {','.join(of_heads)}: wanted a model that gives heads, got {self._estimator.name}"
            )
        with self.summary.stopwatch.stage("draw"):
            canvas = image
            if "heatmaps" in wanted and heads is not None:
                canvas = draw_heatmaps(canvas, heads, geometry, skeleton=poses.skeleton)
            if "offsets" in wanted and heads is not None:
                canvas = draw_offsets(canvas, heads, geometry, poses, darken="heatmaps" not in wanted)
            if "poses" in wanted or "names" in wanted:
                canvas = draw(canvas, poses, confidence=self._wishes.faint_below, names="names" in wanted)
        return poses, canvas

    def _write(self, name: str, frame: int, poses: Poses) -> None:
        with self.summary.stopwatch.stage("write"):
            if self._writers is None:
                self._open_writers(poses.skeleton)
            if poses.skeleton != self.skeleton and self.skeleton is not None:
                raise SourceError(
                    f"{name}: wanted poses of {self.skeleton.name} as before, got {poses.skeleton.name}"
                )
            for writer in self._writers or []:
                writer.write(name, frame, poses)

    def _open_writers(self, skeleton: Skeleton) -> None:
        self.skeleton, self._writers = skeleton, []
        stills = all(source.kind in _STILL for source in self._sources)
        names = [source.name for source in self._sources] if stills else []
        for form in self._wishes.save:
            self._writers.append(
                open_writer(form, self._destinations.folder, self._destinations.data_stem, skeleton, names)
            )

    def _show(self, canvas: Image, *, wait: bool) -> None:
        cv2 = require("cv2", extra="app", purpose="--show")
        cv2.imshow("posecore", cv2.cvtColor(canvas, cv2.COLOR_RGB2BGR))
        while True:
            key = cv2.waitKey(50 if wait else 1)
            if key in (ord("q"), 27) or cv2.getWindowProperty("posecore", cv2.WND_PROP_VISIBLE) < 1:
                self._stopped = True
            if not wait or key != -1 or self._ended():
                return


class _Mirrored:
    """A geometry whose picture, `width` pixels wide, was mirrored afterwards."""

    def __init__(self, geometry: Any, width: int) -> None:
        self._geometry, self._width = geometry, width

    def flip(self, xy: Any) -> Any:
        xy = np.array(xy)
        xy[..., 0] = self._width - 1 - xy[..., 0]
        return xy

    def to_image(self, xy: Any) -> Any:
        return self.flip(self._geometry.to_image(xy))

    def to_input(self, xy: Any) -> Any:
        return self._geometry.to_input(self.flip(xy))


def _decoded(heads: Heads, name: str, wishes: Wishes) -> Poses:
    from posecore import skeletons
    from posecore.runtime.readers import make_heads_reader

    wanted = [wishes.skeleton] if wishes.skeleton else skeletons.names()
    known = [skeletons.get(each) for each in wanted]
    skeleton = next((each for each in known if each.num_keypoints == heads.num_keypoints), None)
    if skeleton is None:
        counts = ", ".join(str(each.num_keypoints) for each in known)
        raise SourceError(f"{name}: wanted heads of {counts} keypoints, got {heads.num_keypoints}")
    try:
        return make_heads_reader(heads, skeleton, wishes.decoding).decode(heads)
    except (TypeError, ValueError) as error:
        raise SourceError(f"{name}: {error}") from None


def _encoded(canvas: Image, suffix: str) -> bytes:
    cv2 = require("cv2", extra="app", purpose="Writing pictures")
    quality = [cv2.IMWRITE_JPEG_QUALITY, 92] if suffix in (".jpg", ".jpeg") else []
    good, data = cv2.imencode(suffix, cv2.cvtColor(canvas, cv2.COLOR_RGB2BGR), quality)
    if not good:
        raise SourceError(f"OpenCV cannot write a picture {suffix} of {canvas.shape[1]}x{canvas.shape[0]}")
    return bytes(data.tobytes())
