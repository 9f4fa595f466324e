"""Poses of one frame after the other through a tracker and a smoother, with the receipt of both."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from posecore.poses import Poses
from posecore.receipt import Ledger

if TYPE_CHECKING:
    from posecore.receipt import Receipt

    Step = Callable[[Poses], Poses]


class Movement:
    """Who is who, then where they are, while frames come.

    Args:
        tracker: called with the poses of each frame, gives them with track ids; None leaves them out.
        smoother: called with what the tracker gave, gives it smoothed; None leaves it as it is. Behind a tracker it is
            not given those without an id: nobody knows who they were in the frame before.

    Raises:
        TypeError: something that cannot be called.
    """

    def __init__(self, tracker: Step | None = None, smoother: Step | None = None) -> None:
        for name, step in (("tracker", tracker), ("smoother", smoother)):
            if step is not None and not callable(step):
                raise TypeError(f"{name}: wanted something to call with Poses, got {type(step).__name__}")
        self._tracker, self._smoother = tracker, smoother
        self._ledger = Ledger(tracker, smoother) if tracker or smoother else None

    def __call__(self, poses: Poses) -> Poses:
        """The same frame, tracked and smoothed. People to whom the tracker gave no id pass as they came.

        Raises:
            TypeError: the tracker or smoother gave something else than Poses.
            RuntimeError: one of them raised StopIteration.
        """
        if self._ledger is None:
            return poses
        tracked = _given_by("tracker", self._tracker, poses)
        nobodys = tracked.track_ids < 0 if self._tracker is not None else np.zeros(len(tracked), np.bool_)
        smoothed = _given_by("smoother", self._smoother, tracked if not nobodys.any() else tracked[~nobodys])
        self._ledger.add(tracked, smoothed, without_id=int(nobodys.sum()))
        return smoothed if not nobodys.any() else _together(smoothed, tracked[nobodys])

    @property
    def receipt(self) -> Receipt | None:
        """Of the frames so far; None where nothing is tracked or smoothed."""
        return self._ledger.receipt() if self._ledger is not None else None


class Recording:
    """Who is who while frames come, and where they were once all have come.

    Args:
        tracker: called with the poses of each frame, gives them with track ids.
        smooth: called once with the poses of all frames, gives as many; what it counts is in its `counters`.
    """

    def __init__(self, tracker: Step, smooth: Callable[[list[Poses]], list[Poses]]) -> None:
        self._tracker, self._smooth = tracker, smooth
        self._ledger = Ledger(tracker, smooth)
        self._tracked: list[Poses] = []

    def add(self, poses: Poses) -> None:
        """One more frame; its poses are kept, about 0.5 kB a person."""
        self._tracked.append(_given_by("tracker", self._tracker, poses))

    def smoothed(self) -> list[Poses]:
        """The poses of all frames. People to whom the tracker gave no id are as they came."""
        smoothed = self._smooth(self._tracked)
        for before, after in zip(self._tracked, smoothed, strict=True):
            self._ledger.add(before, after, without_id=int((before.track_ids < 0).sum()))
        return smoothed

    @property
    def receipt(self) -> Receipt:
        """Of what `smoothed` gave."""
        return self._ledger.receipt()


def _together(some: Poses, others: Poses) -> Poses:
    """All of them, best first."""
    fields = ("xy", "scores", "pose_scores", "visible", "track_ids")
    arrays = {name: np.concatenate([getattr(some, name), getattr(others, name)]) for name in fields}
    order = np.argsort(-arrays["pose_scores"], kind="stable")
    return others.replace(**{name: array[order] for name, array in arrays.items()})


def not_the_end(name: str) -> RuntimeError:
    """In place of a StopIteration that escapes from this step: whoever loops would take it for the last frame."""
    return RuntimeError(f"{name}: wanted Poses from it, got StopIteration, which does not end the frames")


def _given_by(name: str, step: Step | None, poses: Poses) -> Poses:
    if step is None:
        return poses
    try:
        given = step(poses)
    except StopIteration as error:
        raise not_the_end(name) from error
    if not isinstance(given, Poses):
        raise TypeError(f"{name}: wanted Poses from it, got {type(given).__name__}")
    return given
