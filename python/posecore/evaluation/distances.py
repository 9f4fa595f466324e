"""PCK, PCKh, PDJ and the plain score in pixels: how many labelled keypoints lie near enough to the truth.

Each function takes predictions and truths (N, K, 2) float64 in pixels and labelled (N, K) bool, one row a person, and
gives a `DistanceScore`, whose `convention` says in one sentence how the number came about. Keypoints that are not
labelled are never read. These words are the same in all of them:

    threshold   in units of the normaliser (or in pixels); exactly at it counts with "<=" and not with "<".
    average     "labels": all labels are pooled, which is Σ PCK_j n_j / Σ n_j; "keypoints": the plain mean over the
                keypoints that have labels.
    without     keypoints that are shown and not averaged, by number or, with `skeleton`, by name.
    offset_px   is added to x and y of every prediction, such as 1.0 for 0-based predictions and 1-based truths.
    nan         "refuse" (a `ValueError` names the place), or "miss": a labelled keypoint whose prediction is NaN was
                not predicted, and counts as a miss. Infinity is always refused.
    curve       thresholds, at least two, ascending, for `score.curve` and its AUC.

A person whose normaliser is 0 or NaN cannot be measured: such people count nowhere, and the score says how many.

Mistakes in the arguments are `TypeError` (another dtype) and `ValueError` (shapes, ranges, NaN).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from posecore.arguments import choice, listed, number
from posecore.evaluation.arrays import checked, checked_points
from posecore.evaluation.distance_score import DistanceScore, score_of
from posecore.evaluation.normalisers import Normaliser, distances_between, head_size, keypoint_number
from posecore.skeletons import Skeleton

if TYPE_CHECKING:
    from posecore.evaluation.arrays import BoolArray, FloatArray
    from posecore.evaluation.distance_score import IntArray

Comparison = Literal["<=", "<"]
Average = Literal["labels", "keypoints"]
Nan = Literal["refuse", "miss"]
Keypoints = tuple["int | str", ...]

PDJ_CURVE = tuple(i / 100 for i in range(51))  # 0 to 0.5 of the torso, as DeepPose draws it


def pck(
    predictions: FloatArray,
    truths: FloatArray,
    labelled: BoolArray,
    normaliser: Normaliser,
    *,
    threshold: float = 0.2,
    comparison: Comparison = "<=",
    average: Average = "keypoints",
    without: Keypoints = (),
    skeleton: Skeleton | None = None,
    offset_px: float = 0.0,
    nan: Nan = "refuse",
    curve: tuple[float, ...] | FloatArray | None = None,
) -> DistanceScore:
    """PCK: the percentage of correct keypoints (Yang & Ramanan 2013).

    Args:
        normaliser: the N lengths, such as `normalisers.box_side(boxes)`, `normalisers.torso(...)`,
            `normalisers.between(...)` of any two keypoints, or `Normaliser(lengths)`.

    The other arguments are those of the module. MMPose's PCK has comparison "<".
    """
    return _score("PCK", predictions, truths, labelled, normaliser, threshold, comparison, average, without, skeleton,
                  offset_px, nan, curve)  # fmt: skip


def pckh(
    predictions: FloatArray,
    truths: FloatArray,
    labelled: BoolArray,
    *,
    head_boxes: FloatArray | None = None,
    head_sizes: FloatArray | None = None,
    threshold: float = 0.5,
    comparison: Comparison = "<=",
    average: Average = "labels",
    without: Keypoints | None = None,
    skeleton: Skeleton | None = None,
    offset_px: float = 0.0,
    nan: Nan = "refuse",
    curve: tuple[float, ...] | FloatArray | None = None,
) -> DistanceScore:
    """PCKh: PCK in units of the head (Andriluka et al. 2014), as MPII's tool measures it.

    Args:
        head_boxes: (N, 4) float64: x0, y0, x1, y1 in pixels; the head size is 0.6 of the diagonal.
        head_sizes: (N,) float64 in pixels instead, where a file holds 0.6 of the diagonal itself.
        without: where nothing is said, those of pelvis and thorax that `skeleton` has, as in MPII's mean.

    The other arguments are those of the module.
    """
    if (head_boxes is None) == (head_sizes is None):
        raise ValueError("head_boxes, head_sizes: wanted one of the two")
    if head_boxes is not None:
        normaliser = head_size(head_boxes)
    else:
        sizes = checked(head_sizes, "head_sizes", np.float64, ("N",))
        normaliser = Normaliser(sizes, "the head size as given (MPII: 0.6 of the head box's diagonal)")
    if without is None:
        without = tuple(name for name in ("pelvis", "thorax") if skeleton and name in skeleton.keypoints)
    return _score("PCKh", predictions, truths, labelled, normaliser, threshold, comparison, average, without, skeleton,
                  offset_px, nan, curve)  # fmt: skip


def pdj(
    predictions: FloatArray,
    truths: FloatArray,
    labelled: BoolArray,
    normaliser: Normaliser,
    *,
    threshold: float = 0.2,
    comparison: Comparison = "<=",
    average: Average = "keypoints",
    without: Keypoints = (),
    skeleton: Skeleton | None = None,
    offset_px: float = 0.0,
    nan: Nan = "refuse",
    curve: tuple[float, ...] | FloatArray | None = PDJ_CURVE,
) -> DistanceScore:
    """PDJ: the percentage of detected joints (Toshev & Szegedy 2014), with its curve over 0 to 0.5 of the torso.

    Args:
        normaliser: the N torsos, as `normalisers.torso(truths, labelled, skeleton)` measures them.

    The other arguments are those of the module.
    """
    return _score("PDJ", predictions, truths, labelled, normaliser, threshold, comparison, average, without, skeleton,
                  offset_px, nan, curve)  # fmt: skip


def within_pixels(
    predictions: FloatArray,
    truths: FloatArray,
    labelled: BoolArray,
    *,
    threshold_px: float = 25.0,
    comparison: Comparison = "<=",
    average: Average = "keypoints",
    without: Keypoints = (),
    skeleton: Skeleton | None = None,
    offset_px: float = 0.0,
    nan: Nan = "refuse",
    curve: tuple[float, ...] | FloatArray | None = None,
) -> DistanceScore:
    """The share of keypoints within so many pixels, which re-implementations of CPM call PCP. It depends on the size
    of the picture: no number to compare between sets.

    The arguments are those of the module; `threshold_px` and `curve` are in pixels.
    """
    return _score("within px", predictions, truths, labelled, None, threshold_px, comparison, average, without,
                  skeleton, offset_px, nan, curve)  # fmt: skip


def near(distances: FloatArray, limit: float | FloatArray, comparison: str) -> BoolArray:
    """Which distances are near enough; NaN never is."""
    found: BoolArray = distances <= limit if comparison == "<=" else distances < limit
    return found


def thresholds_of(curve: object) -> FloatArray:
    """A curve's thresholds as (A,) float64: at least two, finite, from 0, ascending."""
    values = listed(curve, "curve", "wanted thresholds in ascending order")
    thresholds = np.array([number(value, "curve", 0.0, 1e9) for value in values])
    if len(thresholds) < 2 or not (np.diff(thresholds) > 0).all():
        raise ValueError("curve: wanted at least two thresholds in ascending order")
    return thresholds


def nan_sentence(nan: str) -> str:
    """What NaN means, for a convention."""
    return "a prediction of NaN is a miss" if nan == "miss" else "a prediction of NaN is refused"


def offset_sentence(offset_px: float) -> str:
    """The pixel offset, for a convention."""
    return f"{offset_px:+g} px added to the predictions" if offset_px else "no pixel offset (+0 px)"


def _score(
    metric: str,
    predictions: FloatArray,
    truths: FloatArray,
    labelled: BoolArray,
    normaliser: Normaliser | None,
    threshold: float,
    comparison: str,
    average: str,
    without: Keypoints,
    skeleton: Skeleton | None,
    offset_px: float,
    nan: str,
    curve: object,
) -> DistanceScore:
    unit = "threshold" if normaliser is not None else "threshold_px"
    threshold = number(threshold, unit, 0.0, 1e9)
    offset_px = number(offset_px, "offset_px", -1e6, 1e6)
    for value, name, words in (
        (comparison, "comparison", ("<=", "<")),
        (average, "average", ("labels", "keypoints")),
        (nan, "nan", ("refuse", "miss")),
    ):
        choice(value, name, words)
    checked(labelled, "labelled", np.bool_, ("N", "K"))
    people, keypoints = labelled.shape
    if skeleton is not None and skeleton.num_keypoints != keypoints:
        raise ValueError(
            f"skeleton: wanted {keypoints} keypoints, as labelled has, got {skeleton.num_keypoints} of {skeleton.name}"
        )
    true = checked_points(truths, "truths", (people, keypoints, 2), labelled)
    needed = labelled
    if nan == "miss":
        checked(predictions, "predictions", np.float64, (people, keypoints, 2))
        needed = labelled & ~np.isnan(predictions).any(axis=-1)
    predicted = checked_points(predictions, "predictions", (people, keypoints, 2), needed)

    measured = labelled
    distances = np.full(labelled.shape, np.nan)
    distances[needed] = distances_between(predicted[needed] + offset_px, true[needed])
    length = f"{threshold:g} px"
    if normaliser is not None:
        if not isinstance(normaliser, Normaliser):
            raise TypeError(f"normaliser: wanted a Normaliser, got {type(normaliser).__name__}")
        if len(normaliser) != people:
            raise ValueError(f"normaliser: wanted {people} lengths, one a person, got {len(normaliser)}")
        usable = normaliser.usable
        measured = labelled & usable[:, None]
        distances[usable] /= normaliser.lengths[usable, None]
        length = f"{threshold:g} x {normaliser.name}"
    left_out = int((labelled.any(axis=1) & ~measured.any(axis=1)).sum())

    excluded = {
        keypoint_number(k, "without", keypoints, skeleton)
        for k in listed(without, "without", "wanted keypoints")
    }
    in_mean = np.array([k not in excluded for k in range(keypoints)], np.bool_)
    names = skeleton.keypoints if skeleton is not None else tuple(f"keypoint {k}" for k in range(keypoints))
    thresholds = None if curve is None else thresholds_of(curve)
    hits = _hits(distances, measured, threshold, comparison)
    aside = f" without {', '.join(names[k] for k in sorted(excluded))}" if excluded else ""
    averaging = (
        "over all labels (Σ PCK_j n_j / Σ n_j)" if average == "labels" else "over the keypoints with labels"
    )
    lost = f"; without such a length, counted nowhere: {left_out} of {people} people" if left_out else ""
    name = f"{metric}@{threshold:g}" if normaliser is not None else f"within {threshold:g} px"
    return score_of(
        name,
        names,
        hits,
        measured.sum(axis=0, dtype=np.int64),
        threshold=threshold,
        in_mean=in_mean,
        average=average,
        pairs=skeleton.flip_pairs if skeleton is not None else (),
        left_out=left_out,
        convention=(
            f"{name}: a labelled keypoint counts where its error is {comparison} {length}; mean {averaging}{aside}; "
            f"{offset_sentence(offset_px)}; {nan_sentence(nan)}{lost}."
        ),
        thresholds=thresholds,
        curve_hits=None
        if thresholds is None
        else np.array([_hits(distances, measured, float(t), comparison) for t in thresholds]),
    )


def _hits(distances: FloatArray, measured: BoolArray, threshold: float, comparison: str) -> IntArray:
    hits: IntArray = (near(distances, threshold, comparison) & measured).sum(axis=0, dtype=np.int64)
    return hits
