"""AP of an exported model against that of the float model, on the same labelled pictures."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from posecore.ablation_score import Outcomes, draw, interval
from posecore.ablation_truth import People
from posecore.errors import SourceError
from posecore.evaluation.coco import evaluate
from posecore.evaluation.coco_files import read_truths
from posecore.export.letterbox import letterboxed
from posecore.export.runners import answers
from posecore.export.verification import Accuracy
from posecore.labelled_pictures import labelled_paths, read_labelled
from posecore.poses import Poses
from posecore.runtime.geometry import Geometry

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.evaluation.report import Report
    from posecore.evaluation.truths import Truths
    from posecore.export.answers import Reading
    from posecore.export.runners import Runner
    from posecore.skeletons import Skeleton

    Image = npt.NDArray[np.uint8]

SCORE = 0.05
"""Everybody who might be a person counts, as AP ranks them by score; what libcoral's decoder is measured with."""
_AT_ONCE = 16
_DRAWS = 1000
_SEED = 0
# Around a person's box, as top-down networks are measured with boxes of truths (arXiv 1804.06208).
_GROWN = 1.25


def compare_accuracy(
    reference: Runner,
    exported: Runner,
    labels: str | os.PathLike[str],
    pictures: str | os.PathLike[str],
    *,
    advance: Callable[[], None] = lambda: None,
) -> Accuracy:
    """Decode all labelled pictures with both models and score both.

    Pictures are letterboxed into the networks' input and poses taken back into their pixels. A network of one person
    is shown each labelled person, in their box grown by a quarter: the box of the truth, for both models.

    Args:
        reference, exported: runners of both, of the same input size.
        labels: COCO's JSON of people.
        pictures: the folder of its pictures.
        advance: called after each picture.

    Raises:
        SourceError: labels or pictures that cannot be read, or are not there.
        ValueError: labels of other keypoints, or a skeleton without sigmas.
        ModelError, MissingExtra: as the runners do.
    """
    truths = read_truths(os.fspath(labels))
    if not len(truths.images):
        raise SourceError(f"{os.fspath(labels)}: wanted images, got none")
    skeleton = reference.reading.skeleton
    evaluate(truths, {}, skeleton=skeleton)  # what cannot be scored is said before anything runs
    paths = labelled_paths(truths, labels, pictures)
    found: tuple[list[tuple[int, Poses]], ...] = ([], [])
    scoring = [(runner, runner.reading.decoder(SCORE)) for runner in (reference, exported)]
    for start in range(0, len(paths), _AT_ONCE):
        rows = range(start, min(start + _AT_ONCE, len(paths)))
        shown = [
            _views(truths, row, read_labelled(truths, row, paths[row]), reference.reading) for row in rows
        ]
        for (runner, decoder), poses in zip(scoring, found, strict=True):
            said = iter(answers(runner, [view.fitting for views in shown for view in views]))
            for row, views in zip(rows, shown, strict=True):
                image_id = int(truths.images.ids[row])
                there = [view.onto_picture(decoder(next(said))) for view in views]
                poses.append((image_id, _together(there, skeleton)))
        for _ in rows:
            advance()
    reports = [evaluate(truths, poses, skeleton=skeleton) for poses in found]
    first, second = (float(report["AP"]) for report in reports)
    return Accuracy(first, second, len(paths), *_interval(reports, len(paths)))


@dataclass(frozen=True, eq=False)
class _View:
    """A part of a picture as the networks see it.

    Attributes:
        fitting: uint8 (height, width, 3) of the networks' size.
        geometry: from the part to it.
        corner: (x, y) of the part's top-left pixel in the picture.
    """

    fitting: Image
    geometry: Geometry
    corner: tuple[int, int]

    def onto_picture(self, poses: Poses) -> Poses:
        """From input pixels to the picture's."""
        xy = self.geometry.to_image(poses.xy) + np.array(self.corner, np.float32)
        return poses.replace(xy=np.asarray(xy, np.float32))


def _views(truths: Truths, row: int, image: Image, reading: Reading) -> list[_View]:
    if reading.kind == "posenet":
        return [_view(image, (0, 0), reading)]
    height, width = image.shape[:2]
    views = []
    for left, top, wide, high in People.of(truths, row).boxed:
        grow = (_GROWN - 1) / 2
        x0, x1 = (round(float(v)) for v in np.clip([left - grow * wide, left + (1 + grow) * wide], 0, width))
        y0, y1 = (round(float(v)) for v in np.clip([top - grow * high, top + (1 + grow) * high], 0, height))
        if x1 > x0 and y1 > y0:
            views.append(_view(image[y0:y1, x0:x1], (x0, y0), reading))
    return views


def _view(part: Image, corner: tuple[int, int], reading: Reading) -> _View:
    geometry = Geometry.letterbox((part.shape[1], part.shape[0]), reading.input_size)
    return _View(letterboxed(part, reading.input_size, "picture"), geometry, corner)


def _together(parts: list[Poses], skeleton: Skeleton) -> Poses:
    """The people of several views as those of one picture."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return Poses.empty(skeleton)
    fields = ("xy", "scores", "pose_scores")
    return Poses(
        *(np.concatenate([getattr(poses, name) for poses in parts]) for name in fields), skeleton=skeleton
    )


def _interval(reports: list[Report], pictures: int) -> tuple[float | None, float | None]:
    """Where the difference lies in most sets of as many pictures, drawn with replacement, the same for both."""
    sets = draw(pictures, _DRAWS, _SEED)
    before, after = (Outcomes.of(report).ap(sets) for report in reports)
    return interval(after - before) or (None, None)
