"""`ImageResults`: matches as pycocotools' list of dicts, one an image, category and area range; and precision and
recall out of such a list, which distributed evaluators gather from their processes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from posecore import _core
from posecore.compat.selection import Selection
from posecore.evaluation.matching import Accumulated, Matches, pair_oks
from posecore.evaluation.protocol import sigmas_of
from posecore.evaluation.truths import Detections, FloatColumn, IntColumn, Truths

ImageResult = dict[str, Any]
_NOBODY = (0, 0)


class ImageResults:
    """Who was matched to whom, image by image.

    Args:
        selection: the people.
        matches: all of them matched.
        area_ranges: what each dict calls its `aRng`.
    """

    def __init__(self, selection: Selection, matches: Matches, area_ranges: Sequence[Any]) -> None:
        self._selection, self._matches, self._ranges = selection, matches, area_ranges
        images = selection.truths.images.ids
        self._ids = np.append(selection.truths.ids, 0).astype(np.float64)  # the last for row -1, nobody
        self._image_rows = {image: row for row, image in enumerate(images.tolist())}
        self._categories = {category: row for row, category in enumerate(matches.categories.tolist())}
        self._order = matches.order
        self._spans = _spans(self._groups(selection.detections)[matches.order])
        group = self._groups(selection.truths)
        self._truth_order = np.argsort(group, kind="stable")
        self._truth_spans = _spans(group[self._truth_order])

    def listed(
        self, image_ids: Sequence[Any], category_ids: Sequence[Any], most: int
    ) -> list[ImageResult | None]:
        """One dict or None for each category, area range and image, in this order; at most `most` detections each."""
        return [
            self.one(image, category, a, most)
            for category in category_ids
            for a in range(len(self._ranges))
            for image in image_ids
        ]

    def one(self, image_id: Any, category_id: Any, area: int, most: int) -> ImageResult | None:
        """The dict of one image, category and area range (its place); None where nobody is.

        Beside pycocotools' keys there is dtMatched, (T, D) bool: dtMatches holds annotation ids, of which 0 is one
        like any other, and 0 where there was no match.
        """
        rows, truth_rows = self._people(image_id, category_id, most)
        if not len(rows) and not len(truth_rows):
            return None
        m, truths = self._matches, self._selection.truths
        ignored = m.truth_ignored[area, truth_rows].astype(np.int64)
        offered = np.argsort(ignored, kind="stable")
        first = self._first(image_id, category_id)
        truth = m.truth[area, :, first : first + len(rows)]
        matched = truth >= 0
        ids = self._selection.detection_ids[rows]
        found_by = np.zeros((len(m.thresholds), len(truth_rows)))
        at_threshold, at_detection = np.nonzero(matched)
        place = np.argsort(offered)[np.searchsorted(truth_rows, truth[matched])]
        found_by[at_threshold, place] = ids[at_detection]  # of a crowd's detections the last one stays
        return {
            "image_id": image_id,
            "category_id": category_id,
            "aRng": self._ranges[area],
            "maxDet": most,
            "dtIds": ids.tolist(),
            "gtIds": truths.ids[truth_rows[offered]].tolist(),
            "dtMatches": self._ids[truth],
            "gtMatches": found_by,
            "dtScores": self._selection.detections.scores[rows].tolist(),
            "gtIgnore": ignored[offered],
            "dtIgnore": m.ignored[area, :, first : first + len(rows)],
            "dtMatched": matched,
        }

    def oks(self, image_id: Any, category_id: Any, most: int) -> Any:
        """(D, G) float64, detections best first, truths in the order of the file; [] where one of both is nobody."""
        rows, truth_rows = self._people(image_id, category_id, most)
        if not len(rows) or not len(truth_rows):
            return []
        s = self._selection
        return pair_oks(
            s.truths,
            s.detections,
            np.tile(truth_rows, len(rows)),
            np.repeat(rows, len(truth_rows)),
            sigmas=sigmas_of(s.protocol.skeleton),
            areas=s.areas,
        ).reshape(len(rows), len(truth_rows))

    def _groups(self, people: Truths | Detections) -> IntColumn:
        """(N,) the place of each person's category and image."""
        place = np.searchsorted(self._matches.categories, people.category_ids)
        return place * len(self._image_rows) + people.image_index

    def _group(self, image_id: Any, category_id: Any) -> int:
        image, category = self._image_rows.get(image_id), self._categories.get(category_id)
        return -1 if image is None or category is None else category * len(self._image_rows) + image

    def _first(self, image_id: Any, category_id: Any) -> int:
        return self._spans.get(self._group(image_id, category_id), _NOBODY)[0]

    def _people(self, image_id: Any, category_id: Any, most: int) -> tuple[IntColumn, IntColumn]:
        group = self._group(image_id, category_id)
        begin, end = self._spans.get(group, _NOBODY)
        rows = self._order[begin : min(end, begin + most)]
        return rows, self._truth_order[slice(*self._truth_spans.get(group, _NOBODY))]


def accumulate(
    results: Sequence[ImageResult | None], recall_levels: FloatColumn, most: int
) -> Accumulated | None:
    """Precision (T, R), recall (T,) and scores (T, R) of the dicts of one category and area range; None without a
    truth that counts."""
    present = [result for result in results if result is not None]
    positives = sum(int(np.count_nonzero(np.asarray(result["gtIgnore"]) == 0)) for result in present)
    if positives == 0:
        return None
    scores = np.concatenate([np.asarray(result["dtScores"], np.float64)[:most] for result in present])
    matched = np.concatenate([_matched(result)[:, :most] for result in present], axis=1)
    ignored = np.concatenate(
        [np.asarray(result["dtIgnore"], np.bool_)[:, :most] for result in present], axis=1
    )
    ranking = np.argsort(-scores, kind="stable")
    curves = [
        _core.accumulate_matches(
            ranking,
            scores[ranking],
            np.where(hits, 0, -1).astype(np.int32),
            np.ascontiguousarray(neither).view(np.uint8),
            positives,
            recall_levels,
        )
        for hits, neither in zip(matched, ignored, strict=True)
    ]
    precision, reached, recall = zip(*curves, strict=True)
    return Accumulated(np.array(precision), np.array(recall), np.array(reached))


def _matched(result: ImageResult) -> Any:
    own = result.get("dtMatched")
    return np.asarray(result["dtMatches"]) != 0 if own is None else np.asarray(own, np.bool_)


def _spans(groups: IntColumn) -> dict[int, tuple[int, int]]:
    """{group: where it begins and ends} among ascending groups, of those that have people."""
    known, begins = np.unique(groups, return_index=True)
    ends = np.append(begins, len(groups))[1:]
    return dict(zip(known.tolist(), zip(begins.tolist(), ends.tolist(), strict=True), strict=True))
