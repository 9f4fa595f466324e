"""`JointSet`: the keypoints of a file for the distance metrics, and `pair`, which lays predictions beside truths."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from posecore.errors import SourceError
from posecore.evaluation.arrays import checked
from posecore.evaluation.truths import Detections, Origin, Truths
from posecore.skeletons import Skeleton

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.evaluation.arrays import BoolArray, FloatArray

Role = Literal["truth", "prediction"]

LSP14 = Skeleton(
    "lsp14",
    (
        *("right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle"),
        *("right_wrist", "right_elbow", "right_shoulder", "left_shoulder", "left_elbow", "left_wrist"),
        *("neck", "head_top"),
    ),
    (
        (13, 12),
        (12, 8),
        (8, 7),
        (7, 6),
        (12, 9),
        (9, 10),
        (10, 11),
        (12, 2),
        (2, 1),
        (1, 0),
        (12, 3),
        (3, 4),
        (4, 5),
    ),
    flip_pairs=((3, 2), (4, 1), (5, 0), (9, 8), (10, 7), (11, 6)),
)
"""Leeds Sports Poses' 14 joints in the order of its files. In the observer-centric (OC) files left and right are the
viewer's, in the others the person's; a file does not say which it is."""


@dataclass(frozen=True, slots=True, eq=False)
class JointSet:
    """N people of K keypoints from one file, in the file's order.

    Attributes:
        kind: what the file is, such as "MPII truth" or "LSP sticks".
        role: "truth" or "prediction".
        skeleton: what the K keypoints are. LSP's files of sticks have 20: start and end of ten limbs.
        points: (N, K, 2) float64 in pixels, as the file has them; finite where labelled.
        labelled: (N, K) bool; of predictions, where they are not NaN.
        first_pixel: 0 or 1, the coordinate of the top-left pixel's centre, or None where the file does not say.
        convention: sentences for people: what the numbers of this file are.
        origin: the file.
        head_boxes: (N, 4) float64: x0, y0, x1, y1 in pixels; None where the file has none.
        head_sizes: (N,) float64 in pixels, 0.6 of the head box's diagonal, where the file holds it itself.
        boxes: (N, 4) float64: x, y, width, height in pixels; None where the file has none.
        image_names: N names as the file has them, or (). Untrusted text.
    """

    kind: str
    role: Role
    skeleton: Skeleton
    points: FloatArray
    labelled: BoolArray
    first_pixel: Literal[0, 1] | None
    convention: str
    origin: Origin
    head_boxes: FloatArray | None = None
    head_sizes: FloatArray | None = None
    boxes: FloatArray | None = None
    image_names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.points)

    @property
    def sticks(self) -> FloatArray | None:
        """(N, 10, 2, 2) float64, start and end of ten limbs, of a file of sticks; None for others."""
        return self.points.reshape(len(self), -1, 2, 2) if self.skeleton.name == STICKS20.name else None

    def rows(self, which: slice | npt.NDArray[Any]) -> JointSet:
        """The chosen people: a slice, or an array of row numbers or of N truth values."""
        arrays = ("points", "labelled", "head_boxes", "head_sizes", "boxes")
        chosen: dict[str, Any] = {
            name: None if getattr(self, name) is None else getattr(self, name)[which] for name in arrays
        }
        names = tuple(np.array(self.image_names, dtype=object)[which]) if self.image_names else ()
        return replace(self, **chosen, image_names=names)


def _stick_ends() -> tuple[str, ...]:
    limbs = (
        *("right_lower_leg", "right_upper_leg", "left_upper_leg", "left_lower_leg"),
        *("right_forearm", "right_upper_arm", "left_upper_arm", "left_forearm", "head", "torso"),
    )
    return tuple(f"{limb}_{end}" for limb in limbs for end in ("start", "end"))


STICKS20 = Skeleton("lsp_sticks20", _stick_ends())
"""Start and end of the ten limbs of LSP's files of sticks, in their order and that of `limbs.ten_limbs`."""


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Predictions beside truths, ready for the metrics.

    Attributes:
        truth: N people.
        prediction: N people, row by row the same.
        offset_px: what the metrics add to the predictions, so that both count pixels from the same number.
        sentence: what was chosen and added, for people.
    """

    truth: JointSet
    prediction: JointSet
    offset_px: float
    sentence: str


def pair(truth: JointSet, prediction: JointSet) -> Pair:
    """Truth and prediction row by row.

    There are as many of one as of the other, with one exception: for the 2,000 people of LSP's truth there may be
    1,000 predictions, which are then those of the published test set, rows 1,001 to 2,000.

    Raises:
        SourceError: truths for predictions or the other way round, numbers of people or keypoints that do not fit,
            both with image names, and other ones.
    """
    for given, role in ((truth, "truth"), (prediction, "prediction")):
        if given.role != role:
            raise SourceError(f"{given.origin.name}: wanted {role}s, got {given.kind}")
    sentences = []
    if truth.skeleton.name == LSP14.name and (len(truth), len(prediction)) == (2000, 1000):
        truth = truth.rows(slice(1000, None))
        sentences.append("rows 1001 to 2000 of the truth, LSP's test set.")
    if len(truth) != len(prediction):
        raise SourceError(
            f"{prediction.origin.name}: wanted {len(truth)} people, as {truth.origin.name} has, got {len(prediction)}"
        )
    if prediction.sticks is None and truth.skeleton.num_keypoints != prediction.skeleton.num_keypoints:
        raise SourceError(
            f"{prediction.origin.name}: wanted {truth.skeleton.num_keypoints} keypoints, as {truth.origin.name} has, "
            f"got {prediction.skeleton.num_keypoints}"
        )
    if truth.image_names and prediction.image_names:
        for row, names in enumerate(zip(truth.image_names, prediction.image_names, strict=True)):
            if names[0] != names[1]:
                raise SourceError(
                    f"{prediction.origin.name}: wanted image {names[0]!r} in row {row}, as {truth.origin.name} has, "
                    f"got {names[1]!r}"
                )
    offset = 0.0
    if truth.first_pixel is None or prediction.first_pixel is None:
        sentences.append(
            "One of the files does not say whether its pixels count from 0 or 1: nothing is added."
        )
    else:
        offset = float(truth.first_pixel - prediction.first_pixel)
        sentences.append(
            f"Pixels count from {truth.first_pixel} in the truth and from {prediction.first_pixel} in the predictions: "
            + (f"{offset:+g} px on the predictions." if offset else "nothing is added.")
        )
    return Pair(truth, prediction, offset, " ".join(sentences))


def of_truths(truths: Truths, skeleton: Skeleton) -> JointSet:
    """The people of a COCO annotation file, row by row.

    Args:
        skeleton: what the keypoints are.

    Raises:
        ValueError: a skeleton of another number of keypoints.
    """
    if truths.num_keypoints != skeleton.num_keypoints:
        raise ValueError(
            f"skeleton: wanted {truths.num_keypoints} keypoints, as {truths.origin.name} has, got {skeleton!r}"
        )
    return JointSet(
        kind="COCO truth",
        role="truth",
        skeleton=skeleton,
        points=truths.xy,
        labelled=truths.visibility > 0,
        first_pixel=0,
        convention="COCO keypoints with v > 0, in pixels from 0; boxes are the file's bbox.",
        origin=truths.origin,
        boxes=truths.boxes,
    )


def of_detections(
    truths: Truths, detections: Detections, detection_rows: npt.NDArray[np.int64], skeleton: Skeleton
) -> JointSet:
    """One prediction for each of G truths, of those that the caller matched.

    Args:
        detection_rows: (G,) int64, the row in `detections` for each truth, or -1: nobody predicted this person. Its
            keypoints are NaN, which the metrics take with nan="miss".
        skeleton: what the keypoints are.

    Raises:
        TypeError, ValueError: rows of another shape or dtype, or that are not there; another number of keypoints.
    """
    rows = checked(detection_rows, "detection_rows", np.int64, (len(truths),))
    if rows.size and not (rows.min() >= -1 and rows.max() < len(detections)):
        raise ValueError(f"detection_rows: wanted rows from -1 to {len(detections) - 1}, got others")
    keypoints = skeleton.num_keypoints
    if detections.xy.shape[1:] != (keypoints, 2):
        raise ValueError(f"skeleton: wanted {detections.xy.shape[1]} keypoints, got {skeleton!r}")
    points = np.full((len(rows), keypoints, 2), np.nan)
    points[rows >= 0] = detections.xy[rows[rows >= 0]]
    return JointSet(
        kind="COCO results",
        role="prediction",
        skeleton=skeleton,
        points=points,
        labelled=~np.isnan(points).any(axis=-1),
        first_pixel=0,
        convention=f"COCO results in pixels from 0; {int((rows < 0).sum())} of {len(rows)} truths have no prediction.",
        origin=detections.origin,
    )
