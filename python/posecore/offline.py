"""Recordings smoothed as a whole, person after person: `smooth_tracks`, and `OfflineSmoother`, which says what it did.

Outliers are taken out first and replaced by interpolation, the rest is smoothed, and short gaps are filled if asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from posecore.arguments import choice, number, whole
from posecore.motion import FPS, NOMINAL_FPS, nominal_fps
from posecore.outliers import find_outliers
from posecore.regression import MOST_WINDOW, lowess, savgol
from posecore.smooth import KalmanSmoother, OneEuroSmoother
from posecore.trajectories import Trajectory, frame_times, together, trajectories
from posecore.two_pass import smooth_two_pass

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from posecore.poses import Poses

    FloatArray = npt.NDArray[np.float32]
    Real = npt.NDArray[np.float64]
    Bools = npt.NDArray[np.bool_]

METHODS = ("lowess", "savgol", "rts", "kalman", "one-euro")
_LONGEST_COAST = 240


class OfflineCounters(NamedTuple):
    """What became of keypoints so far.

    Attributes:
        gaps_filled: keypoints that were missing, and interpolated.
        outliers_dropped: keypoints further from their neighbours than they may be, and interpolated.
    """

    gaps_filled: int
    outliers_dropped: int


@dataclass(frozen=True)
class Smoothed:
    """A recording that was smoothed.

    Attributes:
        frames: as many as were given.
        tracks: everybody with a track id, smoothed; `outliers` says which sights were replaced. Who is away for long
            comes back as another trajectory.
        measured: the same before, in the same order.
        counters: of this recording.
    """

    frames: list[Poses]
    tracks: list[Trajectory]
    measured: list[Trajectory]
    counters: OfflineCounters


class OfflineSmoother:
    """Smooths recordings, which it looks at from end to end.

    Args:
        method: "lowess" (see `posecore.regression.lowess`), "savgol" (`savgol` there), "rts" (`smooth_two_pass`), or,
            forwards in time alone and thus with lag, "kalman" (`KalmanSmoother`) and "one-euro" (`OneEuroSmoother`).
        window_frames: of lowess and savgol, 3..1001. None: `usual_window` of the frames' rate.
        iterations: of lowess, 0..20.
        outlier_sigmas: what is further from its neighbours is dropped, 0.5..1000 as `find_outliers`'s; 0: nothing is.
            The recipe of keypoint journals says 1, which drops nearly half of clean measurements.
        max_gap_s: a keypoint that is missing between two sights at most so many seconds apart is filled in, and a
            person who is; 0..60. What is missing for longer never is.
        fps: of frames without times, 1..1000; 30 where it is left out.

    Raises:
        TypeError: an option of another type.
        ValueError: an option out of range.
    """

    def __init__(
        self,
        method: str = "lowess",
        *,
        window_frames: int | None = None,
        iterations: int = 3,
        outlier_sigmas: float = 3.0,
        max_gap_s: float = 0.0,
        fps: float | None = None,
    ) -> None:
        choice(method, "method", METHODS)
        self._method = method
        self._window = (
            None if window_frames is None else whole(window_frames, "window_frames", 3, MOST_WINDOW)
        )
        self._iterations = whole(iterations, "iterations", 0, 20)
        self._sigmas = number(outlier_sigmas, "outlier_sigmas", 0, 1000)
        if 0 < self._sigmas < 0.5:
            raise ValueError(
                f"outlier_sigmas: wanted 0 for none, or a number from 0.5 to 1000, got {self._sigmas:g}"
            )
        self._max_gap_s = number(max_gap_s, "max_gap_s", 0, 60)
        self._fps = None if fps is None else number(fps, "fps", *FPS)
        self._counters = OfflineCounters(0, 0)

    @property
    def counters(self) -> OfflineCounters:
        """Of every recording so far."""
        return self._counters

    def __call__(self, frames: Sequence[Poses]) -> list[Poses]:
        """The frames, smoothed; as `smooth`."""
        return self.smooth(frames).frames

    def smooth(self, frames: Sequence[Poses]) -> Smoothed:
        """A recording, frame after frame. People without a track id stay as they are.

        The track of a person falls apart where a keypoint is not seen for longer than the window and `max_gap_s`;
        neither part knows of the other. A keypoint that was filled in or replaced has 0.9 times the lower score of
        those beside it.

        Raises:
            TypeError: not Poses.
            ValueError: an id twice in a frame, frames of different skeletons, times that do not ascend or that only
                some frames have.
        """
        times = frame_times(frames, self._fps)
        rate = nominal_fps(None, times) if len(times) > 1 else self._fps or NOMINAL_FPS
        window = self._window or usual_window(self._method, rate)
        cut_s = max(window / rate, self._max_gap_s)
        tracks = trajectories(frames, times, cut_s)
        measured = []
        for track in tracks:
            track.outliers = find_outliers(
                track.xy, track.visible, times[track.span], sigmas=self._sigmas, cut_s=cut_s
            )
            measured.append(track.visible & ~track.outliers)
        smoothed, filled, dropped = [], 0, 0
        found = self._at_work(tracks, measured, times, rate, window, cut_s)
        for track, seen, xy in zip(tracks, measured, found, strict=True):
            new, more = track.interpolated(
                xy, seen, times[track.span], self._max_gap_s, own=self._method == "rts"
            )
            smoothed.append(new)
            filled += more
            dropped += int(new.outliers.sum())
        counters = OfflineCounters(filled, dropped)
        self._counters = OfflineCounters(*(a + b for a, b in zip(self._counters, counters, strict=True)))
        return Smoothed(together(frames, smoothed), smoothed, tracks, counters)

    def _at_work(
        self,
        tracks: list[Trajectory],
        measured: list[Bools],
        times: Real,
        fps: float,
        window: int,
        cut_s: float,
    ) -> Iterator[FloatArray]:
        """(S, K, 2) of each track."""
        coast = min(max(round(cut_s * fps), 1), _LONGEST_COAST)
        options: dict[str, Any] = {"fps": fps, "max_coast_frames": coast}
        if self._method == "rts":
            yield from _two_passes(tracks, measured, times, options)
            return
        for track, seen in zip(tracks, measured, strict=True):
            clock = times[track.span]
            if self._method == "lowess":
                yield lowess(
                    track.xy,
                    seen,
                    clock,
                    window_frames=window,
                    iterations=self._iterations,
                    cut_s=cut_s,
                )
            elif self._method == "savgol":
                yield savgol(track.xy, seen, clock, window_frames=window, cut_s=cut_s)
            elif self._method == "kalman":
                yield KalmanSmoother(gate_sigmas=0, **options).track(track.xy, track.scores, seen, clock)
            else:
                yield OneEuroSmoother(**options).track(track.xy, track.scores, seen, clock)


def _two_passes(
    tracks: list[Trajectory], measured: list[Bools], times: Real, options: dict[str, Any]
) -> list[FloatArray]:
    """Those who are there at about the same time go through it together: many take hardly longer than one."""
    found: dict[int, FloatArray] = {}
    waiting = sorted(range(len(tracks)), key=lambda place: tracks[place].start)
    while waiting:
        batch, first = [waiting[0]], tracks[waiting[0]].span
        begin, end, full = first.start, first.stop, first.stop - first.start
        for place in waiting[1:]:
            span = tracks[place].span
            longer = max(end, span.stop)
            # At least half of the room is somebody's.
            if (longer - begin) * (len(batch) + 1) > 2 * (full + span.stop - span.start):
                continue
            batch.append(place)
            end, full = longer, full + span.stop - span.start
        shape = (end - begin, len(batch), *tracks[batch[0]].scores.shape[1:])
        xy, scores = np.zeros((*shape, 2), np.float32), np.zeros(shape, np.float32)
        seen = np.zeros(shape, np.bool_)
        places = [
            (slice(tracks[p].start - begin, tracks[p].span.stop - begin), n) for n, p in enumerate(batch)
        ]
        for place, at in zip(batch, places, strict=True):
            xy[at], scores[at] = tracks[place].xy, tracks[place].scores
            seen[at] = measured[place]
        stacked = smooth_two_pass(xy, scores, seen, times[begin:end], gate_sigmas=0, **options)
        found |= {place: stacked[at] for place, at in zip(batch, places, strict=True)}
        waiting = [place for place in waiting if place not in found]
    return [found[place] for place in range(len(tracks))]


def smooth_tracks(frames: Sequence[Poses], method: str = "lowess", **options: Any) -> list[Poses]:
    """A recording, smoothed as a whole, person after person.

    Args:
        frames: the poses of each, in the order of time, with track ids.
        method: "lowess", "savgol", "rts", "kalman" or "one-euro".
        options: of `OfflineSmoother`, which does the same and keeps count.

    Returns:
        As many frames. People without a track id are as they were.

    Raises:
        TypeError, ValueError: as `OfflineSmoother` and its `smooth`.
    """
    return OfflineSmoother(method, **options)(frames)


def usual_window(method: str, fps: float) -> int:
    """The window of LOWESS or Savitzky-Golay where nobody says: an odd number of frames, the best for 2 px of noise on
    a person of 400 px who walks, at 15 to 120 fps. 7 and 11 at 30 fps; in seconds shorter where there are more."""
    at_30, grows = (11, 0.8) if method == "savgol" else (7, 0.6)
    frames = at_30 * (fps / NOMINAL_FPS) ** grows
    return int(min(max(2 * round((frames - 1) / 2) + 1, 5), MOST_WINDOW))
