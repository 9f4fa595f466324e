"""`DistanceScore`: the share of keypoints, or limbs, that are near enough, with the convention of the number."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.evaluation.arrays import sealed
from posecore.evaluation.json_numbers import json_number

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.evaluation.arrays import BoolArray, FloatArray

    IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Side:
    """A left and a right keypoint, or limb, side by side.

    Attributes:
        name: what both are called without their side.
        left, right: percent; NaN where none was labelled.
        left_count, right_count: how many were labelled.
    """

    name: str
    left: float
    right: float
    left_count: int
    right_count: int


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """The score at many thresholds.

    Attributes:
        thresholds: (A,) float64, ascending, in the unit of the score's threshold.
        values: (A, K) float64 in percent; NaN where nothing was labelled.
        mean: (A,) float64 in percent, averaged as the score's mean.
        auc: the area under `mean` by the trapezoid rule over the width of the range, in percent.
        auc_values: (K,) float64 in percent, the same for each keypoint.
        rule: how the area is measured, as a sentence.
    """

    thresholds: FloatArray
    values: FloatArray
    mean: FloatArray
    auc: float
    auc_values: FloatArray
    rule: str


@dataclass(frozen=True, slots=True, eq=False)
class DistanceScore:
    """The share of labelled keypoints (or limbs) that lie near enough to the truth. `print` shows it as a table.

    Attributes:
        metric: its name with its threshold, such as PCKh@0.5.
        names: K names of keypoints or limbs.
        values: (K,) float64 in percent of the labelled ones; NaN where none was labelled.
        counts: (K,) int64, how many were labelled (and had a normaliser).
        hits: (K,) int64, how many of these were near enough.
        in_mean: (K,) bool, which are averaged.
        mean: percent; NaN where nothing was labelled.
        threshold: in units of the normaliser, or in pixels.
        curve: the score over thresholds, or None where it was not asked for.
        sides: the left and right ones in pairs.
        left_out: people without a normaliser, which count nowhere.
        convention: one sentence: normaliser, comparison, averaging, pixel offset, what NaN means.
    """

    metric: str
    names: tuple[str, ...]
    values: FloatArray
    counts: IntArray
    hits: IntArray
    in_mean: BoolArray
    mean: float
    threshold: float
    curve: Curve | None
    sides: tuple[Side, ...]
    left_out: int
    convention: str

    def as_dict(self) -> dict[str, Any]:
        """Plain lists, numbers and text for JSON; None where a number is NaN."""
        curve = self.curve
        return {
            "metric": self.metric,
            "convention": self.convention,
            "threshold": self.threshold,
            "mean": json_number(self.mean),
            "left_out": self.left_out,
            "keypoints": [
                {
                    "name": name,
                    "percent": json_number(value),
                    "count": int(count),
                    "hits": int(hits),
                    "in_mean": bool(used),
                }
                for name, value, count, hits, used in zip(
                    self.names, self.values, self.counts, self.hits, self.in_mean, strict=True
                )
            ],
            "sides": [
                {
                    "name": side.name,
                    "left": json_number(side.left),
                    "right": json_number(side.right),
                    "left_count": side.left_count,
                    "right_count": side.right_count,
                }
                for side in self.sides
            ],
            "curve": None
            if curve is None
            else {
                "thresholds": curve.thresholds.tolist(),
                "mean": [json_number(value) for value in curve.mean],
                "keypoints": {
                    name: [json_number(value) for value in column]
                    for name, column in zip(self.names, curve.values.T, strict=True)
                },
                "auc": json_number(curve.auc),
                "auc_keypoints": [json_number(value) for value in curve.auc_values],
                "rule": curve.rule,
            },
        }

    def __str__(self) -> str:
        width = max([4, *(len(name) for name in self.names)])
        lines = [f"{self.metric} in percent", f"{'':{width}}  {'score':>7}  {'of':>7}"]
        for name, value, count, used in zip(self.names, self.values, self.counts, self.in_mean, strict=True):
            aside = "" if used else "  not in the mean"
            lines.append(f"{name:{width}}  {_shown(value):>7}  {count:>7}{aside}")
        counted = int(self.counts[self.in_mean].sum())
        lines.append(f"{'mean':{width}}  {_shown(self.mean):>7}  {counted:>7}")
        if self.curve is not None:
            lines.append(f"{'AUC':{width}}  {_shown(self.curve.auc):>7}")
        if self.sides:
            lines += ["", f"{'':{width}}  {'left':>7}  {'right':>7}"]
            for side in self.sides:
                lines.append(f"{side.name:{width}}  {_shown(side.left):>7}  {_shown(side.right):>7}")
        lines += ["", self.convention]
        if self.curve is not None:
            lines.append(self.curve.rule)
        return "\n".join(lines)


def percent(hits: IntArray, counts: IntArray) -> FloatArray:
    """100 hits / counts of the same shape, float64; NaN where there is nothing to count."""
    hits, counts = np.asarray(hits), np.asarray(counts)
    result: FloatArray = np.full(hits.shape, np.nan)
    np.divide(100.0 * hits, counts, out=result, where=counts > 0)
    return result


def mean_percent(hits: IntArray, counts: IntArray, in_mean: BoolArray, average: str) -> float:
    """The mean of (K,) scores in percent: "labels" pools all labels, "keypoints" gives each keypoint one vote."""
    used = in_mean & (counts > 0)
    if not used.any():
        return math.nan
    if average == "labels":
        return float(100.0 * hits[used].sum() / counts[used].sum())
    return float(percent(hits[used], counts[used]).mean())


def area_under(thresholds: FloatArray, values: FloatArray) -> FloatArray:
    """The trapezoid rule along the first axis of (A, ...) over the width of the range."""
    widths = np.diff(thresholds).reshape(-1, *(1,) * (values.ndim - 1))
    area: FloatArray = (widths * (values[1:] + values[:-1]) / 2).sum(axis=0)
    area /= thresholds[-1] - thresholds[0]
    return area


def paired_sides(
    names: tuple[str, ...], pairs: tuple[tuple[int, int], ...], values: FloatArray, counts: IntArray
) -> tuple[Side, ...]:
    """The rows (left, right) of `pairs` next to each other."""
    return tuple(
        Side(
            names[left].removeprefix("left_"),
            float(values[left]),
            float(values[right]),
            int(counts[left]),
            int(counts[right]),
        )
        for left, right in pairs
    )


def score_of(
    metric: str,
    names: tuple[str, ...],
    hits: IntArray,
    counts: IntArray,
    *,
    threshold: float,
    in_mean: BoolArray,
    average: str,
    pairs: tuple[tuple[int, int], ...],
    left_out: int,
    convention: str,
    thresholds: FloatArray | None = None,
    curve_hits: IntArray | None = None,
) -> DistanceScore:
    """The score of these counts; `curve_hits` is (A, K), the hits at each of `thresholds`."""
    values = percent(hits, counts)
    curve = None
    if thresholds is not None and curve_hits is not None:
        at = percent(curve_hits, np.broadcast_to(counts, curve_hits.shape))
        mean = np.array([mean_percent(row, counts, in_mean, average) for row in curve_hits])
        rule = (
            f"AUC: the area under the curve of the mean over {len(thresholds)} thresholds from {thresholds[0]:g} "
            f"to {thresholds[-1]:g}, by the trapezoid rule, over the width of that range."
        )
        auc = float(area_under(thresholds, mean))
        curve = Curve(
            sealed(thresholds), sealed(at), sealed(mean), auc, sealed(area_under(thresholds, at)), rule
        )
    return DistanceScore(
        metric=metric,
        names=names,
        values=sealed(values),
        counts=sealed(counts),
        hits=sealed(hits),
        in_mean=sealed(in_mean),
        mean=mean_percent(hits, counts, in_mean, average),
        threshold=threshold,
        curve=curve,
        sides=paired_sides(names, pairs, values, counts),
        left_out=left_out,
        convention=convention,
    )


def _shown(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"
