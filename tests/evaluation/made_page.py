"""Content for pages: two runs over a few people, with every section there is."""

from __future__ import annotations

from dataclasses import replace

from made_people import STANDING

from posecore import COCO17, Skeleton
from posecore.evaluation.page_content import (
    AreaRange,
    Calibration,
    Curve,
    Entry,
    KeypointKinds,
    PageContent,
    Picture,
    PictureRow,
    ReliabilityBin,
    Run,
    ScoreThreshold,
    SigmaPoint,
    SliceBar,
    SliceGroup,
    Step,
    Waterfall,
)

THRESHOLDS = tuple(round(0.5 + 0.05 * k, 2) for k in range(10))
STATS = (
    ("AP", 0.4567), ("AP50", 0.8123), ("AP75", 0.5), ("APM", None), ("APL", 0.1),
    ("AR", 0.6), ("AR50", 0.9), ("AR75", 0.7), ("ARM", None), ("ARL", 0.2),
)  # fmt: skip
STEPS = ("baseline", "miss", "swap", "inversion", "jitter", "score", "background_fp", "fn")
HOSTILE = (
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "<!--<script>",
    "]]>&lt;b&gt;\u2028\u2029",
    "a\u202egpj.exe\x00\ud800",
)


def curve(threshold: float, end: float) -> Curve:
    """Precision that falls from 1 to a half at the recall `end`, and is 0 beyond."""
    precision = tuple(1 - 0.5 * r / 100 / end if r / 100 <= end else 0.0 for r in range(101))
    return Curve(threshold, precision, sum(precision) / 101, end)


def area(label: str, least: float, most: float, truths: int) -> AreaRange:
    """A range whose curves end earlier the stricter they are."""
    return AreaRange(
        label, least, most, truths, tuple(curve(t, 0.9 - 0.08 * k) for k, t in enumerate(THRESHOLDS))
    )


def waterfall(label: str, least: float, most: float, base: float) -> Waterfall:
    """Steps that gain a tenth each, one after the other; alone each gains a twentieth."""

    def step(name: str, ap: float) -> Step:
        return Step(name, tuple(round(min(1.0, ap + 0.01 * (5 - k)), 4) for k in range(10)), (0.5,) * 10)

    together = tuple(step(name, base + 0.1 * k) for k, name in enumerate(STEPS))
    alone = tuple(step(name, base + 0.05 * (k > 0)) for k, name in enumerate(STEPS))
    return Waterfall(label, least, most, THRESHOLDS, together, alone)


def entry(number: int, run: int = 0, type: str = "matched", **changed: object) -> Entry:
    """A person of 17 keypoints; the number decides its OKS, score, area and which keypoint is wrong."""
    xy = tuple((100.0 + x, 100.0 + y) for x, y in STANDING)
    kinds = [1] * 17
    kinds[number % 17] = 2 + number % 4
    made = Entry(
        key=f"t{number}",
        picture=0,
        type="matched",
        truth_id=number,
        detection=number,
        truth_xy=xy,
        visibility=(2,) * 17,
        predicted_xy=tuple((x + 3 * run, y + number % 5) for x, y in xy),
        keypoint_scores=(0.5,) * 17,
        kinds=tuple(kinds),
        similarities=(0.9,) * 17,
        oks=0.1 + 0.01 * number,
        score=float(100 - (7 * number) % 50),
        area_px2=500.0 * (number + 1),
        rank=number,
    )
    if type == "false positive":
        made = replace(made, key=f"d{number}", type=type, truth_id=None, truth_xy=(), visibility=(), kinds=())
        made = replace(made, similarities=(), oks=None)
    if type == "false negative":
        made = replace(made, type=type, detection=None, predicted_xy=(), keypoint_scores=(), kinds=())
        made = replace(made, similarities=(), oks=None, score=None)
    return replace(made, **changed)  # type: ignore[arg-type]


def run(name: str, index: int = 0, entries: int = 12, skeleton: Skeleton = COCO17) -> Run:
    """A run with all sections; the second one is a little worse."""
    bars = tuple(
        SliceBar(label, truths, truths + 3, ap - 0.01 * index, ap + 0.2, ap, ap + 0.1)
        for label, truths, ap in (("small", 40, 0.1), ("large", 1234, 0.5))
    )
    bins = tuple(
        ReliabilityBin(
            0.1 * k, 0.1 * k + 0.1, None if k == 3 else 0.1 * k + 0.05, None if k == 3 else k / 10, 17 * k
        )
        for k in range(10)
    )
    wanted = (ScoreThreshold(0.5, 0.25, 0.51, 0.8, 321), ScoreThreshold(0.99, None, None, None, 0))
    types = ("matched", "matched", "matched", "false positive", "false negative", "matched")
    return Run(
        name=name,
        card=(("protocol", "coco"), ("results", name), ("sigmas", "0.026 0.025")),
        stats=tuple((stat, None if v is None else v - 0.0123 * index) for stat, v in STATS),
        images=5000,
        truths=11767,
        detections=98765,
        matched=4321,
        areas=(area("all", 0, 1e10, 300), area("medium", 1024, 9216, 100), area("large", 9216, 1e10, 200)),
        waterfalls=(waterfall("all", 1024, 1e10, 0.2), waterfall("medium", 1024, 9216, 0.1)),
        keypoints=tuple(
            KeypointKinds(keypoint, (40 + k, 30, k % 5, 2, 10) if k else (0, 0, 0, 0, 0))
            for k, keypoint in enumerate(skeleton.keypoints)
        ),
        slices=(
            SliceGroup("Size", "by area in px²", bars),
            SliceGroup(
                "Crowding",
                "by overlap",
                tuple(
                    replace(bar, label=f"IoU {k} and more") for bar, k in zip(bars, (0.25, 0.5), strict=True)
                ),
            ),
            SliceGroup("Aspect", "by the box", tuple(replace(bar, label="landscape") for bar in bars[1:])),
        ),
        worst_pictures=(PictureRow("000000000007.jpg", 5, 4, 3, 0.05), PictureRow(name, 1, 1, 0, 0.0)),
        calibration=Calibration(0.5, bins, wanted, True, 0.123, 0.456),
        sigma_scale=tuple(SigmaPoint(s, 0.3 * s - 0.01 * index) for s in (0.5, 0.75, 1.0, 1.5, 2.0)),
        entries=tuple(entry(k, index, types[k % len(types)]) for k in range(entries)),
    )


def content(runs: int = 1, *, name: str = "model", **changed: object) -> PageContent:
    """A page of one or two runs."""
    made = PageContent(
        title="Keypoint evaluation of val.json",
        skeleton=COCO17,
        runs=tuple(run(f"{name} {'ab'[k]}.json", k) for k in range(runs)),
        pictures=(Picture("000000000001.jpg", 640, 480, (80.0, 80.0, 140.0, 240.0)),),
        gallery_note="The worst ones.",
    )
    return replace(made, **changed)  # type: ignore[arg-type]
