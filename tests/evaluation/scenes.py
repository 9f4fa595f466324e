"""Pictures full of people and of detections with every kind of error, from a seed."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from made_people import STANDING, annotations, found, person

from posecore import COCO17, evaluate
from posecore.evaluation.report import Report


def scene(seed: int, *, images: int = 3, most: int = 4) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """An annotation set and results: people close to each other, crowds, labels that lack, tied scores."""
    rng = np.random.default_rng(seed)
    sigmas, flip = np.array(COCO17.sigmas), list(COCO17.flip_index)
    people: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for image in range(1, images + 1):
        placed = []
        for _ in range(rng.integers(0, most + 1)):
            scale = rng.choice([0.4, 0.8, 1.5])
            xy = np.array(STANDING) * scale + rng.integers(50, 200, 2) + rng.normal(0, 3, (17, 2)).round(1)
            visibility = rng.choice([0, 1, 2], 17, p=[0.25, 0.15, 0.6]) * (rng.random() > 0.15)
            x, y = xy.min(axis=0)
            width, height = np.ptp(xy, axis=0)
            points = np.column_stack([xy, visibility])
            points[visibility == 0] = 0
            placed.append(xy)
            people.append(
                person(
                    100 + len(people),
                    image,
                    keypoints=points.ravel().tolist(),
                    area=float(width * height * 0.5),
                    bbox=[float(x), float(y), float(width), float(height)],
                    iscrowd=int(rng.random() < 0.1),
                )
            )
        for _ in range(rng.integers(0, 2 * most + 1)):
            xy = placed[rng.integers(len(placed))].copy() if placed else np.array(STANDING) + 100.0
            spread = rng.choice([0.5, 1.5, 3.0]) * 2 * sigmas * np.sqrt(np.prod(np.ptp(xy, axis=0)) * 0.5)
            xy += rng.normal(0, 1, xy.shape) * spread[:, None]
            turned = rng.random(17) < rng.choice([0.0, 0.3])
            xy[turned] = xy[flip][turned]
            if len(placed) > 1:
                taken = rng.random(17) < rng.choice([0.0, 0.3])
                xy[taken] = placed[rng.integers(len(placed))][taken]
            points = np.column_stack([xy.round(2), np.full(17, 0.5)])
            results.append(found(image, float(rng.choice([0.3, 0.6, 0.9])), points.ravel().tolist()))
    return annotations(*people, images=images), results


def without_people(report: Report) -> Report:
    """The same detections in the same pictures, in which there is no one."""
    truths = report.truths
    columns = [f.name for f in dataclasses.fields(truths)]
    nobody = {
        name: getattr(truths, name)[:0] for name in columns if isinstance(getattr(truths, name), np.ndarray)
    }
    return evaluate(dataclasses.replace(truths, **nobody), report.detections)
