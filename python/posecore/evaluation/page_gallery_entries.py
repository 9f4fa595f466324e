"""Who is in the gallery: the worst matched pairs, the surest detections of nobody, the largest people not found."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from posecore.evaluation.keypoint_errors import similarities, squared_distances
from posecore.evaluation.page_content import Entry, Picture, Point
from posecore.evaluation.page_pictures import crop_around
from posecore.evaluation.protocol import sigmas_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from posecore.evaluation.diagnosis import Diagnosis
    from posecore.evaluation.report import Report


@dataclass
class Worst:
    """Collects the entries of one or two runs over the same truths, and the crops that they share.

    Attributes:
        diagnoses: one or two.
        most: how many entries a run has of its own.
    """

    diagnoses: Sequence[Diagnosis]
    most: int
    _crops: dict[str, list[Point]] = field(default_factory=dict)
    _images: dict[str, int] = field(default_factory=dict)
    _shared: set[int] = field(init=False)
    """Rows of truths that several detections of a run match, as a crowd may."""

    def __post_init__(self) -> None:
        self._shared = set()
        for diagnosis in self.diagnoses:
            rows, counts = np.unique(diagnosis.errors[0].truth_rows, return_counts=True)
            self._shared.update(int(row) for row in rows[counts > 1])

    def entries(self) -> tuple[tuple[tuple[Entry, ...], ...], tuple[Picture, ...], str]:
        """Entries of each run, the pictures that they point to, and a sentence that says how they were chosen."""
        chosen = [self._chosen(run) for run in range(len(self.diagnoses))]
        if len(chosen) == 2:
            chosen = [chosen[0] + self._others(0, chosen), chosen[1] + self._others(1, chosen)]
        pictures, places = self._pictures()
        placed = tuple(
            tuple(replace(entry, picture=places[entry.key]) for entry in entries) for entries in chosen
        )
        return placed, pictures, self._note(chosen[0])

    def _chosen(self, run: int) -> list[Entry]:
        diagnosis = self.diagnoses[run]
        report, errors = diagnosis.report, diagnosis.errors[0]
        wrong = np.flatnonzero((errors.kinds > 1).any(axis=1))
        pairs = wrong[np.lexsort([errors.detection_rows[wrong], errors.oks[wrong]])]
        alarms = np.setdiff1d(diagnosis.false_positives[0][0], errors.detection_rows)
        alarms = alarms[np.lexsort([alarms, -report.detections.scores[alarms]])]
        lost = np.setdiff1d(diagnosis.false_negatives[0][0], errors.truth_rows)
        lost = lost[np.lexsort([lost, -report.areas[lost]])]
        counts = shares(self.most, (len(pairs), len(alarms), len(lost)))
        entries = [self._matched(run, int(row)) for row in pairs[: counts[0]]]
        entries += [self._alarm(run, int(row)) for row in alarms[: counts[1]]]
        entries += [self._lost(report, int(row)) for row in lost[: counts[2]]]
        return [replace(entry, rank=rank) for rank, entry in enumerate(entries)]

    def _others(self, run: int, chosen: Sequence[Sequence[Entry]]) -> list[Entry]:
        """What this run makes of the people that only the other run has among its worst."""
        diagnosis = self.diagnoses[run]
        report, errors = diagnosis.report, diagnosis.errors[0]
        pair_of = {int(row): place for place, row in enumerate(errors.truth_rows)}
        row_of = {int(id_): row for row, id_ in enumerate(report.truths.ids)}
        here = {entry.key for entry in chosen[run]}
        found = []
        for entry in chosen[1 - run]:
            if entry.truth_id is None or entry.key in here:
                continue
            row = row_of[entry.truth_id]
            # Which of several detections would stand beside which of the other run's, nobody can say.
            if row not in self._shared:
                found.append(self._matched(run, pair_of[row]) if row in pair_of else self._lost(report, row))
        return found

    def _matched(self, run: int, place: int) -> Entry:
        diagnosis = self.diagnoses[run]
        report, errors = diagnosis.report, diagnosis.errors[0]
        row, truth = int(errors.detection_rows[place]), int(errors.truth_rows[place])
        truths, detections = report.truths, report.detections
        squares = squared_distances(detections.xy[row], truths.xy[truth])
        similarity = similarities(squares, report.areas[truth], sigmas_of(report.protocol.skeleton))
        labelled = truths.visibility[truth] > 0
        entry = replace(
            self._lost(report, truth, f"-{'ab'[run]}{row}" if truth in self._shared else ""),
            type="matched",
            detection=row,
            predicted_xy=_points(detections.xy[row]),
            keypoint_scores=tuple(_finite(value) for value in detections.keypoint_scores[row]),
            kinds=tuple(int(kind) for kind in errors.kinds[place]),
            similarities=tuple(
                float(value) if seen else None for value, seen in zip(similarity, labelled, strict=True)
            ),
            oks=float(errors.oks[place]),
            score=float(detections.scores[row]),
        )
        self._see(entry.key, int(truths.image_index[truth]), entry.predicted_xy)
        return entry

    def _alarm(self, run: int, row: int) -> Entry:
        detections = self.diagnoses[run].report.detections
        key = f"{'ab'[run]}{row}"
        xy = _points(detections.xy[row])
        self._see(key, int(detections.image_index[row]), xy)
        return Entry(
            key=key,
            picture=0,
            type="false positive",
            truth_id=None,
            detection=row,
            truth_xy=(),
            visibility=(),
            predicted_xy=xy,
            keypoint_scores=tuple(_finite(value) for value in detections.keypoint_scores[row]),
            kinds=(),
            similarities=(),
            oks=None,
            score=float(detections.scores[row]),
            area_px2=float(np.ptp(detections.xy[row], axis=0).prod()),
            rank=None,
        )

    def _lost(self, report: Report, row: int, pair: str = "") -> Entry:
        truths = report.truths
        key = f"t{truths.ids[row]}{pair}"
        labelled = truths.visibility[row] > 0
        self._see(key, int(truths.image_index[row]), _points(truths.xy[row][labelled]))
        return Entry(
            key=key,
            picture=0,
            type="false negative",
            truth_id=int(truths.ids[row]),
            detection=None,
            truth_xy=_points(truths.xy[row]),
            visibility=tuple(int(v) for v in truths.visibility[row]),
            predicted_xy=(),
            keypoint_scores=(),
            kinds=(),
            similarities=(),
            oks=None,
            score=None,
            area_px2=float(report.areas[row]),
            rank=None,
        )

    def _see(self, key: str, image: int, points: Sequence[Point]) -> None:
        """The crop of this key holds these points. (0, 0) is where nothing was found, whatever OKS makes of it."""
        self._images[key] = image
        self._crops.setdefault(key, []).extend(point for point in points if point != (0.0, 0.0))

    def _pictures(self) -> tuple[tuple[Picture, ...], dict[str, int]]:
        images = self.diagnoses[0].report.truths.images
        pictures, places = [], {}
        for place, (key, points) in enumerate(self._crops.items()):
            image = self._images[key]
            width, height = int(images.widths[image]), int(images.heights[image])
            name = images.file_names[image] or f"image {images.ids[image]}"
            pictures.append(Picture(name, width, height, crop_around(points, width, height)))
            places[key] = place
        return tuple(pictures), places

    def _note(self, entries: Sequence[Entry]) -> str:
        worst = [entry for entry in entries if entry.rank is not None]
        pairs, alarms, lost = (
            sum(entry.type == kind for entry in worst)
            for kind in ("matched", "false positive", "false negative")
        )
        of_each = "Of each run: " if len(self.diagnoses) == 2 else ""
        counted = (
            f"{pairs} matched pairs with the lowest OKS, {alarms} false positives with the highest scores, and "
            f"{lost} people that were not found, the largest first"
        )
        if of_each:
            counted = (
                "the matched pairs with the lowest OKS, the false positives with the highest scores, and the largest "
                f"people that were not found, {self.most} in all at most; what the other run makes of the same person "
                "stands beside"
            )
        return f"{of_each}{counted}."


def shares(most: int, there: tuple[int, int, int]) -> tuple[int, int, int]:
    """How many of three kinds are taken: half, a quarter and a quarter; what one does not fill the others get."""
    taken = [
        min(have, part)
        for have, part in zip(there, (most - 2 * (most // 4), most // 4, most // 4), strict=True)
    ]
    for place in range(3):
        taken[place] += min(there[place] - taken[place], most - sum(taken))
    return taken[0], taken[1], taken[2]


def _points(xy: np.ndarray) -> tuple[Point, ...]:
    return tuple((float(x), float(y)) for x, y in xy)


def _finite(value: float) -> float:
    return float(value) if np.isfinite(value) else 0.0
