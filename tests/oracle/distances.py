"""PCK and PCP by counting one keypoint after another, in plain Python."""

from __future__ import annotations

import math

Point = tuple[float, float]


def error(a: Point, b: Point) -> float:
    return math.sqrt((a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]))


def pck(
    predictions: list[list[Point]],
    truths: list[list[Point]],
    labelled: list[list[bool]],
    lengths: list[float],
    threshold: float,
    comparison: str,
) -> list[tuple[int, int]]:
    """(hits, labels) of each keypoint."""
    found = []
    for keypoint in range(len(labelled[0])):
        hits = labels = 0
        for person in range(len(labelled)):
            if not labelled[person][keypoint] or not lengths[person] > 0:
                continue
            labels += 1
            share = error(predictions[person][keypoint], truths[person][keypoint]) / lengths[person]
            if share < threshold or (comparison == "<=" and share == threshold):
                hits += 1
        found.append((hits, labels))
    return found


def pcp(
    predictions: list[list[Point]],
    truths: list[list[Point]],
    labelled: list[list[bool]],
    limbs: list[tuple[int, int]],
    threshold: float,
    rule: str,
) -> list[tuple[int, int]]:
    """(hits, labels) of each limb between two keypoints; at the threshold is a hit."""
    found = []
    for a, b in limbs:
        hits = labels = 0
        for predicted, true, flags in zip(predictions, truths, labelled, strict=True):
            if not (flags[a] and flags[b]):
                continue
            labels += 1
            room = threshold * error(true[a], true[b])
            errors = error(predicted[a], true[a]), error(predicted[b], true[b])
            if rule == "strict":
                hits += errors[0] <= room and errors[1] <= room
            else:
                hits += (errors[0] + errors[1]) / 2 <= room
        found.append((hits, labels))
    return found
