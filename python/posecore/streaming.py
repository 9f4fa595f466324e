"""`stream`: frames and their poses, one after the other, out of anything that gives pictures."""

from __future__ import annotations

import atexit
import warnings
import weakref
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from posecore.arguments import choice, number, whole
from posecore.frames import Frames, open_frames
from posecore.movement import Movement, not_the_end
from posecore.poses import Poses
from posecore.relay import Ahead

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.receipt import Receipt

    Image = npt.NDArray[np.uint8]
    Step = Callable[[Poses], Poses]

Late = Literal["queue", "drop"]
_QUEUE, _LIVE_QUEUE = 4, 1
# A camera that was pulled out, or a caller's own frames, may never come; a network always ends.
_GRACE_S = 5.0
_running: weakref.WeakSet[Stream] = weakref.WeakSet()


def stream(
    source: object,
    estimator: Callable[[Image], Poses],
    tracker: Step | None = None,
    smoother: Step | None = None,
    *,
    queue: int | None = None,
    late: Late | None = None,
    fps: float | None = None,
) -> Stream:
    """Frames of `source` with the poses in them, in order, while they come.

    ```python
    for frame, poses in pc.stream("clip.mp4", pc.Estimator()):
        show(pc.draw(frame, poses))
    ```

    Reading and the network work in a thread each, ahead of the loop's body, so that a frame takes as long as the
    slowest of the three and not as long as all. Memory does not grow with the length of the source: at most
    2 queue + 3 frames are under way, the one in the caller's hands included. Leaving the loop by `break`, an error or
    Ctrl-C ends the threads once nobody holds the stream any more; `close()`, or a `with` block, ends them at once. An
    object may hold a stream whose estimator is a method of its own, but frames that come out of a generator of its own
    are in the thread's hands, and keep it until they end or `close()` is called.

    Args:
        source: a video file; a picture, or a folder or glob of pictures, in natural order; a camera's number; a
            network address that OpenCV opens (rtsp://, http://, ...); or anything that gives RGB uint8 (H, W, 3)
            arrays, or (array, time in seconds) pairs, when it is iterated: each is copied. So many frames as are
            under way are taken from it before their turn.
        estimator: called with each frame in a thread of its own, gives its `Poses`; an `Estimator`, for one, which
            then has its frames resized by the thread that reads.
        tracker: called with those poses, in order, gives them with track ids; a `Tracker`, for one.
        smoother: called with what the tracker gave, gives it smoothed; poses to which the tracker gave no id (-1) are
            left out of that, and come as they were. Both work in the caller's thread, when a frame is handed over:
            what they count is about the frames that were.
        queue: at most so many frames wait for the network, and as many for the caller. 4; of a live source, 1.
        late: what becomes of frames that come faster than they are used: "queue" lets the source wait, "drop" drops
            the oldest that waits for the network and counts it in `dropped`. Live sources (cameras, and addresses
            that promise no number of frames) drop, others queue.
        fps: frame n has the time n / fps seconds. Where it is left out, videos and network streams have the times of
            their container (those without any, and cameras, the seconds since the first frame came), and pictures
            and frames without times 30 a second.

    Returns:
        An iterator of (frame, poses). The frame is RGB uint8 (H, W, 3) and the caller's to keep and to change;
        `poses.time_s` is its time in seconds, later than that of the frame before.

    Raises:
        TypeError, ValueError: an argument that is not what was wanted; while iterating, a frame that is not.
        SourceError: the source cannot be opened; while iterating, read.
        MissingExtra: OpenCV is not installed, and the source is no iterable.

    A video with clearly fewer frames than its header promises ends with a `RuntimeWarning`.
    While iterating, an error of the source, estimator, tracker or smoother is raised as it is, after the frames that
    came before it; a StopIteration of the last three is a RuntimeError, since it is not the end of the frames.
    """
    if not callable(estimator):
        raise TypeError(f"estimator: wanted something to call with a frame, got {type(estimator).__name__}")
    movement = Movement(tracker, smoother)
    if queue is not None:
        whole(queue, "queue", 1, 1000)
    if late is not None:
        choice(late, "late", get_args(Late))
    if fps is not None:
        number(fps, "fps", 1e-3, 1e6)
    frames = open_frames(source, fps=fps)
    drop = frames.live if late is None else late == "drop"
    return Stream(frames, estimator, movement, queue or (_LIVE_QUEUE if drop else _QUEUE), drop)


class Stream(Iterator["tuple[Image, Poses]"]):
    """What `stream` gives; it is for one thread.

    Attributes:
        fps: frames per second of the source, as it says or as it was given.
        live: whether frames come when they like.
        index: the number of the frame that was handed over last, counted from 0 with those that were dropped; -1
            before the first.
    """

    def __init__(
        self, frames: Frames, estimator: Callable[[Image], Poses], movement: Movement, queue: int, drop: bool
    ) -> None:
        self.fps, self.live, self.index = frames.fps, frames.live, -1
        self._frames, self._network_step, self._motion = frames, _Network(estimator), movement
        self._queue, self._drop = queue, drop
        self._reading: Ahead[tuple[int, float, Image, Any]] | None = None
        self._network: Ahead[tuple[int, Image, Poses]] | None = None
        self._closed = False

    @property
    def dropped(self) -> int:
        """How many frames were dropped so far, since they came faster than they were used."""
        return self._reading.dropped if self._reading is not None else 0

    @property
    def receipt(self) -> Receipt | None:
        """What the tracker and smoother did in the frames that were handed over; None where there is neither."""
        return self._motion.receipt

    def __next__(self) -> tuple[Image, Poses]:
        if self._closed:
            raise StopIteration
        try:
            index, image, poses = next(self._network or self._start())
            moved = self._motion(poses)
        except BaseException as error:
            self.close()
            missing = self._frames.missing_frames
            if isinstance(error, StopIteration) and missing:
                warnings.warn(
                    f"the video is cut off or damaged: its header promises {missing} frames more",
                    RuntimeWarning,
                    stacklevel=2,
                )
            raise
        self.index = index
        return image, moved

    def _start(self) -> Ahead[tuple[int, Image, Poses]]:
        _running.add(self)
        self._reading = Ahead(
            _Reading(self._frames, weakref.ref(self._network_step)),
            size=self._queue,
            drop=self._drop,
            name="posecore: reading",
            grace_s=_GRACE_S,
        )
        self._network = Ahead(
            _estimated(self._reading, weakref.ref(self._network_step)),
            size=self._queue,
            name="posecore: network",
        )
        return self._network

    def close(self) -> None:
        """End the threads, wait for them, and let go of the source. The frame that the network has in work is
        finished; a source that gives nothing for 5 s is left behind with a `RuntimeWarning`."""
        if self._closed:
            return
        self._closed = True
        stages = [stage for stage in (self._reading, self._network) if stage is not None]
        for stage in stages:
            stage.stop()
        for stage in reversed(stages):
            stage.join()
        if self._reading is None:
            self._frames.close()
        _running.discard(self)

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_closed"):
            self.close()


class _Reading:
    """Frames made ready for the network, let go of by the thread that reads them: nobody else knows when it has left
    the driver."""

    def __init__(self, frames: Frames, network: weakref.ref[_Network]) -> None:
        self._frames, self._network = frames, network

    def __iter__(self) -> Iterator[tuple[int, float, Image, Any]]:
        for index, time_s, image in self._frames:
            step = self._network()
            if step is None:
                return
            prepared = step.prepare(image)
            del step
            yield index, time_s, image, prepared
            del image, prepared

    def close(self) -> None:
        self._frames.close()


class _Network:
    """The estimator in the stream's hands. The thread only knows where it is: an estimator may be a method of the
    object that holds the stream, and a thread that held it would keep both for ever."""

    def __init__(self, estimator: Callable[[Image], Poses]) -> None:
        from posecore.runtime.estimator import Estimator

        self._estimator: Callable[[Any], Poses] = estimator
        self.prepare: Callable[[Image], Any] = _as_it_is
        if isinstance(estimator, Estimator):
            self._estimator = lambda prepared: estimator.read(estimator.run(prepared)).poses
            self.prepare = estimator.prepare

    def __call__(self, prepared: Any) -> Poses:
        try:
            poses = self._estimator(prepared)
        except StopIteration as error:
            raise not_the_end("estimator") from error
        if not isinstance(poses, Poses):
            raise TypeError(f"estimator: wanted Poses from it, got {type(poses).__name__}")
        return poses


def _estimated(frames: Iterator[Any], network: weakref.ref[_Network]) -> Iterator[Any]:
    for index, time_s, image, prepared in frames:
        step = network()
        if step is None:
            return
        poses = step(prepared)
        # What waits for room holds nothing.
        del step, prepared
        yield index, image, poses.replace(time_s=time_s)
        del image, poses


def _as_it_is(image: Image) -> Image:
    return image


@atexit.register
def _close_all() -> None:
    for each in list(_running):
        each.close()
