"""The scores that detections should have had: how near each is to a truth, and less for the second on the same person.

Ronchi and Perona, ICCV 2017, section 3.3; the suppression is Bodla et al., Soft-NMS, ICCV 2017, with OKS for overlap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from posecore.evaluation.matching import pair_oks

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from posecore.evaluation.truths import Detections, FloatColumn, IntColumn, Truths

SUPPRESSION = 0.5
"""Another detection's score is multiplied by exp(-oks² / SUPPRESSION)."""

_CELLS_AT_ONCE = 1 << 19


def nearest_oks(
    truths: Truths,
    detections: Detections,
    counted: npt.NDArray[np.bool_],
    rows: IntColumn,
    *,
    sigmas: Sequence[float],
    areas: FloatColumn,
) -> FloatColumn:
    """(D,) float64 in [0, 1]: the OKS of detections with the nearest truth that counts, 0 where there is none.

    Args:
        truths, detections: G and D people.
        counted: (G,) bool, the truths that are not ignored.
        rows: the detections that are asked for; the others get 0.
        sigmas: (K,) and areas: (G,) in px², of the OKS.
    """
    nearest = np.zeros(len(detections))
    people = np.flatnonzero(counted)
    keys = np.stack(
        [
            np.concatenate([truths.category_ids[people], detections.category_ids[rows]]),
            np.concatenate([truths.image_index[people], detections.image_index[rows]]),
        ]
    )
    pictures, picture = np.unique(keys, axis=1, return_inverse=True)
    of_people, of_rows = np.split(picture.reshape(-1), [len(people)])
    people = people[np.argsort(of_people, kind="stable")]
    counts = np.bincount(of_people, minlength=pictures.shape[1])
    firsts = np.cumsum(counts) - counts
    met = np.flatnonzero(counts[of_rows])
    ends = np.cumsum(counts[of_rows[met]])
    begin = 0
    while begin < len(met):
        done = ends[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(ends, done + _CELLS_AT_ONCE, side="right")))
        some = met[begin:end]
        each = counts[of_rows[some]]
        starts = np.cumsum(each) - each
        within = np.arange(each.sum()) - np.repeat(starts, each)
        truth_rows = people[np.repeat(firsts[of_rows[some]], each) + within]
        detection_rows = np.repeat(rows[some], each)
        oks = pair_oks(truths, detections, truth_rows, detection_rows, sigmas=sigmas, areas=areas)
        nearest[rows[some]] = np.maximum(0.0, np.maximum.reduceat(oks, starts))
        begin = end
    return nearest


def suppress(detections: Detections, scores: FloatColumn, *, sigmas: Sequence[float]) -> FloatColumn:
    """(D,) float64: the scores, less where a better detection of the picture is the same person.

    The best detection of a picture keeps its score and lowers all others by exp(-oks² / .5), then the best of these,
    and so on. The OKS of two detections is over all K keypoints, with the mean of the areas of the boxes
    around their keypoints.

    Args:
        detections: D people of K keypoints.
        scores: (D,) float64, none negative.
        sigmas: (K,) of the OKS.
    """
    result: FloatColumn = scores.copy()
    # What scores 0 neither lowers others nor is lowered.
    alive = np.flatnonzero(scores > 0)
    order = alive[np.lexsort([detections.image_index[alive], detections.category_ids[alive]])]
    categories, images = detections.category_ids[order], detections.image_index[order]
    new = np.ones(len(order), bool)
    new[1:] = (categories[1:] != categories[:-1]) | (images[1:] != images[:-1])
    starts = np.flatnonzero(new)
    areas = detections.extents
    sizes = np.diff(np.append(starts, len(order)))
    for size in np.unique(sizes[sizes > 1]).tolist():
        groups = starts[sizes == size]
        at_once = max(1, _CELLS_AT_ONCE // (size * size))
        for begin in range(0, len(groups), at_once):
            rows = order[groups[begin : begin + at_once, None] + np.arange(size)]
            # Beyond 1e154 px squares overflow; such people are no one else.
            with np.errstate(over="ignore", invalid="ignore"):
                if size * size > _CELLS_AT_ONCE:
                    result[rows[0]] = _suppress_many(
                        result[rows[0]], detections.xy[rows[0]], areas[rows[0]], sigmas
                    )
                else:
                    factors = _factors(detections.xy[rows], areas[rows], sigmas)
                    result[rows] = _suppress(result[rows], factors)
    return result


def _factors(xy: FloatColumn, areas: FloatColumn, sigmas: Sequence[float]) -> FloatColumn:
    """(N, n, n) what each of n detections (N, n, K, 2) of areas (N, n) does to the score of each other."""
    pictures, size, _, _ = xy.shape
    one, other = np.triu_indices(size, 1)
    factors = np.ones((pictures, size, size))
    factors[:, one, other] = _pair_factors(xy, areas, one, other, sigmas)
    factors[:, other, one] = factors[:, one, other]
    return factors


def _pair_factors(
    xy: FloatColumn, areas: FloatColumn, one: IntColumn, other: IntColumn, sigmas: Sequence[float]
) -> FloatColumn:
    """(N, P) factors of P pairs of places of the n detections (N, n, K, 2) of areas (N, n)."""
    scale = 1 / (2 * (0.5 * (areas[:, one] + areas[:, other]) + np.spacing(1)))
    total: FloatColumn = np.zeros(scale.shape)
    for keypoint, sigma in enumerate(sigmas):
        x, y = xy[:, :, keypoint, 0], xy[:, :, keypoint, 1]
        squares = (x[:, one] - x[:, other]) ** 2
        squares += (y[:, one] - y[:, other]) ** 2
        squares *= scale
        squares *= -1 / (2 * sigma) ** 2
        total += np.exp(squares, out=squares)
    total = np.nan_to_num(total / xy.shape[2])
    factors: FloatColumn = np.exp(-(total**2) / SUPPRESSION)
    return factors


def _suppress(scores: FloatColumn, factors: FloatColumn) -> FloatColumn:
    """(N, n) scores after each picture's detections, best first, have lowered the rest."""
    pictures = np.arange(len(scores))
    waiting = np.ones(scores.shape, bool)
    for _ in range(scores.shape[1] - 1):
        best = np.where(waiting, scores, -1.0).argmax(axis=1)
        waiting[pictures, best] = False
        scores = np.where(waiting, scores * factors[pictures, best], scores)
    return scores


def _suppress_many(
    scores: FloatColumn, xy: FloatColumn, areas: FloatColumn, sigmas: Sequence[float]
) -> FloatColumn:
    """(n,) the same of one picture of n detections (n, K, 2), each against those that wait: memory is n, not n²."""
    scores = scores.copy()
    waiting = np.arange(len(scores))
    while len(waiting) > 1:
        place = int(scores[waiting].argmax())
        best, waiting = waiting[place : place + 1], np.delete(waiting, place)
        scores[waiting] *= _pair_factors(
            xy[np.newaxis], areas[np.newaxis], np.repeat(best, len(waiting)), waiting, sigmas
        )[0]
    return scores
