"""`Ablation`: AP of the pipeline with each part taken out, added, or replaced by the truth, on labelled pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.ablation_scene import Networks, Scene
from posecore.ablation_score import Outcomes, draw, interval
from posecore.ablation_truth import People
from posecore.ablation_variants import Decoders, Variant, full, variants
from posecore.errors import PosecoreError, SourceError
from posecore.evaluation.coco import evaluate
from posecore.evaluation.json_numbers import json_number
from posecore.evaluation.protocol import sigmas_of
from posecore.evaluation.rescoring import nearest_oks, suppress

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.evaluation.report import Report
    from posecore.evaluation.truths import FloatColumn, Truths
    from posecore.poses import Poses

    Image = npt.NDArray[np.uint8]

STATS = ("AP", "AP50", "AP75", "AR")
_SEED = 5


@dataclass(frozen=True, slots=True)
class Row:
    """One variant's numbers.

    Attributes:
        name, group, says: see `Variant`; group is "" for the full pipeline.
        stats: AP, AP50, AP75 and AR in [0, 1]; -1 where nobody has to be found.
        poses: how many people it found in all pictures.
        difference: AP less that of the full pipeline, whose own is 0.
        low, high: the interval of that difference, or for the full pipeline of its AP, over pictures drawn again;
            None where none were drawn.
    """

    name: str
    group: str
    says: str
    stats: tuple[float, ...]
    poses: int
    difference: float
    low: float | None
    high: float | None

    @property
    def is_clear(self) -> bool:
        """Whether 0 lies outside of the interval."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        about = {"name": self.name, "group": self.group, "says": self.says}
        numbers = dict(zip(STATS, map(json_number, self.stats), strict=True))
        change = {"difference": self.difference, "low": self.low, "high": self.high}
        return about | numbers | {"poses": self.poses} | change


@dataclass(frozen=True, slots=True)
class Ablation:
    """What the experiment found.

    Attributes:
        rows: the full pipeline, then each variant.
        pictures, people: how many pictures there were, and people who had to be found.
        draws: how many sets of pictures the intervals are of.
        card: what the numbers depend on, as labels and texts.
    """

    rows: tuple[Row, ...]
    pictures: int
    people: int
    draws: int
    card: tuple[tuple[str, str], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        about = {"pictures": self.pictures, "people": self.people, "draws": self.draws}
        return about | {"card": dict(self.card), "rows": [row.as_dict() for row in self.rows]}


class Experiment:
    """Picture after picture the poses of every variant, then their numbers. Of a picture only its poses are kept.

    Args:
        truths: who is annotated in which picture.
        networks: the network.
        options: of the decoder of the full pipeline, as `Decoder` takes them, without the stride.

    Raises:
        TypeError, ValueError: keypoints that no protocol knows or the network does not have; truths of several
            categories; options that are none.
    """

    def __init__(self, truths: Truths, networks: Networks, options: dict[str, Any]) -> None:
        self._truths, self._networks = truths, networks
        skeleton = networks.skeleton
        if truths.num_keypoints != skeleton.num_keypoints:
            raise ValueError(
                f"skeleton: wanted the truth's {truths.num_keypoints} keypoints, got {skeleton.name} with "
                f"{skeleton.num_keypoints}"
            )
        if len(truths.category_names) != 1:
            raise ValueError(f"truths: wanted one category of people, got {len(truths.category_names)}")
        evaluate(truths, {})
        decoders = Decoders(skeleton, options)
        self.variants: tuple[Variant, ...] = (full(decoders), *variants(networks, decoders))
        self._found: list[list[tuple[int, Poses]]] = [[] for _ in self.variants]

    def add(self, row: int, image: Image) -> None:
        """Decode a picture in every way.

        Args:
            row: of the truths' images.
            image: uint8 (H, W, 3), RGB.

        Raises:
            SourceError: its labels cannot be made into heads.
            ModelError: the network gives other heads than PoseNet's.
        """
        scene = Scene(self._networks, image, People.of(self._truths, row))
        image_id = int(self._truths.images.ids[row])
        for variant, found in zip(self.variants, self._found, strict=True):
            try:
                found.append((image_id, variant.decode(scene)))
            except PosecoreError:
                raise
            except ValueError as error:
                name = self._truths.images.file_names[row] or f"image {image_id}"
                raise SourceError(f"{name}: {variant.name}: {error}") from None

    def score(self, draws: int, advance: Callable[[], None] = lambda: None) -> Ablation:
        """The numbers of all variants.

        Args:
            draws: sets of pictures that are drawn for the intervals; 0 for none.
            advance: called after each variant.
        """
        sets = draw(len(self._truths.images), draws, _SEED)
        rows: list[Row] = []
        people, base = 0, np.zeros(0)
        for variant, found in zip(self.variants, self._found, strict=True):
            report = self._report(variant, found)
            outcomes = Outcomes.of(report)
            drawn = outcomes.ap(sets)
            if not rows:
                people, base = int(outcomes.positives.sum()), drawn
            rows.append(_row(variant, report, rows[0] if rows else None, drawn, base))
            advance()
        return Ablation(tuple(rows), len(self._truths.images), people, draws)

    def _report(self, variant: Variant, found: list[tuple[int, Poses]]) -> Report:
        report = evaluate(self._truths, found)
        if not variant.best_scores:
            return report
        sigmas = sigmas_of(report.protocol.skeleton)
        detections = report.detections
        nearest = nearest_oks(
            report.truths,
            detections,
            ~report.matches.truth_ignored[0],
            np.arange(len(detections)),
            sigmas=sigmas,
            areas=report.areas,
        )
        scores = suppress(detections, nearest, sigmas=sigmas)
        return evaluate(self._truths, replace(detections, scores=scores))


def _row(variant: Variant, report: Report, base: Row | None, drawn: FloatColumn, first: FloatColumn) -> Row:
    stats = tuple(report[name] for name in STATS)
    low, high = interval(drawn if base is None else drawn - first) or (None, None)
    difference = 0.0 if base is None else stats[0] - base.stats[0]
    return Row(
        variant.name, variant.group, variant.says, stats, len(report.detections), difference, low, high
    )
