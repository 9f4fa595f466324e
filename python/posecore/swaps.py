"""`SwapRepair`: left and right that changed places where nobody turned round, put back and counted."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from posecore import _core
from posecore.arguments import number, whole
from posecore.poses import Poses
from posecore.skeletons import Skeleton


class SwapRepair:
    """Puts back keypoints that are on the wrong side of the body for a moment.

    Two mistakes of networks, each told from the motion of the keypoints (constant velocity, with how well
    that did in the last second as the measure):

    - *Exchanges*: the two keypoints of a pair, or of several that hang together (a leg, everything), lie
      where their opposites were expected, whether these went on or stood still. They change places again.
    - *Duplicates*: both keypoints of a pair lie in one place (two ankles on one foot), and one of them was
      expected elsewhere. That one is marked missing (not visible, score 0). Where the right place is,
      nothing says.

    What lasts for longer than `patience_s` is believed, so that somebody who turned round, or a network
    that changed its mind for good, is not argued with. What is wrong from the first frame, or begins while
    left and right lie on each other, no motion contradicts.

    On clean walks, seen from the side and from the front, with up to 8 px of noise on 300 px of height:
    0 alarms in 200,000 frames of each at 15 to 120 fps. Seen from the side at 10 fps and less, legs move
    further than they are long between two frames: 0.2 to 0.6 % of the frames are exchanged there.

    Args:
        skeleton: what the K keypoints are; its `flip_pairs` are the pairs, its `edges` join them. Without
            sigmas every keypoint has 0.07.
        patience_s: 0..60 seconds.
        max_gap_s: a keypoint that was not seen for longer is not compared, 0..60 seconds.
        max_people: the most people who are remembered, 1..256; the one who was not seen for longest makes room.

    Attributes:
        exchanged: exchanges that were put back so far, one a frame and set of keypoints that hang together.
        duplicates: keypoints that were marked missing so far, one a frame each.

    Raises:
        TypeError: an argument of another type, or a skeleton that is none.
        ValueError: an argument out of range.
    """

    __slots__ = ("_core", "_last_s", "_lock", "_options", "duplicates", "exchanged", "skeleton")

    def __init__(
        self, skeleton: Skeleton, *, patience_s: float = 0.3, max_gap_s: float = 0.5, max_people: int = 64
    ) -> None:
        model = model_of(skeleton)
        self.skeleton = skeleton
        self._options: dict[str, Any] = {
            "patience_s": number(patience_s, "patience_s", 0, 60),
            "max_gap_s": number(max_gap_s, "max_gap_s", 0, 60),
            "max_people": whole(max_people, "max_people", 1, 256),
        }
        self._core = _core.SwapRepairer(**model, edges=list(skeleton.edges), **self._options)
        self._lock = threading.Lock()
        self._last_s: float | None = None
        self.exchanged = 0
        self.duplicates = 0

    def __call__(self, poses: Poses) -> Poses:
        """The same people with what was put back; those without a track id (-1) as they are.

        Args:
            poses: one frame, with `time_s` in seconds and with `track_ids`, such as a `Tracker` gives.

        Raises:
            TypeError: not `Poses`.
            ValueError: poses of another skeleton, without `time_s`, or with one that is not after that of
                the frame before.
            RuntimeError: this repair is at work in another thread.
        """
        if not isinstance(poses, Poses):
            raise TypeError(f"poses: wanted Poses, got {type(poses).__name__}")
        if poses.skeleton != self.skeleton:
            raise ValueError(f"poses: wanted skeleton {self.skeleton.name}, got {poses.skeleton.name}")
        time_s = poses.time_s
        if time_s is None:
            raise ValueError("poses: wanted a time_s, got none")
        if not self._lock.acquire(blocking=False):
            raise RuntimeError("this SwapRepair is at work in another thread: make one SwapRepair a stream")
        try:
            if self._last_s is not None and not time_s > self._last_s:
                raise ValueError(
                    f"poses: wanted a time_s after {self._last_s}, that of the frame before, got {time_s}"
                )
            xy, scores, visible, exchanged, duplicates = self._core.repair(
                np.ascontiguousarray(poses.track_ids),
                np.ascontiguousarray(poses.xy),
                np.ascontiguousarray(poses.scores),
                np.ascontiguousarray(poses.visible),
                time_s,
            )
            self._last_s = time_s
            self.exchanged += exchanged
            self.duplicates += duplicates
        finally:
            self._lock.release()
        if exchanged + duplicates == 0:
            return poses
        return Poses._trusted(
            xy,
            scores,
            poses.pose_scores,
            visible,
            poses.track_ids,
            poses.skeleton,
            poses.image_size,
            time_s,
        )

    def reset(self) -> None:
        """Forgets everybody, and counts from 0."""
        self._core.reset()
        self._last_s = None
        self.exchanged = 0
        self.duplicates = 0

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (self.skeleton, self._options)

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value}" for name, value in self._options.items())
        return f"SwapRepair({self.skeleton.name}, {options})"


def _unpickled(skeleton: Skeleton, options: dict[str, Any]) -> SwapRepair:
    return SwapRepair(skeleton, **options)


def model_of(skeleton: object) -> dict[str, Any]:
    """Keypoints, sigmas and flip as the core takes them."""
    if not isinstance(skeleton, Skeleton):
        raise TypeError(
            f"skeleton: wanted a Skeleton, such as posecore.COCO17, got {type(skeleton).__name__}"
        )
    if skeleton.num_keypoints > 1024:
        raise ValueError(
            f"skeleton: wanted at most 1024 keypoints, got {skeleton.num_keypoints} of {skeleton.name}"
        )
    return {
        "num_keypoints": skeleton.num_keypoints,
        "sigmas": None if skeleton.sigmas is None else list(skeleton.sigmas),
        "flip": list(skeleton.flip_index),
    }
