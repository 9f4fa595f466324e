"""COCO annotation and result files into columns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from posecore.evaluation.truths import Detections, Images, Origin, Truths


def read_truths(truth: Any, *, fields: tuple[str, ...] = ("keypoints",)) -> Truths:
    """Interim: the people of a COCO annotation file."""
    data = json.loads(Path(truth).read_text()) if not isinstance(truth, dict) else truth
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
        visibility=points[:, :, 2].astype(np.uint8),
        stated_num_keypoints=np.array([a.get("num_keypoints", -1) for a in people], np.int64),
        areas=np.array([a.get("area", np.nan) for a in people], np.float64),
        boxes=np.array([a.get("bbox", [np.nan] * 4) for a in people], np.float64).reshape(-1, 4),
        is_crowd=np.array([bool(a.get("iscrowd", 0)) for a in people], np.bool_),
        keypoint_names=tuple(data["categories"][0].get("keypoints", ())) if data.get("categories") else (),
        category_names={c["id"]: c.get("name", "") for c in data.get("categories", [])},
        origin=Origin(str(truth) if not isinstance(truth, dict) else "dict"),
    )


def read_detections(results: Any, truths: Truths, *, fields: tuple[str, ...] = ("keypoints",)) -> Detections:
    """Interim: the people of a COCO result file."""
    data = json.loads(Path(results).read_text()) if not isinstance(results, list) else results
    points = np.array([[v for f in fields for v in d[f]] for d in data], np.float64).reshape(
        len(data), truths.num_keypoints, 3
    )
    index = np.searchsorted(truths.images.ids, np.array([d["image_id"] for d in data], np.int64))
    return Detections(
        image_index=index.astype(np.int64),
        category_ids=np.array([d["category_id"] for d in data], np.int64),
        xy=np.ascontiguousarray(points[:, :, :2]),
        keypoint_scores=points[:, :, 2].astype(np.float32),
        scores=np.array([d["score"] for d in data], np.float64),
        origin=Origin(str(results) if not isinstance(results, list) else "list"),
    )
