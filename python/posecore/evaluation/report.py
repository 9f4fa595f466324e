"""`Report`: the numbers of one evaluation, what they were counted from, and the tables that explain them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.evaluation.json_numbers import json_number
from posecore.evaluation.keypoint_errors import GOOD_SIMILARITY, similarities, squared_distances
from posecore.evaluation.matching import Accumulated, Matches, pair_oks
from posecore.evaluation.protocol import RECALL_LEVELS, SAME_THRESHOLD, Protocol, sigmas_of
from posecore.evaluation.truths import Detections, FloatColumn, IntColumn, Origin, Truths
from posecore.evaluation.whole_file import write_json

if TYPE_CHECKING:
    from posecore.evaluation.calibration import Calibration
    from posecore.evaluation.diagnosis import Diagnosis
    from posecore.evaluation.slices import Slice


@dataclass(frozen=True, slots=True, eq=False)
class PerImage:
    """One row a picture, at one threshold of OKS, all sizes.

    Attributes:
        ids: (I,) int64.
        truths: (I,) int64, people that have to be found.
        found: (I,) int64, how many were.
        wrong: (I,) int64, detections that match nobody.
        mean_oks: (I,) float64, of the detections that found somebody, NaN where none did.
    """

    ids: IntColumn
    truths: IntColumn
    found: IntColumn
    wrong: IntColumn
    mean_oks: FloatColumn


@dataclass(frozen=True, slots=True, eq=False)
class PerKeypoint:
    """One row a keypoint, over the people that were found at one threshold of OKS, all sizes.

    Attributes:
        names: K names.
        labelled: (K,) int64, labelled keypoints of people that have to be found, found or not.
        compared: (K,) int64, those of people that were found.
        similarity: (K,) float64, mean keypoint similarity of what was compared, NaN where nothing was.
        distance: (K,) float64, mean distance over the square root of the person's area; infinite where one is beyond
            all numbers.
        good: (K,) float64, share with a similarity of .85 and more.
    """

    names: tuple[str, ...]
    labelled: IntColumn
    compared: IntColumn
    similarity: FloatColumn
    distance: FloatColumn
    good: FloatColumn


@dataclass(frozen=True, eq=False)
class Report:
    """What `evaluate` gives.

    Attributes:
        truths, detections: the people that were compared.
        protocol: how.
        areas: (G,) float64 in px², the truths' areas as the protocol takes them.
        matches: who was matched to whom.
        stats: the numbers of `stat_names`, in pycocotools' order; -1 where there was nothing to find.
        stat_names: such as ("AP", "AP50", "AP75", "APM", "APL", "AR", "AR50", "AR75", "ARM", "ARL").
        precision, recall, scores: (T, R, C, A, 1), (T, C, A, 1) and (T, R, C, A, 1) float64, pycocotools' arrays.
        notes: sentences about what was mended or left out.
    """

    truths: Truths
    detections: Detections
    protocol: Protocol
    areas: FloatColumn
    matches: Matches
    stats: FloatColumn
    stat_names: tuple[str, ...]
    accumulated: Accumulated
    notes: tuple[str, ...] = ()

    @property
    def precision(self) -> FloatColumn:
        """(T, R, C, A, 1) float64, as `COCOeval.eval["precision"]`."""
        return self.accumulated.precision[..., np.newaxis]

    @property
    def recall(self) -> FloatColumn:
        """(T, C, A, 1) float64, as `COCOeval.eval["recall"]`."""
        return self.accumulated.recall[..., np.newaxis]

    @property
    def scores(self) -> FloatColumn:
        """(T, R, C, A, 1) float64, as `COCOeval.eval["scores"]`."""
        return self.accumulated.scores[..., np.newaxis]

    @property
    def recall_levels(self) -> FloatColumn:
        """(R,) float64: 0, .01, ... 1."""
        return RECALL_LEVELS

    def __getitem__(self, stat: str) -> float:
        """The number of this name, such as report["AP50"]."""
        if stat not in self.stat_names:
            raise KeyError(f"stat: wanted one of {', '.join(self.stat_names)}, got {stat!r}")
        return float(self.stats[self.stat_names.index(stat)])

    def card(self) -> tuple[tuple[str, str], ...]:
        """The protocol card: everything that one must know to compare these numbers with others."""
        p, truths, detections = self.protocol, self.truths, self.detections
        sigmas = " ".join(f"{sigma:g}" for sigma in sigmas_of(p.skeleton))
        counted = int((~self.matches.truth_ignored[0]).sum())
        looked_at = len(self.matches.order)
        area = "the annotation's area" if p.area == "annotation" else f"{p.box_area_factor:g} x box"
        unlabelled = "no labelled keypoint (v > 0)" if p.labelled == "counted" else "num_keypoints 0"
        sizes = ", ".join(f"{r.label} [{r.least_px2:g}, {r.most_px2:g}]" for r in p.area_ranges)
        rows = [
            ("protocol", p.name),
            ("skeleton", f"{p.skeleton.name}, {p.skeleton.num_keypoints} keypoints"),
            ("sigmas", sigmas),
            ("OKS thresholds", _spelled(p.thresholds)),
            ("area in OKS", area),
            ("area ranges, px²", sizes),
            ("detections per image", f"the best {p.max_detections}"),
            ("ignored truths", f"crowds, {unlabelled}, area outside of the range"),
            ("crowd rule", "a crowd takes any number of detections; none of them counts"),
            ("images", f"{len(truths.images):,}, of which {self._images_with_results():,} have results"),
            ("truths", f"{len(truths):,}, of which {counted:,} count"),
            ("detections", f"{len(detections):,}, of which {looked_at:,} are among the best of their image"),
            ("truth", _file(truths)),
            ("results", _file(detections)),
        ]
        if p.skip_unscored:
            rows.insert(7, ("results left out", "those whose keypoint scores are all 0"))
        rows.extend(("note", note) for note in self.notes)
        return tuple(rows)

    def table(self) -> str:
        """The numbers, one a line."""
        return "\n".join(
            f"{name:<10} {value: .4f}" for name, value in zip(self.stat_names, self.stats, strict=True)
        )

    def __str__(self) -> str:
        width = max(len(label) for label, _ in self.card())
        card = "\n".join(f"{label:<{width}}  {value}" for label, value in self.card())
        return f"{card}\n\n{self.table()}"

    def __repr__(self) -> str:
        return f"Report({self.protocol.name}, {self.stat_names[0]} {self.stats[0]:.4f})"

    def per_image(self, threshold: float = 0.5) -> PerImage:
        """Truths, hits and false alarms of each picture at one of the protocol's thresholds."""
        t = self._threshold(threshold)
        m, images = self.matches, len(self.truths.images)
        wanted = ~m.truth_ignored[0]
        where = self.detections.image_index[m.order]
        hit = (m.truth[0, t] >= 0) & ~m.ignored[0, t]
        miss = (m.truth[0, t] < 0) & ~m.ignored[0, t]
        found = np.bincount(where[hit], minlength=images)
        total = np.bincount(where[hit], weights=self._oks(m.truth[0, t], hit), minlength=images)
        with np.errstate(invalid="ignore"):
            mean = total / found
        return PerImage(
            self.truths.images.ids,
            np.bincount(self.truths.image_index[wanted], minlength=images),
            found,
            np.bincount(where[miss], minlength=images),
            mean,
        )

    def per_keypoint(self, threshold: float = 0.5) -> PerKeypoint:
        """How exactly each keypoint is placed on the people that were found."""
        t = self._threshold(threshold)
        m = self.matches
        hit = (m.truth[0, t] >= 0) & ~m.ignored[0, t]
        truth_rows, rows = m.truth[0, t][hit], m.order[hit]
        labelled = self.truths.visibility[truth_rows] > 0
        squared = squared_distances(self.detections.xy[rows], self.truths.xy[truth_rows])
        area = self.areas[truth_rows]
        similarity = similarities(squared, area, self._sigmas)
        area = np.maximum(area, 0)[:, np.newaxis] + np.spacing(1)
        compared = labelled.sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            return PerKeypoint(
                self.protocol.skeleton.keypoints,
                (self.truths.visibility[~m.truth_ignored[0]] > 0).sum(axis=0),
                compared,
                np.where(labelled, similarity, 0).sum(axis=0) / compared,
                np.where(labelled, np.sqrt(squared / area), 0).sum(axis=0) / compared,
                (labelled & (similarity >= GOOD_SIMILARITY)).sum(axis=0) / compared,
            )

    def diagnose(self, **options: Any) -> Diagnosis:
        """Why the AP is what it is: see `posecore.evaluation.diagnosis.diagnose`."""
        from posecore.evaluation.diagnosis import diagnose

        return diagnose(self, **options)

    def slices(self, **options: Any) -> tuple[Slice, ...]:
        """AP and AR of parts of the people: see `posecore.evaluation.slices.slices`."""
        from posecore.evaluation.slices import slices

        return slices(self, **options)

    def calibrate(self, **options: Any) -> Calibration:
        """What scores are worth: see `posecore.evaluation.calibration.calibrate`."""
        from posecore.evaluation.calibration import calibrate

        return calibrate(self, **options)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON: numbers, card, curves, tables; what is NaN or infinite is None."""
        keypoints, images = self.per_keypoint(), self.per_image()
        return {
            "stats": {n: float(v) for n, v in zip(self.stat_names, self.stats, strict=True)},
            "protocol": self._protocol_dict(),
            "counts": {
                "images": len(self.truths.images),
                "images_with_results": self._images_with_results(),
                "truths": len(self.truths),
                "truths_that_count": int((~self.matches.truth_ignored[0]).sum()),
                "detections": len(self.detections),
                "detections_looked_at": len(self.matches.order),
            },
            "truth": _origin_dict(self.truths.origin),
            "results": _origin_dict(self.detections.origin),
            "notes": list(self.notes),
            "thresholds": list(self.protocol.thresholds),
            "area_ranges": [r.label for r in self.protocol.area_ranges],
            "recall_levels": RECALL_LEVELS.tolist(),
            "categories": self.matches.categories.tolist(),
            "precision": self.accumulated.precision.tolist(),
            "recall": self.accumulated.recall.tolist(),
            "scores": self.accumulated.scores.tolist(),
            "keypoints": _rows(
                name=keypoints.names,
                labelled=keypoints.labelled,
                compared=keypoints.compared,
                similarity=keypoints.similarity,
                distance=keypoints.distance,
                good=keypoints.good,
            ),
            "images": _rows(
                id=images.ids,
                file=self.truths.images.file_names,
                truths=images.truths,
                found=images.found,
                missed=images.truths - images.found,
                wrong=images.wrong,
                mean_oks=images.mean_oks,
            ),
        }

    def _images_with_results(self) -> int:
        return len(np.unique(self.detections.image_index))

    def _protocol_dict(self) -> dict[str, Any]:
        p = self.protocol
        return {
            "name": p.name,
            "skeleton": p.skeleton.name,
            "keypoints": list(p.skeleton.keypoints),
            "sigmas": list(sigmas_of(p.skeleton)),
            "area": p.area,
            "box_area_factor": p.box_area_factor if p.area == "box" else None,
            "area_ranges": [r._asdict() for r in p.area_ranges],
            "max_detections": p.max_detections,
            "labelled": p.labelled,
            "skip_unscored": p.skip_unscored,
        }

    def save_json(self, path: str | os.PathLike[str]) -> None:
        """Write `as_dict()`; the file gets its name when it is complete."""
        write_json(path, self.as_dict())

    def _threshold(self, threshold: float) -> int:
        wanted = f"threshold: wanted one of {_spelled(self.protocol.thresholds)}, got {threshold!r}"
        if isinstance(threshold, bool) or not isinstance(threshold, (int, float, np.integer, np.floating)):
            raise TypeError(wanted)
        # linspace's ninth threshold is the double below .9.
        near = np.flatnonzero(np.abs(np.array(self.protocol.thresholds) - float(threshold)) <= SAME_THRESHOLD)
        if not near.size:
            raise ValueError(wanted)
        return int(near[0])

    def _oks(self, truth: Any, hit: Any) -> FloatColumn:
        return pair_oks(
            self.truths,
            self.detections,
            truth[hit],
            self.matches.order[hit],
            sigmas=self._sigmas,
            areas=self.areas,
        )

    @cached_property
    def _sigmas(self) -> tuple[float, ...]:
        return sigmas_of(self.protocol.skeleton)


def _spelled(numbers: Sequence[float]) -> str:
    return ", ".join(f"{round(number, 6):g}" for number in numbers)


def _file(people: Truths | Detections) -> str:
    origin = people.origin
    digest = f", SHA-256 {origin.sha256}" if origin.sha256 else ""
    return f"{origin.name}{digest}"


def _origin_dict(origin: Origin) -> dict[str, Any]:
    return {"name": origin.name, "sha256": origin.sha256, "size_bytes": origin.size_bytes}


def _rows(**columns: Any) -> list[dict[str, Any]]:
    return [
        {
            name: cell if isinstance(cell, str) else json_number(cell)
            for name, cell in zip(columns, row, strict=True)
        }
        for row in zip(*columns.values(), strict=True)
    ]
