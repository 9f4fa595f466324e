"""The datasets that a configuration names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from posecore.errors import SourceError
from posecore.skeletons import Skeleton
from posecore.train.config import SetConfig
from posecore.train.datasets import Dataset, Mixture, Part, coco_pictures, feet_pictures


def training_set(sets: Sequence[SetConfig], skeleton: Skeleton) -> Dataset:
    """All sets as one, each with its weight.

    Raises:
        SourceError: files that cannot be read, have other keypoints, or have no pictures that can be used.
    """
    opened = [open_set(one, skeleton) for one in sets]
    return opened[0] if len(opened) == 1 else Mixture(opened, [one.weight for one in sets])


def open_set(config: SetConfig, skeleton: Skeleton) -> Dataset:
    """One set; raises as `training_set` does."""
    dataset = _read(config, skeleton)
    if config.start or config.stop is not None:
        stop = len(dataset) if config.stop is None else min(config.stop, len(dataset))
        dataset = Part(dataset, range(config.start, stop))
    if not len(dataset):
        raise SourceError(f"{config.annotations}: wanted labelled pictures, got none that can be used")
    return dataset


def _read(config: SetConfig, skeleton: Skeleton) -> Dataset:
    if config.format == "feet":
        if config.feet is None:
            raise SourceError(
                f"{config.annotations}: format feet wants the file of foot labels as `feet`, got none"
            )
        return feet_pictures(config.annotations, config.feet, config.pictures, empty=config.empty)
    if config.format == "coco":
        options: dict[str, Any] = {}
        if config.teacher is not None:
            options = {
                "teacher": config.teacher,
                "teacher_for": config.teacher_for,
                "least_teacher_score": config.least_teacher_score,
            }
        return coco_pictures(
            config.annotations,
            config.pictures,
            skeleton=skeleton,
            field=config.fields,
            least_agreement=config.least_agreement,
            empty=config.empty,
            **options,
        )
    raise SourceError(f"{config.annotations}: format {config.format} is not read yet")
