"""LOWESS from its definition, point by point: Cleveland, Journal of the American Statistical Association 74 (1979),
829-836, with a straight line (d = 1), one value at a time.

For each x_i: h_i is the distance to the r-th nearest of all x, itself among them; weights are tricube over h_i; a
weighted line is fitted and read at x_i. Then, `iterations` times, weights are multiplied by bisquare weights of the
residuals over 6 times their median. Where no weight is left, which the paper does not speak of, the last fit stays.
"""

from __future__ import annotations

import numpy as np


def lowess(x: np.ndarray, y: np.ndarray, r: int, iterations: int) -> np.ndarray:
    """(n,) fitted values of (n,) float64 x, ascending, and y."""
    robust = np.ones(len(x))
    fit = y
    for _ in range(iterations + 1):
        fit = np.array([_at(i, x, y, min(r, len(x)), robust, fit[i]) for i in range(len(x))])
        residuals = np.abs(y - fit)
        robust = (1 - np.minimum(residuals / (6 * np.median(residuals)), 1) ** 2) ** 2
    return fit


def _at(i: int, x: np.ndarray, y: np.ndarray, r: int, robust: np.ndarray, last: float) -> float:
    distance = np.abs(x - x[i])
    h = np.sort(distance)[r - 1]
    weight = (1 - np.minimum(distance / h, 1) ** 3) ** 3 * robust
    used = weight > 0
    if used.sum() == 0:
        return last
    if used.sum() == 1:
        return float(y[used][0])
    root = np.sqrt(weight[used])
    design = np.stack([np.ones(used.sum()), x[used] - x[i]], axis=1)
    return float(np.linalg.lstsq(design * root[:, None], y[used] * root, rcond=None)[0][0])
