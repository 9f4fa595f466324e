"""Leeds Sports Poses' truths, and the keypoints and sticks that its evaluation tool reads."""

from __future__ import annotations

import numpy as np

from posecore.evaluation.joint_fields import Fields
from posecore.evaluation.joint_set import LSP14, STICKS20, JointSet

VARIABLES = ("joints", "pred")
_FROM_1 = "pixels count from 1, as in MATLAB"


def of_truth(fields: Fields) -> JointSet:
    """`joints` (3, 14, N): x, y, and a flag that is read but not used: all 14 joints are labelled, hidden or not."""
    joints = fields.numbers("joints", (3, 14, "N"))
    points = joints[:2].transpose(2, 1, 0)
    labelled = np.ones(points.shape[:2], np.bool_)
    return JointSet(
        kind="LSP truth",
        role="truth",
        skeleton=LSP14,
        points=fields.labelled_points("joints", points, labelled),
        labelled=labelled,
        first_pixel=1,
        convention=(
            f"LSP truth: {_FROM_1}; every joint counts, hidden ones too; left and right are the viewer's in the "
            "observer-centric (OC) files and the person's in the others."
        ),
        origin=fields.origin,
    )


def of_predictions(fields: Fields) -> JointSet:
    """`pred` (2, 14, N), keypoints, or (2, 20, N), start and end of ten sticks."""
    is_sticks = fields.shape("pred")[1:2] == (20,)
    points = fields.numbers("pred", (2, 20 if is_sticks else 14, "N")).transpose(2, 1, 0)
    return JointSet(
        kind="LSP sticks" if is_sticks else "LSP keypoints",
        role="prediction",
        skeleton=STICKS20 if is_sticks else LSP14,
        points=np.ascontiguousarray(points),
        labelled=~np.isnan(points).any(axis=-1),
        first_pixel=1,
        convention=f"LSP {'start and end of ten sticks' if is_sticks else 'keypoints'}: {_FROM_1}.",
        origin=fields.origin,
    )
