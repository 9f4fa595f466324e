"""A set that a tiny network learns in seconds: grey pictures with one three-dot person each, as COCO has them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from posecore.skeletons import Skeleton
from posecore.train.augmentation import STILL
from posecore.train.config import (
    DataConfig,
    InputConfig,
    NetworkConfig,
    OptimizerConfig,
    RunConfig,
    SetConfig,
    TrainConfig,
)

DOTS = Skeleton(
    "dots",
    ("head", "left_foot", "right_foot"),
    ((0, 1), (0, 2)),
    flip_pairs=((1, 2),),
    sigmas=(0.1, 0.1, 0.1),
)
COLORS = ((255, 60, 60), (60, 255, 60), (80, 80, 255))


def write_set(
    folder: Path, *, pictures: int = 12, size: tuple[int, int] = (48, 40), unlabelled: int = 0
) -> SetConfig:
    """Pictures and their labels; of the first `unlabelled` people the right foot is not labelled."""
    import cv2

    rng = np.random.default_rng(11)
    folder.mkdir(parents=True, exist_ok=True)
    images, people = [], []
    width, height = size
    for number in range(1, pictures + 1):
        image = rng.integers(90, 120, (height, width, 3), np.uint8)
        head = rng.uniform((14, 8), (width - 14, height - 24))
        xy = head + np.array([(0, 0), (-9, 14), (9, 14)]) + rng.uniform(-2, 2, (3, 2))
        for point, color in zip(xy, COLORS, strict=True):
            cv2.circle(image, np.rint(point).astype(int).tolist(), 3, color[::-1], -1)
        name = f"{number:03}.png"
        cv2.imwrite(str(folder / name), image)
        v = np.full(3, 2.0)
        v[2] = 0 if number <= unlabelled else 2
        low, high = xy.min(axis=0) - 4, xy.max(axis=0) + 4
        images.append({"id": number, "file_name": name, "width": width, "height": height})
        people.append(
            {
                "id": number,
                "image_id": number,
                "category_id": 1,
                "iscrowd": 0,
                "keypoints": (np.column_stack([xy, v]) * (v > 0)[:, None]).ravel().tolist(),
                "num_keypoints": int((v > 0).sum()),
                "bbox": [*low.tolist(), *(high - low).tolist()],
                "area": float(np.prod(high - low)),
            }
        )
    category = {"id": 1, "name": "person", "keypoints": list(DOTS.keypoints), "skeleton": []}
    labels = folder / "labels.json"
    labels.write_text(json.dumps({"images": images, "annotations": people, "categories": [category]}))
    return SetConfig(labels, folder)


def small_config(folder: Path, **sections: Any) -> TrainConfig:
    """A run that takes seconds: four_conv with its dropout on the dotted people."""
    one = write_set(folder / "set")
    return replace(
        TrainConfig(
            data=DataConfig((one,), (replace(one, stop=6),)),
            network=NetworkConfig("four_conv", {"width": 0.125}),
            input=InputConfig(40, 32, batch_size=4, threads=2),
            run=RunConfig(folder / "run", steps=12, epoch_steps=3, metric="PCK"),
            augmentation=replace(STILL, flip=0.5, rotation_deg=10.0, zoom=(0.9, 1.1)),
            optimizer=OptimizerConfig(learning_rate=3e-3, warmup_steps=2),
            skeleton=DOTS,
        ),
        **sections,
    )
