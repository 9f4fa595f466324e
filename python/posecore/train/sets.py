"""The datasets that a configuration names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from posecore.errors import SourceError
from posecore.skeletons import Skeleton
from posecore.train.config import SetConfig
from posecore.train.datasets import (
    Dataset,
    Mixture,
    Part,
    Unlabelled,
    coco_pictures,
    feet_pictures,
    labels_for,
    want_sample,
)
from posecore.train.joint_pictures import lsp_pictures, mpii_pictures
from posecore.train.other_skeleton import in_skeleton
from posecore.train.person_crops import person_crops
from posecore.train.picture_set import PictureSet
from posecore.train.point_pictures import point_pictures
from posecore.train.samples import Labels, located

MOST_LOOKED_AT = 2000  # samples whose labels are counted


def training_set(
    sets: Sequence[SetConfig], skeleton: Skeleton, size: tuple[int, int], *, others: bool = False
) -> Dataset:
    """All sets as one, each with its weight; `others` as in `open_set`.

    Raises:
        SourceError: files that cannot be read, have no keypoint in common with the skeleton, or no pictures that
            can be used; weights too unlike for one mixture.
    """
    opened = [open_set(one, skeleton, size, others=others) for one in sets]
    if len(opened) == 1:
        return opened[0]
    try:
        return Mixture(opened, [one.weight for one in sets])
    except ValueError as error:
        raise SourceError(f"[[data.train]] {error}") from None


def looked_at(dataset: Dataset) -> Iterator[Labels]:
    """The labels of up to 2000 samples all over the dataset: what a mixture's later sets label counts too."""
    for index in _all_over(dataset):
        yield labels_for(dataset, index)


def want_pictures(dataset: Dataset) -> None:
    """Looks at the heads and ends of the files of up to 2000 samples all over the dataset, without decoding them.

    Raises:
        SourceError: some are missing, cut off, no pictures or of another size than labelled; how many, and the first.
    """
    wrong: list[SourceError] = []
    for index in _all_over(dataset):
        try:
            want_sample(dataset, index)
        except SourceError as error:
            wrong.append(error)
    if wrong:
        looked = min(len(dataset), MOST_LOOKED_AT)
        raise SourceError(f"{len(wrong)} of {looked} pictures cannot be used; the first: {wrong[0]}")


def _all_over(dataset: Dataset) -> Iterator[int]:
    count = min(len(dataset), MOST_LOOKED_AT)
    return (number * len(dataset) // count for number in range(count))


def several_people(dataset: Dataset) -> str | None:
    """A sentence where some of a dataset's pictures show several people, which a network of one person cannot learn;
    None where each shows one."""
    crowded = sum(int(located(labels.visibility).any(axis=1).sum()) > 1 for labels in looked_at(dataset))
    if not crowded:
        return None
    looked = min(len(dataset), MOST_LOOKED_AT)
    return (
        f"{crowded} of {looked} pictures show several people, and this network learns one person a picture: set crops "
        "= true in [[data.train]]"
    )


def open_set(
    config: SetConfig, skeleton: Skeleton, size: tuple[int, int], *, others: bool = False
) -> Dataset:
    """One set, with its keypoints in the order of `skeleton`; people are cut out for an input of `size` (width,
    height) where it is wanted, with the labels of the `others` in sight for networks of several people, which would
    take them for background. Raises as `training_set` does."""
    pictures = _read(config, skeleton)
    if pictures.skeleton != skeleton:
        try:
            pictures = in_skeleton(pictures, skeleton)
        except ValueError as error:
            raise SourceError(f"{config.annotations}: {error}") from None
    dataset: Any = pictures
    if config.start or config.stop is not None:
        stop = len(dataset) if config.stop is None else min(config.stop, len(dataset))
        dataset = Part(dataset, range(config.start, stop))
    if config.crops:
        dataset = person_crops(dataset, context=config.context, aspect=size[0] / size[1], others=others)
    if not len(dataset):
        raise SourceError(f"{config.annotations}: wanted labelled pictures, got none that can be used")
    found: Dataset = dataset if config.labels else Unlabelled(dataset)
    return found


def _read(config: SetConfig, skeleton: Skeleton) -> PictureSet:
    labels, pictures = config.annotations, config.pictures
    if config.format == "feet":
        if config.second is None:
            raise SourceError(f"{labels}: format feet wants the file of foot labels as `second`, got none")
        return feet_pictures(labels, config.second, pictures, empty=config.empty)
    if config.format == "mpii":
        return mpii_pictures(labels, pictures, names=config.second)
    if config.format == "lsp":
        return lsp_pictures(labels, pictures)
    if config.format == "points":
        return point_pictures(labels, pictures)
    return coco_pictures(
        labels,
        pictures,
        skeleton=skeleton,
        field=config.fields,
        teacher=config.teacher,
        teacher_for=config.teacher_for,
        least_teacher_score=config.least_teacher_score,
        least_agreement=config.least_agreement,
        empty=config.empty,
    )
