"""How far keypoints may move and how many people may go astray, and what of it a model breaks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from posecore.export.verify_people import quantiles

if TYPE_CHECKING:
    from posecore.export.verify_people import Crowd

MAX_SHIFT_PX = 4.0
"""Of the 95th percentile, in input pixels: a quarter of PoseNet's cell of 16."""
MAX_MEDIAN_PX = MAX_SHIFT_PX / 4
"""Of the median: a model whose keypoints have all moved by less than `MAX_SHIFT_PX` has moved nevertheless."""
MOST_UNSTEADY_PX = 16.0
"""What an unsteady float model may raise the limit of the 95th percentile to: PoseNet's whole cell."""
TIMES_JPEG = 2.0
"""How many times as far as JPEG moves them keypoints may move: 8-bit numbers are noise as JPEG's blocks are, and small
people in crowds hop at either."""
MOST_ASTRAY = 0.1
"""The share of people that may be lost or invented, and of keypoints that may fade."""
_LEAST_PX = 1e-9


@dataclass(frozen=True)
class Limits:
    """Up to where shifts will do, in input pixels.

    Attributes:
        median_px: of the median.
        p95_px: of the 95th percentile.
    """

    median_px: float
    p95_px: float

    @classmethod
    def of(cls, asked: float | None, own: tuple[float, float, float] | None) -> Limits:
        """Those of `verify`.

        Args:
            asked: the limit of the 95th percentile, where somebody said it: the median's is a quarter of it.
            own: median, p95 and max of the float model's own shift by JPEG, where it could be had.
        """
        if asked is not None:
            return cls(asked / 4, asked)
        median, p95, _ = own or (0.0, 0.0, 0.0)
        return cls(
            max(MAX_MEDIAN_PX, TIMES_JPEG * median),
            max(MAX_SHIFT_PX, min(TIMES_JPEG * p95, MOST_UNSTEADY_PX)),
        )

    def faults(self, crowd: Crowd) -> list[str]:
        """What is beyond them, each a part of a sentence."""
        faults = []
        median, p95, _ = quantiles(crowd.shifts_px) or (0.0, 0.0, 0.0)
        moved = []
        if median > self.median_px:
            moved.append(f"{median:.2f} px in the median (up to {self.median_px:.3g} px will do)")
        if p95 > self.p95_px:
            moved.append(f"{p95:.1f} px at p95 (up to {self.p95_px:.3g} px will do)")
        if moved:
            faults.append(f"keypoints move by {' and '.join(moved)}")
        if crowd.strayed > MOST_ASTRAY:
            noun = "person" if crowd.people == 1 else "people"
            faults.append(f"{crowd.lost} of {crowd.people} {noun} lost, {crowd.invented} invented")
        if crowd.faded_share > MOST_ASTRAY:
            judged = len(crowd.shifts_px)
            faults.append(f"{crowd.faded} of {judged} keypoint{'' if judged == 1 else 's'} have faded")
        return faults

    def badness(self, crowd: Crowd) -> float:
        """How many times over the limit that is broken most; up to 1 where there is no fault."""
        median, p95, _ = quantiles(crowd.shifts_px) or (0.0, 0.0, 0.0)
        return max(
            median / max(self.median_px, _LEAST_PX),
            p95 / max(self.p95_px, _LEAST_PX),
            crowd.strayed / MOST_ASTRAY,
            crowd.faded_share / MOST_ASTRAY,
        )
