"""Masks of people from long offsets (PersonLab, arXiv 1803.08225): each cell looks for the pose that it means."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oracle.fields import clean_scores, sample, sample_vector, to_score


@dataclass
class Owners:
    """`owners` (rows, columns): the number of the pose that a point belongs to, or -1. `doubt`: how near the decision
    was, as a share of the least sum, or a score; the least of both."""

    owners: np.ndarray
    doubt: np.ndarray


@dataclass
class MaskDecoder:
    """Arrays are (h, w, channels) of real numbers; offsets in input pixels, all y before all x."""

    stride_px: float
    refine_steps: int = 2
    segment_threshold: float = 0.5
    logits: bool = True

    def __call__(
        self,
        long_offsets: np.ndarray,
        segments: np.ndarray | None,
        xy: np.ndarray,
        at: np.ndarray | None = None,
    ) -> Owners:
        """`xy` (N, K, 2), x first, in input pixels. `at` (rows, columns, 2): x and y in input pixels of each point of
        the mask; None: the cells."""
        rows, columns = long_offsets.shape[:2]
        if at is None:
            at = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=2) * self.stride_px
        sums = np.array(
            [[self.sums(long_offsets, row, column, xy) for column in range(columns)] for row in range(rows)]
        ).reshape(rows, columns, len(xy))
        owners = np.full(at.shape[:2], -1)
        doubt = np.full(at.shape[:2], np.inf)
        for place in np.ndindex(at.shape[:2]):
            point = np.clip(at[place][::-1] / self.stride_px, 0, [rows - 1, columns - 1])
            if segments is not None:
                values = clean_scores(segments[:, :, 0], np.float64)
                score = to_score(sample(values, point), self.logits)
                doubt[place] = abs(score - self.segment_threshold)
                if score < self.segment_threshold:
                    continue
            here = np.array([sample(sums[:, :, pose], point) for pose in range(len(xy))])
            if len(here):
                owners[place] = here.argmin()
                first, second = np.sort(np.append(here, np.inf))[:2]
                doubt[place] = min(doubt[place], (second - first) / max(first, 1e-9))
        return Owners(owners, doubt)

    def sums(self, long_offsets: np.ndarray, row: int, column: int, xy: np.ndarray) -> np.ndarray:
        """For each pose the sum of squared distances, in pixels, of its keypoints from where this cell expects them."""
        rows, columns, channels = long_offsets.shape
        expected = []
        for keypoint in range(channels // 2):
            point = np.array([row, column], np.float64)
            for _ in range(1 + self.refine_steps):
                field_y, field_x = long_offsets[:, :, keypoint], long_offsets[:, :, channels // 2 + keypoint]
                step = sample_vector(field_y.astype(np.float64), field_x.astype(np.float64), point)
                point = np.clip(point + step / self.stride_px, 0, [rows - 1, columns - 1])
            expected.append(point[::-1] * self.stride_px)
        return ((xy - np.array(expected)) ** 2).sum(axis=(1, 2))
