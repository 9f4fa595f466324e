"""Small sets of people drawn at random, on a coarse grid of coordinates, areas and scores, so that ties and exact
thresholds happen."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from standing_people import points

import posecore as pc

# Around and on the ends of COCO's ranges, and far outside.
AREAS = (
    0,
    0.5,
    1023.999,
    1024,
    1024.0,
    1024.001,
    5000,
    9215.5,
    9216,
    9216.0,
    9217,
    30000.25,
    1e6,
    1e10,
    1e11,
)
SCORES = (0.9, 0.5, 0.5, 0.25, 1, 0, -1, 2, 1e-3)
FIGURES = ((100, 100, 100, 200), (104, 97, 100, 200), (20, 30, 30, 50), (300, 40, 25, 32), (0, 0, 640, 480))
# A keypoint that is moved: a little, by the same distance to several sides, or so far that nothing is left of it.
MOVES = ((0, 0), (3, 4), (-3, -4), (4, -3), (-5, 0), (12, 5), (400, 300), (-1000, 2000))
ALL = 2**17 - 1
_some_keypoints = st.one_of(st.sampled_from((0, ALL, 0b1, 0b11, 0b1111, 0b10101)), st.integers(0, ALL))


@st.composite
def keypoints(draw: st.DrawFn) -> list[float]:
    """51 numbers x, y, 1: a figure of which some keypoints are moved."""
    moved, (dx, dy) = draw(_some_keypoints), draw(st.sampled_from(MOVES))
    shift = draw(st.sampled_from((0, 0, 0.5, 7)))
    whole = draw(st.booleans())
    flat: list[float] = []
    for k, (x, y) in enumerate(points(draw(st.sampled_from(FIGURES)))):
        away = moved >> k & 1
        for value in (x + shift + away * dx, y + away * dy):
            flat.append(round(value) if whole else value)
        flat.append(1)
    return flat


@st.composite
def annotations(draw: st.DrawFn, images: list[int], categories: list[int]) -> dict[str, Any]:
    flat = draw(keypoints())
    labelled = draw(_some_keypoints)
    for k in range(17):
        flat[3 * k + 2] = 1 + k % 3 if labelled >> k & 1 else 0
    return {
        "image_id": draw(st.sampled_from(images)),
        "category_id": draw(st.sampled_from(categories)),
        "iscrowd": int(draw(st.integers(0, 5)) == 5),
        "num_keypoints": labelled.bit_count(),
        "area": draw(st.sampled_from(AREAS)),
        "bbox": list(draw(st.sampled_from(FIGURES))),
        "keypoints": flat,
    }


@st.composite
def results_of(
    draw: st.DrawFn, images: list[int], categories: list[int], people: list[Any]
) -> dict[str, Any]:
    """Anybody, or somebody who stands almost where one of the annotated people does."""
    flat = draw(keypoints())
    if people and draw(st.booleans()):
        moved, (dx, dy) = draw(_some_keypoints), draw(st.sampled_from(MOVES))
        flat = list(draw(st.sampled_from(people))["keypoints"])
        for k in range(17):
            flat[3 * k] += (moved >> k & 1) * dx
            flat[3 * k + 1] += (moved >> k & 1) * dy
    return {
        "image_id": draw(st.sampled_from(images)),
        "category_id": draw(st.sampled_from(categories)),
        "keypoints": flat,
        "score": draw(st.sampled_from(SCORES)),
    }


@st.composite
def coco_sets(draw: st.DrawFn) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A COCO annotation dict, and at least one result."""
    images = draw(st.lists(st.integers(1, 60), min_size=1, max_size=4, unique=True))
    categories = draw(st.lists(st.integers(1, 5), min_size=1, max_size=2, unique=True))
    people = draw(st.lists(annotations(images, categories), min_size=1, max_size=7))
    ids = draw(st.permutations(range(5, 5 + len(people))))
    for person, number in zip(people, ids, strict=True):
        person["id"] = number
    known_and_not = [*categories, *categories, 77]
    results = draw(st.lists(results_of(images, known_and_not, people), min_size=1, max_size=8))
    if draw(st.integers(0, 7)) == 7:  # more than an evaluation looks at
        results += [{**results[n % len(results)], "score": (n % 4) / 4} for n in range(25)]
    named = [{"id": c, "name": f"kind {c}", "keypoints": list(pc.COCO17.keypoints)} for c in categories]
    return {
        "images": [{"id": i, "width": 640, "height": 480, "file_name": f"{i}.jpg"} for i in images],
        "annotations": people,
        "categories": named,
    }, results
