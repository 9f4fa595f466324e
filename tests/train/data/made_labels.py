"""COCO's form, made for the tests."""

from __future__ import annotations

from typing import Any

from dotted import FOUR

POINTS = [60, 40, 2, 30, 90, 1, 0, 0, 0, 70, 130, 2]


def person(number: int, picture: int = 1, **changed: Any) -> dict[str, Any]:
    return {
        "id": number,
        "image_id": picture,
        "category_id": 1,
        "iscrowd": 0,
        "bbox": [20, 30, 60, 110],
        "keypoints": POINTS,
        **changed,
    }


def annotations(*people: dict[str, Any], names: tuple[str, ...] = FOUR.keypoints) -> dict[str, Any]:
    return {
        "images": [{"id": n, "file_name": f"{n}.png", "width": 140, "height": 170} for n in (1, 2, 3)],
        "annotations": list(people),
        "categories": [{"id": 1, "name": "person", "keypoints": list(names)}],
    }
