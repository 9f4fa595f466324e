"""The four numbers by which parts of a set are compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from posecore.evaluation.matching import Matches, accumulate, mean_of_found
from posecore.evaluation.protocol import SAME_THRESHOLD

if TYPE_CHECKING:
    from posecore.evaluation.truths import FloatColumn


@dataclass(frozen=True, slots=True)
class Averages:
    """COCO's averages in [0, 1]; -1 where no truth counts, NaN where the threshold was not evaluated.

    Attributes:
        ap: precision, the mean over all thresholds of OKS.
        ap50, ap75: precision at OKS .5 and .75.
        ar: recall, the mean over all thresholds.
    """

    ap: float
    ap50: float
    ap75: float
    ar: float


def averages(matches: Matches, scores: FloatColumn, area: int = 0) -> Averages:
    """Of matches in the range with this number; `scores` (D,) are those of the detections."""
    found = accumulate(matches, scores)
    precision = found.precision[..., area]
    at = [np.flatnonzero(np.isclose(matches.thresholds, t, rtol=0, atol=SAME_THRESHOLD)) for t in (0.5, 0.75)]
    ap50, ap75 = (mean_of_found(precision[t]) if t.size else float("nan") for t in at)
    return Averages(mean_of_found(precision), ap50, ap75, mean_of_found(found.recall[..., area]))
