"""Heads as clean numbers, and bilinear sampling of them."""

from __future__ import annotations

import numpy as np

SUREST_NO = -1e4


def clean_scores(heatmaps: np.ndarray, dtype: type) -> np.ndarray:
    """Heatmaps as numbers that can be mixed: NaN is the surest no, and nothing is beyond +-1e4."""
    values = np.where(np.isnan(heatmaps), SUREST_NO, heatmaps)
    return np.clip(values, SUREST_NO, -SUREST_NO).astype(dtype)


def sigmoid(value: float) -> float:
    if value >= 0:
        return 1 / (1 + float(np.exp(-np.float64(value))))
    power = float(np.exp(np.float64(value)))
    return power / (1 + power)


def to_score(value: float, logits: bool) -> float:
    return sigmoid(value) if logits else min(max(float(value), 0.0), 1.0)


def sample(field: np.ndarray, point: np.ndarray) -> float:
    """`field` (rows, columns) at `point` (y, x) in cells, which lies on the grid: bilinear.

    A cell of no weight is not looked at, whatever it holds.
    """
    y, x = point
    top, left = int(np.floor(y)), int(np.floor(x))
    down, across = y - top, x - left
    value = field.dtype.type(0)
    for row, row_weight in ((top, 1 - down), (top + 1, down)):
        for column, column_weight in ((left, 1 - across), (left + 1, across)):
            if row_weight > 0 and column_weight > 0:
                value = value + field[row, column] * (row_weight * column_weight)
    return value


def nearest(point: np.ndarray) -> np.ndarray:
    """The cell (y, x) that `point` is nearest to; what lies in the middle goes up."""
    below = np.floor(point)
    return np.where(point - below < 0.5, below, below + 1).astype(point.dtype)


def sample_vector(field_y: np.ndarray, field_x: np.ndarray, point: np.ndarray) -> np.ndarray:
    """(dy, dx) at `point`; a vector that is not finite (or longer than 1e9 px) is none."""
    with np.errstate(invalid="ignore", over="ignore"):
        vector = np.array([sample(field_y, point), sample(field_x, point)], field_y.dtype)
    return vector if (np.abs(vector) <= 1e9).all() else np.zeros(2, field_y.dtype)
