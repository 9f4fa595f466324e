"""Build the picture that `posecore predict` shows when it is given none: five people in a park.

    python tools/build_default_picture.py FOLDER [--out python/posecore/data/people.jpg]

FOLDER holds openpeople_P001_posture.jpg and its neighbours, 483 x 720 (PyPI openpeople 0.1.2, MIT).
Each is scaled, its person stood at a place of the table below, and neighbours fade into each other.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH_PX, HEIGHT_PX = 1280, 720  # of the montage
SHIPPED_SIZE = (640, 360)  # (width, height) px
SOURCE_SIZE = (483, 720)
MAX_BYTES = 48_000
FADE_PX = 50.0


@dataclass(frozen=True)
class Panel:
    """One source picture: where its person's feet are, and where they come to stand."""

    source: str
    feet: tuple[float, float]  # (x, y) px of the source
    stand: tuple[float, float]  # (x, y) px of the montage
    scale: float


PANELS = (
    Panel("openpeople_P005_posture.jpg", feet=(245, 690), stand=(133, 690), scale=1.0),
    Panel("openpeople_P001_posture.jpg", feet=(245, 690), stand=(376, 690), scale=1.0),
    Panel("openpeople_P004_posture.jpg", feet=(240, 690), stand=(650, 689), scale=1.06),
    Panel("openpeople_P010_posture.jpg", feet=(240, 690), stand=(910, 690), scale=1.0),
    Panel("openpeople_P007_posture.jpg", feet=(250, 695), stand=(1142, 694), scale=1.04),
)
BORDERS_X = (-np.inf, 242.0, 530.0, 808.0, 1022.0, np.inf)  # between neighbours, clear of hands and shoes


def montage(folder: Path) -> NDArray[np.uint8]:
    """The montage, uint8 (720, 1280, 3) BGR. Raises ValueError for a source that is missing or another."""
    columns = np.arange(WIDTH_PX)
    total = np.zeros((HEIGHT_PX, WIDTH_PX, 3))
    weights = np.zeros(WIDTH_PX)
    for panel, left, right in zip(PANELS, BORDERS_X[:-1], BORDERS_X[1:], strict=True):
        picture = cv2.imread(str(folder / panel.source))
        if picture is None:
            raise ValueError(f"{folder} must hold the picture {panel.source}, got nothing that OpenCV reads")
        if picture.shape[1::-1] != SOURCE_SIZE:
            raise ValueError(f"{panel.source} must be {SOURCE_SIZE} pixels, got {picture.shape[1::-1]}")
        shift = np.subtract(panel.stand, np.multiply(panel.scale, panel.feet))
        placed = cv2.warpAffine(
            picture.astype(np.float64),
            np.array([[panel.scale, 0, shift[0]], [0, panel.scale, shift[1]]]),
            (WIDTH_PX, HEIGHT_PX),
            flags=cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )
        inside = np.minimum(columns - left, right - columns) / FADE_PX + 0.5
        weight = np.clip(inside, 0, 1)
        weight = weight * weight * (3 - 2 * weight)
        total += placed * weight[:, None]
        weights += weight
    return np.clip(np.rint(total / weights[:, None]), 0, 255).astype(np.uint8)


def encode(picture: NDArray[np.uint8]) -> bytes:
    """JPEG of the best quality that keeps within MAX_BYTES."""
    for quality in range(95, 39, -1):
        done, data = cv2.imencode(
            ".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
        )
        if done and data.size <= MAX_BYTES:
            return data.tobytes()
    raise ValueError(f"the picture does not fit into {MAX_BYTES} bytes at quality 40")


def main() -> int:
    default = Path(__file__).resolve().parents[1] / "python" / "posecore" / "data" / "people.jpg"
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="folder of the openpeople_*_posture.jpg pictures")
    parser.add_argument("--out", type=Path, default=default, help="JPEG to write")
    arguments = parser.parse_args()
    try:
        shipped = cv2.resize(montage(arguments.folder), SHIPPED_SIZE, interpolation=cv2.INTER_AREA)
        data = encode(shipped)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    partial = arguments.out.with_name(arguments.out.name + ".partial")
    partial.write_bytes(data)
    os.replace(partial, arguments.out)
    print(f"{arguments.out}: {SHIPPED_SIZE[0]} x {SHIPPED_SIZE[1]}, {len(data)} bytes")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
