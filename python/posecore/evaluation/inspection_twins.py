"""People that are annotated twice: in one picture, or in two pictures that are the same."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from posecore.evaluation.inspection_findings import RULES, Finding, finding
from posecore.evaluation.inspection_places import spread_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.evaluation.inspection_body import Body
    from posecore.evaluation.truths import Truths

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]

SIGMA = 0.08
"""For skeletons without sigmas: about that of a shoulder in COCO."""
_LEAST_SHARED = 3
_NEIGHBOURS = 64
"""In a picture of more people, each is held against so many next ones from left to right."""
_CHUNK = 65536
_LEAST_FIT = 0.1
"""Boxes of two people whose fit differs by less are as good as each other."""


def twins_of(truths: Truths, people: Ints, body: Body) -> list[Finding]:
    """People (rows of `truths`) of one picture with an OKS of `RULES["twin"].alarm` or more over the keypoints
    that both have, at least three of them and half of those of either; the area is the smaller one.
    Listed is the one whose box fits its keypoints worse, else who has fewer visible keypoints (v = 2), else the
    later one."""
    seen = truths.visibility[people] > 0
    xy = truths.xy[people]
    areas = _areas(truths, people, xy, seen)
    variance = (2 * np.array(body.sigmas or (SIGMA,) * body.num_keypoints)) ** 2
    pairs = []
    first, second = _pairs(truths.image_index[people], xy, seen)
    for start in range(0, len(first), _CHUNK):
        a, b = first[start : start + _CHUNK], second[start : start + _CHUNK]
        both = seen[a] & seen[b]
        shared = both.sum(axis=1)
        squared = ((xy[a] - xy[b]) ** 2).sum(axis=2)
        area = np.maximum(np.minimum(areas[a], areas[b]), 1.0)[:, None]
        similarity = np.exp(-squared / (2 * variance * area)) * both
        oks = similarity.sum(axis=1) / np.maximum(shared, 1)
        most = np.maximum(seen[a].sum(axis=1), seen[b].sum(axis=1))
        same = (oks >= RULES["twin"].alarm) & (shared >= _LEAST_SHARED) & (2 * shared >= most)
        for at in np.flatnonzero(same):
            earlier, later = sorted((int(people[a[at]]), int(people[b[at]])))
            pairs.append((float(oks[at]), earlier, later))
    return _listed(truths, pairs)


def copies_of(truths: Truths, people: Ints) -> list[Finding]:
    """People whose labelled keypoints, five or more, have the same coordinates as those of an earlier person
    in another picture."""
    seen = truths.visibility[people] > 0
    counts = seen.sum(axis=1)
    least = int(RULES["copy"].alarm)
    flat = np.ascontiguousarray(np.where(seen[..., None], truths.xy[people] + 0.0, np.nan))
    known: dict[bytes, int] = {}
    found = []
    for row in np.flatnonzero(counts >= least):
        person = int(people[row])
        before = known.setdefault(flat[row].tobytes(), person)
        if truths.image_index[before] != truths.image_index[person]:
            image = truths.images.ids[truths.image_index[before]]
            text = f"annotation {truths.ids[before]} of picture {image} has the same coordinates"
            found.append(finding("copy", person, (), int(counts[row]), text, before))
    return found


def repeated_names(truths: Truths) -> dict[str, int]:
    """File names that several pictures have, and how many."""
    counts: dict[str, int] = {}
    for name in truths.images.file_names:
        if name:
            counts[name] = counts.get(name, 0) + 1
    return {name: count for name, count in counts.items() if count > 1}


def _listed(truths: Truths, pairs: list[tuple[float, int, int]]) -> list[Finding]:
    """Of each pair (OKS, earlier row, later row), the most alike first, the one that is not to be kept; one that
    is listed already settles its other pairs, so that somebody of every group is not listed."""
    found: dict[int, Finding] = {}
    for oks, earlier, later in sorted(pairs, key=lambda pair: (-pair[0], *pair[1:])):
        if earlier in found or later in found:
            continue
        kept, gone, why = _better(truths, earlier, later)
        text = f"annotation {truths.ids[kept]} of this picture is the same person, and {why}"
        found[gone] = finding("twin", gone, (), oks, text, kept)
    return list(found.values())


def _better(truths: Truths, earlier: int, later: int) -> tuple[int, int, str]:
    """(the row that is to be kept, the other one, why)."""
    fits = [_fit(truths, row) for row in (earlier, later)]
    visible = [int((truths.visibility[row] == 2).sum()) for row in (earlier, later)]
    if abs(fits[0] - fits[1]) >= _LEAST_FIT:
        first, why = fits[0] > fits[1], "its box fits its keypoints better"
    elif visible[0] != visible[1]:
        first, why = visible[0] > visible[1], "has more visible keypoints"
    else:
        first, why = True, "comes first"
    return (earlier, later, why) if first else (later, earlier, why)


def _fit(truths: Truths, row: int) -> float:
    """How well a person's box fits the rectangle around its labelled keypoints: their intersection over union,
    0 without a box."""
    points = truths.xy[row][truths.visibility[row] > 0]
    x, y, width, height = truths.boxes[row].tolist()
    if not math.isfinite(x + y + width + height) or width <= 0 or height <= 0:
        return 0.0
    (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    across = max(min(right, x + width) - max(left, x), 0.0)
    down = max(min(bottom, y + height) - max(top, y), 0.0)
    fit: float = across * down / (width * height + (right - left) * (bottom - top) - across * down)
    return fit


def _pairs(images: Ints, xy: Floats, seen: npt.NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Pairs of rows that are in one picture, each once."""
    count = np.maximum(seen.sum(axis=1), 1)
    middle = (xy[..., 0] * seen).sum(axis=1) / count
    order = np.lexsort((middle, images))
    order = order[seen[order].sum(axis=1) > 0]
    first, second = [], []
    for step in range(1, min(_NEIGHBOURS, len(order) - 1) + 1):
        same = np.flatnonzero(images[order[step:]] == images[order[:-step]])
        if not len(same):
            break
        first.append(order[same])
        second.append(order[same + step])
    nothing = np.zeros(0, np.int64)
    return np.concatenate([*first, nothing]), np.concatenate([*second, nothing])


def _areas(truths: Truths, people: Ints, xy: Floats, seen: npt.NDArray[np.bool_]) -> Floats:
    """The file's area; where it has none, 0.53 of the box, or of the extent of the labelled keypoints."""
    areas = truths.areas[people].copy()
    boxes = truths.boxes[people]
    boxed = np.isfinite(boxes).all(axis=1)
    substitute = 0.53 * np.where(boxed, boxes[:, 2] * boxes[:, 3], spread_of(xy, seen).prod(axis=1))
    filled: Floats = np.where(np.isfinite(areas) & (areas > 0), areas, substitute)
    return filled
