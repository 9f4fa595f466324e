"""MPII's truths and predictions: the .mat of its PCKh tool and of HRNet, pose-hg's .h5, HRNet's json.

All count pixels from 1, as MPII's MATLAB annotations do; HRNet and MMPose add 1 px to their predictions before they
write them to `preds`.
"""

from __future__ import annotations

from typing import Any, TypeGuard

import numpy as np

from posecore.errors import SourceError
from posecore.evaluation.arrays import MOST_PX
from posecore.evaluation.joint_fields import Fields
from posecore.evaluation.joint_set import JointSet
from posecore.evaluation.truths import Origin
from posecore.printable import printable
from posecore.skeletons import MPII16

# What the variable dataset_joints calls the 16.
SHORT_NAMES = tuple(
    "rank rkne rhip lhip lkne lank pelv thor neck head rwri relb rsho lsho lelb lwri".split()  # noqa: SIM905
)
VARIABLES = ("pos_gt_src", "jnt_missing", "headboxes_src", "dataset_joints", "pos_pred_src", "preds")
DATASETS = ("part", "normalize", "imgname", "preds")
_FROM_1 = "pixels count from 1, as in MPII's MATLAB files"


def of_truth_matlab(fields: Fields) -> JointSet:
    """`pos_gt_src` (16, 2, N), `jnt_missing` (16, N) and `headboxes_src` (2, 2, N), as in HRNet's gt_valid.mat."""
    _check_order(fields)
    points = fields.numbers("pos_gt_src", (16, 2, "N")).transpose(2, 0, 1)
    people = len(points)
    labelled = ~fields.flags("jnt_missing", (16, people)).T
    corners = fields.numbers("headboxes_src", (2, 2, people)).transpose(2, 0, 1)
    if np.isnan(corners).any():
        row = int(np.argwhere(np.isnan(corners))[0][0])
        raise fields.no("headboxes_src", "finite corners", f"NaN for person {row}")
    return JointSet(
        kind="MPII truth",
        role="truth",
        skeleton=MPII16,
        points=fields.labelled_points("pos_gt_src", points, labelled),
        labelled=np.ascontiguousarray(labelled),
        first_pixel=1,
        convention=f"MPII truth: {_FROM_1}; jnt_missing says what is not labelled.",
        origin=fields.origin,
        head_boxes=np.ascontiguousarray(corners.reshape(people, 4)),
    )


def of_predictions_matlab(fields: Fields) -> JointSet:
    """`pos_pred_src` (16, 2, N), which lies beside the truth in the files of MPII's tool."""
    _check_order(fields)
    return _predictions(fields, fields.numbers("pos_pred_src", (16, 2, "N")).transpose(2, 0, 1))


def of_predictions(fields: Fields) -> JointSet:
    """`preds` (N, 16, 2), of pose-hg's .h5 and of the .mat that HRNet and pytorch-pose write."""
    return _predictions(fields, fields.numbers("preds", ("N", 16, 2)))


def of_truth_hdf5(fields: Fields) -> JointSet:
    """`part` (N, 16, 2) and `normalize` (N,), pose-hg's annotations: (0, 0) is not labelled, `visible` is not read."""
    points = fields.numbers("part", ("N", 16, 2))
    people = len(points)
    sizes = None
    if "normalize" in fields:
        sizes = fields.numbers("normalize", (people,))
        if not (sizes > 0).all():
            row = int(np.argmin(sizes > 0))
            raise fields.no("normalize", "head sizes above 0", f"{sizes[row]:g} for person {row}")
    labelled = (points != 0).any(axis=-1)
    return JointSet(
        kind="MPII truth",
        role="truth",
        skeleton=MPII16,
        points=fields.labelled_points("part", points, labelled),
        labelled=labelled,
        first_pixel=1,
        convention=(
            f"MPII truth of pose-hg: {_FROM_1}, fractions are cut off; (0, 0) is not labelled; normalize is the head "
            "size, 0.6 of the head box's diagonal."
        ),
        origin=fields.origin,
        head_sizes=sizes,
        image_names=fields.texts("imgname", people),
    )


def of_json(records: list[Any], origin: Origin) -> JointSet:
    """HRNet's annotations: a list of records with joints (16 pairs), joints_vis (16 of 0 or 1) and image.

    They have no head boxes: PCKh wants those of gt_valid.mat.

    Raises:
        SourceError: names the record and the field that is not so.
    """
    points = np.zeros((len(records), 16, 2))
    labelled = np.zeros((len(records), 16), np.bool_)
    names = []
    for row, record in enumerate(records):
        where = f"{origin.name}: record {row}"
        if not isinstance(record, dict):
            raise SourceError(f"{where}: wanted an object with joints, got {type(record).__name__}")
        joints, flags = record.get("joints"), record.get("joints_vis")
        if not _is_list(joints, 16) or not all(
            _is_list(joint, 2) and all(map(_is_px, joint)) for joint in joints
        ):
            raise SourceError(
                f"{where}: joints: wanted 16 pairs of finite numbers within 1e9, got something else"
            )
        if not _is_list(flags, 16) or not all(_is_px(flag) and flag in (0, 1) for flag in flags):
            raise SourceError(f"{where}: joints_vis: wanted 16 of 0 or 1, got something else")
        name = record.get("image", "")
        if not isinstance(name, str):
            raise SourceError(f"{where}: image: wanted a name, got {type(name).__name__}")
        points[row], labelled[row] = joints, np.array(flags) == 1
        names.append(name)
    return JointSet(
        kind="MPII truth",
        role="truth",
        skeleton=MPII16,
        points=points,
        labelled=labelled,
        first_pixel=1,
        convention=f"MPII truth of HRNet: {_FROM_1}; joints_vis says what is labelled; there are no head boxes.",
        origin=origin,
        image_names=tuple(names),
    )


def _predictions(fields: Fields, points: Any) -> JointSet:
    return JointSet(
        kind="MPII predictions",
        role="prediction",
        skeleton=MPII16,
        points=np.ascontiguousarray(points),
        labelled=~np.isnan(points).any(axis=-1),
        first_pixel=1,
        convention=f"MPII predictions: {_FROM_1} (HRNet and MMPose have added their 1 px before they wrote this file).",
        origin=fields.origin,
    )


def _check_order(fields: Fields) -> None:
    names = fields.arrays.get("dataset_joints", SHORT_NAMES)
    if names != SHORT_NAMES:
        got = " ".join(str(name)[:16] for name in names[:20]) if isinstance(names, tuple) else "numbers"
        raise fields.no("dataset_joints", " ".join(SHORT_NAMES), printable(got))


def _is_list(value: object, count: int) -> TypeGuard[list[Any]]:
    return isinstance(value, list) and len(value) == count


def _is_px(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= MOST_PX
