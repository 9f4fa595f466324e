"""Keypoint errors on the drawn figure and in a table, what each error costs, and slices."""

from __future__ import annotations

from collections.abc import Sequence

from posecore.evaluation.markup import (
    KINDS,
    Markup,
    coordinate,
    count,
    difference,
    fixed,
    join,
    percent,
    plain,
    signed,
    table,
    tag,
    tight,
)
from posecore.evaluation.page_content import KeypointKinds, PageContent, SliceGroup, Waterfall
from posecore.evaluation.page_figure import figure
from posecore.evaluation.page_parts import (
    STEP_LABELS,
    choices,
    letter,
    mean,
    range_text,
    run_colour,
    run_heading,
    run_names,
    section,
    selection,
    side_by_side,
)


def legend() -> Markup:
    """The five kinds: colour, pattern, shape in pictures, and what each means."""
    items = [
        tag(
            "li",
            tag("i", class_=f"patch {kind.name}", aria_hidden="true"),
            shape(kind.name),
            tag("b", kind.name),
            " ",
            tag("span", kind.meaning),
        )
        for kind in KINDS
    ]
    return tag("ul", items, class_="legend")


_SHAPES = {
    "good": "M0 -4.5A4.5 4.5 0 1 1 0 4.5A4.5 4.5 0 1 1 0 -4.5Z",
    "jitter": "M0 -5.6L5.6 0L0 5.6L-5.6 0Z",
    "inversion": "M0 -5.5L5.5 4.5L-5.5 4.5Z",
    "swap": "M-4.4 -4.4H4.4V4.4H-4.4Z",
    "miss": "M-5 -3L-3 -5L0 -2L3 -5L5 -3L2 0L5 3L3 5L0 2L-3 5L-5 3L-2 0Z",
}
SHAPES = tuple(_SHAPES[kind.name] for kind in KINDS)
"""SVG paths about (0, 0) within 6 units, one a kind: circle, diamond, triangle, square, cross."""


def shape(kind: str) -> Markup:
    """The shape of one kind, as it is drawn in the gallery."""
    path = tag("path", d=_SHAPES[kind], style=f"fill:var(--{kind})")
    return tag("svg", path, viewBox="-7 -7 14 14", class_="shape", aria_hidden="true")


def keypoints(content: PageContent) -> Markup:
    """The figure with its rings, and the counts behind it."""
    lead = (
        "Keypoints that are labelled, of people that a detection matches with OKS of at least 0.1. Each ring starts at "
        "the top and runs clockwise through the kinds in the order below; the number in it is the share that is not "
        "good, in percent."
    )
    blocks = [
        tag(
            "div",
            tag("figure", figure(content.skeleton, run.keypoints, content.layout)),
            _kind_table(run.keypoints),
            class_="figure-and-table" if len(content.runs) == 1 else "figure-over-table",
        )
        for run in content.runs
    ]
    parts = [legend(), side_by_side(content, blocks)]
    if len(content.runs) == 2:
        parts.append(_changes(content))
    return section("keypoints", "Errors of each keypoint", lead, parts)


def _kind_table(rows: Sequence[KeypointKinds]) -> Markup:
    cells = [_kind_row(row.keypoint.replace("_", " "), row.counts) for row in rows]
    sums = [sum(row.counts[index] for row in rows) for index in range(len(KINDS))]
    cells.append(_kind_row("all keypoints", sums))
    head = ("keypoint", "", "labelled", *(kind.name for kind in KINDS))
    return table(head, cells, class_="numbers kinds")


def _kind_row(name: str, counts: Sequence[int]) -> tuple[Markup | str, ...]:
    total = sum(counts)
    shares = [(kind, number) for kind, number in zip(KINDS, counts, strict=True) if number]
    bar = tag(
        "div",
        [
            tag("i", class_=f"patch {kind.name}", style=f"width:{coordinate(100 * number / total)}%")
            for kind, number in shares
        ],
        class_="stack",
        aria_hidden="true",
    )
    numbers = [tag("span", count(number), " ", tag("small", percent(number, total, 0))) for number in counts]
    return (name, bar, count(total), *numbers)


def _changes(content: PageContent) -> Markup:
    """Shares of two runs, and what changed, in percentage points."""
    rows = []
    pairs = list(zip(content.runs[0].keypoints, content.runs[1].keypoints, strict=True))
    for a, b in pairs:
        rows.append((a.keypoint.replace("_", " "), *_points(a.counts, b.counts)))
    every = [[sum(row[i].counts[k] for row in pairs) for k in range(len(KINDS))] for i in (0, 1)]
    rows.append(("all keypoints", *_points(*every)))
    caption = "B − A in percentage points of the labelled keypoints of matched people"
    return table(("keypoint", *(kind.name for kind in KINDS)), rows, caption=caption, class_="numbers narrow")


def _points(a: Sequence[int], b: Sequence[int]) -> list[str]:
    shares = [[100 * number / sum(counts) if sum(counts) else None for number in counts] for counts in (a, b)]
    return [signed(difference(x, y), 1) for x, y in zip(*shares, strict=True)]


def waterfall(content: PageContent) -> Markup | None:
    """AP gained by each correction. The bars are drawn by page.js, the tables hold all numbers."""
    falls = content.runs[0].waterfalls
    if not falls:
        return None
    thresholds = [("mean", "mean of all")] + [
        (str(index), f"{value:.2f}") for index, value in enumerate(falls[0].thresholds)
    ]
    controls = tag(
        "div",
        choices("Area", "fall-area", [fall.label for fall in falls]),
        choices("Corrections", "fall-mode", ("one after the other", "each alone")),
        selection("OKS threshold", "fall-threshold", thresholds),
        class_="controls",
    )
    charts = [
        tag(
            "figure",
            run_heading(content, index),
            tag("div", class_="fall", data_run=index, role="img", aria_label="AP after each correction"),
            class_="fall-figure",
        )
        for index in range(len(content.runs))
    ]
    caption = tag("p", "", class_="caption", id="fall-caption", aria_live="polite")
    tables = [_fall_tables(content, index) for index in range(len(content.runs))]
    lead = (
        "What AP would be if errors of one kind were corrected: first keypoints (miss, swap, inversion, jitter), then "
        "the order of scores, then detections without a person, then people without a detection. Each time everything "
        "is matched anew, so a gain depends on what was corrected before it."
    )
    charts_row = tag("div", charts, class_="runs two" if len(charts) > 1 else "runs")
    return section("gains", "What each error costs", lead, controls, caption, charts_row, tables)


def waterfall_data(content: PageContent) -> list[object]:
    """For page.js: a run each, a range each: label, mode to step to AP per threshold."""

    def steps(fall: Waterfall, mode: str) -> list[object]:
        return [{"name": step.name, "ap": list(step.ap)} for step in getattr(fall, mode)]

    return [
        [
            {
                "label": range_text(fall.label, fall.least_px2, fall.most_px2),
                "modes": [steps(fall, "progressive"), steps(fall, "alone")],
            }
            for fall in run.waterfalls
        ]
        for run in content.runs
    ]


def _fall_tables(content: PageContent, index: int) -> Markup:
    tables = []
    for fall in content.runs[index].waterfalls:
        for mode, said in (("progressive", "one after the other"), ("alone", "each alone")):
            steps = getattr(fall, mode)
            if not steps:
                continue
            rows: list[tuple[object, ...]] = [
                (f"{threshold:.2f}", *(tight(step.ap[k]) for step in steps))
                for k, threshold in enumerate(fall.thresholds)
            ]
            rows.append(("mean", *(tight(mean(step.ap)) for step in steps)))
            text = f"AP, {range_text(fall.label, fall.least_px2, fall.most_px2)}, {said}"
            labels = [STEP_LABELS[step.name][0] for step in steps]
            tables.append(table(("OKS", *labels), rows, caption=text, class_="numbers tight"))
    name = join((" of ", run_names(content)[index])) if len(content.runs) == 2 else ""
    return tag("details", tag("summary", "All numbers", name), tag("div", tables, class_="pair"))


def slices(content: PageContent) -> Markup | None:
    """AP of parts of the people."""
    groups = content.runs[0].slices
    if not groups:
        return None
    others = [{group.name: group for group in run.slices} for run in content.runs]
    blocks = [
        tag("div", tag("h3", group.name), tag("p", group.note, class_="note"), _slice_table(content, same))
        for group in groups
        if (same := [known[group.name] for known in others if group.name in known])
    ]
    lead = (
        "AP of parts of the people, to be compared with each other: the others are ignored, and a detection without a "
        "person can count in more than one part. Small counts make AP jump: look at the number of people first."
    )
    return section("slices", "Where it works", lead, tag("div", blocks, class_="pair"), _pictures(content))


def _pictures(content: PageContent) -> Markup | None:
    if not any(run.worst_pictures for run in content.runs):
        return None
    tables = [
        table(
            ("picture", "people", "missed", "wrong", "mean OKS"),
            [
                (
                    tag("bdi", plain(row.name, 60)),
                    count(row.truths),
                    count(row.missed),
                    count(row.wrong),
                    fixed(row.mean_oks),
                )
                for row in run.worst_pictures
            ],
            caption="The worst pictures",
            class_="numbers pictures",
        )
        for run in content.runs
    ]
    note = (
        "Most mistakes first, as eval --per-image orders them: people missed and wrong detections together. People are "
        "those that count; missed are those that nothing matches at the lowest threshold, wrong the detections of "
        "nobody. The mean OKS is that of the people that were found."
    )
    return tag("div", side_by_side(content, tables), tag("p", note, class_="note"))


def _slice_table(content: PageContent, groups: Sequence[SliceGroup]) -> Markup:
    two = len(groups) == 2
    rows = []
    for first in groups[0].bars:
        for run_index, group in enumerate(groups):
            bar = next((b for b in group.bars if b.label == first.label), None)
            if bar is None:
                continue
            width = 100 * max(0.0, bar.ap or 0.0)
            fill = tag("i", class_=run_colour(run_index), style=f"width:{coordinate(width)}%")
            change = signed(difference(first.ap, bar.ap)) if run_index else ""
            rows.append(
                (
                    bar.label if run_index == 0 else tag("span", bar.label, class_="again"),
                    *((letter(run_index),) if two else ()),
                    tag("span", count(bar.truths), tag("small", f" / {count(bar.detections)}")),
                    tag("div", fill, class_="bar", aria_hidden="true"),
                    tag(
                        "span", fixed(bar.ap), tag("small", f" {change}", class_="change") if change else None
                    ),
                    tight(bar.ap50),
                    tight(bar.ap75),
                    tight(bar.ar),
                )
            )
    people = tag("span", "people", tag("small", " / detections"))
    head = ("", *(("run",) if two else ()), people, "", "AP", "AP50", "AP75", "AR")
    return table(head, rows, class_="numbers slices two-runs" if two else "numbers slices")
