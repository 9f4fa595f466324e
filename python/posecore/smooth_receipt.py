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
from posecore.evaluation.lag import lag

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.offline import Smoothed
    from posecore.trajectories import Trajectory

MOST_LAG_FRAMES = 10
CONVENTION = (
    "jitter: root mean square length of the second difference of three consecutive frames, over all tracked keypoints "
    "visible in them before and after, outliers among them. lag: the shift within "
    f"±{MOST_LAG_FRAMES} frames with the least mean squared distance from the smoothed to the unsmoothed keypoints, "
    "outliers left out, refined by a parabola. gaps: keypoints that were filled in; outliers: keypoints that were "
    "replaced."
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
    convention: str = CONVENTION

    @classmethod
    def of(
        cls, before: Sequence[Trajectory], smoothed: Smoothed, times_s: npt.NDArray[np.float64]
    ) -> SmoothReceipt:
        """The receipt of a recording.

        Args:
            before: its people, not smoothed, in the order of ids.
            smoothed: what became of them.
            times_s: (T,) float64, the frames' times.
        """
        frames = len(times_s)
        counters = smoothed.counters
        jitter_before = jitter_after = lag_frames = lag_ms = None
        if before and frames:
            raw, new, both, sound = _side_by_side(before, smoothed.tracks, frames)
            jitter_before, jitter_after = (_told(jitter(xy, both, times_s=times_s).px) for xy in (raw, new))
            if frames > 2 * MOST_LAG_FRAMES:
                found = lag(new, both, raw, sound, times_s=times_s, most_frames=MOST_LAG_FRAMES)
                lag_frames, lag_ms = _told(found.frames), _told(1e3 * found.seconds)
        return cls(frames, len(before), jitter_before, jitter_after, lag_frames, lag_ms, *counters)

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers and text for JSON."""
        return asdict(self)

    def lines(self) -> Iterator[str]:
        """For people."""
        if self.jitter_before_px is not None and self.jitter_after_px is not None:
            told = "lag cannot be told"
            if self.lag_frames is not None and self.lag_ms is not None:
                told = f"lag {self.lag_frames:+.2f} frames, {self.lag_ms:+.0f} ms"
            yield f"jitter {self.jitter_before_px:.2f} px before, {self.jitter_after_px:.2f} px after; {told}"
        yield (
            f"{self.gaps_filled} gap{'' if self.gaps_filled == 1 else 's'} filled, "
            f"{self.outliers_dropped} outlier{'' if self.outliers_dropped == 1 else 's'} dropped"
        )


def _side_by_side(
    before: Sequence[Trajectory], after: Sequence[Trajectory], frames: int
) -> tuple[npt.NDArray[Any], ...]:
    """(T, L, 2) before and after, (T, L) what is visible in both, and that without outliers: the people in as few
    lanes as hold them, with a frame between one and the next of a lane, so that nothing is measured across."""
    free: list[int] = []
    lanes = []
    for track in sorted(before, key=lambda track: track.start):
        lane = next((k for k, end in enumerate(free) if end < track.start), len(free))
        free[lane : lane + 1] = [track.span.stop]
        lanes.append((track.track_id, lane))
    lane_of = dict(lanes)
    keypoints = before[0].xy.shape[1]
    raw, new = np.zeros((2, frames, len(free), keypoints, 2))
    both, sound = np.zeros((2, frames, len(free), keypoints), np.bool_)
    for one, other in zip(before, after, strict=True):
        place = one.span, lane_of[one.track_id]
        raw[place], new[place] = one.xy, other.xy
        both[place] = one.visible & other.visible
        sound[place] = both[place] & ~other.outliers
    shape = (frames, len(free) * keypoints)
    return raw.reshape(*shape, 2), new.reshape(*shape, 2), both.reshape(shape), sound.reshape(shape)


def _told(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
