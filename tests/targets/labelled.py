"""Labels of pictures: made by hand, and arbitrary ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from oracle.targets import Labels
from posecore import Skeleton

FIVE = Skeleton("five", tuple("abcde"), ((0, 1), (2, 1), (1, 3), (3, 4)), flip_pairs=((0, 2),))
NO_EDGES = Skeleton("no_edges", ("a", "b", "c"))
ONE = Skeleton("one", ("a",))


def labels(
    xy: Any, *, size: tuple[int, int], visibility: Any = None, boxes: Any = None, ignored: Any = ()
) -> Labels:
    """Everything labelled, in boxes around the keypoints, where nothing else is said."""
    xy = np.asarray(xy, np.float32)
    if boxes is None:
        boxes = np.concatenate([xy.min(axis=1), np.ptp(xy, axis=1)], axis=1) if len(xy) else np.zeros((0, 4))
    return Labels(
        xy,
        np.full(xy.shape[:2], 2, np.uint8) if visibility is None else np.asarray(visibility, np.uint8),
        np.asarray(boxes, np.float32),
        np.asarray(ignored, np.float32).reshape(-1, 4, 2),
        size,
    )


def encoded(targets: Any, picture: Labels) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = targets.encode(
        picture.xy, picture.visibility, picture.boxes, picture.ignored, size=picture.size
    )
    return found


@st.composite
def pictures(draw: st.DrawFn, keypoints: int) -> Labels:
    """Small pictures with up to four people, in it and around it; whole numbers make ties and cells that lie on
    keypoints."""
    places = st.one_of(st.integers(-40, 120), st.floats(-60, 160, width=32))
    people = draw(st.integers(0, 4))
    regions = draw(st.integers(0, 2))

    def numbers(shape: tuple[int, ...], values: st.SearchStrategy[Any] = places) -> np.ndarray:
        count = int(np.prod(shape))
        return np.array(draw(st.lists(values, min_size=count, max_size=count)), np.float32).reshape(shape)

    visibility = numbers((people, keypoints), st.integers(0, 3)).astype(np.uint8)
    xy = numbers((people, keypoints, 2))
    xy[(visibility == 0) | (visibility == 3)] = draw(st.sampled_from([0, np.nan, np.inf]))
    boxes = numbers((people, 4))
    boxes[:, 2:] = np.abs(boxes[:, 2:]) / 2
    for n in range(people):
        if draw(st.booleans()) and draw(st.booleans()):
            boxes[n, draw(st.integers(0, 3))] = np.nan
    size = draw(st.integers(1, 100)), draw(st.integers(1, 100))
    return Labels(xy, visibility, boxes, numbers((regions, 4, 2)), size)
