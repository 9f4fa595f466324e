"""COCO annotation and result files into columns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from posecore.evaluation.truths import Detections, Images, Origin, Truths


def read_truths(truth: Any, *, fields: tuple[str, ...] = ("keypoints",)) -> Truths:
    """Interim: the people of a COCO annotation file."""
    data = truth if isinstance(truth, dict) else _parsed(truth)
    images = sorted(data["images"], key=lambda image: image["id"])
    ids = np.array([image["id"] for image in images], np.int64)
    people = data["annotations"]
    points = np.array([[v for f in fields for v in a[f]] for a in people], np.float64).reshape(
        len(people), -1, 3
    )
    index = np.searchsorted(ids, np.array([a["image_id"] for a in people], np.int64)).astype(np.int64)
    return Truths(
        images=Images(
            ids,
            np.array([i.get("width", 0) for i in images], np.int64),
            np.array([i.get("height", 0) for i in images], np.int64),
            tuple(i.get("file_name", "") for i in images),
            np.array([i.get("crowdIndex", np.nan) for i in images], np.float64),
        ),
        ids=np.array([a["id"] for a in people], np.int64),
        image_index=index,
        category_ids=np.array([a["category_id"] for a in people], np.int64),
        xy=np.ascontiguousarray(points[:, :, :2]),
        visibility=np.ceil(points[:, :, 2].clip(0, 255)).astype(np.uint8),
        stated_num_keypoints=np.array([a.get("num_keypoints", -1) for a in people], np.int64),
        areas=np.array([a.get("area", np.nan) for a in people], np.float64),
        boxes=np.array([a.get("bbox", [np.nan] * 4) for a in people], np.float64).reshape(-1, 4),
        is_crowd=np.array([bool(a.get("iscrowd", 0)) for a in people], np.bool_),
        keypoint_names=tuple(data["categories"][0].get("keypoints", ())) if data.get("categories") else (),
        category_names={c["id"]: c.get("name", "") for c in data.get("categories", [])},
        origin=Origin(_name(truth) if not isinstance(truth, dict) else "dict"),
    )


def read_detections(
    results: Any,
    truths: Truths,
    *,
    fields: tuple[str, ...] = ("keypoints",),
    score_fields: tuple[str, ...] = ("score",),
) -> Detections:
    """Interim: the people of a COCO result file."""
    data = results if isinstance(results, list) else _parsed(results)
    points = np.array([[v for f in fields for v in d[f]] for d in data], np.float64).reshape(
        len(data), truths.num_keypoints, 3
    )
    index = np.searchsorted(truths.images.ids, np.array([d["image_id"] for d in data], np.int64))
    return Detections(
        image_index=index.astype(np.int64),
        category_ids=np.array([d["category_id"] for d in data], np.int64),
        xy=np.ascontiguousarray(points[:, :, :2]),
        keypoint_scores=points[:, :, 2].astype(np.float32),
        scores=np.array([d[next(f for f in score_fields if f in d)] for d in data], np.float64),
        origin=Origin(_name(results) if not isinstance(results, list) else "list"),
        loaded_areas=_loaded_areas(data, fields),
    )


def _loaded_areas(data: list[dict[str, Any]], fields: tuple[str, ...]) -> np.ndarray | None:
    if data and data[0].get("bbox"):
        return np.array([d["bbox"][2] * d["bbox"][3] for d in data], np.float64)
    if not data or fields == ("keypoints",) or "keypoints" not in data[0]:
        return None
    points = np.array([d["keypoints"] for d in data], np.float64).reshape(len(data), -1, 3)[:, :, :2]
    extent = points.max(axis=1) - points.min(axis=1)
    return np.asarray(extent[:, 0] * extent[:, 1])


def _parsed(source: Any) -> Any:
    return json.loads(source.read() if hasattr(source, "read") else Path(source).read_text())


def _name(source: Any) -> str:
    return str(getattr(source, "name", "stream") if hasattr(source, "read") else source)
