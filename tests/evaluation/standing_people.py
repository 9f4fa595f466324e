"""Annotations and results of one standing figure in boxes of any place and size: sets small enough to see the right
answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import posecore as pc

Box = tuple[float, float, float, float]
Record = dict[str, Any]

# The figure, in shares of its box; it faces the camera.
UNIT = (
    *((0.50, 0.08), (0.55, 0.06), (0.45, 0.06), (0.62, 0.08), (0.38, 0.08), (0.75, 0.22), (0.25, 0.22)),
    *((0.88, 0.38), (0.12, 0.38), (0.92, 0.53), (0.08, 0.53), (0.65, 0.54), (0.35, 0.54)),
    *((0.66, 0.75), (0.34, 0.75), (0.66, 0.96), (0.34, 0.96)),
)
BOX = (100, 100, 100, 200)


def points(box: Box) -> list[tuple[float, float]]:
    """The 17 keypoints of the figure that fills this box (x, y, width, height)."""
    x, y, width, height = box
    return [(round(x + u * width, 3), round(y + v * height, 3)) for u, v in UNIT]


def annotation(
    number: int = 1,
    image: int = 1,
    *,
    box: Box = BOX,
    area: float = 9000.0,
    v: int = 2,
    labelled: Iterable[int] = range(17),
    crowd: int = 0,
    **more: Any,
) -> Record:
    """Somebody who stands in the box; keypoints that are not labelled are (0, 0, 0)."""
    kept = set(labelled)
    triples = [(x, y, v) if k in kept else (0, 0, 0) for k, (x, y) in enumerate(points(box))]
    return {
        "id": number,
        "image_id": image,
        "category_id": 1,
        "iscrowd": crowd,
        "num_keypoints": len(kept),
        "area": area,
        "bbox": list(box),
        "keypoints": [float(value) for triple in triples for value in triple],
        **more,
    }


def result(score: float = 0.9, image: int = 1, *, box: Box = BOX, **more: Any) -> Record:
    """A prediction of somebody who stands in the box."""
    flat = [float(value) for x, y in points(box) for value in (x, y, 1)]
    return {"image_id": image, "category_id": 1, "keypoints": flat, "score": score, **more}


def truth(*annotations: Record, images: Iterable[int] = (1, 2, 3, 4)) -> Record:
    """The annotations as a COCO file."""
    return {
        "info": {},
        "images": [{"id": i, "width": 640, "height": 480, "file_name": f"{i}.jpg"} for i in images],
        "annotations": list(annotations),
        "categories": [
            {"id": 1, "name": "person", "supercategory": "person", "keypoints": list(pc.COCO17.keypoints)}
        ],
    }
