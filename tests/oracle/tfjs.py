"""Many people as @tensorflow-models/posenet 2.2.2 finds them, one plain step after another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oracle.multi import Doubt, People


class Heap:
    """The package's queue. Below the first entry lies a heap in which those at 2n and 2n + 1 hang on n; the first
    hangs over the second. Where scores are equal, nothing moves."""

    def __init__(self) -> None:
        self.entries: list[tuple] = []

    def add(self, entry: tuple) -> None:
        self.entries.append(entry)
        n = len(self.entries) - 1
        while n > 0 and self.entries[n // 2][0] < self.entries[n][0]:
            self.exchange(n, n // 2)
            n //= 2

    def take(self) -> tuple:
        self.exchange(0, -1)
        best = self.entries.pop()
        n = 0
        while 2 * n < len(self.entries):
            children = [m for m in (2 * n, 2 * n + 1) if m < len(self.entries)]
            larger = max(children, key=lambda m: self.entries[m][0])  # of equals the first
            if not self.entries[n][0] < self.entries[larger][0]:
                break
            self.exchange(n, larger)
            n = larger
        return best

    def exchange(self, a: int, b: int) -> None:
        self.entries[a], self.entries[b] = self.entries[b], self.entries[a]


@dataclass
class TfjsDecoder:
    """Arrays are (h, w, channels) float32; offsets in input pixels, all y before all x. Points are float64."""

    edges: tuple[tuple[int, int], ...]
    stride_px: float
    max_poses: int = 5
    root_threshold: float = 0.5
    pose_threshold: float = 0.0
    nms_radius_px: float = 20.0
    refine_steps: int = 2
    local_maximum_radius: int = 1
    rescore: bool = True
    logits: bool = True

    def __call__(self, heatmaps: np.ndarray, short: np.ndarray, fwd: np.ndarray, bwd: np.ndarray) -> People:
        self.rows, self.columns, self.keypoints = heatmaps.shape
        self.scores = self.all_scores(heatmaps)
        self.short, self.fwd, self.bwd = (array.astype(np.float64) for array in (short, fwd, bwd))
        roots = self.roots(heatmaps)
        found: list[tuple[np.ndarray, np.ndarray, np.float32]] = []
        while len(found) < self.max_poses and roots.entries:
            score, row, column, keypoint = roots.take()
            point = self.offset_from(row, column, keypoint)
            if not self.is_taken(point, keypoint, found):
                points, scores = self.walk(point, score, keypoint)
                alone = [
                    float(scores[k])
                    for k in range(self.keypoints)
                    if not (self.rescore and self.is_taken(points[k], k, found))
                ]
                found.append((points, scores, np.float32(sum(alone) / self.keypoints)))
        kept = [person for person in found if person[2] >= np.float32(self.pose_threshold)]
        return People(
            np.array([points for points, _, _ in kept]).reshape(len(kept), self.keypoints, 2)[:, :, ::-1],
            np.array([scores for _, scores, _ in kept]).reshape(len(kept), self.keypoints),
            np.array([score for _, _, score in kept]),
            Doubt(),
        )

    def all_scores(self, heatmaps: np.ndarray) -> np.ndarray:
        if not self.logits:
            return np.clip(np.nan_to_num(heatmaps, nan=0.0), 0, 1).astype(np.float32)
        with np.errstate(over="ignore"):
            scores = 1 / (1 + np.exp(-heatmaps.astype(np.float64)))
        return np.nan_to_num(scores, nan=0.0).astype(np.float32)

    def roots(self, heatmaps: np.ndarray) -> Heap:
        heap, reach = Heap(), self.local_maximum_radius
        for row in range(self.rows):
            for column in range(self.columns):
                rows = slice(max(row - reach, 0), row + reach + 1)
                columns = slice(max(column - reach, 0), column + reach + 1)
                for keypoint in range(self.keypoints):
                    score = self.scores[row, column, keypoint]
                    if not self.starts(heatmaps[row, column, keypoint], score):
                        continue
                    if not (self.scores[rows, columns, keypoint] > score).any():
                        heap.add((score, row, column, keypoint))
        return heap

    def starts(self, value: np.float32, score: np.float32) -> bool:
        """NaN, and probabilities below 0, reach no threshold."""
        return bool((score if self.logits else value) >= np.float32(self.root_threshold)) and not np.isnan(
            value
        )

    def walk(self, point: np.ndarray, score: np.float32, keypoint: int) -> tuple[np.ndarray, np.ndarray]:
        points = np.full((self.keypoints, 2), np.nan)
        scores = np.zeros(self.keypoints, np.float32)
        points[keypoint], scores[keypoint] = point, score
        known = {keypoint}
        # The package does these two passes once; COCO's edges lie so that once is enough.
        while len(known) < self.keypoints:
            for edge, (parent, child) in reversed(list(enumerate(self.edges))):
                if child in known and parent not in known:
                    points[parent], scores[parent] = self.follow(points[child], self.bwd, edge, parent)
                    known.add(parent)
            for edge, (parent, child) in enumerate(self.edges):
                if parent in known and child not in known:
                    points[child], scores[child] = self.follow(points[parent], self.fwd, edge, child)
                    known.add(child)
        return points, scores

    def follow(
        self, point: np.ndarray, displacements: np.ndarray, edge: int, keypoint: int
    ) -> tuple[np.ndarray, np.float32]:
        point = point + vector(displacements[self.cell(point)], edge)
        for _ in range(self.refine_steps):
            point = self.offset_from(*self.cell(point), keypoint)
        return point, self.scores[(*self.cell(point), keypoint)]

    def offset_from(self, row: int, column: int, keypoint: int) -> np.ndarray:
        return np.array([row, column]) * self.stride_px + vector(self.short[row, column], keypoint)

    def cell(self, point: np.ndarray) -> tuple[int, int]:
        row, column = np.floor(point / self.stride_px + 0.5)
        return int(np.clip(row, 0, self.rows - 1)), int(np.clip(column, 0, self.columns - 1))

    def is_taken(self, point: np.ndarray, keypoint: int, found: list) -> bool:
        return any(((points[keypoint] - point) ** 2).sum() <= self.nms_radius_px**2 for points, _, _ in found)


def vector(channels: np.ndarray, number: int) -> np.ndarray:
    """(dy, dx) of one cell; one that is not finite (or longer than 1e9 px) is none."""
    both = channels[[number, len(channels) // 2 + number]]
    return both if (np.abs(both) <= 1e9).all() else np.zeros(2)
