"""Runners that answer with heads of people at known places, in place of networks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from posecore.export.answers import Answer, Coordinates, Reading
from posecore.export.runners import Cost
from posecore.heads import Heads, Quantization
from posecore.skeletons import COCO17
from posecore.train.targets import PersonLabTargets

SIZE = (257, 193)
NAMES = {
    "heatmaps": "heatmap_2",
    "short_offsets": "offset_2",
    "displacement_fwd": "displacement_fwd_2",
    "displacement_bwd": "displacement_bwd_2",
}
UNITS = {"heatmaps": "logit", **dict.fromkeys(list(NAMES)[1:], "px")}
COST = Cost("nothing", 1000, None, "", {"CPU": 1}, 1.0)
# A person of COCO's keypoints, upright, 30 wide and 84 high, around (0, 0).
_BODY = np.array(
    [
        (0, -40), (3, -42), (-3, -42), (6, -41), (-6, -41), (12, -28), (-12, -28), (15, -12), (-15, -12),
        (15, 2), (-15, 2), (8, 4), (-8, 4), (9, 24), (-9, 24), (9, 42), (-9, 42),
    ],
    np.float32,
)  # fmt: skip


def person(x: float, y: float, scale: float = 1.0) -> np.ndarray:
    """(17, 2) float32, a person around this pixel."""
    return (_BODY * scale + (x, y)).astype(np.float32)


TWO = (person(70, 90), person(180, 100))


def reading(**changed: Any) -> Reading:
    """That of a PoseNet of stride 16."""
    fields: dict[str, Any] = {
        "kind": "posenet",
        "skeleton": COCO17,
        "stride_px": 16.0,
        "scores": "logits",
        "input_size": SIZE,
        "names": NAMES,
        "units": UNITS,
    }
    return Reading(**{**fields, **changed})


def heads_of(*people: np.ndarray, logit: float = 6.0) -> dict[str, np.ndarray]:
    """PoseNet's tensors, float32, of these people: logits of `logit` where they are and of -6 elsewhere."""
    xy = np.array(people, np.float32).reshape(-1, 17, 2)
    low, high = (xy.min(axis=1), xy.max(axis=1)) if len(xy) else (np.zeros((0, 2)),) * 2
    # Discs over the whole picture: every cell knows the way, however far somebody is led astray.
    encoded = PersonLabTargets(COCO17, 16, radius_px=1000.0).encode(
        xy,
        np.full(xy.shape[:2], 2, np.uint8),
        np.concatenate([low, high - low], axis=1).astype(np.float32),
        np.zeros((0, 4, 2), np.float32),
        size=SIZE,
    )
    found = {tensor: np.nan_to_num(encoded[name]).astype(np.float32) for tensor, name in NAMES.items()}
    dy, dx = np.split(found["short_offsets"], 2, axis=2)
    hill = np.maximum(logit - (dy**2 + dx**2) / 100, -6) if len(xy) else np.full_like(dy, -6)
    found["heatmaps"] = hill.astype(np.float32)
    return found


def quantised(array: np.ndarray, low: float, high: float) -> tuple[np.ndarray, Quantization]:
    """uint8 codes between these values, and what they mean."""
    scale = (high - low) / 255
    zero = int(np.clip(round(-low / scale), 0, 255))
    return np.clip(np.rint(array / scale) + zero, 0, 255).astype(np.uint8), Quantization(scale, zero)


class KnownRunner:
    """Gives the same answer to every picture, or one after the other, whatever is in them."""

    def __init__(
        self,
        tensors: Mapping[str, np.ndarray],
        quantization: Mapping[str, Quantization] | None = None,
        said: Reading | None = None,
    ) -> None:
        self.reading = said or reading()
        self._tensors, self._quantization = tensors, quantization or {}

    def heads(self, picture: np.ndarray) -> Answer:
        assert picture.shape == (SIZE[1], SIZE[0], 3)
        if self.reading.kind == "coordinates":
            return Coordinates(self._tensors["keypoints"], self._quantization)
        return Heads(
            **self._tensors,
            stride_px=self.reading.stride_px,
            scores=self.reading.scores,
            quantization=self._quantization,
        )

    def cost(self, picture: np.ndarray) -> Cost:
        return COST
