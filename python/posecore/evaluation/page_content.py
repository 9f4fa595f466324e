"""What the page of a diagnosis shows, as plain data: one run, or two side by side.

Numbers that do not exist (no positives in a range, nothing that reaches a precision) are None.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from posecore.skeletons import Skeleton

Point = tuple[float, float]
EntryType = Literal["matched", "false positive", "false negative"]
Rows = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """Precision over recall at one OKS threshold.

    Attributes:
        threshold: OKS in [0, 1].
        precision: R values in [0, 1] at R recalls that are spread evenly over [0, 1].
        ap: their mean.
        recall: the highest recall that was reached.
    """

    threshold: float
    precision: tuple[float, ...]
    ap: float | None
    recall: float | None


@dataclass(frozen=True, slots=True)
class AreaRange:
    """One range of areas: its ground truth and its curves.

    Attributes:
        label: such as "medium".
        least_px2, most_px2: both ends belong to it.
        truths: how many people count in it.
        curves: T, in ascending order of their thresholds.
    """

    label: str
    least_px2: float
    most_px2: float
    truths: int
    curves: tuple[Curve, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """AP after one correction.

    Attributes:
        name: "baseline", or what was corrected: "miss", "swap", "inversion", "jitter", "score",
            "background_fp", "fn".
        ap: T values, one a threshold.
        recall: T values.
    """

    name: str
    ap: tuple[float | None, ...]
    recall: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Waterfall:
    """What AP would be without each kind of error, in one range of areas.

    Attributes:
        label, least_px2, most_px2: the range.
        thresholds: T.
        progressive: the steps, each on top of those before.
        alone: the same steps, each on top of the baseline only.
    """

    label: str
    least_px2: float
    most_px2: float
    thresholds: tuple[float, ...]
    progressive: tuple[Step, ...]
    alone: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class KeypointKinds:
    """How often one keypoint is good, jitter, inversion, swap, miss among matched people: five counts."""

    keypoint: str
    counts: tuple[int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class SliceBar:
    """One part of the people, with its own numbers.

    Attributes:
        label: such as "1 to 5" or "portrait".
        truths, detections: how many people and predictions are in it.
        ap, ap50, ap75, ar: COCO's numbers of this part alone.
    """

    label: str
    truths: int
    detections: int
    ap: float | None
    ap50: float | None
    ap75: float | None
    ar: float | None


@dataclass(frozen=True, slots=True)
class SliceGroup:
    """One way to cut the people into parts, such as by their size; `note` says how, with units."""

    name: str
    note: str
    bars: tuple[SliceBar, ...]


@dataclass(frozen=True, slots=True)
class PictureRow:
    """How one picture went, at the lowest OKS threshold.

    Attributes:
        name: of the file. Untrusted text.
        truths, missed: how many people count, and how many of them nothing matches.
        wrong: detections that match nobody.
        mean_oks: of the people that were found, in [0, 1]; None where none was.
    """

    name: str
    truths: int
    missed: int
    wrong: int
    mean_oks: float | None


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Detections whose scores are in [least, most].

    Attributes:
        least, most, mean_score: in the scores' own unit.
        precision: share of them that is correct, in [0, 1]; None where the bin is empty.
        detections: how many.
    """

    least: float
    most: float
    mean_score: float | None
    precision: float | None
    detections: int


@dataclass(frozen=True, slots=True)
class ScoreThreshold:
    """The lowest score that gives a wanted precision.

    Attributes:
        wanted: the precision that was asked for.
        score: keep detections with at least this score; None where no score gives that precision.
        precision, recall: what this gives.
        detections: how many are kept.
    """

    wanted: float
    score: float | None
    precision: float | None
    recall: float | None
    detections: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """What scores are worth.

    Attributes:
        oks: a detection is correct where it matches with at least this OKS.
        bins: in ascending order of scores.
        thresholds: in ascending order of the wanted precision.
        in_unit: whether all scores are in [0, 1]; the bins then lie on that axis, and otherwise side by side.
        error: expected calibration error, or None where the scores are not in [0, 1].
        rank_correlation: Spearman's between score and OKS, in [-1, 1], or None.
    """

    oks: float
    bins: tuple[ReliabilityBin, ...]
    thresholds: tuple[ScoreThreshold, ...]
    in_unit: bool
    error: float | None = None
    rank_correlation: float | None = None


@dataclass(frozen=True, slots=True)
class SigmaPoint:
    """AP where all sigmas are multiplied by `scale`."""

    scale: float
    ap: float | None


@dataclass(frozen=True, slots=True, repr=False)
class Picture:
    """One crop of the gallery.

    Attributes:
        name: the file's name. Untrusted text.
        width, height: of the whole picture in pixels, 0 where it is not known.
        crop: x, y, width, height in pixels of the picture.
        jpeg: the crop, at any resolution; None where there is no picture.
    """

    name: str
    width: int
    height: int
    crop: tuple[float, float, float, float]
    jpeg: bytes | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Entry:
    """One person of the gallery: a prediction and its truth, or one of them alone.

    Attributes:
        key: the same for the entries of two runs that are about the same truth; different for all entries of
            one run.
        picture: index into `PageContent.pictures`.
        type: "matched", "false positive" (no truth) or "false negative" (no prediction).
        truth_id: the annotation's id, or None.
        detection: the row in the file of results, counted from 0, or None.
        truth_xy, visibility: K points in pixels of the picture, and 0 where one is not labelled; or empty.
        predicted_xy, keypoint_scores: K points in pixels and their scores; or empty.
        kinds: K codes: 0 not labelled, 1 good, 2 jitter, 3 inversion, 4 swap, 5 miss; or empty.
        similarities: K keypoint similarities in [0, 1], None where a keypoint is not labelled; or empty.
        oks: of the pair, None where there is no pair.
        score: of the prediction, None where there is none.
        area_px2: of the truth, or of the prediction where there is no truth.
        rank: place among the worst of its run, from 0; None where it is here only because the other
            run's entry is.
    """

    key: str
    picture: int
    type: EntryType
    truth_id: int | None
    detection: int | None
    truth_xy: tuple[Point, ...]
    visibility: tuple[int, ...]
    predicted_xy: tuple[Point, ...]
    keypoint_scores: tuple[float, ...]
    kinds: tuple[int, ...]
    similarities: tuple[float | None, ...]
    oks: float | None
    score: float | None
    area_px2: float | None
    rank: int | None

    @property
    def is_false_positive(self) -> bool:
        """Whether there is a prediction without a person."""
        return self.type == "false positive"

    @property
    def is_false_negative(self) -> bool:
        """Whether there is a person without a prediction."""
        return self.type == "false negative"


@dataclass(frozen=True, slots=True, repr=False)
class Run:
    """One file of results and all that is known about it.

    Attributes:
        name: what it is called in the page. Untrusted text.
        card: the protocol, (label, value) a line.
        stats: COCO's numbers in COCO's order, (name, value).
        images, truths, detections: how many there are.
        matched: how many detections have a truth in the diagnosis, at OKS of at least 0.1.
        areas: the evaluation's ranges; the first is the one of AP.
        waterfalls: one a range of the diagnosis.
        keypoints: K, in the skeleton's order.
        slices: any number of groups.
        worst_pictures: those with most mistakes (missed and wrong), worst first.
        calibration: or None.
        sigma_scale: AP over the scale of the sigmas, in ascending order of scales; may be empty.
        entries: the worst ones, worst first.
        at_origin: how many keypoints of the matched detections are exactly at (0, 0), and how many of these are
            misses.
    """

    name: str
    card: Rows
    stats: tuple[tuple[str, float | None], ...]
    images: int
    truths: int
    detections: int
    matched: int
    areas: tuple[AreaRange, ...]
    waterfalls: tuple[Waterfall, ...]
    keypoints: tuple[KeypointKinds, ...]
    slices: tuple[SliceGroup, ...] = ()
    worst_pictures: tuple[PictureRow, ...] = ()
    calibration: Calibration | None = None
    sigma_scale: tuple[SigmaPoint, ...] = ()
    entries: tuple[Entry, ...] = ()
    at_origin: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True, repr=False)
class PageContent:
    """All that the page of a diagnosis shows.

    Attributes:
        title: of the page. Untrusted text.
        skeleton: of all runs.
        runs: one or two, over the same truths.
        pictures: what entries point to.
        gallery_note: how the entries were chosen.
        layout: K points (x right, y down, any unit) for the drawn figure of a skeleton whose keypoints
            have names that are not known; None where they are.
    """

    title: str
    skeleton: Skeleton
    runs: tuple[Run, ...]
    pictures: tuple[Picture, ...] = ()
    gallery_note: str = ""
    layout: tuple[Point, ...] | None = None

    def __post_init__(self) -> None:
        if len(self.runs) not in (1, 2):
            raise ValueError(f"runs: wanted one or two, got {len(self.runs)}")
