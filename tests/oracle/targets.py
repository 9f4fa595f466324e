"""Training targets, one cell after another (PersonLab, arXiv 1803.08225; CPM, arXiv 1602.00134). NaN: not known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NEGLIGIBLE = 25 * np.log(2)  # the Gaussian is 2^-25
KNOWN_SIGMAS = 3.0


@dataclass
class Labels:
    """The labels of one picture of (width, height) pixels."""

    xy: np.ndarray  # (N, K, 2)
    visibility: np.ndarray  # (N, K): 0 not labelled, 1 hidden, 2 visible, 3 outside of the picture
    boxes: np.ndarray  # (N, 4) x, y, width, height, NaN where not known
    ignored: np.ndarray  # (M, 4, 2)
    size: tuple[int, int]

    def grid(self, stride_px: int) -> tuple[int, int]:
        width, height = self.size
        return -(-height // stride_px), -(-width // stride_px)

    def place(self, person: int, keypoint: int) -> np.ndarray:
        """y, x; NaN where it is not labelled or not in the picture."""
        if self.visibility[person, keypoint] not in (1, 2):
            return np.full(2, np.nan)
        return self.xy[person, keypoint, ::-1].astype(np.float64)

    def located(self, keypoint: int) -> list[int]:
        return [n for n in range(len(self.xy)) if self.visibility[n, keypoint] in (1, 2)]


def disc_targets(
    labels: Labels, edges: tuple[tuple[int, int], ...], stride_px: int, radius_px: float, margin: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Heatmap (h, w, K), short offsets (h, w, 2K), displacements forward and backward (h, w, 2E), all float64."""
    rows, columns = labels.grid(stride_px)
    keypoints, count = labels.xy.shape[1], len(edges)
    heatmap = np.zeros((rows, columns, keypoints))
    short = np.full((rows, columns, 2 * keypoints), np.nan)
    forward = np.full((rows, columns, 2 * count), np.nan)
    backward = np.full((rows, columns, 2 * count), np.nan)
    for row, column in np.ndindex(rows, columns):
        cell = np.array([row * stride_px, column * stride_px], np.float64)
        for k in range(keypoints):
            person = nearest(labels, cell, k, radius_px)
            if person is None:
                heatmap[row, column, k] = np.nan if is_open(labels, cell, k, radius_px, margin) else 0
                continue
            heatmap[row, column, k] = 1
            short[row, column, [k, keypoints + k]] = labels.place(person, k) - cell
            for e, (parent, child) in enumerate(edges):
                if parent == k:
                    forward[row, column, [e, count + e]] = labels.place(person, child) - cell
                if child == k:
                    backward[row, column, [e, count + e]] = labels.place(person, parent) - cell
    return heatmap, short, forward, backward


def gaussian_targets(
    labels: Labels, stride_px: int, sigma_px: float, shift_px: float, background: bool, margin: float
) -> np.ndarray:
    """(h, w, K) or, with the background, (h, w, K + 1), float64."""
    rows, columns = labels.grid(stride_px)
    keypoints = labels.xy.shape[1]
    heatmap = np.zeros((rows, columns, keypoints))
    for row, column, k in np.ndindex(heatmap.shape):
        cell = np.array([row, column]) * float(stride_px) + shift_px
        distances = [squared(labels.place(n, k) - cell) for n in labels.located(k)]
        least = min(distances, default=np.inf)
        if least <= 2 * sigma_px * sigma_px * NEGLIGIBLE:
            heatmap[row, column, k] = np.exp(-least / (2 * sigma_px * sigma_px))
        reach = KNOWN_SIGMAS * sigma_px
        if least > reach * reach and is_open(labels, cell, k, reach, margin):
            heatmap[row, column, k] = np.nan
    if not background:
        return heatmap
    return np.concatenate([heatmap, 1 - heatmap.astype(np.float32).max(axis=2, keepdims=True)], axis=2)


def coordinate_targets(labels: Labels) -> np.ndarray:
    """(K, 2) float64 of the first person."""
    shares = np.full((labels.xy.shape[1], 2), np.nan)
    for k in range(len(shares)):
        if len(labels.xy) and labels.visibility[0, k] in (1, 2):
            share = (labels.xy[0, k].astype(np.float64) + 0.5) / labels.size
            if ((share >= 0) & (share <= 1)).all():
                shares[k] = share
    return shares


def squared(way: np.ndarray) -> float:
    return float(way[1] * way[1] + way[0] * way[0])


def nearest(labels: Labels, cell: np.ndarray, keypoint: int, radius_px: float) -> int | None:
    """The person whose keypoint is nearest to the cell and within the radius; the first of equals."""
    found = [(squared(labels.place(n, keypoint) - cell), n) for n in labels.located(keypoint)]
    found = [(distance, n) for distance, n in found if distance <= radius_px * radius_px]
    return min(found)[1] if found else None


def is_open(labels: Labels, cell: np.ndarray, keypoint: int, reach_px: float, margin: float) -> bool:
    """Whether an unlabelled keypoint of this kind may be seen from the cell."""
    for visibility, box in zip(labels.visibility, labels.boxes.astype(np.float64), strict=True):
        if visibility[keypoint] == 0:
            if np.isnan(box).any():
                return True
            x, y, width, height = box
            corners = np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]])
            if is_near(corners, cell, reach_px + margin * max(width, height)):
                return True
    return any(is_near(corners.astype(np.float64), cell, reach_px) for corners in labels.ignored)


def is_near(corners: np.ndarray, cell: np.ndarray, reach_px: float) -> bool:
    """Whether the cell lies, on lines of the picture up to `reach_px` away, between the leftmost and the
    rightmost point of the region's border, give or take `reach_px`."""
    y, x = cell
    found = []
    for (ax, ay), (bx, by) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        top, bottom = max(min(ay, by), y - reach_px), min(max(ay, by), y + reach_px)
        for line in (top, bottom) if top <= bottom else ():
            if line == ay:
                found.append(ax)
            elif line == by:
                found.append(bx)
            else:
                found.append(ax + (line - ay) / (by - ay) * (bx - ax))
    return bool(found) and min(found) - reach_px <= x <= max(found) + reach_px
