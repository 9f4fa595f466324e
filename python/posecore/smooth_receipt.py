"""What `posecore smooth` did to a recording, as numbers: jitter, lag, gaps, outliers.

Jitter and lag are those of `posecore.evaluation`, over everybody at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.evaluation.jitter import jitter
from posecore.evaluation.lag import lag, lowest
from posecore.receipt import lag_told

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.offline import Smoothed
    from posecore.trajectories import Trajectory

MOST_LAG_FRAMES = 10
_BATCH = 1 << 19  # keypoints that are measured at once
_LEAST_PX = 0.005  # what is told as 0.00
CONVENTION = (
    "jitter: root mean square length of the second difference of three consecutive frames, over all tracked keypoints "
    "visible in them before and after, outliers among them. lag: the shift within "
    f"±{MOST_LAG_FRAMES} frames with the least mean squared distance from the smoothed to the unsmoothed keypoints, "
    "outliers left out, refined by a parabola. gaps: keypoints that were missing and filled in; outliers: keypoints "
    "that were replaced."
)


@dataclass(frozen=True, slots=True)
class SmoothReceipt:
    """What became of a recording.

    Attributes:
        frames: how many.
        people: different track ids.
        jitter_before_px, jitter_after_px: in pixels; None where nobody is there for three frames.
        lag_frames, lag_ms: how far the smoothed tracks come behind; None where it cannot be told: nobody moves, or
            is there long enough.
        gaps_filled: keypoints that were not found, and filled in.
        outliers_dropped: keypoints that were taken for wrong, and replaced.
        poses_without_id: people of frames without a track id, who are as they were: nothing of the above is about
            them.
        moved_px: root mean square distance from each keypoint as it was found to what became of it, of those visible
            before and after, outliers among them; None where there are none.
        convention: how all this is measured.
    """

    frames: int
    people: int
    jitter_before_px: float | None
    jitter_after_px: float | None
    lag_frames: float | None
    lag_ms: float | None
    gaps_filled: int
    outliers_dropped: int
    poses_without_id: int
    moved_px: float | None = None
    convention: str = CONVENTION

    @classmethod
    def of(cls, smoothed: Smoothed, times_s: npt.NDArray[np.float64]) -> SmoothReceipt:
        """The receipt of a recording.

        Args:
            smoothed: what became of it.
            times_s: (T,) float64, the frames' times.
        """
        sums = _Sums()
        for raw, new, both, sound in _rows(smoothed.measured, smoothed.tracks):
            sums.add(raw, new, both, sound)
        lag_frames = sums.lag_frames()
        step_s = float(np.diff(times_s).mean()) if len(times_s) > 1 else math.nan
        return cls(
            len(times_s),
            len({track.track_id for track in smoothed.tracks}),
            *sums.jitters_px(),
            lag_frames,
            None if lag_frames is None else _told(1e3 * lag_frames * step_s),
            *smoothed.counters,
            sum(int((poses.track_ids < 0).sum()) for poses in smoothed.frames),
            sums.moved_px(),
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers and text for JSON."""
        return asdict(self)

    def lines(self) -> Iterator[str]:
        """For people."""
        if self.jitter_before_px is not None and self.jitter_after_px is not None:
            told = "lag cannot be told"
            if self.lag_frames is not None and self.lag_ms is not None:
                told = lag_told(self.lag_frames, self.lag_ms)
            if max(self.jitter_before_px, self.jitter_after_px) < _LEAST_PX:
                yield "jitter 0.00 px, nothing to smooth"
            else:
                yield f"jitter {self.jitter_before_px:.2f} px before, {self.jitter_after_px:.2f} px after; {told}"
        counts = "nobody is tracked"
        if self.people:
            counts = f"{_plural(self.gaps_filled, 'keypoint')} filled in, "
            counts += f"{_plural(self.outliers_dropped, 'outlier')} dropped"
        if self.poses_without_id:
            counts += f", {_plural(self.poses_without_id, 'pose')} without an id left alone"
        yield counts


class _Sums:
    """Jitter and lag of some people after the other, as if all were measured at once."""

    def __init__(self) -> None:
        self._squares, self._triples = np.zeros(2), 0
        self._costs, self._points = np.zeros(2 * MOST_LAG_FRAMES + 1), 0
        self._moved_squares, self._moved = 0.0, 0

    def add(
        self,
        raw: npt.NDArray[np.float64],
        new: npt.NDArray[np.float64],
        both: npt.NDArray[np.bool_],
        sound: npt.NDArray[np.bool_],
    ) -> None:
        self._moved_squares += float(((new - raw)[both] ** 2).sum())
        self._moved += int(both.sum())
        # Neither is in seconds: any rate will do.
        jitters = [jitter(xy, both, fps=1.0) for xy in (raw, new)]
        triples = int(jitters[0].counts.sum())
        if triples:
            self._squares += triples * np.array([found.px for found in jitters]) ** 2
            self._triples += triples
        if len(both) > 2 * MOST_LAG_FRAMES:
            found = lag(new, both, raw, sound, fps=1.0, most_frames=MOST_LAG_FRAMES)
            if found.points:
                self._costs += found.points * found.costs
                self._points += found.points

    def jitters_px(self) -> tuple[float | None, float | None]:
        if not self._triples:
            return None, None
        before, after = np.sqrt(self._squares / self._triples)
        return float(before), float(after)

    def moved_px(self) -> float | None:
        return math.sqrt(self._moved_squares / self._moved) if self._moved else None

    def lag_frames(self) -> float | None:
        return _told(lowest(self._costs / self._points) - MOST_LAG_FRAMES) if self._points else None


def _rows(
    before: Sequence[Trajectory], after: Sequence[Trajectory]
) -> Iterator[tuple[npt.NDArray[Any], ...]]:
    """(S, K, 2) before and after, (S, K) what is visible in both, and that without outliers: people one after the
    other, with a frame of nobody between them so that nothing is measured across, many keypoints at once."""
    batches: list[list[tuple[Trajectory, Trajectory]]] = []
    cells = _BATCH
    for pair in zip(before, after, strict=True):
        if cells >= _BATCH:
            batches.append([])
            cells = 0
        batches[-1].append(pair)
        cells += pair[0].visible.size
    for batch in batches:
        gap = np.zeros((1, *batch[0][0].visible.shape[1:]), np.bool_)
        both = [one.visible & other.visible for one, other in batch]
        sound = [seen & ~other.outliers for seen, (_, other) in zip(both, batch, strict=True)]
        raw = _chained([one.xy for one, _ in batch], np.zeros((*gap.shape, 2), np.float32))
        new = _chained([other.xy for _, other in batch], np.zeros((*gap.shape, 2), np.float32))
        yield raw.astype(np.float64), new.astype(np.float64), _chained(both, gap), _chained(sound, gap)


def _chained(arrays: Sequence[npt.NDArray[Any]], gap: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.concatenate([part for array in arrays for part in (array, gap)])


def _told(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
