"""Heads as they would be if a part of the network were perfect: what is labelled in place of what it said."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.heads import Heads
from posecore.train.targets import PersonLabTargets

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import numpy.typing as npt

    from posecore.evaluation.truths import Truths
    from posecore.runtime.geometry import Geometry
    from posecore.skeletons import Skeleton

    Floats = npt.NDArray[np.float32]

RADIUS_PX = 24.0
"""Of the discs: about as far from a keypoint as the published heads say something about it at stride 16."""
HEADS = {
    "heatmaps": ("heatmaps",),
    "short offsets": ("short_offsets",),
    "displacements": ("displacement_fwd", "displacement_bwd"),
}
_TARGETS = {
    "heatmaps": "heatmap_2",
    "short_offsets": "offset_2",
    "displacement_fwd": "displacement_fwd_2",
    "displacement_bwd": "displacement_bwd_2",
}
# Of a logit: a score of .9999 and one of .0001.
_SURE = 9.21


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """The people of one picture as they are annotated, in its pixels.

    Attributes:
        xy: (N, K, 2) float32.
        visibility: (N, K) uint8, 0 not labelled, 1 hidden, 2 visible.
        boxes: (N, 4) float32: x, y, width, height; NaN where the file has none.
        crowds: (M, 4) float32, boxes of regions in which people are not told apart.
    """

    xy: Floats
    visibility: npt.NDArray[np.uint8]
    boxes: Floats
    crowds: Floats

    @classmethod
    def of(cls, truths: Truths, image: int) -> People:
        """Those of the picture in this row of the truths' images."""
        rows = np.flatnonzero(truths.image_index == image)
        crowd = truths.is_crowd[rows]
        boxes = truths.boxes[rows].astype(np.float32)
        return cls(
            truths.xy[rows[~crowd]].astype(np.float32),
            np.minimum(truths.visibility[rows[~crowd]], np.uint8(2)),
            boxes[~crowd],
            boxes[crowd][np.isfinite(boxes[crowd]).all(axis=1)],
        )

    @property
    def boxed(self) -> Floats:
        """(M, 4) the boxes of people with labelled keypoints, of those that have one with an inside."""
        wanted = (self.visibility > 0).any(axis=1) & (self.boxes[:, 2:] > 0).all(axis=1)
        return self.boxes[wanted]


def perfect(heads: Heads, people: People, geometry: Geometry, skeleton: Skeleton) -> dict[str, Floats]:
    """What the labels say of each tensor of these heads, NaN where they say nothing.

    Heatmaps are a hill around each labelled keypoint: the score is 1 on it and .5 at the disc's border,
    1 - d² / (2 RADIUS_PX²), and 0 outside. Hills rather than flat discs, since people start at the highest cell.

    Args:
        heads: float32 (h, w, channels), whose grid is that of the targets.

    Raises:
        ValueError: a stride that is not whole, or a grid that is not that of the targets.
    """
    if heads.stride_px != int(heads.stride_px):
        raise ValueError(f"heads: wanted a whole number of pixels from cell to cell, got {heads.stride_px:g}")
    targets = PersonLabTargets(skeleton, int(heads.stride_px), radius_px=RADIUS_PX)
    boxes = np.concatenate(
        [geometry.to_input(people.boxes[:, :2]), people.boxes[:, 2:] * np.array(geometry.scale, np.float32)],
        axis=1,
    )
    left, top, width, height = people.crowds.T
    corners = np.stack([left, top, left + width, top, left + width, top + height, left, top + height], axis=1)
    encoded = targets.encode(
        np.asarray(geometry.to_input(people.xy), np.float32),
        people.visibility,
        boxes.astype(np.float32),
        np.asarray(geometry.to_input(corners.reshape(-1, 4, 2)), np.float32),
        size=geometry.input_size,
    )
    if encoded["heatmap_2"].shape[:2] != heads.grid:
        rows, columns = encoded["heatmap_2"].shape[:2]
        raise ValueError(
            f"heads: wanted the targets' grid ({rows}, {columns}) for an input of {geometry.input_size[0]}x"
            f"{geometry.input_size[1]}, got {heads.grid}"
        )
    found = {name: encoded[key] for name, key in _TARGETS.items()}
    found["heatmaps"] = _hills(found["heatmaps"], found["short_offsets"], targets.disc_radius_px)
    if heads.scores == "logits":
        with np.errstate(divide="ignore"):
            odds = np.log(found["heatmaps"]) - np.log1p(-found["heatmaps"])
        found["heatmaps"] = np.clip(odds, -_SURE, _SURE)
    return found


def with_truth(heads: Heads, truth: Mapping[str, Floats], tensors: Collection[str]) -> Heads:
    """The heads with what is known of these tensors in them; the network's values elsewhere."""
    mixed: dict[str, Any] = {}
    for name in tensors:
        said = getattr(heads, name)
        mixed[name] = np.where(np.isnan(truth[name]), said, truth[name]).astype(np.float32)
    return replace(heads, **mixed)


def _hills(discs: Floats, offsets: Floats, radius_px: float) -> Floats:
    """(h, w, K) scores: the discs' with their height going down to .5 at the border."""
    dy, dx = np.split(offsets, 2, axis=2)
    with np.errstate(invalid="ignore"):
        height = 1 - (dy**2 + dx**2) / np.float32(2 * radius_px**2)
        hills: Floats = np.where(discs == 1, height, discs)
    return hills
