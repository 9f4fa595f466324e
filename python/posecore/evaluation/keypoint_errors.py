"""What is wrong with each keypoint of a matched detection, and where it would have to be.

Ronchi and Perona, Benchmarking and Error Diagnosis in Multi-Instance Pose Estimation, ICCV 2017.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from posecore.evaluation.truths import Detections, FloatColumn, IntColumn, Truths
    from posecore.skeletons import Skeleton

    Kinds = npt.NDArray[np.uint8]

KINDS = ("unlabelled", "good", "jitter", "inversion", "swap", "miss")
"""What the numbers in `KeypointErrors.kinds` mean."""
UNLABELLED, GOOD, JITTER, INVERSION, SWAP, MISS = range(6)

MATCH_OKS = 0.1
"""A detection that is nearer to a truth than this has errors in its keypoints; one that is not is background."""
GOOD_SIMILARITY = 0.85
"""Keypoint similarity from which people agree among themselves."""
LEAST_SIMILARITY = 0.5
"""Keypoint similarity under which a keypoint is at no one's."""

_ROWS_AT_ONCE = 1 << 14


@dataclass(frozen=True, slots=True, eq=False)
class KeypointErrors:
    """M detections that are matched with a truth, and what each of their K keypoints is.

    The similarity of a keypoint is exp(-d² / (2 area (2 sigma)²)). It is taken to the same keypoint of the matched
    truth, to the opposite one of the matched truth (the flip pair), and to both of everyone else in the picture, with
    everyone's own area. The greatest decides; where two are equal the matched truth goes first, then the others, then
    the opposite side of the matched truth.

    Attributes:
        detection_rows: (M,) int64, rows of the detections.
        truth_rows: (M,) int64, the row of the truth that each is matched with at OKS 0.1.
        oks: (M,) float64, the OKS of the two.
        kinds: (M, K) uint8: 0 the truth has no label; 1 good, at the matched keypoint with at least .85;
            2 jitter, there with at least .5; 3 inversion, at the opposite keypoint of the same person with at
            least .5; 4 swap, at another person's with at least .5; 5 miss, under .5 everywhere.
        corrected_xy: (M, K, 2) float64 in pixels: where the error would be gone. A good or unlabelled keypoint stays;
            the others are on the truth's row, to the right of it by the distance of similarity .85 (jitter), .5
            (miss), or the greatest similarity that was found (inversion, swap).
    """

    detection_rows: IntColumn
    truth_rows: IntColumn
    oks: FloatColumn
    kinds: Kinds
    corrected_xy: FloatColumn

    def __len__(self) -> int:
        return len(self.detection_rows)

    @property
    def counts(self) -> IntColumn:
        """(K, 6) int64, how many keypoints are of each kind, in the order of `KINDS`."""
        counts: IntColumn = np.stack([(self.kinds == kind).sum(axis=0) for kind in range(len(KINDS))], axis=1)
        return counts.astype(np.int64)

    def correct(self, detections: Detections, kinds: tuple[int, ...]) -> Detections:
        """The detections with the errors of these kinds taken out."""
        wrong = np.isin(self.kinds, kinds)
        xy = detections.xy.copy()
        xy[self.detection_rows] = np.where(wrong[:, :, None], self.corrected_xy, xy[self.detection_rows])
        return dataclasses.replace(detections, xy=xy)


def squared_distances(one: FloatColumn, other: FloatColumn) -> FloatColumn:
    """(..., K) float64 in px² between points (..., K, 2); infinite beyond the largest double."""
    with np.errstate(over="ignore"):  # far is far
        delta = one - other
        squares: FloatColumn = delta[..., 0] ** 2 + delta[..., 1] ** 2
    return squares


def similarities(squares: FloatColumn, areas: FloatColumn, sigmas: Sequence[float]) -> FloatColumn:
    """(..., K) float64 in [0, 1]: exp(-d² / (2 area (2 sigma)²)), the part of a keypoint in OKS.

    Args:
        squares: (..., K) d², see `squared_distances`.
        areas: (...) px² of the truths.
        sigmas: K.
    """
    with np.errstate(over="ignore"):
        exponents = -squares / (np.asarray(sigmas) * 2) ** 2 / (areas[..., np.newaxis] + np.spacing(1)) / 2
        similarity: FloatColumn = np.exp(exponents)
    return similarity


def find_keypoint_errors(
    truths: Truths,
    detections: Detections,
    skeleton: Skeleton,
    pairs: tuple[IntColumn, IntColumn, FloatColumn],
    *,
    areas: FloatColumn,
    true_sigma: bool,
) -> KeypointErrors:
    """What each keypoint of matched pairs is.

    Args:
        truths, detections: G and D people of K keypoints.
        skeleton: of K keypoints, with sigmas. Without flip pairs there are no inversions.
        pairs: detection rows, truth rows and OKS, M of each; the truths have labels.
        areas: (G,) float64 in px², of the similarity.
        true_sigma: corrections use 2 sigma as the similarity does, and so are as far away as they should be;
            otherwise sigma, as coco-analyze has it, where a similarity s becomes s^¼.
    """
    detection_rows, truth_rows, oks = pairs
    parts = []
    # The rows of all people of a picture: bounded, as a crowd squares them.
    people, starts, ends = _companions(truths, truth_rows)
    sizes = np.cumsum(ends - starts)
    begin = 0
    while begin < len(truth_rows):
        done = sizes[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(sizes, done + _ROWS_AT_ONCE)))
        part = slice(begin, end)
        parts.append(
            _Neighbourhood(truths, skeleton, people, starts[part], ends[part], truth_rows[part]).kinds(
                detections.xy[detection_rows[part]], areas
            )
        )
        begin = end
    keypoints = truths.num_keypoints
    kinds = np.concatenate([np.zeros((0, keypoints), np.uint8), *(kind for kind, _ in parts)])
    best = np.concatenate([np.zeros((0, keypoints)), *(similarity for _, similarity in parts)])
    corrected = _correct(
        kinds,
        best,
        detections.xy[detection_rows],
        truths.xy[truth_rows],
        areas[truth_rows],
        np.asarray(skeleton.sigmas) * (2 if true_sigma else 1),
    )
    return KeypointErrors(detection_rows, truth_rows, oks, kinds, corrected)


def _companions(truths: Truths, truth_rows: IntColumn) -> tuple[IntColumn, IntColumn, IntColumn]:
    """Rows of the truths by picture and category, and the stretch of them that each truth's picture has."""
    keys = np.stack([truths.category_ids, truths.image_index])
    people = np.lexsort(keys).astype(np.int64)
    ordered = keys[:, people]
    new = np.ones(len(people), bool)
    new[1:] = (ordered[:, 1:] != ordered[:, :-1]).any(axis=0)
    bounds = np.append(np.flatnonzero(new), len(people))
    group = np.empty(len(people), np.int64)
    group[people] = np.cumsum(new) - 1
    return people, bounds[group[truth_rows]], bounds[group[truth_rows] + 1]


class _Neighbourhood:
    """N rows (pair, person): everyone in the picture of each pair."""

    def __init__(
        self,
        truths: Truths,
        skeleton: Skeleton,
        people: IntColumn,
        starts: IntColumn,
        ends: IntColumn,
        truth_rows: IntColumn,
    ) -> None:
        counts = ends - starts
        self.offsets = np.cumsum(counts) - counts
        self.pair = np.repeat(np.arange(len(counts)), counts)
        self.person = people[np.arange(counts.sum()) + np.repeat(starts - self.offsets, counts)]
        self.is_matched = self.person == truth_rows[self.pair]
        self.truths = truths
        self.flip = np.asarray(skeleton.flip_index)
        self.sigmas = skeleton.sigmas or ()
        self.labelled = truths.visibility[truth_rows] > 0

    def kinds(self, xy: FloatColumn, areas: FloatColumn) -> tuple[Kinds, FloatColumn]:
        """(P, K) kinds of the pairs' keypoints and (P, K) the greatest similarity of each."""
        straight = self._similarity(xy, areas, None)
        mirrored = self._similarity(xy, areas, self.flip)
        own, opposite = straight[self.is_matched], mirrored[self.is_matched]
        others, others_mirrored = self._best_other(straight), self._best_other(mirrored)
        best = np.maximum(np.maximum(own, opposite), np.maximum(others, others_mirrored))
        kinds = np.full(best.shape, SWAP, np.uint8)
        kinds[(opposite == best) & (others < best)] = INVERSION
        kinds[own == best] = JITTER
        kinds[(own == best) & (best >= GOOD_SIMILARITY)] = GOOD
        kinds[best < LEAST_SIMILARITY] = MISS
        kinds[~self.labelled] = UNLABELLED
        return kinds, best

    def _similarity(self, xy: FloatColumn, areas: FloatColumn, flip: IntColumn | None) -> FloatColumn:
        """(N, K): of the pair's keypoints to the person's, -1 where the person has no label."""
        truth_xy, visibility = self.truths.xy[self.person], self.truths.visibility[self.person]
        if flip is not None:
            truth_xy, visibility = truth_xy[:, flip], visibility[:, flip]
        squares = squared_distances(truth_xy, xy[self.pair])
        similarity = similarities(squares, areas[self.person], self.sigmas)
        similarity[visibility == 0] = -1
        return similarity

    def _best_other(self, similarity: FloatColumn) -> FloatColumn:
        """(P, K): the greatest over everyone but the matched truth, -1 where there is no one."""
        best: FloatColumn = np.maximum.reduceat(
            np.where(self.is_matched[:, None], -1.0, similarity), self.offsets
        )
        return best


def _correct(
    kinds: Kinds,
    best: FloatColumn,
    xy: FloatColumn,
    truth_xy: FloatColumn,
    areas: FloatColumn,
    sigmas: FloatColumn,
) -> FloatColumn:
    wanted = np.select([kinds == JITTER, kinds == MISS], [GOOD_SIMILARITY, LEAST_SIMILARITY], best)
    wrong = kinds >= JITTER
    areas = np.maximum(areas, 0)  # a box may have a negative side
    with np.errstate(over="ignore"):
        right_px = np.sqrt(-2 * np.log(np.where(wrong, wanted, 1.0)) * areas[:, None] * sigmas**2)
    corrected = truth_xy.copy()
    corrected[:, :, 0] += right_px
    result: FloatColumn = np.where(wrong[:, :, None], corrected, xy)
    return result
