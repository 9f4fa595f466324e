"""AP of the same pictures drawn again and again: how far a difference between two ways could be chance.

The bootstrap over pictures (Efron, Annals of Statistics 1979): sets of as many pictures are drawn with replacement,
the same ones for all that is compared, so that what is hard in a picture is hard for all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from posecore.evaluation.protocol import RECALL_LEVELS

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.evaluation.report import Report
    from posecore.evaluation.truths import FloatColumn, IntColumn

SHARE = 0.95
"""Of the drawn sets, whose differences an interval holds."""
_CELLS_AT_ONCE = 1 << 21


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """What AP is counted from: E detections, best first, at T thresholds of OKS, all sizes.

    Attributes:
        image: (E,) int64, the row of the picture.
        right: (T, E) bool, those that found somebody.
        counted: (T, E) bool, those that are right or wrong.
        positives: (I,) int64, people who have to be found in each picture.
    """

    image: IntColumn
    right: npt.NDArray[np.bool_]
    counted: npt.NDArray[np.bool_]
    positives: IntColumn

    @classmethod
    def of(cls, report: Report) -> Outcomes:
        """Those of a report of one category."""
        matches = report.matches
        assert len(matches.categories) == 1
        order = np.argsort(-report.detections.scores[matches.order], kind="stable")
        counted = ~matches.ignored[0][:, order]
        people = report.truths.image_index[~matches.truth_ignored[0]]
        return cls(
            report.detections.image_index[matches.order[order]],
            (matches.truth[0][:, order] >= 0) & counted,
            counted,
            np.bincount(people, minlength=len(report.truths.images)).astype(np.int64),
        )

    def ap(self, draws: IntColumn) -> FloatColumn:
        """(B,) float64: AP, where picture i counts `draws[b, i]` times, (B, I); NaN where nobody has to be found.

        Of equal scores in one picture, the first detection of all its copies comes first.
        """
        at_once = max(1, _CELLS_AT_ONCE // max(len(self.image), 1))
        parts = [self._ap(draws[begin : begin + at_once]) for begin in range(0, len(draws), at_once)]
        return np.concatenate(parts) if parts else np.zeros(0)

    def _ap(self, draws: IntColumn) -> FloatColumn:
        total = draws @ self.positives
        weights = draws[:, self.image]
        sums = np.zeros(len(draws))
        for right, counted in zip(self.right, self.counted, strict=True):
            found = np.cumsum(weights[:, right], axis=1)
            # Only where somebody is found does recall go up, and precision is highest.
            seen = np.cumsum(weights * counted, axis=1)[:, right]
            precision = found / np.maximum(seen, 1)
            highest = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
            highest = np.pad(highest, ((0, 0), (0, 1)))
            recall = found / np.maximum(total, 1)[:, None]
            for row in range(len(draws)):
                at = np.searchsorted(recall[row], RECALL_LEVELS, side="left")
                sums[row] += highest[row, at].mean()
        sums /= len(self.right)
        sums[total == 0] = np.nan
        return sums


def draw(pictures: int, sets: int, seed: int) -> IntColumn:
    """(sets, pictures) int64: how often each picture is in each set; the same for the same seed."""
    random = np.random.default_rng(seed)
    even = np.full(pictures, 1 / max(pictures, 1))
    return random.multinomial(pictures, even, size=sets).astype(np.int64)


def interval(values: FloatColumn) -> tuple[float, float] | None:
    """The middle `SHARE` of the values that are no NaN; None where there are none."""
    values = values[~np.isnan(values)]
    if not values.size:
        return None
    low, high = np.quantile(values, [(1 - SHARE) / 2, (1 + SHARE) / 2])
    return float(low), float(high)
