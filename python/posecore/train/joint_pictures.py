"""MPII's and Leeds Sports' label files as datasets for training. Their pixels count from 1; here they count from 0."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from posecore.errors import SourceError
from posecore.evaluation.joint_files import open_joints
from posecore.evaluation.joint_set import LSP14, JointSet
from posecore.skeletons import MPII16
from posecore.train.picture_set import People, PictureSet, folder_of

if TYPE_CHECKING:
    Path_ = str | os.PathLike[str]


def mpii_pictures(
    joints: Path_, pictures: Path_, *, names: Path_ | None = None, grey: bool = False
) -> PictureSet:
    """MPII Human Pose's pictures, 16 joints, one row of the file a person, people of one picture together.

    MPII labels some of the people in a picture and says nothing of the others: take `person_crops` of it for networks
    of one person; for several people the others are taken for background.

    Args:
        joints: HRNet's json, pose-hg's .h5, or a .mat with pos_gt_src (HRNet's gt_valid.mat). The nested .mat of MPII's
            own release is not one of these.
        pictures: the folder with the files that it names.
        names: another such file of the same people, row by row, that names their pictures, where `joints` does not:
            gt_valid.mat wants valid.json.
        grey: one channel instead of three.

    A person's box is what the labelled joints span with a tenth of room, since these files have none.

    Raises:
        SourceError: what `open_joints` raises; no MPII truth; no names of pictures.
        MissingExtra: an .h5 file, and h5py is not installed.
    """
    found = open_joints(joints, "truth")
    _is(found, MPII16.name, "MPII")
    if names is None:
        image_names = found.image_names
        if not image_names:
            raise SourceError(
                f"{found.origin.name}: wanted names of pictures, got none: "
                "pass names=, a file of the same people with them"
            )
    else:
        other = open_joints(names, "truth")
        image_names = other.image_names
        if len(image_names) != len(found):
            raise SourceError(
                f"{other.origin.name}: wanted names for {len(found)} people, as {found.origin.name} has, "
                f"got {len(image_names)}"
            )
    return _picture_set(found, image_names, pictures, grey=grey)


def lsp_pictures(
    joints: Path_, pictures: Path_, *, pattern: str = "im{:04d}.jpg", grey: bool = False
) -> PictureSet:
    """Leeds Sports Poses' pictures, 14 joints, all labelled, one person each.

    In the observer-centric (OC) files left and right are the viewer's, not the person's: a network that learns from
    them and from others learns both, which is neither.

    Args:
        joints: joints.mat.
        pictures: the folder with the pictures.
        pattern: the name of picture 1, 2, ... as a format for its number.
        grey: one channel instead of three.

    Raises:
        SourceError: what `open_joints` raises; no LSP truth.
        ValueError: a pattern that is no format of one number.
    """
    found = open_joints(joints, "truth")
    _is(found, LSP14.name, "LSP")
    try:
        names = tuple(pattern.format(row) for row in range(1, len(found) + 1))
    except (IndexError, KeyError, ValueError, AttributeError, TypeError):
        names = ()
    if len(set(names)) != len(found):
        raise ValueError(f'pattern: wanted a format of the number, such as "im{{:04d}}.jpg", got {pattern!r}')
    return _picture_set(found, names, pictures, grey=grey)


def _is(found: JointSet, skeleton: str, wanted: str) -> None:
    if found.skeleton.name != skeleton:
        raise SourceError(f"{found.origin.name}: wanted {wanted}'s joints, got {found.kind}")


def _picture_set(found: JointSet, names: tuple[str, ...], pictures: Path_, *, grey: bool) -> PictureSet:
    different = tuple(dict.fromkeys(names))
    place = {name: row for row, name in enumerate(different)}
    nobody = found.labelled.sum(axis=1) == 0
    boxes = np.full((len(found), 4), np.nan)
    if found.boxes is not None:
        boxes = found.boxes
    return PictureSet(
        found.skeleton,
        folder_of(pictures),
        different,
        np.zeros((len(different), 2), np.int64),
        People(
            picture=np.array([place[name] for name in names], np.int64),
            xy=np.where(found.labelled[:, :, None], found.points, 0.0) - (found.first_pixel or 0),
            visibility=np.where(found.labelled, 2, 0).astype(np.uint8),
            boxes=boxes,
            unknown=nobody,
        ),
        grey,
    )
