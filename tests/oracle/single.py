"""One person: the highest cell of each map plus the short offset there (tfjs's estimateSinglePose)."""

from __future__ import annotations

import numpy as np

from oracle.fields import clean_scores, sample_vector, to_score


def decode_single(
    heatmaps: np.ndarray, short: np.ndarray, *, stride_px: float, logits: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """xy (K, 2) in input pixels and scores (K,); a map of NaN has score 0 (and no place worth comparing)."""
    values = clean_scores(heatmaps, np.float64)
    offsets = short.astype(np.float64)
    _, columns, keypoints = heatmaps.shape
    xy, scores = np.zeros((keypoints, 2)), np.zeros(keypoints)
    for keypoint in range(keypoints):
        if np.isnan(heatmaps[:, :, keypoint]).all():
            continue
        row, column = divmod(int(np.nanargmax(heatmaps[:, :, keypoint])), columns)
        cell = np.array([row, column], np.float64)
        dy, dx = sample_vector(offsets[:, :, keypoint], offsets[:, :, keypoints + keypoint], cell)
        xy[keypoint] = column * stride_px + dx, row * stride_px + dy
        scores[keypoint] = to_score(values[row, column, keypoint], logits)
    return xy, scores
