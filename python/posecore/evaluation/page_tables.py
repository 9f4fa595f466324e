"""Head of the page, protocol card and the tables of AP."""

from __future__ import annotations

from posecore.evaluation.markup import KINDS, Markup, count, fixed, percent, plain, signed, table, tag, tight
from posecore.evaluation.page_content import AreaRange, PageContent, Run
from posecore.evaluation.page_parts import (
    STEP_LABELS,
    compared,
    compared_head,
    counts_line,
    letter,
    mean,
    range_text,
    run_names,
    section,
)

_MUCH_AT_ORIGIN = 0.01
"""Share of predicted keypoints at (0, 0) that is worth a sentence."""

_IN_WORDS = {"background_fp": "background FP (detections of nobody)", "fn": "FN (people that were not found)"}

_STAT_MEANINGS = {
    "AP": "mean over OKS thresholds .50 to .95",
    "AP50": "at OKS .50",
    "AP75": "at OKS .75",
    "APS": "small people",
    "APM": "medium people",
    "APL": "large people",
    "AR": "recall, mean over OKS thresholds .50 to .95",
    "AR50": "recall at OKS .50",
    "AR75": "recall at OKS .75",
    "ARS": "recall, small people",
    "ARM": "recall, medium people",
    "ARL": "recall, large people",
    "AP_easy": "pictures with crowdIndex below .2",
    "AP_medium": "pictures with crowdIndex from .2 to .8",
    "AP_hard": "pictures with crowdIndex from .8",
}


def head(content: PageContent) -> Markup:
    """Title, what was evaluated, and the few numbers that say most."""
    tiles = [_tiles(run) for run in content.runs]
    if len(content.runs) == 1:
        named = tag("p", tag("bdi", plain(content.runs[0].name)), class_="subject")
    else:
        named = tag(
            "p",
            [
                (tag("b", letter(i), class_="letter"), " ", tag("bdi", plain(run.name)), " ")
                for i, run in enumerate(content.runs)
            ],
            class_="subject",
        )
    blocks = [
        tag("div", _letter_of(content, index), tile, tag("p", _findings(run), class_="lead"))
        for index, (run, tile) in enumerate(zip(content.runs, tiles, strict=True))
    ]
    return tag("header", tag("h1", plain(content.title)), named, blocks)


def _letter_of(content: PageContent, index: int) -> Markup | None:
    return tag("b", letter(index), class_="letter") if len(content.runs) == 2 else None


def _tiles(run: Run) -> Markup:
    stats = dict(run.stats)
    good = sum(row.counts[0] for row in run.keypoints)
    labelled = sum(sum(row.counts) for row in run.keypoints)
    tiles: list[tuple[str, str]] = [
        (name, fixed(stats[name])) for name in ("AP", "AP50", "AP75", "AR") if name in stats
    ]
    tiles.append(("good keypoints", percent(good, labelled)))
    tiles.append(("matched / detections", f"{count(run.matched)} / {count(run.detections)}"))
    parts = [tag("div", tag("dt", name), tag("dd", value)) for name, value in tiles]
    return tag("dl", parts, class_="tiles")


def _findings(run: Run) -> str:
    """What stands out, as sentences."""
    said = [f"{counts_line(run)}."]
    labelled = sum(sum(row.counts) for row in run.keypoints)
    errors = [
        (sum(row.counts[index] for row in run.keypoints), kind.name)
        for index, kind in enumerate(KINDS)
        if index
    ]
    if labelled and max(errors)[0]:
        number, name = max(errors)
        said.append(
            f"The most frequent keypoint error is {name}: {count(number)} of {count(labelled)} "
            f"({percent(number, labelled)}) labelled keypoints of matched people."
        )
    predicted = run.matched * len(run.keypoints)
    lost, misses = run.at_origin
    if lost > _MUCH_AT_ORIGIN * predicted:
        said.append(
            f"{count(lost)} of the {count(predicted)} predicted keypoints of matched people "
            f"({percent(lost, predicted)}) are exactly at (0, 0), where a file puts what was not found; "
            f"{count(misses)} of the {count(sum(row.counts[-1] for row in run.keypoints))} misses are these."
        )
    if run.waterfalls and run.waterfalls[0].alone:
        steps = run.waterfalls[0].alone
        base = mean(steps[0].ap)
        gains = [
            (value - base, _IN_WORDS.get(step.name, STEP_LABELS[step.name][0]))
            for step in steps[1:]
            if base is not None and (value := mean(step.ap)) is not None
        ]
        best = sorted(gains, key=lambda gain: -gain[0])[:3]
        if best:
            listed = ", ".join(f"{name} {signed(gain)}" for gain, name in best)
            said.append(f"Corrected alone, these gain most AP: {listed}.")
    return " ".join(said)


def card(content: PageContent) -> Markup:
    """The protocol card: what the numbers depend on."""
    lead = "Two numbers can be compared where these lines agree."
    if len(content.runs) == 1:
        rows = content.runs[0].card
        listed = [
            tag("div", tag("dt", plain(label)), tag("dd", tag("bdi", plain(value, 400))))
            for label, value in rows
        ]
        return section("protocol", "Protocol", lead, tag("dl", listed, class_="card"))
    first, second = (dict(run.card) for run in content.runs)
    listed = []
    for label in list(dict.fromkeys([*first, *second])):
        a, b = first.get(label), second.get(label)
        if a == b:
            values = [tag("dd", tag("bdi", plain(a, 400)))]
        else:
            values = [
                tag("dd", tag("b", letter(i), class_="letter"), " ", tag("bdi", plain(value or "none", 400)))
                for i, value in enumerate((a, b))
            ]
        listed.append(tag("div", tag("dt", plain(label)), values, class_=None if a == b else "differs"))
    return section("protocol", "Protocol", lead, tag("dl", listed, class_="card"))


def ap_tables(content: PageContent) -> Markup:
    """The numbers in COCO's order, and the same by range of areas."""
    lead = (
        "COCO keypoint evaluation. AP is the mean of the precision at 101 recalls, AR the highest recall; both "
        "from 0 to 1. A dash stands where a range has no people."
    )
    names = [name for name, _ in content.runs[0].stats]
    by_name = [dict(run.stats) for run in content.runs]
    rows = [
        (
            tag("span", name, " ", tag("small", _STAT_MEANINGS.get(name, ""))),
            *compared([stats.get(name) for stats in by_name]),
        )
        for name in names
    ]
    main = table(("number", *compared_head(content)), rows, caption="The numbers, in COCO's order")
    return section("numbers", "Average precision", lead, tag("div", main, _areas(content), class_="pair"))


def _areas(content: PageContent) -> Markup:
    two = len(content.runs) == 2
    rows = []
    for index, area in enumerate(content.runs[0].areas):
        for run_index, run in enumerate(content.runs):
            text = range_text(area.label, area.least_px2, area.most_px2)
            label = tag("span", area.label, " ", tag("small", text.partition(" ")[2]))
            rows.append(
                (
                    label if run_index == 0 else tag("span", area.label, class_="again"),
                    *((run_names(content)[run_index],) if two else ()),
                    count(run.areas[index].truths),
                    *_six(run.areas[index]),
                )
            )
    head = ("area", *(("run",) if two else ()), "people", "AP", "AP50", "AP75", "AR", "AR50", "AR75")
    return table(head, rows, caption="By area of the person", class_="numbers areas")


def _six(area: AreaRange) -> list[str]:
    cells = []
    for pick in ("ap", "recall"):
        values = [getattr(curve, pick) for curve in area.curves]
        cells.append(tight(mean(values)))
        for wanted in (0.5, 0.75):
            at = [
                value
                for curve, value in zip(area.curves, values, strict=True)
                if abs(curve.threshold - wanted) < 1e-6
            ]
            cells.append(tight(at[0] if at else None))
    return cells
