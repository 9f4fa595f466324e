"""`PoseModel`: how the people of one set stand, learnt from the set itself, and how well a pose agrees with it.

A pose is compared after its position, its size and its turn in the picture plane are taken away: the size is
the median over all pairs of keypoints of their distance relative to what is usual for that pair, so that one
wrong keypoint hardly changes it; the turn is the likeliest of eight. What is left is a multivariate t
distribution over the 2K coordinates. Its mean and covariance come from the people that agree with each other
and from their mirror images; its few degrees of freedom forgive whole poses that are unusual, and so leave a
single keypoint that contradicts the others standing out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Bools = npt.NDArray[np.bool_]
    Ints = npt.NDArray[np.int64]

MOST_KEYPOINTS = 64
"""Inverting a person's covariance costs (2K)³; beyond this a set takes minutes."""
LEAST_PEOPLE = 30
"""Fewer people give no covariance that is worth comparing with."""
LEAST_LABELLED = 4
"""Two points are a direction, three a triangle of any shape: from four on the others say where one should be."""
_FREEDOM = 8.0
"""Degrees of freedom of the t distribution."""
_JITTER = 0.015
"""What two annotators differ by, as a share of the person's size; more for sets of few people."""
_SIZE_DOUBT = 0.2
"""Standard deviation of a person's size, relative."""
_ANYWHERE = 100.0
"""Variance of a person's position: nothing is known of it."""
_TURNS = 8
SAMPLE = 2500
"""People that a model is learnt from at most; more change nothing that is seen."""
_CHUNK = 2048
_ROUNDS = 6


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the model says of G people.

    Attributes:
        strange: (G, K) float64: how strange each keypoint is given the others of its person, in decades: at 6
            one keypoint in 10^6 would lie so far off, were all poses as the model has them. NaN where the
            keypoint is not labelled or the person has fewer than `LEAST_LABELLED`.
        misfit: (G,) float64: the person's squared distance from the mean pose per degree of freedom, about 1
            for usual people; NaN like above.
        sizes: (G,) float64 in pixels: 1 in normalised pose space; NaN like above.
    """

    strange: Floats
    misfit: Floats
    sizes: Floats


@dataclass(frozen=True, slots=True, eq=False)
class PoseModel:
    """Mean and covariance of poses in units of the person's size; x to the right, y down.

    Attributes:
        mean: (K, 2) float64.
        covariance: (2K, 2K) float64, of x0, y0, x1, y1, ...
        distances: (P,) float64, the usual distance of each pair of keypoints, NaN where no person has both.
        turn_shares: (8,) float64, how often people are turned by 0, 45, ... degrees.
        num_people: how many people it was learnt from.
    """

    mean: Floats
    covariance: Floats
    distances: Floats
    turn_shares: Floats
    num_people: int

    def judge(self, xy: Floats, seen: Bools) -> Judgement:
        """How well people agree with the model.

        Args:
            xy: (G, K, 2) float64 in pixels.
            seen: (G, K) bool, which keypoints are labelled.
        """
        strange = np.full(seen.shape, np.nan)
        misfit, sizes = np.full(len(xy), np.nan), np.full(len(xy), np.nan)
        for rows, shape, size in self._chunks(xy, seen):
            here = seen[rows]
            inverse = _inverse(self.covariance, here)
            turned = self._turned(shape, here, inverse)[1]
            error = _error(turned, here, self.mean)
            weighted = np.matmul(inverse, error[..., None])[..., 0]
            total = np.maximum((error * weighted).sum(axis=1), 0)
            distance = np.minimum(_own_distances(inverse, weighted, here), total[:, None])
            labelled = here.sum(axis=1)
            freedom = _FREEDOM + 2.0 * labelled - 4
            scaled = distance / (_FREEDOM + total[:, None] - distance)
            strange[rows] = np.where(here, freedom[:, None] / 2 * np.log10(1 + scaled), np.nan)
            misfit[rows] = total / (2.0 * labelled - 2)
            sizes[rows] = size
        return Judgement(strange, misfit, sizes)

    def surprise(self, xy: Floats, seen: Bools, orders: Ints) -> Floats:
        """-2 ln of the likelihood of people whose keypoints are exchanged.

        Args:
            xy: (G, K, 2) float64 in pixels.
            seen: (G, K) bool.
            orders: (N, K) int64: keypoint k becomes what keypoint orders[n, k] was. Pairs of which one
                keypoint alone is labelled stay.

        Returns:
            (G, N) float64, comparable within a person; NaN where a person has too few keypoints.
        """
        surprise = np.full((len(xy), len(orders)), np.nan)
        for rows, shape, _ in self._chunks(xy, seen):
            here = seen[rows]
            inverse = _inverse(self.covariance, here)
            for n, order in enumerate(orders):
                both = here & here[:, order]
                exchanged = np.where(both[..., None], shape[:, order], shape)
                surprise[rows, n] = self._turned(exchanged, here, inverse)[0]
        return surprise

    def _chunks(self, xy: Floats, seen: Bools) -> Iterator[tuple[Ints, Floats, Floats]]:
        """Rows with enough keypoints, their poses without size, and the sizes in pixels."""
        enough = np.flatnonzero(seen.sum(axis=1) >= LEAST_LABELLED)
        for start in range(0, len(enough), _CHUNK):
            rows = enough[start : start + _CHUNK]
            sizes = _sizes(xy[rows], seen[rows], self.distances)
            valid = np.isfinite(sizes) & (sizes > 0)
            rows, sizes = rows[valid], sizes[valid]
            yield rows, _centred(xy[rows] / sizes[:, None, None], seen[rows]), sizes

    def _turned(self, shape: Floats, seen: Bools, inverse: Floats) -> tuple[Floats, Floats]:
        """Each pose in its likeliest turn: (-2 ln likelihood, pose)."""
        least = np.full(len(shape), np.inf)
        best = shape
        freedom = 2.0 * seen.sum(axis=1) - 2
        for share, matrix in zip(self.turn_shares, _turns(), strict=True):
            turned = shape @ matrix.T
            error = _error(turned, seen, self.mean)
            total = (error * np.matmul(inverse, error[..., None])[..., 0]).sum(axis=1)
            surprise = (_FREEDOM + freedom) * np.log1p(np.maximum(total, 0) / _FREEDOM) - 2 * math.log(share)
            better = surprise < least
            least = np.where(better, surprise, least)
            best = np.where(better[:, None, None], turned, best)
        return least, best


def learn(xy: Floats, seen: Bools, flip_index: Ints | None) -> PoseModel | None:
    """The model of these people, or None where there are fewer than `LEAST_PEOPLE` with enough keypoints.

    Args:
        xy: (G, K, 2) float64 in pixels, K at most `MOST_KEYPOINTS`.
        seen: (G, K) bool, which keypoints are labelled.
        flip_index: (K,) int64, what each keypoint becomes in a mirrored picture; None without left and right.
    """
    counts = seen.sum(axis=1)
    known = int((seen.any(axis=0)).sum())
    whole = counts >= max(LEAST_LABELLED, known // 2)
    rows = np.flatnonzero(whole if whole.sum() >= LEAST_PEOPLE else counts >= LEAST_LABELLED)
    rows = rows[:: max(1, -(-len(rows) // SAMPLE))]
    xy, seen = xy[rows], seen[rows]
    distances = _usual_distances(xy, seen)
    sizes = _sizes(xy, seen, distances)
    valid = np.isfinite(sizes) & (sizes > 0)
    xy, seen, sizes = xy[valid], seen[valid], sizes[valid]
    if len(xy) < LEAST_PEOPLE:
        return None
    shape = _centred(xy / sizes[:, None, None], seen)
    shares = np.full(_TURNS, 1e-2)
    shares[0] = 1.0
    turned, agree, model = shape, np.ones(len(shape), np.bool_), None
    for _ in range(_ROUNDS):
        mean, covariance = _moments(turned, seen, agree, model.mean if model else None, flip_index)
        model = PoseModel(mean, covariance, distances, shares / shares.sum(), len(shape))
        turned, worst = np.empty_like(shape), np.empty(len(shape))
        for start in range(0, len(shape), _CHUNK):
            part = slice(start, start + _CHUNK)
            inverse = _inverse(covariance, seen[part])
            turned[part] = model._turned(shape[part], seen[part], inverse)[1]
            error = _error(turned[part], seen[part], mean)
            weighted = np.matmul(inverse, error[..., None])[..., 0]
            worst[part] = _own_distances(inverse, weighted, seen[part]).max(axis=1)
        angles = np.array([np.linalg.norm(turned - shape @ m.T, axis=(1, 2)) for m in _turns()]).argmin(
            axis=0
        )
        shares = np.bincount(angles, minlength=_TURNS) + 1.0
        agree = worst <= np.percentile(worst, 97)
    return model


def _moments(
    turned: Floats, seen: Bools, agree: Bools, mean: Floats | None, flip_index: Ints | None
) -> tuple[Floats, Floats]:
    """Mean and covariance of poses that agree, of which each lacks some keypoints."""
    shape = turned if mean is None else turned - _offset(turned - mean, seen)
    shape, seen = shape[agree], seen[agree]
    if flip_index is not None:
        shape = np.concatenate([shape, (shape * [-1.0, 1.0])[:, flip_index]])
        seen = np.concatenate([seen, seen[:, flip_index]])
    count = len(shape)
    there = np.repeat(seen, 2, axis=1).astype(np.float64)
    flat = shape.reshape(count, -1) * there
    average = flat.sum(axis=0) / np.maximum(there.sum(axis=0), 1)
    flat = (flat - average) * there
    together = there.T @ there
    # A pair that few people have is thought to be independent, and a keypoint that few have to lie anywhere.
    covariance = (flat.T @ flat) / (together + 5)
    covariance[np.diag_indices_from(covariance)] += 5 * 0.25**2 / (together.diagonal() + 5)
    values, vectors = np.linalg.eigh(covariance)
    least = _JITTER * math.sqrt(1 + 400 / count)
    covariance = (vectors * np.maximum(values, least**2)) @ vectors.T
    growth = (average.reshape(-1, 2) - average.reshape(-1, 2).mean(axis=0)).ravel()
    return average.reshape(-1, 2), covariance + _SIZE_DOUBT**2 * np.outer(growth, growth)


def _own_distances(inverse: Floats, weighted: Floats, seen: Bools) -> Floats:
    """(G, K) squared distance of each keypoint from where the others of its person expect it."""
    count, keypoints = seen.shape
    k = np.arange(keypoints)
    blocks = inverse.reshape(count, keypoints, 2, keypoints, 2)[:, k, :, k, :].transpose(1, 0, 2, 3)
    a, b, d = blocks[..., 0, 0], blocks[..., 0, 1], blocks[..., 1, 1]
    x, y = weighted.reshape(count, keypoints, 2).transpose(2, 0, 1)
    own = (d * x * x - 2 * b * x * y + a * y * y) / np.maximum(a * d - b * b, 1e-300)
    return np.where(seen, np.maximum(own, 0), 0.0)


def _inverse(covariance: Floats, seen: Bools) -> Floats:
    """(G, 2K, 2K): the inverse over each person's labelled coordinates, the unit matrix elsewhere."""
    there = np.repeat(seen, 2, axis=1)
    size = covariance.shape[0]
    anywhere = _ANYWHERE * np.tile(np.eye(2), (size // 2, size // 2))
    matrices = np.where(there[:, :, None] & there[:, None, :], covariance + anywhere, 0.0)
    matrices[:, np.arange(size), np.arange(size)] += ~there
    inverse: Floats = np.linalg.inv(matrices)
    return inverse


def _error(shape: Floats, seen: Bools, mean: Floats) -> Floats:
    error = np.where(seen[..., None], shape - mean, 0.0)
    return error.reshape(len(shape), -1)


def _centred(shape: Floats, seen: Bools) -> Floats:
    return shape - _offset(shape, seen)


def _offset(shape: Floats, seen: Bools) -> Floats:
    there = np.where(seen[..., None], shape, 0.0)
    offset: Floats = (there.sum(axis=1) / np.maximum(seen.sum(axis=1), 1)[:, None])[:, None]
    return offset


def _turns() -> list[Any]:
    angles = [2 * math.pi * n / _TURNS for n in range(_TURNS)]
    return [np.array([[math.cos(a), -math.sin(a)], [math.sin(a), math.cos(a)]]) for a in angles]


def _pair_distances(xy: Floats, seen: Bools) -> Floats:
    first, second = np.triu_indices(xy.shape[1], 1)
    difference = xy[:, first] - xy[:, second]
    apart = np.sqrt((difference * difference).sum(axis=2))
    return np.where(seen[:, first] & seen[:, second], apart, np.nan)


def _sizes(xy: Floats, seen: Bools, distances: Floats) -> Floats:
    """(G,) median over pairs of the distance in pixels by the usual one; NaN where no pair is usual."""
    parts = [
        _medians(_pair_distances(xy[s : s + _CHUNK], seen[s : s + _CHUNK]) / distances)
        for s in range(0, len(xy), _CHUNK)
    ]
    return np.concatenate([*parts, np.empty(0)])


def _usual_distances(xy: Floats, seen: Bools) -> Floats:
    """(P,) median distance of each pair in units of the person's size, found together with the sizes."""
    rows = slice(None, None, max(1, len(xy) // 4000))
    apart = _pair_distances(xy[rows], seen[rows])
    with np.errstate(invalid="ignore", divide="ignore"):
        sizes = np.fmax.reduce(apart, axis=1, initial=0.0)
        for _ in range(3):
            relative = np.where(sizes[:, None] > 0, apart / sizes[:, None], np.nan)
            usual = _medians(relative.T)
            usual = np.where((np.isfinite(relative).sum(axis=0) >= 5) & (usual > 0), usual, np.nan)
            sizes = _medians(apart / usual)
    return usual


def _medians(values: Floats) -> Floats:
    """(R,) medians of the rows without NaN; NaN where a row has nothing else."""
    if not values.size:
        return np.full(len(values), np.nan)
    ordered = np.sort(values, axis=1)
    counts = np.isfinite(values).sum(axis=1)
    rows = np.arange(len(values))
    low, high = np.maximum(counts - 1, 0) // 2, np.minimum(counts // 2, values.shape[1] - 1)
    middle: Floats = np.where(counts > 0, (ordered[rows, low] + ordered[rows, high]) / 2, np.nan)
    return middle
