"""One run of `posecore predict`: each frame through the estimator, the pen and the writers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.errors import SourceError, require
from posecore.footage import Footage
from posecore.interruption import Interruption
from posecore.outputs import PoseWriter, file_names, open_writer, write_file
from posecore.progress import Progress
from posecore.rendering import Renderer
from posecore.sources import MAX_PICTURE_PIXELS, Source, read_picture
from posecore.summary import Stopwatch, Summary, Tally

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.destinations import Destinations
    from posecore.heads import Heads
    from posecore.movement import Movement, Recording
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
    """A run over these sources.

    Args:
        estimator: may be None where all of the sources are heads.
        make_movement: called with the frames per second of each video or camera, gives what tracks and smooths it;
            None does neither.

    Attributes:
        skeleton: of the poses found, once there was a frame.
    """

    def __init__(
        self,
        sources: list[Source],
        destinations: Destinations,
        wishes: Wishes,
        estimator: Any,
        progress: Progress,
        interruption: Interruption,
        make_movement: Callable[[float], Movement | Recording] | None = None,
    ) -> None:
        self._sources, self._destinations, self._interruption = sources, destinations, interruption
        self.wishes, self.estimator, self.progress = wishes, estimator, progress
        self.make_movement = make_movement
        self.renderer = Renderer(
            wishes.drawings,
            faint_below=wishes.faint_below,
            mirror=wishes.mirror,
            model=estimator.name if estimator is not None else "",
        )
        self._writers: list[PoseWriter] | None = None
        self._stopped = False
        self.summary = Summary(stopwatch=Stopwatch(tracked=make_movement is not None))
        self.skeleton: Skeleton | None = None

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
                    stack.enter_context(self.progress.task("pictures", stills, "picture"))
                    if stills > 1
                    else None
                )
                for source, target in zip(self._sources, self._destinations.drawn, strict=True):
                    if self.ended():
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

    def ended(self) -> bool:
        """Whether Ctrl-C or the window's q has come."""
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
                folder / name for form in self.wishes.save for name in file_names(form, stem)
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
                begun = perf_counter()
                Footage(source, target, tally, self).predict()
                tally.elapsed_s = perf_counter() - begun
        except SourceError as error:
            tally.error = str(error)
        tally.seconds = self.summary.stopwatch.total - before
        if tally.frames:
            self.progress.line(tally.line())
        if tally.error is not None:
            self.progress.error(f"posecore: {tally.error}")

    def _still(self, source: Source, target: Path | None, tally: Tally) -> None:
        stage = self.summary.stopwatch.stage
        if source.kind == "heads":
            image, poses, heads, geometry = self._heads(source)
        else:
            with stage("read"):
                image = read_picture(source)
            if self.wishes.swap_colors:
                image = np.ascontiguousarray(image[:, :, ::-1])
            detail = self.estimator.detail(image)
            for name, seconds in detail.times.items():
                self.summary.stopwatch.seconds[name] += seconds
            poses, heads, geometry = detail.poses, detail.heads, detail.geometry
        canvas = None
        if target is not None or self.wishes.show:
            with stage("draw"):
                canvas = self.renderer.draw(image, poses, heads=heads, geometry=geometry)
        self.write(source.name, 0, self.renderer.placed(poses, image.shape[1]))
        tally.count(len(poses))
        if target is not None and canvas is not None:
            with stage("write"):
                write_file(target, _encoded(canvas, target.suffix.lower()))
            tally.drawn = target
        if self.wishes.show and canvas is not None:
            self.show(canvas, wait=True)

    def _heads(self, source: Source) -> tuple[Image, Poses, Heads, Any]:
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
            poses = _decoded(heads, source.name, self.wishes)
        image = blank(heads)
        size = (image.shape[1], image.shape[0])
        return image, poses.replace(image_size=size), heads, Geometry(size, size, size)

    def write(self, name: str, frame: int, poses: Poses) -> None:
        """Write down the poses of frame number `frame` of the source of this name, placed as they are shown.

        Raises:
            SourceError: they are of another skeleton than those before.
        """
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
        for form in self.wishes.save:
            self._writers.append(
                open_writer(form, self._destinations.folder, self._destinations.data_stem, skeleton, names)
            )

    def show(self, canvas: Image, *, wait: bool) -> None:
        """Show a picture in the window; in the thread that the process began with."""
        cv2 = require("cv2", extra="app", purpose="--show")
        cv2.imshow("posecore", cv2.cvtColor(canvas, cv2.COLOR_RGB2BGR))
        while True:
            key = cv2.waitKey(50 if wait else 1)
            if key in (ord("q"), 27) or cv2.getWindowProperty("posecore", cv2.WND_PROP_VISIBLE) < 1:
                self._stopped = True
            if not wait or key != -1 or self.ended():
                return


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
