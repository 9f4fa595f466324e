"""Heads that are made up, for tests of what `Heads` keeps."""

from __future__ import annotations

import numpy as np

from posecore import Heads, Quantization

NAMES = ("heatmaps", "short_offsets", "displacement_fwd", "displacement_bwd")


def f(*shape: int, dtype: object = np.float32) -> np.ndarray:
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


def uint8_heads(layout: str = "hwc") -> Heads:
    arrays = [np.arange(12 * c).reshape(3, 4, c).astype(np.uint8) for c in (3, 6, 4, 4)]
    if layout == "chw":
        arrays = [array.transpose(2, 0, 1) for array in arrays]
    quantization = {name: Quantization(0.1 * (i + 1), 128 - i) for i, name in enumerate(NAMES)}
    return Heads(*arrays, stride_px=16, scores="logits", layout=layout, quantization=quantization)
