"""Detected and annotated people for OKS."""

from __future__ import annotations

import numpy as np

from oracle import oks as oracle
from posecore import Skeleton, oks


def skeleton_of(keypoints: int) -> Skeleton:
    """K keypoints whose sigmas all differ a little."""
    sigmas = 0.025 + 0.08 * np.arange(keypoints) / keypoints
    return Skeleton("made", tuple(f"k{k}" for k in range(keypoints)), sigmas=tuple(sigmas.tolist()))


class Scene:
    """People that look random: every fourth truth has no labelled keypoint, every third detection is a truth moved."""

    def __init__(self, detections: int, truths: int, keypoints: int, seed: int = 0, dtype: type = np.float64):
        random = np.random.default_rng(seed)
        xy = random.uniform(0, 400, (truths, keypoints, 2))
        v = random.integers(0, 3, (truths, keypoints, 1)) * (np.arange(truths) % 4 != 3)[:, None, None]
        self.truths = np.concatenate([xy, v], axis=2).astype(dtype)
        self.areas = random.uniform(0, 40_000, truths).astype(dtype)
        self.boxes = random.uniform(1, 200, (truths, 4)).astype(dtype)
        self.detections = random.uniform(-50, 450, (detections, keypoints, 2)).astype(dtype)
        for d in range(0, detections, 3):
            if truths:
                moved = xy[d % truths] + random.normal(0, 10, (keypoints, 2))
                self.detections[d] = moved.astype(dtype)
        self.skeleton = skeleton_of(keypoints)

    def oks(self, **options) -> np.ndarray:
        return oks(self.detections, self.truths, self.areas, self.skeleton, boxes=self.boxes, **options)

    def oracle(self) -> np.ndarray:
        return oracle.oks(self.detections, self.truths, self.areas, self.skeleton.sigmas, self.boxes)
