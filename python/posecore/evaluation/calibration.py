"""Whether scores mean something: how often a detection of a score is right, and from which score on one may believe it.

A detection is right at a threshold of OKS if it matches a truth that counts there, and wrong if it matches no one;
those that match an ignored truth, or are outside of the area range, are left out. The range is the protocol's first.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from posecore.arguments import listed, number, whole
from posecore.evaluation.averages import Averages, averages
from posecore.evaluation.json_numbers import json_number
from posecore.evaluation.protocol import sigmas_of
from posecore.evaluation.rematching import rematch
from posecore.evaluation.report import Report
from posecore.evaluation.rescoring import nearest_oks

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from posecore.evaluation.truths import FloatColumn, IntColumn

SIGMA_SCALES = (0.5, 0.75, 1.0, 1.5, 2.0)


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """How often detections of like scores are right; B bins, lowest scores first, none empty.

    Attributes:
        oks: the threshold of OKS.
        binning: "equal width" where all scores are in [0, 1], else "equal count"; equal scores are in one bin.
        least, most: (B,) float64, the lowest and highest score in each bin.
        mean_scores: (B,) float64.
        counts: (B,) int64, detections.
        right: (B,) int64, how many of these are right.
        expected_error: the expected calibration error, the mean over detections of |share that is right - mean score|
            of their bin; NaN where scores are outside of [0, 1] or there are none.
    """

    oks: float
    binning: Literal["equal width", "equal count"]
    least: FloatColumn
    most: FloatColumn
    mean_scores: FloatColumn
    counts: IntColumn
    right: IntColumn
    expected_error: float

    @property
    def precision(self) -> FloatColumn:
        """(B,) float64 in [0, 1], the share of each bin that is right."""
        share: FloatColumn = self.right / self.counts
        return share


@dataclass(frozen=True, slots=True)
class ScoreThreshold:
    """What is left where only detections of at least `score` are taken.

    Attributes:
        score: the least score.
        precision: the share of them that is right, in [0, 1].
        recall: the share of the truths that they find, in [0, 1].
        detections: how many are right or wrong.
    """

    score: float
    precision: float
    recall: float
    detections: int


@dataclass(frozen=True, slots=True)
class SigmaScale:
    """The averages where all sigmas are multiplied by `scale`."""

    scale: float
    averages: Averages


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """What `calibrate` gives.

    Attributes:
        report: what was looked at.
        thresholds: the thresholds of OKS.
        reliability: one for each.
        rows: (N,) int64, the detections that are right or wrong at the first threshold.
        oks: (N,) float64, the OKS of each with the nearest truth that counts, 0 where its picture has none.
        rank_correlation: Spearman's between the scores of `rows` and `oks`, in [-1, 1]; NaN where one does not vary.
        sigma_scales: the averages with other sigmas. An AP that falls fast with smaller ones is lost to precision.
    """

    report: Report
    thresholds: tuple[float, ...]
    reliability: tuple[Reliability, ...]
    rows: IntColumn
    oks: FloatColumn
    rank_correlation: float
    sigma_scales: tuple[SigmaScale, ...]

    def threshold_for(self, precision: float, *, oks: float | None = None) -> ScoreThreshold | None:
        """The lowest score from which on at least this share of the detections is right.

        Args:
            precision: in (0, 1].
            oks: one of `thresholds`; the first where nothing is said.

        Returns:
            The threshold with the highest recall, or None where no score gives this precision.

        Raises:
            TypeError, ValueError: a precision that is no share, or a threshold that was not looked at.
        """
        if number(precision, "precision", 0, 1) == 0:
            raise ValueError("precision: wanted a number above 0 to 1, got 0")
        limit = self.thresholds[0] if oks is None else number(oks, "oks", 0, 1)
        if limit not in self.thresholds:
            wanted = ", ".join(f"{t:g}" for t in self.thresholds)
            raise ValueError(f"oks: wanted one of {wanted}, got {oks}")
        judged = _judge(self.report, limit)
        order = np.argsort(-judged.scores, kind="stable")
        scores, found = judged.scores[order], np.cumsum(judged.right[order])
        share = found / np.arange(1, len(order) + 1)
        # Equal scores are taken together.
        enough = (share >= precision) & np.append(
            scores[1:] != scores[:-1], np.ones(min(1, len(scores)), bool)
        )
        if not enough.any():
            return None
        last = int(np.flatnonzero(enough)[-1])
        recall = float(found[last] / judged.truths) if judged.truths else float("nan")
        return ScoreThreshold(float(scores[last]), float(share[last]), recall, last + 1)

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, as JSON has it; NaN is None."""
        return {
            "reliability": [
                {
                    "oks": each.oks,
                    "binning": each.binning,
                    "expected_error": json_number(each.expected_error),
                    "bins": [
                        dict(zip(("least", "most", "mean_score", "count", "right"), row, strict=True))
                        for row in zip(
                            each.least.tolist(),
                            each.most.tolist(),
                            each.mean_scores.tolist(),
                            each.counts.tolist(),
                            each.right.tolist(),
                            strict=True,
                        )
                    ],
                }
                for each in self.reliability
            ],
            "rank_correlation": json_number(self.rank_correlation),
            "sigma_scales": [
                {"scale": each.scale} | {k: json_number(v) for k, v in asdict(each.averages).items()}
                for each in self.sigma_scales
            ],
        }


def calibrate(
    report: Report,
    *,
    thresholds: Sequence[float] = (0.5, 0.75),
    bins: int = 10,
    scales: Sequence[float] = SIGMA_SCALES,
) -> Calibration:
    """How far scores can be believed, and how much the AP depends on the sigmas.

    Args:
        report: of an evaluation.
        thresholds: of OKS in (0, 1].
        bins: 1 to 1000 for the reliability.
        scales: what all sigmas are multiplied by, .001 to 1000 each.

    Raises:
        TypeError, ValueError: an argument is not as above; the sentence says which.
    """
    if not isinstance(report, Report):
        raise TypeError(f"report: wanted a Report, got {type(report).__name__}")
    limits = tuple(
        number(t, "thresholds", 1e-9, 1) for t in listed(thresholds, "thresholds", "wanted numbers")
    )
    if not limits:
        raise ValueError("thresholds: wanted at least one number, got none")
    whole(bins, "bins", 1, 1000)
    factors = tuple(number(s, "scales", 1e-3, 1e3) for s in listed(scales, "scales", "wanted numbers"))
    sigmas = sigmas_of(report.protocol.skeleton)
    judged = [_judge(report, limit) for limit in limits]
    rows = judged[0].rows
    oks = nearest_oks(
        report.truths,
        report.detections,
        ~report.matches.truth_ignored[0],
        rows,
        sigmas=sigmas,
        areas=report.areas,
    )[rows]
    return Calibration(
        report,
        limits,
        tuple(_reliability(each, limit, bins) for each, limit in zip(judged, limits, strict=True)),
        rows,
        oks,
        _rank_correlation(judged[0].scores, oks),
        tuple(
            SigmaScale(
                factor,
                averages(
                    rematch(
                        report,
                        sigmas=[factor * sigma for sigma in sigmas],
                        ranges=report.protocol.area_ranges[:1],
                    ),
                    report.detections.scores,
                ),
            )
            for factor in factors
        ),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Judged:
    rows: IntColumn
    scores: FloatColumn
    right: npt.NDArray[np.bool_]
    truths: int


def _judge(report: Report, limit: float) -> _Judged:
    """The detections that are right or wrong at a threshold of OKS."""
    matches = rematch(report, thresholds=[limit], ranges=report.protocol.area_ranges[:1])
    counted = ~matches.ignored[0, 0]
    rows = matches.order[counted]
    return _Judged(
        rows,
        report.detections.scores[rows],
        matches.truth[0, 0, counted] >= 0,
        int(np.count_nonzero(~matches.truth_ignored[0])),
    )


def _reliability(judged: _Judged, limit: float, bins: int) -> Reliability:
    order = np.argsort(judged.scores, kind="stable")
    scores, right = judged.scores[order], judged.right[order]
    shares = bool(((scores >= 0) & (scores <= 1)).all())
    if shares:
        place = np.minimum((scores * bins).astype(np.int64), bins - 1)
    else:
        # The bin of the first of equal scores.
        first = np.searchsorted(scores, scores, side="left")
        place = first * bins // max(1, len(scores))
    _, starts, counts = np.unique(place, return_index=True, return_counts=True)
    if not len(starts):
        empty, none = np.zeros(0), np.zeros(0, np.int64)
        return Reliability(limit, "equal width", empty, empty, empty, none, none, float("nan"))
    mean = np.add.reduceat(scores, starts) / counts
    hits = np.add.reduceat(right.astype(np.int64), starts)
    error = float(np.sum(np.abs(hits - mean * counts)) / len(scores)) if shares else float("nan")
    return Reliability(
        limit,
        "equal width" if shares else "equal count",
        scores[starts],
        scores[starts + counts - 1],
        mean,
        counts.astype(np.int64),
        hits,
        error,
    )


def _rank_correlation(a: FloatColumn, b: FloatColumn) -> float:
    """Spearman's: the correlation of the ranks, equal values having their mean rank."""
    ranks = []
    for values in (a, b):
        _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
        ends = np.cumsum(counts)
        ranks.append((ends - (counts - 1) / 2)[inverse] - (len(values) + 1) / 2)
    scale = np.sqrt((ranks[0] ** 2).sum() * (ranks[1] ** 2).sum())
    return float((ranks[0] * ranks[1]).sum() / scale) if scale > 0 else float("nan")
