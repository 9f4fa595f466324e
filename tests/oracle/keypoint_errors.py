"""Ronchi and Perona's keypoint errors and optimal scores, one keypoint and one pair at a time."""

from __future__ import annotations

import math

import numpy as np

EPSILON = np.spacing(1)


def similarity(point, truth_point, area: float, sigma: float) -> float:
    """exp(-d² / (2 area (2 sigma)²)) of two points (x, y)."""
    squared = (truth_point[0] - point[0]) ** 2 + (truth_point[1] - point[1]) ** 2
    return math.exp(-squared / (sigma * 2) ** 2 / (area + EPSILON) / 2)


def keypoint_errors(
    xy: np.ndarray,
    matched: int,
    truth_xy: np.ndarray,
    visibility: np.ndarray,
    areas: np.ndarray,
    sigmas: np.ndarray,
    flip: list[int],
    correction_sigmas: np.ndarray,
) -> tuple[list[str], np.ndarray]:
    """Kinds of the K keypoints of a detection (K, 2) that is matched with truth `matched` of a picture's n truths
    (n, K, 2), and where they would have to be (K, 2)."""
    people = [matched, *(n for n in range(len(truth_xy)) if n != matched)]
    kinds, corrected = [], xy.copy()
    for k in range(len(xy)):
        if not visibility[matched, k]:
            kinds.append("unlabelled")
            continue
        best, at = -2.0, -1
        for row in range(2 * len(people)):
            person = people[row % len(people)]
            other = k if row < len(people) else flip[k]
            found = -1.0
            if visibility[person, other]:
                found = similarity(xy[k], truth_xy[person, other], areas[person], sigmas[k])
            if found > best:
                best, at = found, row
        if best < 0.5:
            kind, wanted = "miss", 0.5
        elif at == 0:
            kind, wanted = ("good", 1.0) if best >= 0.85 else ("jitter", 0.85)
        else:
            kind, wanted = ("inversion" if at == len(people) else "swap"), best
        kinds.append(kind)
        if kind != "good":
            away = math.sqrt(-2 * math.log(wanted) * areas[matched] * correction_sigmas[k] ** 2)
            corrected[k] = truth_xy[matched, k, 0] + away, truth_xy[matched, k, 1]
    return kinds, corrected


def suppressed(xy: np.ndarray, scores: np.ndarray, sigmas: np.ndarray) -> np.ndarray:
    """Soft non-maximum suppression of one picture's detections (n, K, 2) with scores (n,)."""
    scores = scores.copy()
    waiting = list(range(len(scores)))
    while waiting:
        best = max(waiting, key=lambda d: scores[d])
        waiting.remove(best)
        for d in waiting:
            boxes = [np.ptp(xy[i][:, 0]) * np.ptp(xy[i][:, 1]) for i in (best, d)]
            area = sum(boxes) / 2
            oks = np.mean([similarity(xy[d][k], xy[best][k], area, s) for k, s in enumerate(sigmas)])
            scores[d] *= math.exp(-(oks**2) / 0.5)
    return scores
