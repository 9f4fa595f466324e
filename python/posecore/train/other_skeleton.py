"""`in_skeleton`: a set of pictures with its keypoints in the order and number of another skeleton."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from posecore.skeletons import Skeleton
from posecore.train.picture_set import PictureSet
from posecore.train.samples import located


def in_skeleton(
    pictures: PictureSet, skeleton: Skeleton, names: Mapping[str, str] | None = None
) -> PictureSet:
    """The same pictures for networks of another skeleton: keypoints go by their names.

    A keypoint that the set does not have is not labelled, and so never background. What the skeleton does not have is
    left out; people of whom nothing is left become ignored regions.

    Args:
        pictures: where they are from.
        skeleton: what the keypoints shall be.
        names: {its name: the set's name} where the two differ, such as {"head_top": "top_head"}.

    Raises:
        ValueError: no name in common, or one in `names` that is not there.
    """
    called = dict(names or {})
    for ours, theirs in called.items():
        skeleton.index(ours)
        pictures.skeleton.index(theirs)
    have = pictures.skeleton.keypoints
    order = [
        have.index(called.get(name, name)) if called.get(name, name) in have else -1
        for name in skeleton.keypoints
    ]
    there = np.array(order) >= 0
    if not there.any():
        raise ValueError(
            f"skeleton: wanted keypoints of {pictures.skeleton.name} in it, got none in {skeleton.name}"
        )
    people = pictures.people
    visibility = np.where(there, people.visibility[:, order], 0).astype(np.uint8)
    moved = replace(
        people,
        xy=np.where(there[:, None], people.xy[:, order], 0.0),
        visibility=visibility,
        unknown=people.unknown | ~located(visibility).any(axis=1),
    )
    return replace(pictures, skeleton=skeleton, people=moved)
