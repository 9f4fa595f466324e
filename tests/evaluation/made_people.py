"""Small annotation sets and results with known answers, for tests without real data."""

from __future__ import annotations

from typing import Any

from posecore import COCO17

# A person 100 px wide and 200 px high, standing, facing the camera: their left is at larger x.
STANDING = (
    (50, 16), (55, 12), (45, 12), (62, 16), (38, 16), (75, 44), (25, 44), (88, 76), (12, 76),
    (92, 106), (8, 106), (65, 108), (35, 108), (66, 150), (34, 150), (66, 192), (34, 192),
)  # fmt: skip


def keypoints(x: float = 100, y: float = 100, v: float = 2, *, without: tuple[int, ...] = ()) -> list[float]:
    """51 numbers of a person whose box begins at (x, y); keypoints `without` are not labelled."""
    points: list[float] = []
    for k, (dx, dy) in enumerate(STANDING):
        points += [0, 0, 0] if k in without else [x + dx, y + dy, v]
    return points


def person(number: int, image: int = 1, **changed: Any) -> dict[str, Any]:
    """An annotation; `changed` fields replace its own."""
    points = changed.pop("keypoints", keypoints())
    return {
        "id": number,
        "image_id": image,
        "category_id": 1,
        "iscrowd": 0,
        "num_keypoints": sum(v > 0 for v in points[2::3]),
        "area": 9000.0,
        "bbox": [100, 100, 100, 200],
        "keypoints": points,
    } | changed


def found(image: int = 1, score: float = 0.9, points: list[float] | None = None) -> dict[str, Any]:
    """A result."""
    return {
        "image_id": image,
        "category_id": 1,
        "score": score,
        "keypoints": points if points is not None else keypoints(v=0.8),
    }


def annotations(*people: dict[str, Any], images: int = 2) -> dict[str, Any]:
    """An annotation set of pictures 1 to `images`, 640 x 480 px."""
    return {
        "images": [
            {"id": i + 1, "width": 640, "height": 480, "file_name": f"{i + 1}.jpg"} for i in range(images)
        ],
        "annotations": list(people),
        "categories": [{"id": 1, "name": "person", "keypoints": list(COCO17.keypoints), "skeleton": []}],
    }
