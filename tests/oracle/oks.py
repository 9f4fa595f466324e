"""OKS with NumPy, pair by pair, in the operations of COCO's evaluation and in their order."""

from __future__ import annotations

import numpy as np

EPS = np.spacing(1)  # of float64, which COCO adds to every area


def terms(
    detection: np.ndarray, truth: np.ndarray, area: float, sigmas: tuple[float, ...], box: np.ndarray | None
) -> np.ndarray:
    """The exponents e of exp(-e), one a labelled keypoint; all K where the box stands for them."""
    kind = detection.dtype.type
    variances = ((2 * np.array(sigmas)) ** 2).astype(kind)
    labelled = truth[:, 2] > 0
    if labelled.any():
        dx, dy = detection[:, 0] - truth[:, 0], detection[:, 1] - truth[:, 1]
    else:
        x, y, width, height = box
        dx = np.maximum(0, x - width - detection[:, 0]) + np.maximum(
            0, detection[:, 0] - (x + kind(2) * width)
        )
        dy = np.maximum(0, y - height - detection[:, 1]) + np.maximum(
            0, detection[:, 1] - (y + kind(2) * height)
        )
        labelled = np.ones(len(truth), bool)
    e = (dx**2 + dy**2) / variances / (area + kind(EPS)) / kind(2)
    return e[labelled]


def pairwise_sum(values: np.ndarray) -> np.floating:
    """The sum in the order of `numpy.sum`: eight interleaved sums up to 128 values, halves beyond."""
    count = len(values)
    if count > 128:
        half = count // 2 // 8 * 8
        return pairwise_sum(values[:half]) + pairwise_sum(values[half:])
    if count < 8:
        total = values.dtype.type(0)
        for value in values:
            total = total + value
        return total
    sums = values[:8].copy()
    whole = count // 8 * 8
    for first in range(8, whole, 8):
        sums = sums + values[first : first + 8]
    total = ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]))
    for value in values[whole:]:
        total = total + value
    return total


def oks(
    detections: np.ndarray,
    truths: np.ndarray,
    areas: np.ndarray,
    sigmas: tuple[float, ...],
    boxes: np.ndarray | None = None,
) -> np.ndarray:
    """(D, T) of detections (D, K, 2) and truths (T, K, 3)."""
    matrix = np.zeros((len(detections), len(truths)), detections.dtype)
    for d, detection in enumerate(detections):
        for t, truth in enumerate(truths):
            box = None if boxes is None else boxes[t]
            e = terms(detection, truth, areas[t], sigmas, box)
            matrix[d, t] = np.sum(np.exp(-e)) / len(e)
    return matrix
