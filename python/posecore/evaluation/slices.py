"""Averages of parts of a set: by size, labels, crowding and shape of the people, and picture by picture.

In a slice the truths outside of it are ignored as COCO ignores those outside of an area range: they need not be found,
and a detection that matches one of them is not counted. A detection that matches no one is wrong in a slice if its own
size or shape lies in it. The number of labels and the crowding are not known of a detection: there, one that matches
no one is wrong in every slice that has a truth in its picture. So one such detection can be wrong in two slices, and
their APs are for comparing with each other rather than with the AP of the set.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from posecore.arguments import choice, listed
from posecore.evaluation.averages import averages
from posecore.evaluation.boxes import crowding, truth_boxes
from posecore.evaluation.json_numbers import json_number
from posecore.evaluation.matching import Matches, pair_oks
from posecore.evaluation.protocol import sigmas_of
from posecore.evaluation.rematching import rematch
from posecore.evaluation.report import Report

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from posecore.evaluation.truths import FloatColumn, IntColumn

    Mask = npt.NDArray[np.bool_]

PROPERTIES = ("area", "size", "keypoints", "crowding", "aspect")
"""What a set can be sliced by, see `slices`."""

_SIDES_PX = (16, 32, 64, 128, 256, 512)
_OVERLAPS = (0.1, 0.3, 0.5)
_LABELS_A_SLICE = 5


@dataclass(frozen=True, slots=True)
class Slice:
    """The averages of some of the truths.

    Attributes:
        name: one of `PROPERTIES`.
        label: which of them, such as "64 to 128 px".
        truths: how many count.
        detections: how many are right or wrong at the lowest threshold.
        ap, ap50, ap75, ar: see `Averages`; -1 where no truth is in the slice.
    """

    name: str
    label: str
    truths: int
    detections: int
    ap: float
    ap50: float
    ap75: float
    ar: float

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data; a number that was not evaluated is None."""
        return {k: json_number(v) if isinstance(v, float) else v for k, v in asdict(self).items()}


class _Part(NamedTuple):
    label: str
    truths: Mask
    detections: Mask  # those that are wrong here where they match no one


def slices(report: Report, *, by: str | Sequence[str] = PROPERTIES) -> tuple[Slice, ...]:
    """The averages of parts of a report's truths.

    Args:
        by: a property or several. "area": the protocol's ranges. "size": the square root of the area, doubling, each
            from its first number to below its second. "keypoints": how many are labelled (v > 0), by fives.
            "crowding": the greatest IoU of the person's box with another's of the picture. "aspect": whether the box
            is higher than wide. A person's box is the file's, or that of the labelled keypoints; a detection's size
            and shape are those of the box around all its keypoints.

    Raises:
        TypeError, ValueError: not a report, or a property of another name.
    """
    if not isinstance(report, Report):
        raise TypeError(f"report: wanted a Report, got {type(report).__name__}")
    names = (by,) if isinstance(by, str) else listed(by, "by", f"wanted some of {', '.join(PROPERTIES)}")
    for name in names:
        choice(name, "by", PROPERTIES)
    found: list[Slice] = []
    for name in names:
        if name == "area":
            found += [
                _slice(report, name, area.label, report.matches, a)
                for a, area in enumerate(report.matches.ranges)
            ]
            continue
        for part in _PARTS[name](report):
            matches = rematch(
                report,
                ranges=report.protocol.area_ranges[:1],
                truth_ignored=~part.truths,
                detection_ignored=~part.detections,
            )
            found.append(_slice(report, name, part.label, matches, 0))
    return tuple(found)


def _slice(report: Report, name: str, label: str, matches: Matches, area: int) -> Slice:
    values = averages(matches, report.detections.scores, area)
    return Slice(
        name,
        label,
        int(np.count_nonzero(~matches.truth_ignored[area])),
        int(np.count_nonzero(~matches.ignored[area, 0])),
        values.ap,
        values.ap50,
        values.ap75,
        values.ar,
    )


def _beside(report: Report, wanted: Mask) -> Mask:
    """(D,) the detections in pictures that have one of these truths which counts."""
    images = np.zeros(len(report.truths.images), bool)
    images[report.truths.image_index[wanted & ~report.matches.truth_ignored[0]]] = True
    return images[report.detections.image_index]


def _by_size(report: Report) -> Iterator[_Part]:
    # A box whose sides are negative has no size.
    truths, detections = np.sqrt(np.maximum(report.areas, 0)), np.sqrt(report.detections.extents)
    for least, most in zip((0, *_SIDES_PX), (*_SIDES_PX, np.inf), strict=True):
        label = (
            f"under {most} px"
            if least == 0
            else f"{least} px and more"
            if most == np.inf
            else f"{least} to {most} px"
        )
        yield _Part(label, (truths >= least) & (truths < most), (detections >= least) & (detections < most))


def _by_keypoints(report: Report) -> Iterator[_Part]:
    labelled, keypoints = report.truths.num_labelled, report.truths.num_keypoints
    for least in range(1, keypoints + 1, _LABELS_A_SLICE):
        most = min(least + _LABELS_A_SLICE - 1, keypoints)
        wanted = (labelled >= least) & (labelled <= most)
        yield _Part(f"{least} to {most}" if least < most else str(least), wanted, _beside(report, wanted))


def _by_crowding(report: Report) -> Iterator[_Part]:
    overlap = crowding(report.truths)
    yield _Part("touches no one", overlap == 0, _beside(report, overlap == 0))
    for least, most in zip((0, *_OVERLAPS), (*_OVERLAPS, np.inf), strict=True):
        label = (
            f"IoU under {most:g}"
            if least == 0
            else f"IoU {least:g} and more"
            if most == np.inf
            else f"IoU {least:g} to {most:g}"
        )
        wanted = (overlap > 0) & (overlap >= least) & (overlap < most)
        yield _Part(label, wanted, _beside(report, wanted))


def _by_aspect(report: Report) -> Iterator[_Part]:
    boxes, xy = truth_boxes(report.truths), report.detections.xy
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    with np.errstate(over="ignore"):  # far is far
        high = xy[:, :, 1].max(axis=1, initial=-np.inf) - xy[:, :, 1].min(axis=1, initial=np.inf)
        wide = xy[:, :, 0].max(axis=1, initial=-np.inf) - xy[:, :, 0].min(axis=1, initial=np.inf)
    yield _Part("portrait", height > width, high > wide)
    yield _Part("landscape", height <= width, high <= wide)


_PARTS = {"size": _by_size, "keypoints": _by_keypoints, "crowding": _by_crowding, "aspect": _by_aspect}


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """P pictures in which a truth counts or a detection is wrong, the worst first.

    They are in the order of `mean_oks`, lowest first, then of `wrong`, most first, then of the images' ids.

    Attributes:
        rows: (P,) int64, rows of the truths' images.
        truths: (P,) int64, how many count.
        missed: (P,) int64, how many of these no detection matches.
        wrong: (P,) int64, detections that match no one.
        mean_oks: (P,) float64 in [0, 1], of the truths that count with the detection that matches each, 0 for those
            that are missed; 0 where only wrong detections are.
    """

    rows: IntColumn
    truths: IntColumn
    missed: IntColumn
    wrong: IntColumn
    mean_oks: FloatColumn

    def __len__(self) -> int:
        return len(self.rows)


def rank_pictures(report: Report) -> Pictures:
    """The pictures of a report from the worst to the best, at its lowest threshold of OKS.

    Raises:
        TypeError: not a report.
    """
    if not isinstance(report, Report):
        raise TypeError(f"report: wanted a Report, got {type(report).__name__}")
    matches, truths, count = report.matches, report.truths, len(report.truths.images)
    people = np.flatnonzero(~matches.truth_ignored[0])
    by = matches.detection_of_truth[0, 0, people].astype(np.int64)
    oks = np.zeros(len(people))
    oks[by >= 0] = pair_oks(
        truths,
        report.detections,
        people[by >= 0],
        by[by >= 0],
        sigmas=sigmas_of(report.protocol.skeleton),
        areas=report.areas,
    )
    wrong_rows = matches.order[(matches.truth[0, 0] < 0) & ~matches.ignored[0, 0]]
    images = truths.image_index[people]
    total = np.bincount(images, minlength=count)
    missed = np.bincount(images[by < 0], minlength=count)
    wrong = np.bincount(report.detections.image_index[wrong_rows], minlength=count)
    mean = np.bincount(images, weights=oks, minlength=count) / np.maximum(total, 1)
    rows = np.flatnonzero((total > 0) | (wrong > 0))
    rows = rows[np.lexsort([rows, -wrong[rows], mean[rows]])]
    return Pictures(rows, total[rows], missed[rows], wrong[rows], mean[rows])
