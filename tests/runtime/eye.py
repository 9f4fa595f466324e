"""A network whose answer is known, the pictures that it is shown, and how people of two answers compare."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_tflite import CONV_2D, Model

import posecore as pc
from posecore.runtime.estimator import Estimator

RGB = pc.Skeleton("rgb", ("red", "green", "blue"))


def read(path: Path) -> np.ndarray:
    """A picture file as RGB."""
    cv2 = pytest.importorskip("cv2", reason='OpenCV is not installed: pip install "posecore[app]"')
    return np.ascontiguousarray(cv2.imread(str(path))[:, :, ::-1])


def by_x(poses: pc.Poses) -> pc.Poses:
    return poses[np.argsort(np.median(poses.xy[:, :, 0], axis=1))]


def distances(first: pc.Poses, second: pc.Poses) -> np.ndarray:
    """Pixels between the sure keypoints of the same people, from left to right."""
    assert len(first) == len(second)
    first, second = by_x(first), by_x(second)
    sure = (first.scores > 0.5) & (second.scores > 0.5)
    return np.linalg.norm(first.xy - second.xy, axis=2)[sure]


def eye(height: int = 64, width: int = 96, *, dynamic: bool = False) -> bytes:
    """A network that sees: its three heatmaps are the red, green and blue of its input, at stride 1."""
    model = Model()
    picture = model.tensor([1, height, width, 3], name="image", signature=[1, -1, -1, 3] if dynamic else None)
    weights = model.tensor([3, 1, 1, 3], data=np.eye(3, dtype="<f4").tobytes())
    biases = model.tensor([3], data=struct.pack("<3f", 0, 0, 0))
    heatmaps = model.tensor(
        [1, height, width, 3], signature=[1, -1, -1, 3] if dynamic else None, name="heatmaps"
    )
    model.operator(CONV_2D, [picture, weights, biases], [heatmaps], kind=1, options=model.conv_options())
    model.inputs, model.outputs = [picture], [heatmaps]
    return bytes(model)


def see(**options: Any) -> Estimator:
    options = {"skeleton": RGB, "input_range": (0, 1)} | options
    return Estimator(options.pop("model", None) or eye(), **options)


def spots(width: int, height: int, points: np.ndarray) -> np.ndarray:
    """A picture of a red, a green and a blue spot, each round and brightest at its point."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    sigma = 0.06 * min(width, height)
    maps = [np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * sigma**2)) for px, py in points]
    return np.rint(255 * np.stack(maps, axis=2)).astype(np.uint8)
