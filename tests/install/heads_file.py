"""uint8 COCO-17 heads as the consumer project reads them, and the poses that it must print."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from oracle.synthesise import synthesise
from posecore import COCO17, Decoder, Heads, Quantization

TENSORS = ("heatmaps", "short_offsets", "displacement_fwd", "displacement_bwd")

# A standing person, x and y in pixels from the nose, in COCO's order.
STANDING = (
    *((0, 0), (5, -5), (-5, -5), (12, -2), (-12, -2), (22, 24), (-22, 24), (31, 50), (-31, 50)),
    *((33, 76), (-33, 76), (15, 80), (-15, 80), (16, 115), (-16, 115), (17, 150), (-17, 150)),
)


def two_people() -> tuple[Heads, np.ndarray]:
    """Quantised heads of two standing people, and where their keypoints are: (2, 17, 2)."""
    people = np.array(STANDING, np.float64) + np.array([[[70, 30]], [[230, 42]]])
    real = synthesise(people, edges=COCO17.edges, grid=(13, 20), stride_px=16)
    quantization = dict(zip(TENSORS, (Quantization(s, 128) for s in (0.0625, 0.25, 1.0, 1.0)), strict=True))
    stored = {
        name: np.clip(np.rint(array / quantization[name].scale) + 128, 0, 255).astype(np.uint8)
        for name, array in zip(TENSORS, real, strict=True)
    }
    return Heads(**stored, stride_px=16, scores="logits", quantization=quantization), people


def write(heads: Heads, path: Path) -> None:
    """The consumer's file: a line of sizes, a line of scale and zero point a tensor, the bytes."""
    rows, columns = heads.grid
    with path.open("wb") as file:
        file.write(f"posecore-heads {rows} {columns} {heads.stride_px!r}\n".encode())
        for name in TENSORS:
            file.write(f"{heads.quantization[name].scale!r} {heads.quantization[name].zero_point}\n".encode())
        for array in heads.tensors().values():
            file.write(array.tobytes())


def printed(heads: Heads) -> str:
    """What the consumer prints: a line a pose, to the last digit of a float32."""
    poses = Decoder(COCO17, stride_px=heads.stride_px)(heads)
    lines = []
    for xy, scores, pose_score in zip(poses.xy, poses.scores, poses.pose_scores, strict=True):
        keypoints = [f"{x:.9g},{y:.9g},{score:.9g}" for (x, y), score in zip(xy, scores, strict=True)]
        lines.append(" ".join([f"{pose_score:.9g}", *keypoints]) + "\n")
    return "".join(lines)
