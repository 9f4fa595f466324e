"""Where people and their keypoints lie: in their box, in the picture, on each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from posecore.evaluation.inspection_findings import RULES, Finding, finding

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.evaluation.inspection_body import Body
    from posecore.evaluation.truths import Truths

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]
    Bools = npt.NDArray[np.bool_]

HEAT_CELLS = 40
"""Cells of a heatmap on each side."""
HEAT_MARGIN = 0.25
"""A heatmap shows the box and this share of its sides around it."""
BORDER_PX = 1.5
"""A box that ends so near to the picture's border is taken for cut off by it."""
_ROUNDING_PX = 0.5
"""Boxes and pictures are rounded to pixels: keypoints are outside that lie further."""
SIDES = ("left", "top", "right", "bottom")


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where the keypoints of all people lie.

    Attributes:
        heat: (K, 40, 40) int64: how often each keypoint lies in each cell of the box grown by a quarter of its
            sides; rows from the top.
        beyond: (K,) int64, keypoints that lie outside even of that.
        outside_box, outside_picture: (K,) int64, labelled keypoints outside.
        with_box, with_picture: (K,) int64, labelled keypoints of people with a box, in pictures of known size.
        cut: {side: people}, people whose box touches that border of the picture.
        cut_any: people whose box touches some border.
        judged_cut: people with a box in a picture of known size.
    """

    heat: Ints
    beyond: Ints
    outside_box: Ints
    outside_picture: Ints
    with_box: Ints
    with_picture: Ints
    cut: dict[str, int]
    cut_any: int
    judged_cut: int


def places_of(truths: Truths, people: Ints, body: Body) -> tuple[Places, list[Finding]]:
    """Where the keypoints of these people (rows of `truths`) lie, and who has some where none should be."""
    xy, seen = truths.xy[people], truths.visibility[people] > 0
    boxes = truths.boxes[people]
    has_box = (np.isfinite(boxes).sum(axis=1) == 4) & (boxes[:, 2] > 0) & (boxes[:, 3] > 0)
    sizes = np.column_stack([truths.images.widths, truths.images.heights])[truths.image_index[people]]
    has_size = (sizes > 0).sum(axis=1) == 2
    safe = np.where(has_box[:, None], boxes, [0.0, 0.0, 1.0, 1.0])
    heat, beyond = _heat((xy - safe[:, None, :2]) / safe[:, None, 2:], seen & has_box[:, None])
    corners = safe[:, :2] + safe[:, 2:]
    from_box = _beyond(xy, safe[:, :2], corners) * (seen & has_box[:, None])
    # The pixel rule: a picture reaches from -0.5 to its side - 0.5; labels that count from its corner reach its side.
    from_picture = _beyond(xy, np.full((len(xy), 2), -0.5), sizes.astype(np.float64))
    from_picture = from_picture * (seen & has_size[:, None])
    extent = _extent(xy, seen, boxes, has_box)
    found = [
        *_outside("box", people, from_box, extent, body),
        *_outside("picture", people, from_picture, extent, body),
        *_together(people, xy, seen, body),
    ]
    both = has_box & has_size
    ends = np.column_stack([boxes[:, :2], sizes - boxes[:, :2] - boxes[:, 2:]])
    touches = (np.where(both[:, None], ends, np.inf) <= BORDER_PX) & both[:, None]
    places = Places(
        heat,
        beyond,
        (from_box > _ROUNDING_PX).sum(axis=0),
        (from_picture > _ROUNDING_PX).sum(axis=0),
        (seen & has_box[:, None]).sum(axis=0),
        (seen & has_size[:, None]).sum(axis=0),
        {side: int(touches[:, n].sum()) for n, side in enumerate(SIDES)},
        int(touches.any(axis=1).sum()),
        int(both.sum()),
    )
    return places, found


def _heat(relative: Floats, there: Bools) -> tuple[Ints, Ints]:
    """Counts in cells of the grown unit square, and of what lies beyond it."""
    keypoints = relative.shape[1]
    scaled = (relative + HEAT_MARGIN) / (1 + 2 * HEAT_MARGIN) * HEAT_CELLS
    inside = there & ((scaled >= 0) & (scaled < HEAT_CELLS)).all(axis=2)
    heat = np.zeros((keypoints, HEAT_CELLS, HEAT_CELLS), np.int64)
    person, keypoint = np.nonzero(inside)
    cells = scaled[person, keypoint].astype(np.int64)
    np.add.at(heat, (keypoint, cells[:, 1], cells[:, 0]), 1)
    return heat, (there & ~inside).sum(axis=0)


def _beyond(xy: Floats, low: Floats, high: Floats) -> Floats:
    """(G, K) how far each keypoint lies outside of low..high, in pixels on the worse axis; 0 inside."""
    outside: Floats = np.maximum(np.maximum(low[:, None] - xy, xy - high[:, None]), 0).max(axis=2)
    return outside


def spread_of(xy: Floats, seen: Bools) -> Floats:
    """(G, 2) width and height in pixels of each person's labelled keypoints; 0 where there is none."""
    low = np.where(seen[..., None], xy, np.inf).min(axis=1, initial=np.inf)
    high = np.where(seen[..., None], xy, -np.inf).max(axis=1, initial=-np.inf)
    spread: Floats = np.zeros((len(xy), 2))
    np.subtract(high, low, out=spread, where=np.isfinite(low))
    return spread


def _extent(xy: Floats, seen: Bools, boxes: Floats, has_box: Bools) -> Floats:
    """(G,) the person's size in pixels: root of the box area, or of the extent of the labelled keypoints."""
    labelled = np.maximum(spread_of(xy, seen), 1.0).prod(axis=1)
    extent: Floats = np.sqrt(np.maximum(np.where(has_box, boxes[:, 2] * boxes[:, 3], labelled), 1.0))
    return extent


def _outside(kind: str, people: Ints, beyond: Floats, extent: Floats, body: Body) -> list[Finding]:
    share = beyond / extent[:, None]
    alarm = RULES[kind].alarm
    found = []
    for row in np.flatnonzero(share.max(axis=1, initial=0) >= alarm):
        far = np.flatnonzero(share[row] >= alarm)
        names = ", ".join(body.names[k] for k in far)
        text = f"{names} up to {beyond[row].max():.0f} px outside of the {kind}"
        found.append(finding(kind, people[row], tuple(far), share[row].max(), text))
    return found


def _together(people: Ints, xy: Floats, seen: Bools, body: Body) -> list[Finding]:
    # Labelled keypoints that share both coordinates are neighbours in the order of x, then y.
    order = np.lexsort((xy[..., 1], xy[..., 0], ~seen), axis=1)
    there = np.take_along_axis(seen, order, axis=1)
    at = np.take_along_axis(xy, order[..., None], axis=1)
    same = (at[:, 1:] == at[:, :-1]).all(axis=2) & there[:, 1:] & there[:, :-1]
    found = []
    for row in np.flatnonzero(same.any(axis=1)):
        places: dict[tuple[float, float], list[int]] = {}
        for k in np.flatnonzero(seen[row]):
            places.setdefault((xy[row, k, 0], xy[row, k, 1]), []).append(int(k))
        for group in places.values():
            if len(group) > 1:
                text = f"{' and '.join(body.names[k] for k in group)} are at the same place"
                found.append(finding("together", people[row], tuple(group), len(group), text))
    return found
