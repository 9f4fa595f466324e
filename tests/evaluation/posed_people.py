"""People with random poses, views and sizes, without any mistake, as a COCO annotation file; and mistakes for it."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from posecore import COCO17

# A body of height 1 in metres of its own: x to its left, y up, z to the front; bones from their parent.
_TORSO = {
    "left_hip": (0.09, 0.0, 0.0), "right_hip": (-0.09, 0.0, 0.0),
    "left_shoulder": (0.12, 0.30, 0.0), "right_shoulder": (-0.12, 0.30, 0.0),
    "nose": (0.0, 0.42, 0.08), "left_eye": (0.02, 0.44, 0.065), "right_eye": (-0.02, 0.44, 0.065),
    "left_ear": (0.045, 0.43, 0.0), "right_ear": (-0.045, 0.43, 0.0),
}  # fmt: skip
_BONES = (
    ("shoulder", "elbow", 0.17, 0.5), ("elbow", "wrist", 0.15, 0.7),
    ("hip", "knee", 0.25, 0.3), ("knee", "ankle", 0.25, 0.3),
)  # fmt: skip
WIDTH, HEIGHT = 1280, 960


def people(count: int, seed: int = 0) -> dict[str, Any]:
    """An annotation file of `count` people, two a picture, that stand, walk, reach and lean, seen from all round."""
    rng = np.random.default_rng(seed)
    images = [
        {"id": n + 1, "file_name": f"{n + 1:06d}.jpg", "width": WIDTH, "height": HEIGHT}
        for n in range(-(-count // 2))
    ]
    annotations = [_annotation(rng, number) for number in range(count)]
    category = {
        "id": 1,
        "name": "person",
        "keypoints": list(COCO17.keypoints),
        "skeleton": [[a + 1, b + 1] for a, b in COCO17.limbs],
    }
    return {"info": {"note": "made"}, "images": images, "annotations": annotations, "categories": [category]}


def _annotation(rng: np.random.Generator, number: int) -> dict[str, Any]:
    body = {name: np.array(place) for name, place in _TORSO.items()}
    for side in ("left", "right"):
        for parent, child, length, freedom in _BONES:
            lean = rng.normal(0, freedom, 2)
            down = np.array([lean[0] * 0.5, -1.0, abs(lean[1]) if parent in ("elbow", "hip") else lean[1]])
            body[f"{side}_{child}"] = body[f"{side}_{parent}"] + length * down / np.linalg.norm(down)
    turn, lean, size = rng.uniform(-np.pi, np.pi), rng.normal(0, 0.15), rng.uniform(150, 400)
    points = np.array([body[name] for name in COCO17.keypoints])
    x = points[:, 0] * np.cos(turn) + points[:, 2] * np.sin(turn)
    y = -points[:, 1]
    xy = np.stack([x * np.cos(lean) - y * np.sin(lean), x * np.sin(lean) + y * np.cos(lean)], axis=1) * size
    xy += (
        np.array([320 + 640 * (number % 2), 480])
        + rng.uniform(-60, 60, 2)
        + rng.normal(0, 0.006, (17, 2)) * size
    )
    seen = np.full(17, 2)
    if np.cos(turn) < 0.3:  # the face is turned away
        seen[:3] = 0
    seen[rng.random(17) < 0.08] = 0
    seen[(seen > 0) & (rng.random(17) < 0.1)] = 1
    xy = np.where(seen[:, None] > 0, xy, 0).round(2)
    there = xy[seen > 0]
    low, high = there.min(axis=0) - 0.04 * size, there.max(axis=0) + 0.04 * size
    return {
        "id": 1000 + number,
        "image_id": number // 2 + 1,
        "category_id": 1,
        "iscrowd": 0,
        "num_keypoints": int((seen > 0).sum()),
        "area": round(float(0.6 * np.prod(high - low)), 2),
        "bbox": [round(float(v), 2) for v in (*low, *(high - low))],
        "keypoints": [v for (px, py), s in zip(xy.tolist(), seen.tolist(), strict=True) for v in (px, py, s)],
    }


def rows(data: dict[str, Any]) -> Any:
    """(G, 17, 3) float64 keypoints."""
    return np.array([a["keypoints"] for a in data["annotations"]], np.float64).reshape(-1, 17, 3)


def with_rows(data: dict[str, Any], points: Any) -> dict[str, Any]:
    """A copy of the file with these keypoints."""
    changed = copy.deepcopy(data)
    for annotation, own in zip(changed["annotations"], points, strict=True):
        annotation["keypoints"] = [int(v) if n % 3 == 2 else float(v) for n, v in enumerate(own.ravel())]
    return changed


def fly_away(
    data: dict[str, Any], which: list[int], rng: np.random.Generator
) -> tuple[dict[str, Any], dict[int, int]]:
    """One keypoint of each of these people moved by its person's longer side; {person: keypoint}."""
    points = rows(data)
    moved = {}
    for person in which:
        k = int(rng.choice(np.flatnonzero(points[person, :, 2] > 0)))
        there = points[person][points[person, :, 2] > 0, :2]
        angle = rng.uniform(0, 2 * np.pi)
        points[person, k, :2] += np.ptp(there, axis=0).max() * np.array([np.cos(angle), np.sin(angle)])
        moved[person] = k
    return with_rows(data, points), moved


def exchange(data: dict[str, Any], which: list[int], pairs: tuple[tuple[int, int], ...]) -> dict[str, Any]:
    """Left and right of these pairs exchanged for these people."""
    points = rows(data)
    for person in which:
        for a, b in pairs:
            points[person, [a, b]] = points[person, [b, a]]
    return with_rows(data, points)
