"""`Verification`: what came out when an exported model was held against the float model that it was made of."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.export.runners import Cost
from posecore.export.verify_heads import HeadReport
from posecore.export.verify_people import Crowd
from posecore.poses import Poses

if TYPE_CHECKING:
    import numpy.typing as npt

    Image = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Example:
    """One of the pictures, for drawing.

    Attributes:
        name: of its file, or its number.
        picture: uint8 (height, width, 3) RGB, as the networks saw it.
        reference, exported: `Poses` in its pixels, all that were decoded.
        shift_px: the mean shift of its sure keypoints; NaN where it has none.
        astray: how many people were lost or invented.
    """

    name: str
    picture: Image
    reference: Poses
    exported: Poses
    shift_px: float
    astray: int


@dataclass(frozen=True)
class Accuracy:
    """COCO's keypoint AP of both models on labelled pictures, 0..1.

    Attributes:
        reference, exported: of the float and of the exported model.
        pictures: on how many.
        low, high: where the difference lies in 95 % of sets of pictures drawn with replacement from these.
    """

    reference: float
    exported: float
    pictures: int
    low: float | None = None
    high: float | None = None

    @property
    def difference(self) -> float:
        """Exported less float."""
        return self.exported - self.reference


@dataclass(frozen=True, eq=False)
class Verification:
    """How an exported model compares with the float model that it was made of.

    Attributes:
        file: the exported file's name.
        input_size: (width, height); all pixels here are of the networks' input.
        pictures: how many were shown.
        crowd: people and keypoints, counted; see `verify_people.pair` for who is whose pair.
        shift_px: median, p95 and max of the shift of sure keypoints (score .3 or more in the float pose, whatever the
            exported one says of them) of matched people; None where there are none.
        own_shift_px: the same of the float model alone, from these pictures to these pictures saved as JPEGs of quality
            90: how steady it is.
        heads: each head by itself.
        reference_cost, exported_cost: what both take.
        max_shift_px: of p95, what was asked for, or what will do; see `verify`.
        max_median_px: of the median likewise.
        ok: whether the exported model may stand in for the float one: median up to `max_median_px` and p95 up to
            `max_shift_px`, no more than a tenth of people lost or invented and of keypoints faded, and no more than a
            twentieth of any head's values at people clipped (on easy pictures the people are found nevertheless). False
            where it could not be judged.
        worst_head: the output of the file that did it, by giving one output after the other the float values, or the
            one that clips most; None where all is well or nothing could be judged.
        verdict: all this in a sentence.
        examples: the picture that came out worst and the one in the middle; empty where there is nobody.
        accuracy: where there were labels.
    """

    file: str
    input_size: tuple[int, int]
    pictures: int
    crowd: Crowd
    shift_px: tuple[float, float, float] | None
    own_shift_px: tuple[float, float, float] | None
    heads: tuple[HeadReport, ...]
    reference_cost: Cost
    exported_cost: Cost
    max_shift_px: float
    max_median_px: float
    ok: bool
    worst_head: str | None
    verdict: str
    examples: tuple[Example, ...] = ()
    accuracy: Accuracy | None = None

    def table(self) -> str:
        """All of it as text of 100 columns at most, the verdict last."""
        from posecore.export.verify_table import as_text

        return as_text(self)

    def with_accuracy(self, accuracy: Accuracy) -> Verification:
        """The same with what labels say."""
        return replace(self, accuracy=accuracy)

    def as_dict(self) -> dict[str, Any]:
        """Everything but the pictures, for JSON: no NaN, None where a number cannot be had."""
        crowd = self.crowd
        return {
            "file": self.file,
            "ok": self.ok,
            "verdict": self.verdict,
            "worst_head": self.worst_head,
            "input_size": list(self.input_size),
            "pictures": self.pictures,
            "max_shift_px": self.max_shift_px,
            "max_median_px": self.max_median_px,
            "shift_px": _named(self.shift_px),
            "own_shift_px": _named(self.own_shift_px),
            "people": {
                "float": crowd.people,
                "exported": crowd.found,
                "matched": crowd.matched,
                "lost": crowd.lost,
                "invented": crowd.invented,
            },
            "keypoints": {"judged": len(crowd.shifts_px), "faded": crowd.faded},
            "heads": [asdict(head) for head in self.heads],
            "float": asdict(self.reference_cost),
            "exported": asdict(self.exported_cost),
            "accuracy": self.accuracy and {**asdict(self.accuracy), "difference": self.accuracy.difference},
            "examples": [
                {
                    "name": example.name,
                    "shift_px": None if np.isnan(example.shift_px) else example.shift_px,
                    "astray": example.astray,
                }
                for example in self.examples
            ],
        }


def _named(quantiles: tuple[float, float, float] | None) -> dict[str, float | None]:
    return dict(zip(("median", "p95", "max"), quantiles or (None,) * 3, strict=True))
