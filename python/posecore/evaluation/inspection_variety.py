"""`Variety`: how differently the people of a set stand and face."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.evaluation.inspection_body import Body

    Ints = npt.NDArray[np.int64]

UPRIGHT_DEG = 30.0
"""A torso that leans less than this is upright."""
ACROSS = 0.4
"""Shoulders whose width across the torso is at least this share of its length are seen from the front or from
behind; less is from the side. Shoulders that are fully turned to the camera are about 0.8 of the torso."""
ANGLE_BINS = 24


@dataclass(frozen=True, slots=True, eq=False)
class Variety:
    """Of all people whose shoulders and hips are labelled.

    Attributes:
        people: how many those are.
        upright: of these, whose torso leans less than 30 degrees.
        angles: (24,) int64: histogram of the torso's direction from hips to shoulders in bins of 15 degrees;
            the first is centred on straight up, then clockwise as seen in the picture.
        views: {"front", "side", "back"}: by where the left shoulder lies across the torso.
        upright_front: upright and from the front.
    """

    people: int
    upright: int
    angles: Ints
    views: dict[str, int]
    upright_front: int

    @property
    def upright_front_share(self) -> float:
        """In [0, 1]; NaN without people."""
        return self.upright_front / self.people if self.people else math.nan


def variety_of(xy: npt.NDArray[np.float64], seen: npt.NDArray[np.bool_], body: Body) -> Variety | None:
    """How people stand and face; None where the skeleton has no shoulders and hips by their names.

    Args:
        xy: (G, K, 2) float64 in pixels.
        seen: (G, K) bool.
    """
    names = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")
    if any(name not in body.places for name in names):
        return None
    places = [body.places[name] for name in names]
    points = xy[seen[:, places].all(axis=1)][:, places]
    up = (points[:, 0] + points[:, 1] - points[:, 2] - points[:, 3]) / 2
    length = np.hypot(up[:, 0], up[:, 1])
    points, up, length = points[length > 0], up[length > 0], length[length > 0]
    angle = np.degrees(np.arctan2(up[:, 0], -up[:, 1]))
    wide = 360 / ANGLE_BINS
    bins = np.floor((angle + wide / 2) % 360 / wide).astype(np.int64) % ANGLE_BINS
    across = points[:, 0] - points[:, 1]
    # The person's left is to the right of the way up for who faces the camera; y goes down.
    width = (up[:, 0] * across[:, 1] - up[:, 1] * across[:, 0]) / length**2
    upright = np.abs(angle) < UPRIGHT_DEG
    front = width >= ACROSS
    back = width <= -ACROSS
    views = {"front": int(front.sum()), "side": int((~front & ~back).sum()), "back": int(back.sum())}
    return Variety(
        len(points),
        int(upright.sum()),
        np.bincount(bins, minlength=ANGLE_BINS),
        views,
        int((upright & front).sum()),
    )
