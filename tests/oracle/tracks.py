"""The temporal numbers by walking from frame to frame, in plain Python."""

from __future__ import annotations

import itertools
import math


def jitter(xy: list, visible: list, times: list[float]) -> tuple[float, float]:
    """Root mean squares of second differences in px and of divided ones in px/s²."""
    differences, accelerations = [], []
    for t in range(1, len(xy) - 1):
        for k in range(len(xy[t])):
            if not (visible[t - 1][k] and visible[t][k] and visible[t + 1][k]):
                continue
            (x0, y0), (x1, y1), (x2, y2) = xy[t - 1][k], xy[t][k], xy[t + 1][k]
            before, after = times[t] - times[t - 1], times[t + 1] - times[t]
            differences.append((x2 - 2 * x1 + x0) ** 2 + (y2 - 2 * y1 + y0) ** 2)
            ax = ((x2 - x1) / after - (x1 - x0) / before) / ((before + after) / 2)
            ay = ((y2 - y1) / after - (y1 - y0) / before) / ((before + after) / 2)
            accelerations.append(ax * ax + ay * ay)
    if not differences:
        return math.nan, math.nan
    return (
        math.sqrt(math.fsum(differences) / len(differences)),
        math.sqrt(math.fsum(accelerations) / len(accelerations)),
    )


def identities(pairs: list[list[tuple[int, int]]], there: list[set[int]]) -> tuple[int, int, int]:
    """Switches, fragmentations, and the most matches that one-to-one identities explain (all of them are tried)."""
    switches = fragmentations = 0
    people = sorted({person for frame in pairs for person, _ in frame})
    tracks = sorted({track for frame in pairs for _, track in frame})
    for person in people:
        history = [
            dict(frame).get(person) for frame, present in zip(pairs, there, strict=True) if person in present
        ]
        while history and history[-1] is None:
            history.pop()
        while history and history[0] is None:
            history.pop(0)
        fragmentations += sum(a is not None and b is None for a, b in itertools.pairwise(history))
        matched = [track for track in history if track is not None]
        switches += sum(a != b for a, b in itertools.pairwise(matched))
    tracks += [None] * len(people)
    best = 0
    for chosen in set(itertools.permutations(tracks, len(people))):
        given = dict(zip(people, chosen, strict=True))
        best = max(best, sum(given[person] == track for frame in pairs for person, track in frame))
    return switches, fragmentations, best
