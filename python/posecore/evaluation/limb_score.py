"""PCP: the percentage of correct parts, strict and loose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from posecore.arguments import choice, listed, number
from posecore.evaluation.arrays import checked, checked_points
from posecore.evaluation.distance_score import DistanceScore, score_of
from posecore.evaluation.distances import (
    Average,
    Comparison,
    Nan,
    nan_sentence,
    near,
    offset_sentence,
    thresholds_of,
)
from posecore.evaluation.limbs import Limb, mirrored_pairs, sticks
from posecore.evaluation.normalisers import distances_between

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.evaluation.arrays import BoolArray, FloatArray

Rule = Literal["strict", "loose"]


def pcp(
    predictions: FloatArray,
    truths: FloatArray,
    labelled: BoolArray,
    limbs: tuple[Limb, ...],
    *,
    rule: Rule = "strict",
    threshold: float = 0.5,
    comparison: Comparison = "<=",
    average: Average = "keypoints",
    offset_px: float = 0.0,
    nan: Nan = "refuse",
    curve: tuple[float, ...] | FloatArray | None = None,
) -> DistanceScore:
    """PCP: the share of limbs whose ends lie within `threshold` of the true limb's length L.

    A limb of length 0 has room for no error: it is counted, and is a hit only where both ends are exact (and never
    with "<"). Ends are not exchanged: a limb that is found the wrong way round is a miss.

    Args:
        predictions: (N, K, 2) float64 in pixels, or (N, L, 2, 2), start and end of each limb, where the method gives
            sticks.
        truths: (N, K, 2) float64 in pixels, finite where labelled.
        labelled: (N, K) bool; a limb counts where all keypoints of both of its ends are labelled.
        limbs: L sticks, such as `limbs.ten_limbs(skeleton)`.
        rule: "strict": both ends within `threshold` L of their own; "loose": the mean of the two errors is.
        threshold: in units of L.
        average: "keypoints": the plain mean over limbs; "labels": all labelled limbs pooled.

    The other arguments are those of `posecore.evaluation.distances`.

    Raises:
        TypeError, ValueError: arrays that do not fit together, limbs of keypoints that are not there.
    """
    threshold = number(threshold, "threshold", 0.0, 1e9)
    offset_px = number(offset_px, "offset_px", -1e6, 1e6)
    for value, name, words in (
        (rule, "rule", ("strict", "loose")),
        (comparison, "comparison", ("<=", "<")),
        (average, "average", ("labels", "keypoints")),
        (nan, "nan", ("refuse", "miss")),
    ):
        choice(value, name, words)
    limbs = listed(limbs, "limbs", "wanted Limbs")
    if not all(isinstance(limb, Limb) for limb in limbs):
        raise TypeError(f"limbs: wanted Limbs, got {limbs!r}")
    checked(labelled, "labelled", np.bool_, ("N", "K"))
    checked_points(truths, "truths", (*labelled.shape, 2), labelled)
    true, counted = sticks(truths, labelled, limbs)
    errors, lengths = _errors(predictions, true, counted, labelled, limbs, offset_px, nan)
    thresholds = None if curve is None else thresholds_of(curve)

    def hits(at: float) -> npt.NDArray[np.int64]:
        if rule == "strict":
            found = near_limb(errors[..., 0], lengths, at) & near_limb(errors[..., 1], lengths, at)
        else:
            found = near_limb((errors[..., 0] + errors[..., 1]) / 2, lengths, at)
        total: npt.NDArray[np.int64] = (found & counted).sum(axis=0, dtype=np.int64)
        return total

    def near_limb(error: FloatArray, length: FloatArray, at: float) -> BoolArray:
        # Not divided by the length, which may be 0.
        return near(error, at * length, comparison)

    within = "the errors of both ends are" if rule == "strict" else "the mean error of its two ends is"
    points = int((counted & (lengths == 0)).sum())
    averaging = "over the limbs with labels" if average == "keypoints" else "over all labelled limbs"
    zero = f"; of length 0, counted, and misses unless exact: {points}" if points else ""
    name = f"PCP@{threshold:g} {rule}"
    return score_of(
        name,
        tuple(limb.name for limb in limbs),
        hits(threshold),
        counted.sum(axis=0, dtype=np.int64),
        threshold=threshold,
        in_mean=np.ones(len(limbs), np.bool_),
        average=average,
        pairs=mirrored_pairs(limbs),
        left_out=0,
        convention=(
            f"{name}: a limb whose ends are labelled counts where {within} {comparison} {threshold:g} x its true "
            f"length; mean {averaging} ({len(limbs)}); {offset_sentence(offset_px)}; "
            f"{nan_sentence(nan)}{zero}."
        ),
        thresholds=thresholds,
        curve_hits=None if thresholds is None else np.array([hits(float(t)) for t in thresholds]),
    )


def _errors(
    predictions: FloatArray,
    true: FloatArray,
    counted: BoolArray,
    labelled: BoolArray,
    limbs: tuple[Limb, ...],
    offset_px: float,
    nan: str,
) -> tuple[FloatArray, FloatArray]:
    """The errors (N, L, 2) of both ends, NaN where one was not predicted, and the true lengths (N, L)."""
    if isinstance(predictions, np.ndarray) and predictions.ndim == 4:
        shape: tuple[int, ...] = (*true.shape[:2], 2, 2)
        read = np.broadcast_to(counted[:, :, None], true.shape[:3])
    else:
        shape, read = (*labelled.shape, 2), labelled
    checked(predictions, "predictions", np.float64, shape)
    if nan == "miss":
        read = read & ~np.isnan(predictions).any(axis=-1)
    checked_points(predictions, "predictions", shape, read)
    predicted = np.where(read[..., None], predictions, np.nan)
    if predicted.ndim == 3:
        predicted, _ = sticks(predicted, read, limbs)
    lengths = distances_between(true[..., 0, :], true[..., 1, :])
    return distances_between(predicted + offset_px, true), lengths
