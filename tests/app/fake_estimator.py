"""An estimator of the real one's shape that needs no model: it finds one person for each red square.

As a program it is the command `posecore` with that estimator in place of the real one.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from posecore.heads import Heads
from posecore.poses import Poses
from posecore.skeletons import COCO17

STRIDE_PX = 16.0


@dataclass(frozen=True)
class FakeGeometry:
    scale: float

    def to_image(self, xy: Any) -> Any:
        return (np.asarray(xy) + 0.5) / self.scale - 0.5

    def to_input(self, xy: Any) -> Any:
        return (np.asarray(xy) + 0.5) * self.scale - 0.5


@dataclass(frozen=True)
class FakeDetail:
    poses: Poses
    heads: Heads | None
    geometry: FakeGeometry
    times: dict[str, float]


class FakeEstimator:
    name = "fake"
    library = "no interpreter 1.0"
    skeleton = COCO17

    def __init__(self, *, heads: bool = True, seconds: float = 0.0) -> None:
        self._with_heads, self._seconds = heads, seconds
        self.seen: list[np.ndarray] = []

    def prepare(self, image: np.ndarray) -> np.ndarray:
        return image

    def run(self, prepared: np.ndarray) -> FakeDetail:
        return self.detail(prepared)

    def read(self, outputs: FakeDetail) -> FakeDetail:
        return outputs

    def detail(self, image: np.ndarray) -> FakeDetail:
        time.sleep(self._seconds)
        self.seen.append(image.copy())
        height, width = image.shape[:2]
        poses = person_at(red_centre(image), size=height / 4, image_size=(width, height))
        geometry = FakeGeometry(0.5)
        heads = made_heads(poses, geometry, (height, width)) if self._with_heads else None
        times = {"resize": 0.001, "network": 0.002, "decode": 0.0005}
        return FakeDetail(poses, heads, geometry, times)


def red_square(width: int, height: int, x: int, y: int, side: int = 20) -> np.ndarray:
    """A grey RGB picture with a red square whose top-left pixel is (x, y)."""
    image = np.full((height, width, 3), 110, np.uint8)
    image[y : y + side, x : x + side] = (230, 20, 20)
    return image


def red_centre(image: np.ndarray) -> tuple[float, float] | None:
    """The middle of what is red, or None."""
    red = (image[:, :, 0] > 150) & (image[:, :, 1] < 100) & (image[:, :, 2] < 100)
    if not red.any():
        return None
    rows, columns = np.nonzero(red)
    return float(columns.mean()), float(rows.mean())


def person_at(
    centre: tuple[float, float] | None, *, size: float, image_size: tuple[int, int], score: float = 0.9
) -> Poses:
    """A person whose left side lies to the right of the picture, as of one who faces the camera."""
    if centre is None:
        return Poses.empty(COCO17, image_size=image_size)
    xy = np.zeros((1, 17, 2), np.float32)
    for k, name in enumerate(COCO17.keypoints):
        side = {"left": 1, "right": -1, "middle": 0}[COCO17.side(k)]
        heights = {"shoulder": -0.5, "elbow": -0.2, "wrist": 0.1, "hip": 0.1, "knee": 0.5, "ankle": 0.9}
        widths = {"elbow": 0.5, "wrist": 0.6, "shoulder": 0.4, "hip": 0.25, "knee": 0.25, "ankle": 0.25}
        part = name.rpartition("_")[2]
        offset = (side * widths.get(part, 0.1), heights.get(part, -0.8))
        xy[0, k] = centre[0] + size * offset[0], centre[1] + size * offset[1]
    return Poses(xy, np.full((1, 17), score, np.float32), skeleton=COCO17, image_size=image_size)


def made_heads(poses: Poses, geometry: FakeGeometry, shape: tuple[int, int]) -> Heads:
    """Heads from which one person decodes: a disk on each keypoint, and vectors that lead there."""
    rows, columns = (int(side * geometry.scale // STRIDE_PX) + 1 for side in shape)
    heatmaps = np.full((rows, columns, 17), -8, np.float32)
    short, forward, backward = (np.zeros((rows, columns, channels), np.float32) for channels in (34, 32, 32))
    cells = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=2) * STRIDE_PX
    for points in geometry.to_input(poses.xy)[:1]:
        for k, point in enumerate(points):
            offset = point - cells
            heatmaps[:, :, k] = 8 - np.hypot(offset[:, :, 0], offset[:, :, 1]) / 8
            short[:, :, 17 + k], short[:, :, k] = offset[:, :, 0], offset[:, :, 1]
        for edge, (parent, child) in enumerate(COCO17.edges):
            step = points[child] - points[parent]
            forward[:, :, 16 + edge], forward[:, :, edge] = step
            backward[:, :, 16 + edge], backward[:, :, edge] = -step
    return Heads(heatmaps, short, forward, backward, stride_px=STRIDE_PX, scores="logits")


if __name__ == "__main__":
    from posecore import cli, predict

    seconds_a_frame = float(sys.argv.pop(1))
    predict.load_estimator = lambda **_: FakeEstimator(seconds=seconds_a_frame)
    sys.exit(cli.main())
