"""Writes examples/cpp/walk.heads: `python tools/build_example_heads.py [--check]`.

What a network of 8 bits would say of two people who walk towards each other, made from where their keypoints are: each
cell speaks for the person whose keypoint is nearest. Coordinates tremble by a pixel, so that there is something to
smooth, and in one frame the knees of the first have changed places. examples/cpp/heads_file.hpp says how the file is
laid out.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np

from posecore import COCO17

FILE = Path(__file__).resolve().parent.parent / "examples" / "cpp" / "walk.heads"
ROWS, COLUMNS, STRIDE_PX, FRAMES, FPS = 8, 11, 16, 10, 15
STEP_PX = 3.0
SWAPPED_FRAME, KNEES = 6, [13, 14]
# Scale and zero point of heatmaps, short offsets, and displacements forwards and backwards.
QUANTIZATION = ((0.0625, 128), (0.5, 128), (0.5, 128), (0.5, 128))

# A person of 95 px, x and y from the nose, in COCO's order.
STANDING = np.array(
    [
        *((0, 0), (3, -3), (-3, -3), (7, -1), (-7, -1), (13, 14), (-13, 14), (18, 30), (-18, 30)),
        *((20, 46), (-20, 46), (9, 48), (-9, 48), (10, 69), (-10, 69), (11, 90), (-11, 90)),
    ],
    np.float64,
)


def people(frame: int) -> np.ndarray:
    """(2, 17, 2): where the two are in this frame, in pixels."""
    noses = np.array([[36 + STEP_PX * frame, 14], [136 - STEP_PX * frame, 18]])
    return noses[:, None] + STANDING


def seen_people(frame: int, numbers: np.random.Generator) -> np.ndarray:
    """(2, 17, 2): where the network sees them."""
    seen = people(frame) + numbers.normal(0, 1, (2, 17, 2))
    if frame == SWAPPED_FRAME:
        seen[0, KNEES] = seen[0, KNEES[::-1]]
    return seen


def tensors(seen: np.ndarray) -> list[np.ndarray]:
    """The four heads of these people, uint8."""
    y, x = np.meshgrid(STRIDE_PX * np.arange(ROWS), STRIDE_PX * np.arange(COLUMNS), indexing="ij")
    cells = np.stack([x, y], -1)[:, :, None]
    distances = ((seen.transpose(1, 0, 2) - cells[..., None, :]) ** 2).sum(
        -1
    )  # (row, column, keypoint, person)
    nearest = distances.argmin(-1)
    keypoints = np.arange(17)
    near = seen[nearest, keypoints]  # (row, column, keypoint, axis)
    parents, children = np.array(COCO17.edges).T
    forward = seen[nearest[..., parents], children] - near[..., parents, :]
    backward = seen[nearest[..., children], parents] - near[..., children, :]
    vectors = [np.concatenate([v[..., 1], v[..., 0]], -1) for v in (near - cells, forward, backward)]
    real = [4.0 - distances.min(-1) / 50.0, *vectors]
    return [
        np.clip(np.rint(values / scale) + zero, 0, 255).astype(np.uint8)
        for values, (scale, zero) in zip(real, QUANTIZATION, strict=True)
    ]


def content() -> bytes:
    """The file."""
    numbers = np.random.default_rng(8)
    lines = [f"posecore-heads {ROWS} {COLUMNS} {STRIDE_PX} {FRAMES} {FPS}"]
    lines += [f"{scale} {zero}" for scale, zero in QUANTIZATION]
    frames = [tensor.tobytes() for frame in range(FRAMES) for tensor in tensors(seen_people(frame, numbers))]
    return ("\n".join(lines) + "\n").encode() + b"".join(frames)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 where the file is not up to date"
    )
    if parser.parse_args().check:
        same = FILE.is_file() and FILE.read_bytes() == content()
        print(f"{FILE.name} is {'up to date' if same else 'out of date: run tools/build_example_heads.py'}")
        return 0 if same else 1
    beside = FILE.with_suffix(".heads.new")
    beside.write_bytes(content())
    os.replace(beside, FILE)
    print(f"wrote {FILE.name}: {FILE.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
