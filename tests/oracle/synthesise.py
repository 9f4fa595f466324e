"""Heads from known poses: what a perfect network would give, for any skeleton, stride and grid."""

from __future__ import annotations

import numpy as np

SURE, NO = 6.0, -6.0  # logits


def synthesise(
    people_xy: np.ndarray,
    *,
    edges: tuple[tuple[int, int], ...],
    grid: tuple[int, int],
    stride_px: float,
    radius_px: float | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Heatmaps (logits), short offsets, forward and backward displacements, float32 (h, w, channels).

    Around each keypoint of people_xy (N, K, 2), in a disc of `radius_px` (one and a half cells where it is
    left out): logits that fall with the square of the distance, offsets that lead to it exactly, and
    displacements that lead from the cell to that person's neighbouring keypoint. Where discs meet, the
    nearer person wins.
    """
    people_xy = np.asarray(people_xy, np.float64)
    people, keypoints, _ = people_xy.shape
    rows, columns = grid
    radius = 1.5 * stride_px if radius_px is None else radius_px
    cells = np.stack(np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij"), axis=-1) * stride_px
    targets = people_xy[:, :, ::-1]  # y, x
    heatmaps = np.full((rows, columns, keypoints), NO)
    owner = np.full((rows, columns, keypoints), -1)
    nearest = np.full((rows, columns, keypoints), np.inf)
    for person in range(people):
        for keypoint in range(keypoints):
            distance = np.hypot(*np.moveaxis(cells - targets[person, keypoint], -1, 0))
            inside = (distance <= radius) & (distance < nearest[:, :, keypoint])
            owner[inside, keypoint] = person
            nearest[inside, keypoint] = distance[inside]
            heatmaps[inside, keypoint] = SURE - 4 * (distance[inside] / radius) ** 2
    short = np.zeros((rows, columns, 2 * keypoints))
    fwd = np.zeros((rows, columns, 2 * len(edges)))
    bwd = np.zeros_like(fwd)
    for person in range(people):
        for keypoint in range(keypoints):
            _lead(short, owner, person, keypoint, keypoint, keypoints, targets, cells, keypoint)
        for edge, (parent, child) in enumerate(edges):
            _lead(fwd, owner, person, parent, edge, len(edges), targets, cells, child)
            _lead(bwd, owner, person, child, edge, len(edges), targets, cells, parent)
    return tuple(array.astype(np.float32) for array in (heatmaps, short, fwd, bwd))


def _lead(offsets, owner, person, here, channel, channels, targets, cells, there):
    """Cells of keypoint `here` get the way to the person's keypoint `there`."""
    inside = owner[:, :, here] == person
    way = targets[person, there] - cells[inside]
    offsets[inside, channel] = way[:, 0]
    offsets[inside, channels + channel] = way[:, 1]
