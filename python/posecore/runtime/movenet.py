"""MoveNet's output tensors, which hold poses instead of heads, as keypoints in the network's input pixels.

Formats: the model cards of MoveNet SinglePose and MultiPose (tfhub.dev/google/movenet), and measured on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from posecore.poses import Poses

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.layouts import Kind
    from posecore.runtime.geometry import Geometry
    from posecore.skeletons import Skeleton

DEFAULT_LONG_SIDE = 256
MAX_PEOPLE = 6

# The fraction n of an input S wide is taken as the pixel n * S - 0.25: multi pose's n * S of a picture and of
# its mirror image add up to S - 0.5 in the median. AP on 119 COCO pictures hardly tells it from 0 or 0.5.
_ORIGIN_PX = 0.25


@dataclass(frozen=True, slots=True)
class MovenetReader:
    """Reads one picture's output: single pose (1, 1, K, 3) of y, x, score, or multi pose
    (1, people, 3 K + 5), a row of K times y, x, score, then a box and the person's score. Coordinates are
    fractions of the input. What the network repeats is kept: above a score of 0.2 it hardly does.

    Attributes:
        max_poses: at most so many people, the best.
        root_threshold: people without a keypoint of this score are dropped.
        pose_threshold: people with a lower score are dropped; a single pose's is the mean of its keypoints'.
    """

    kind: Kind
    skeleton: Skeleton
    max_poses: int
    root_threshold: float
    pose_threshold: float

    def __call__(self, output: npt.NDArray[np.float32], geometry: Geometry) -> Poses:
        """`Poses` in pixels of the picture that `geometry` put into the input, best first."""
        keypoints = self.skeleton.num_keypoints
        rows = output.reshape(-1, output.shape[-1]) if self.kind == "movenet-multi" else output.reshape(1, -1)
        points = rows[:, : 3 * keypoints].reshape(len(rows), keypoints, 3)
        # A network may give anything for a blank input; what leaves here is finite and in [0, 1].
        points = np.nan_to_num(points, nan=0.0, posinf=0.0, neginf=0.0)
        scores = np.clip(points[:, :, 2], 0, 1)
        if self.kind == "movenet-multi":
            pose_scores = np.clip(np.nan_to_num(rows[:, -1], nan=0.0), 0, 1)
        else:
            pose_scores = scores.mean(axis=1, dtype=np.float32)
        found = (pose_scores >= self.pose_threshold) & (scores.max(axis=1) >= self.root_threshold)
        order = np.argsort(-pose_scores, kind="stable")
        order = order[found[order]][: self.max_poses]
        xy = points[order][:, :, 1::-1] * np.array(geometry.input_size, np.float32) - np.float32(_ORIGIN_PX)
        return Poses(
            np.ascontiguousarray(geometry.to_image(xy), np.float32),
            np.ascontiguousarray(scores[order], np.float32),
            np.ascontiguousarray(pose_scores[order], np.float32),
            skeleton=self.skeleton,
            image_size=geometry.image_size,
        )
