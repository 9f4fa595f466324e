"""Who is who in two sets of poses of one picture, and how far their keypoints are apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.poses import Poses

    Floats = npt.NDArray[np.float32]

SURE_SCORE = 0.3
"""From this score on, a pose counts as a person and a keypoint as found."""
FADED_SCORE = SURE_SCORE / 2
"""Below this score, a keypoint that was sure is no longer found."""
_REACH = 0.5
_LEAST_REACH_PX = 32.0


@dataclass(frozen=True, eq=False)
class Pairing:
    """One picture's people in the float model's poses and in the exported model's.

    Attributes:
        pairs: (i, j) for each sure person i of the float poses who is person j of the exported ones.
        lost: sure people of the float poses whom the exported ones do not have at all.
        invented: sure people of the exported poses whom the float ones do not have at all.
        shifts_px: (S,) float32, how far each sure keypoint of those pairs is from where it was, in input pixels.
        faded: how many of these S keypoints have lost half of the score that a sure one has to have.
    """

    pairs: tuple[tuple[int, int], ...]
    lost: tuple[int, ...]
    invented: tuple[int, ...]
    shifts_px: Floats
    faded: int


def pair(reference: Poses, exported: Poses, *, single: bool) -> Pairing:
    """Match the people of one picture.

    The distance of two people is the mean distance of those keypoints that are sure in the float pose. The two who are
    nearest are one person, then the two nearest of the rest, and so on, up to half of the longer side of the float
    person (32 px at least). Not OKS, which is 0 for whoever is three sigmas off and then no longer says who is nearer.
    Sure people are matched with everybody who was decoded, so that a person whose score goes from .31 to .29 is not
    lost.

    Args:
        reference: of the float model, in input pixels.
        exported: of the exported one, in the same.
        single: whether both have one person always, whose score is not asked.
    """
    near = _distances(reference, exported)
    mates: dict[int, int] = {}
    taken: set[int] = set()
    if single:
        mates, taken = {0: 0}, {0}
    else:
        reach = _reach(reference)
        for place in np.argsort(near, axis=None, kind="stable"):
            i, j = (int(v) for v in np.unravel_index(place, near.shape))
            if i not in mates and j not in taken and near[i, j] <= reach[i]:
                mates[i] = j
                taken.add(j)
    people = range(len(reference))
    judged = [i for i in people if single or reference.pose_scores[i] >= SURE_SCORE]
    pairs = tuple((i, mates[i]) for i in judged if i in mates)
    strangers = [j for j in range(len(exported)) if j not in taken]
    shifts: list[Any] = [np.zeros(0, np.float32)]
    faded = 0
    for i, j in pairs:
        sure = reference.scores[i] >= SURE_SCORE
        shifts.append(np.linalg.norm(reference.xy[i, sure] - exported.xy[j, sure], axis=1))
        faded += int((exported.scores[j, sure] < FADED_SCORE).sum())
    return Pairing(
        pairs,
        tuple(i for i in judged if i not in mates),
        tuple(j for j in strangers if exported.pose_scores[j] >= SURE_SCORE),
        np.concatenate(shifts).astype(np.float32),
        faded,
    )


@dataclass
class Crowd:
    """The people of many pictures, counted."""

    people: int = 0
    found: int = 0
    matched: int = 0
    lost: int = 0
    invented: int = 0
    faded: int = 0
    _shifts: list[Floats] = field(default_factory=list)

    def add(self, pairing: Pairing) -> None:
        """One picture more."""
        matched = len(pairing.pairs)
        self.people += matched + len(pairing.lost)
        self.found += matched + len(pairing.invented)
        self.matched += matched
        self.lost += len(pairing.lost)
        self.invented += len(pairing.invented)
        self.faded += pairing.faded
        self._shifts.append(pairing.shifts_px)

    @property
    def shifts_px(self) -> Floats:
        """All shifts, in the order of the pictures."""
        return np.concatenate([np.zeros(0, np.float32), *self._shifts])

    @property
    def strayed(self) -> float:
        """Lost and invented people as a share of the float model's; 0 where there is nobody at all."""
        return (self.lost + self.invented) / max(self.people, 1)

    @property
    def faded_share(self) -> float:
        """Faded keypoints as a share of the sure ones."""
        return self.faded / max(len(self.shifts_px), 1)


def quantiles(shifts_px: Floats) -> tuple[float, float, float] | None:
    """Median, 95th percentile and maximum, in input pixels; None of no shifts."""
    if not len(shifts_px):
        return None
    median, p95, most = (float(value) for value in np.quantile(shifts_px, (0.5, 0.95, 1.0)))
    return median, p95, most


def _distances(reference: Poses, exported: Poses) -> npt.NDArray[np.float64]:
    """(N, M): infinite where the float pose has no sure keypoint to go by."""
    gaps = np.linalg.norm(
        reference.xy[:, None].astype(np.float64) - exported.xy[None].astype(np.float64), axis=3
    )
    sure = (reference.scores >= SURE_SCORE)[:, None]
    counts = sure.sum(axis=2)
    means: npt.NDArray[np.float64] = np.where(
        counts > 0, (gaps * sure).sum(axis=2) / np.maximum(counts, 1), np.inf
    )
    return means


def _reach(poses: Poses) -> list[float]:
    reach = []
    for xy, scores in zip(poses.xy, poses.scores, strict=True):
        points = xy[scores >= SURE_SCORE]
        longer = float(np.ptp(points, axis=0).max()) if len(points) else 0.0
        reach.append(max(_REACH * longer, _LEAST_REACH_PX))
    return reach
