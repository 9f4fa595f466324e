"""The training losses, slowly: one picture and one value after the other, in float64.

Every function takes y_true and y_pred of one picture, without the batch axis, and gives one number.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np


def squared(true: float, predicted: float) -> float:
    return (predicted - true) ** 2


def cross_entropy(true: float, logit: float) -> float:
    # log(1 + e^x) without overflow.
    return max(logit, 0) + math.log1p(math.exp(-abs(logit))) - true * logit


def smooth_l1(beta: float, scale: float = 1.0) -> Callable[[float, float], float]:
    def loss(true: float, predicted: float) -> float:
        error = abs(predicted - true) / scale
        return error**2 / (2 * beta) if error < beta else error - beta / 2

    return loss


def mean(each: Callable[[float, float], float], true: np.ndarray, predicted: np.ndarray) -> float:
    known = [each(t, p) for t, p in zip(true.ravel(), predicted.ravel(), strict=True) if not math.isnan(t)]
    return sum(known) / len(known) if known else 0.0


def hardest(
    each: Callable[[float, float], float], true: np.ndarray, predicted: np.ndarray, most: int, axis: int
) -> float:
    """The mean of the largest `most` means of the keypoints that have a label."""
    means = []
    for k in range(true.shape[axis]):
        t, p = np.take(true, k, axis=axis), np.take(predicted, k, axis=axis)
        if not np.isnan(t).all():
            means.append(mean(each, t, p))
    taken = sorted(means, reverse=True)[:most]
    return sum(taken) / len(taken) if taken else 0.0


def one_minus_oks(
    true: np.ndarray,
    predicted: np.ndarray,
    sigmas: tuple[float, ...],
    size: tuple[int, int],
    least_area: float,
) -> float:
    labelled = [k for k in range(len(true)) if not np.isnan(true[k]).any()]
    if not labelled:
        return 0.0
    pixels = np.array(size, float)
    points = true[labelled]
    sides = points.max(axis=0) - points.min(axis=0)
    area = max(0.53 * sides[0] * sides[1], least_area) * size[0] * size[1]
    similarities = []
    for k in labelled:
        distance2 = (((predicted[k] - true[k]) * pixels) ** 2).sum()
        similarities.append(math.exp(-distance2 / (2 * area * (2 * sigmas[k]) ** 2)))
    return 1 - sum(similarities) / len(similarities)


def limb_prior(
    true: np.ndarray,
    predicted: np.ndarray,
    limbs: tuple[tuple[int, int], ...],
    pairs: tuple[tuple[int, int], ...],
    apart: float,
) -> float:
    def both(joined: tuple[tuple[int, int], ...]) -> list[tuple[float, float]]:
        return [
            (float(np.linalg.norm(true[a] - true[b])), float(np.linalg.norm(predicted[a] - predicted[b])))
            for a, b in joined
            if not np.isnan(true[[a, b]]).any()
        ]

    lengths, gaps = both(limbs), both(pairs)
    total = sum(smooth_l1(apart)(t, p) for t, p in lengths) / max(len(lengths), 1)
    total += sum((max(min(t, apart) - p, 0) / apart) ** 2 for t, p in gaps) / max(len(gaps), 1)
    return total
