"""Each person of a recording by itself: poses of frames taken apart by track id, and put together again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from posecore.arguments import number
from posecore.motion import FPS, NOMINAL_FPS
from posecore.poses import Poses
from posecore.smooth import FADING

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float32]
    Real = npt.NDArray[np.float64]
    Bools = npt.NDArray[np.bool_]


_MOST_MISSING = 1 << 24  # up to 3 GB with all that is made of them


@dataclass
class Trajectory:
    """One track id from its first frame to its last, or a part of that between two long absences, S frames.

    Attributes:
        track_id: not negative.
        start: the number of its first frame in the recording.
        there: (S,) bool, whether the person is in the frame at all.
        xy: (S, K, 2) float32 pixels, zeros where the person is not there.
        scores: (S, K) float32.
        visible: (S, K) bool.
        pose_scores: (S,) float32.
        outliers: (S, K) bool, sights that were replaced.
    """

    track_id: int
    start: int
    there: Bools
    xy: FloatArray
    scores: FloatArray
    visible: Bools
    pose_scores: FloatArray
    outliers: Bools

    @property
    def span(self) -> slice:
        """Its frames in the recording."""
        return slice(self.start, self.start + len(self.there))

    def interpolated(
        self, xy: FloatArray, measured: Bools, time_s: Real, max_gap_s: float, *, own: bool = False
    ) -> tuple[Trajectory, int]:
        """This trajectory at `xy`, with what is not measured between two sights of a keypoint filled in.

        Args:
            xy: (S, K, 2) float32, of meaning where measured; with `own` everywhere in gaps, and not interpolated.
            measured: (S, K) bool. What else was visible is replaced, however long that takes.
            time_s: (S,) float64.
            max_gap_s: a gap is filled where the sights beside it are at most so many seconds apart.

        Returns:
            The trajectory, and how many keypoints were filled that were not visible. Filled keypoints have 0.9
            times the lower score of those beside them.
        """
        xy, scores, visible = xy.copy(), self.scores.copy(), measured.copy()
        for k in range(measured.shape[1]):
            seen = np.flatnonzero(measured[:, k])
            missing = np.flatnonzero(~measured[:, k])
            if not len(seen) or not len(missing):
                continue
            after = np.searchsorted(seen, missing)
            inner = (after > 0) & (after < len(seen))
            missing, after = missing[inner], after[inner]
            left, right = seen[after - 1], seen[after]
            short = time_s[right] - time_s[left] <= max_gap_s * (1 + 1e-9)
            filled = short | self.outliers[missing, k]
            missing, left, right = missing[filled], left[filled], right[filled]
            if not own:
                share = ((time_s[missing] - time_s[left]) / (time_s[right] - time_s[left]))[:, None]
                xy[missing, k] = xy[left, k] + share * (xy[right, k] - xy[left, k])
            scores[missing, k] = FADING * np.minimum(self.scores[left, k], self.scores[right, k])
            visible[missing, k] = True
        # An outlier without sights on both sides stays as it was measured.
        stays = self.outliers & ~visible
        xy[stays], visible[stays] = self.xy[stays], True
        scores[~visible] = np.where(self.visible, 0, self.scores)[~visible]
        filled_in = visible & ~self.visible
        there = self.there | filled_in.any(axis=1)
        pose_scores = self.pose_scores.copy()
        seen = np.flatnonzero(self.there)
        absent = np.flatnonzero(there & ~self.there)
        after = np.searchsorted(seen, absent)
        beside = self.pose_scores[seen[after - 1]], self.pose_scores[seen[after]]
        pose_scores[absent] = FADING * np.minimum(*beside)
        whole = Trajectory(
            self.track_id, self.start, there, xy, scores, visible, pose_scores, self.outliers & ~stays
        )
        return whole, int(filled_in.sum())


def trajectories(frames: Sequence[Poses], times_s: Real, cut_s: float) -> list[Trajectory]:
    """Everybody with a track id, in the order of ids and then of time. Somebody who is away for longer than `cut_s`
    comes back as another part, so that memory goes with the number of poses and not with the time between them.

    Args:
        times_s: (T,) float64, ascending, as of `frame_times`.
        cut_s: seconds from one frame with somebody to the next.

    Raises:
        ValueError: frames of different skeletons, an id twice in a frame, or far too many gaps within `cut_s`.
    """
    parts = []
    missing = 0
    for identity, places in sorted(_places(frames).items()):
        for part in _parts(places, times_s, cut_s):
            parts.append((identity, part))
            missing += part[-1][0] + 1 - part[0][0] - len(part)
    if parts and missing * frames[0].skeleton.num_keypoints > _MOST_MISSING:
        raise ValueError(
            f"frames: wanted at most {_MOST_MISSING:,} keypoints of people away for up to {cut_s:g} s, got "
            f"{missing * frames[0].skeleton.num_keypoints:,}; a shorter max_gap_s leaves such gaps alone"
        )
    return [_trajectory(identity, places, frames) for identity, places in parts]


def _parts(places: list[tuple[int, int]], times_s: Real, cut_s: float) -> list[list[tuple[int, int]]]:
    at = np.array([frame for frame, _ in places])
    away = (np.diff(at) > 1) & (np.diff(times_s[at]) > cut_s * (1 + 1e-9))
    ends = [0, *(np.flatnonzero(away) + 1).tolist(), len(places)]
    return [places[first:last] for first, last in pairwise(ends)]


def _places(frames: Sequence[Poses]) -> dict[int, list[tuple[int, int]]]:
    """Of each track id: (frame, row), in the order of frames."""
    places: dict[int, list[tuple[int, int]]] = {}
    for number_, poses in enumerate(frames):
        if poses.skeleton.keypoints != frames[0].skeleton.keypoints:
            raise ValueError(
                f"frames: wanted one skeleton, got {frames[0].skeleton.name} and {poses.skeleton.name} at {number_}"
            )
        ids = poses.track_ids.tolist()
        for row, identity in enumerate(ids):
            if identity < 0:
                continue
            before = places.setdefault(identity, [])
            if before and before[-1][0] == number_:
                raise ValueError(
                    f"frames: wanted each track id once a frame, got {identity} twice at {number_}"
                )
            before.append((number_, row))
    return places


def _trajectory(identity: int, places: list[tuple[int, int]], frames: Sequence[Poses]) -> Trajectory:
    start, length = places[0][0], places[-1][0] + 1 - places[0][0]
    keypoints = frames[start].skeleton.num_keypoints
    found = Trajectory(
        identity,
        start,
        np.zeros(length, np.bool_),
        np.zeros((length, keypoints, 2), np.float32),
        np.zeros((length, keypoints), np.float32),
        np.zeros((length, keypoints), np.bool_),
        np.zeros(length, np.float32),
        np.zeros((length, keypoints), np.bool_),
    )
    for frame, row in places:
        at, poses = frame - start, frames[frame]
        found.there[at] = True
        found.xy[at], found.scores[at] = poses.xy[row], poses.scores[row]
        found.visible[at], found.pose_scores[at] = poses.visible[row], poses.pose_scores[row]
    return found


def together(frames: Sequence[Poses], tracks: Iterable[Trajectory]) -> list[Poses]:
    """`frames` with these trajectories in the place of those of the same ids; who was not there comes last."""
    changed: dict[int, list[tuple[Trajectory, int]]] = {}
    for track in tracks:
        for at in np.flatnonzero(track.there).tolist():
            changed.setdefault(track.start + at, []).append((track, at))
    found = []
    for frame, poses in enumerate(frames):
        rows = {identity: row for row, identity in enumerate(poses.track_ids.tolist()) if identity >= 0}
        here = changed.get(frame, [])
        more = [(track, at) for track, at in here if track.track_id not in rows]
        names = ("xy", "scores", "visible", "pose_scores")
        arrays = {name: _longer(getattr(poses, name), len(more)) for name in (*names, "track_ids")}
        rows |= {track.track_id: len(poses) + place for place, (track, _) in enumerate(more)}
        for track, at in here:
            row = rows[track.track_id]
            arrays["track_ids"][row] = track.track_id
            for name in names:
                arrays[name][row] = getattr(track, name)[at]
        found.append(poses.replace(**arrays) if here else poses)
    return found


def frame_times(frames: Sequence[Poses], fps: float | None) -> Real:
    """(T,) float64 seconds of the frames, ascending.

    Raises:
        TypeError: not Poses.
        ValueError: some frames have times and others have none, or times that do not ascend.
    """
    for at, poses in enumerate(frames):
        if not isinstance(poses, Poses):
            raise TypeError(f"frames: wanted Poses, got {type(poses).__name__} at {at}")
    told = [poses.time_s for poses in frames]
    rate = None if fps is None else number(fps, "fps", *FPS)
    missing = [at for at, time_s in enumerate(told) if time_s is None]
    if len(missing) == len(told):
        return np.arange(len(told)) / (rate or NOMINAL_FPS)
    if missing:
        raise ValueError(f"frames: wanted time_s in all of them or in none, got None at {missing[0]}")
    times = np.array(told, np.float64)
    back = np.flatnonzero(np.diff(times) <= 0)
    if len(back):
        at = int(back[0])
        raise ValueError(
            f"frames: wanted time_s that ascends, got {times[at]:g} and then {times[at + 1]:g} at {at + 1}"
        )
    return times


def _longer(array: npt.NDArray[np.generic], more: int) -> npt.NDArray[np.generic]:
    return np.concatenate([array, np.zeros((more, *array.shape[1:]), array.dtype)])
