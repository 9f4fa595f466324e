"""The second frame of a tracker: how much each pose is like each person of the first, and who is whose."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np

# In sizes and seconds, as track_motion.hpp has them.
PLACE_NOISE, FIRST_SPEED, ACCELERATION, LIMB_SPEED, MOST_LIMBS = 0.0016, 4.0, 1.0, 0.6, 0.04
DEFAULT_SIGMA, MIRRORED, LEAST_COMMON, LEAST_PX = 0.07, 0.9, 0.25, 10.0


def size_of(xy: np.ndarray) -> float:
    """The root of OKS's area: .53 of the box, whose shorter side is a third of the longer at least; 10 px at least."""
    wide, high = np.ptp(xy, axis=0)
    wide, high = max(wide, high / 3), max(high, wide / 3)
    return max(LEAST_PX, math.sqrt(0.53 * wide * high))


def similarity(
    before: np.ndarray,
    weights_before: np.ndarray,
    now: np.ndarray,
    weights_now: np.ndarray,
    sigmas: np.ndarray,
    flip: np.ndarray,
    dt: float,
) -> float:
    """(K, 2) and (K,) of somebody seen once, and of a pose dt seconds later."""
    place = PLACE_NOISE + FIRST_SPEED * dt**2 + ACCELERATION * dt**3 / 3
    variances = 4 * sigmas**2 + place + min(LIMB_SPEED**2 * dt**2, MOST_LIMBS)
    area = size_of(before) * size_of(now)
    values = []
    for order, factor in ((np.arange(len(flip)), 1.0), (flip, MIRRORED)):
        squares = ((now[order] - before) ** 2).sum(axis=1)
        weights = weights_before * weights_now[order]
        close = np.exp(-squares / (2 * variances * area))
        values.append(factor * (weights * close).sum() / max(weights.sum(), LEAST_COMMON * weights_now.sum()))
    # Sides are exchanged where the middle is at home: 0.6 of where the widest keypoint is worth 0.001.
    weights = weights_before * weights_now
    middle = np.average(now - before, axis=0, weights=weights)
    far = (middle**2).sum() > 0.36 * 2 * variances.max() * 6.91 * area
    return values[0] if values[0] >= 0.5 or far else max(values)


def precision(dt: float) -> float:
    """What a prediction over dt seconds is worth, 1 where it is exact."""
    added = (
        PLACE_NOISE + FIRST_SPEED * dt**2 + ACCELERATION * dt**3 / 3 + min(LIMB_SPEED**2 * dt**2, MOST_LIMBS)
    )
    typical = 4 * DEFAULT_SIGMA**2
    return math.sqrt(typical / (typical + added))


def greatest_sum(values: np.ndarray) -> float:
    """The greatest sum of values of pairs that share no row or column, by trying all."""
    if values.shape[0] > values.shape[1]:
        values = values.T
    rows, columns = values.shape
    return max(
        (
            sum(values[row, column] for row, column in enumerate(chosen))
            for chosen in permutations(range(columns), rows)
        ),
        default=0.0,
    )
