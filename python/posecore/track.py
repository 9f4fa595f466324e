"""`Tracker`: the people of frame after frame, each with an id that stays hers."""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

import numpy as np

from posecore import _core
from posecore.arguments import number, whole
from posecore.poses import Poses
from posecore.skeletons import Skeleton
from posecore.swaps import SwapRepair, model_of

MOST_PEOPLE = 256
"""The most that a tracker can be made for."""


class Track(NamedTuple):
    """Somebody whom a `Tracker` holds.

    Attributes:
        id: her number, from 1.
        first_seen_s: the time of the frame in which she was first found, in seconds.
        last_seen_s: that of the frame in which she was last found; before the last frame where she is hidden.
        hits: frames in which she was found.
    """

    id: int
    first_seen_s: float
    last_seen_s: float
    hits: int

    @property
    def age_s(self) -> float:
        """Seconds from the first to the last time that she was found."""
        return self.last_seen_s - self.first_seen_s


class Tracker:
    """Gives the people of each frame the ids that they had in the frames before.

    Each person is predicted to the frame's time (constant velocity, so that frames may come at any rate and
    unevenly) and compared with each pose: OKS (Ronchi and Perona, arXiv 1707.05388; sigmas of the skeleton)
    of the keypoints that both have, weighted by their scores, wider the longer a person was not seen and
    the less her velocity is known. A body whose left and right are exchanged counts as itself. The
    assignment with the greatest sum is taken (shortest augmenting paths, in whole numbers: the same on
    every machine). Somebody who is hidden goes on at her velocity, and has her id back if she comes back
    within `max_gap_s`. An id is never given twice, and never changes because somebody else left. The order
    of the people within a frame does not matter.

    Decoders now and then build one pose more from limbs of people whom they have already found. Keypoints that lie
    on those of a better pose do not count; a pose with more than a quarter of them starts no track, and
    one with more than three quarters is nobody's.

    Args:
        skeleton: what the K keypoints are. Without sigmas (`MPII16`) every keypoint has 0.07, about the
            mean of COCO's.
        max_gap_s: a person who was not seen for longer has a new id when she comes back, 0..3600 seconds.
            For frames that are further apart than this, everybody is new.
        min_similarity: a pose less like a person than this is not hers, 0.001..1.
        min_birth_score: a pose of a lower score may go on with an id but does not get a new one, 0..1.
        min_hits: frames in which somebody must be found, one after the other, before she gets an id, 1..1000.
        max_people: the most people in a frame, and the most that are remembered, 1..256. Where one more
            comes, the one who was not seen for longest is forgotten.
        fps: frames per second, 0.001..100000, of poses that have no `time_s`.
        repair_swaps: keypoints whose left and right were exchanged for a moment are put back, and two
            keypoints of a pair in one place become one; `posecore.SwapRepair` says how.

    A tracker remembers: one a stream.

    Raises:
        TypeError: an argument of another type, or a skeleton that is none.
        ValueError: an argument out of range.
    """

    __slots__ = ("_core", "_fps", "_last_s", "_lock", "_options", "_repair", "skeleton")

    def __init__(
        self,
        skeleton: Skeleton,
        *,
        max_gap_s: float = 1.0,
        min_similarity: float = 0.1,
        min_birth_score: float = 0.3,
        min_hits: int = 1,
        max_people: int = 64,
        fps: float | None = None,
        repair_swaps: bool = True,
    ) -> None:
        model = model_of(skeleton)
        self.skeleton = skeleton
        core: dict[str, Any] = {
            "max_gap_s": number(max_gap_s, "max_gap_s", 0, 3600),
            "min_similarity": number(min_similarity, "min_similarity", 0.001, 1),
            "min_birth_score": number(min_birth_score, "min_birth_score", 0, 1),
            "min_hits": whole(min_hits, "min_hits", 1, 1000),
            "max_people": whole(max_people, "max_people", 1, MOST_PEOPLE),
        }
        self._fps = None if fps is None else number(fps, "fps", 0.001, 100000)
        if not isinstance(repair_swaps, bool):
            raise TypeError(f"repair_swaps: wanted True or False, got {type(repair_swaps).__name__}")
        self._options = {**core, "fps": self._fps, "repair_swaps": repair_swaps}
        self._core = _core.PoseTracker(**model, **core)
        self._repair = SwapRepair(skeleton, max_people=core["max_people"]) if repair_swaps else None
        self._last_s: float | None = None
        self._lock = threading.Lock()

    def __call__(self, poses: Poses) -> Poses:
        """The same people in the same order, with `track_ids`: an id from 1, or -1 for a pose that is nobody's.

        Empty frames are frames too: pass them. Poses that have no `time_s` get the frame's time. With
        `repair_swaps`, keypoints may have changed sides, or be no longer visible, with score 0.

        Raises:
            TypeError: not `Poses`.
            ValueError: poses of another skeleton, more than `max_people`, no `time_s` and no `fps`, or a
                `time_s` that is not after that of the frame before. The tracker is then as it was.
            RuntimeError: this tracker is at work in another thread.
        """
        _want_poses(poses, self.skeleton)
        if not self._lock.acquire(blocking=False):
            raise RuntimeError("this Tracker is at work in another thread: make one Tracker a stream")
        try:
            time_s = self._time_of(poses)
            most = self._options["max_people"]
            if len(poses) > most:
                raise ValueError(f"poses: wanted at most {most} people, as max_people says, got {len(poses)}")
            ids = self._core.update(
                np.ascontiguousarray(poses.xy),
                np.ascontiguousarray(poses.scores),
                np.ascontiguousarray(poses.pose_scores),
                np.ascontiguousarray(poses.visible),
                time_s,
            )
            self._last_s = time_s
            tracked = Poses._trusted(
                poses.xy,
                poses.scores,
                poses.pose_scores,
                poses.visible,
                ids,
                poses.skeleton,
                poses.image_size,
                time_s,
            )
            return tracked if self._repair is None else self._repair(tracked)
        finally:
            self._lock.release()

    @property
    def tracks(self) -> tuple[Track, ...]:
        """The people who have an id and may still come back, oldest track first."""
        return tuple(Track(*each) for each in self._core.tracks())

    @property
    def births(self) -> int:
        """How many ids were given."""
        return self._core.counts()[0]

    @property
    def deaths(self) -> int:
        """How many of them were not seen for more than `max_gap_s`, or had to make room."""
        return self._core.counts()[1]

    @property
    def swaps_repaired(self) -> int:
        """How often keypoints, a limb's or all, were put back on their side: one a person and frame and limb."""
        return 0 if self._repair is None else self._repair.exchanged

    @property
    def duplicates(self) -> int:
        """How many keypoints were marked missing since they lay on the one of the other side."""
        return 0 if self._repair is None else self._repair.duplicates

    def reset(self) -> None:
        """Forgets everybody: the next id is 1, time may start anew, and the counts are 0."""
        if not self._lock.acquire(blocking=False):
            raise RuntimeError("this Tracker is at work in another thread: make one Tracker a stream")
        try:
            self._core.reset()
            self._last_s = None
            if self._repair is not None:
                self._repair.reset()
        finally:
            self._lock.release()

    def _time_of(self, poses: Poses) -> float:
        time_s = poses.time_s
        if time_s is None:
            if self._fps is None:
                raise ValueError("poses: wanted a time_s, or Tracker(fps=...), got neither")
            return 0.0 if self._last_s is None else self._last_s + 1 / self._fps
        if self._last_s is not None and not time_s > self._last_s:
            raise ValueError(
                f"poses: wanted a time_s after {self._last_s}, that of the frame before, got {time_s}"
            )
        return time_s

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (self.skeleton, self._options)

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value}" for name, value in self._options.items())
        return f"Tracker({self.skeleton.name}, {options})"


def _unpickled(skeleton: Skeleton, options: dict[str, Any]) -> Tracker:
    return Tracker(skeleton, **options)


def _want_poses(poses: object, skeleton: Skeleton) -> None:
    if not isinstance(poses, Poses):
        raise TypeError(f"poses: wanted Poses, got {type(poses).__name__}")
    if poses.skeleton != skeleton:
        raise ValueError(f"poses: wanted skeleton {skeleton.name}, got {poses.skeleton.name}")
