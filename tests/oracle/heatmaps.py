"""One person from heatmaps alone: the highest cell of each map, refined to a fraction of a cell."""

from __future__ import annotations

import math

import numpy as np

from oracle.fields import clean_scores, to_score

LEAST = 1e-10  # under a logarithm


def decode_heatmaps(
    heatmaps: np.ndarray, *, stride_px: float, refine: str, blur_sigma_cells: float = 0.0, logits: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """xy (K, 2) in input pixels and scores (K,)."""
    values = clean_scores(heatmaps, np.float64)
    _, columns, keypoints = heatmaps.shape
    xy, scores = np.zeros((keypoints, 2)), np.zeros(keypoints)
    for keypoint in range(keypoints):
        if np.isnan(heatmaps[:, :, keypoint]).all():
            continue
        field = values[:, :, keypoint]
        row, column = divmod(int(np.nanargmax(heatmaps[:, :, keypoint])), columns)
        probabilities = np.vectorize(to_score)(field, logits)
        down, across = 0.0, 0.0
        if refine == "quarter":
            down, across = _quarter(field[:, column], row), _quarter(field[row], column)
        elif refine == "taylor":
            down, across = _taylor(blur(probabilities, blur_sigma_cells), row, column)
        xy[keypoint] = (column + across) * stride_px, (row + down) * stride_px
        scores[keypoint] = to_score(field[row, column], logits)
    return xy, scores


def _quarter(line: np.ndarray, at: int) -> float:
    if not 0 < at < len(line) - 1:
        return 0.0
    return 0.25 * float(np.sign(line[at + 1] - line[at - 1]))


def blur(field: np.ndarray, sigma: float) -> np.ndarray:
    """Convolution with a Gaussian of ceil(3 sigma) cells to each side; outside of the map is 0."""
    if sigma == 0:
        return field
    radius = math.ceil(3 * sigma)
    kernel = np.exp(-(np.arange(-radius, radius + 1) ** 2) / (2 * sigma**2))
    kernel /= kernel.sum()
    for axis in (0, 1):
        padded = np.pad(field, [(radius, radius) if a == axis else (0, 0) for a in (0, 1)])
        field = np.apply_along_axis(np.convolve, axis, padded, kernel, "valid")
    return field


def _taylor(field: np.ndarray, row: int, column: int) -> tuple[float, float]:
    """DARK: the top of the second-order expansion of the logarithm, with its derivatives over two cells.

    Nothing where the surface is no hill, and nothing that leads further than one cell.
    """
    rows, columns = field.shape
    if not (1 < row < rows - 2 and 1 < column < columns - 2):
        return 0.0, 0.0
    f = np.log(np.maximum(field, LEAST))
    dy = (f[row + 1, column] - f[row - 1, column]) / 2
    dx = (f[row, column + 1] - f[row, column - 1]) / 2
    dyy = (f[row + 2, column] - 2 * f[row, column] + f[row - 2, column]) / 4
    dxx = (f[row, column + 2] - 2 * f[row, column] + f[row, column - 2]) / 4
    dxy = (
        f[row + 1, column + 1] - f[row - 1, column + 1] - f[row + 1, column - 1] + f[row - 1, column - 1]
    ) / 4
    determinant = dyy * dxx - dxy**2
    if not (determinant > 0 and dxx < 0):
        return 0.0, 0.0
    down, across = -(dxx * dy - dxy * dx) / determinant, -(dyy * dx - dxy * dy) / determinant
    return (down, across) if abs(down) <= 1 and abs(across) <= 1 else (0.0, 0.0)
