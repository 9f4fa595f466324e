"""Precision over recall at every threshold, calibration, and AP over the scale of the sigmas."""

from __future__ import annotations

from posecore.evaluation.markup import Markup, coordinate, count, fixed, percent, table, tag
from posecore.evaluation.page_charts import Axes
from posecore.evaluation.page_content import AreaRange, Calibration, PageContent, ReliabilityBin, Run
from posecore.evaluation.page_parts import (
    choices,
    compared,
    compared_head,
    letter,
    mean,
    range_text,
    run_colour,
    run_heading,
    section,
    side_by_side,
)

_FIFTHS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def precision_recall(content: PageContent) -> Markup:
    """One chart a run and range of areas; a table says which curve is which."""
    areas = content.runs[0].areas
    panels = []
    for index, area in enumerate(areas):
        charts = [
            tag("div", run_heading(content, i), _curves(run.areas[index]))
            for i, run in enumerate(content.runs)
        ]
        panels.append(
            tag(
                "div",
                tag("h3", range_text(area.label, area.least_px2, area.most_px2), class_="panel-title"),
                tag(
                    "div",
                    charts,
                    tag("div", _thresholds(content, index)),
                    class_="runs two" if len(content.runs) == 1 else "runs three",
                ),
                class_="panel",
                data_panel="curves",
                data_index=index,
            )
        )
    lead = (
        "One curve for each OKS threshold, from .50 (highest) to .95 (lowest). A curve ends where no more people are "
        "found. Point at a threshold in the table, or press it, to see its curve alone."
    )
    controls = tag("div", choices("Area", "curves", [area.label for area in areas]), class_="controls")
    return section("curves", "Precision and recall", lead, controls, panels)


def _curves(area: AreaRange) -> Markup:
    axes = Axes((0, 1), (0, 1))
    last = max(1, len(area.curves) - 1)
    lines = []
    for index, curve in enumerate(area.curves):
        steps = max(1, len(curve.precision) - 1)
        reached = [(k / steps, value) for k, value in enumerate(curve.precision) if value > 0]
        if not reached:
            continue
        # Down to the axis, so that the end of a curve is seen.
        points = [*reached, (reached[-1][0], 0.0)]
        lines.append(
            axes.line(
                [x for x, _ in points],
                [y for _, y in points],
                class_="curve",
                data_curve=index,
                style=f"--t:{coordinate(index / last)}",
            )
        )
    frame = axes.frame("recall", "precision", _FIFTHS, _FIFTHS)
    return axes.svg(f"Precision over recall, {area.label}, {len(area.curves)} OKS thresholds", frame, lines)


def _thresholds(content: PageContent, index: int) -> Markup:
    rows = []
    every = [run.areas[index].curves for run in content.runs]
    last = max(1, len(every[0]) - 1)
    for k, curve in enumerate(every[0]):
        swatch = tag("i", class_="swatch", style=f"--t:{coordinate(k / last)}", aria_hidden="true")
        button = tag(
            "button",
            swatch,
            f"{curve.threshold:.2f}",
            type="button",
            class_="curve-key",
            data_curve=k,
            aria_pressed="false",
        )
        rows.append(
            (
                button,
                *compared([curves[k].ap for curves in every]),
                *[fixed(curves[k].recall) for curves in every],
            )
        )
    rows.append(
        (
            "mean",
            *compared([mean([curve.ap for curve in curves]) for curves in every]),
            *[fixed(mean([curve.recall for curve in curves])) for curves in every],
        )
    )
    two = len(every) == 2
    ap = compared_head(content, "AP") if two else ["AP"]
    recall = [f"recall {letter(i)}" for i in range(2)] if two else ["recall"]
    area = content.runs[0].areas[index]
    return table(("OKS", *ap, *recall), rows, caption=f"{count(area.truths)} people", class_="numbers keys")


def calibration(content: PageContent) -> Markup | None:
    """Precision in bins of the score, and the score for a wanted precision."""
    if not any(run.calibration for run in content.runs):
        return None
    first = next(run.calibration for run in content.runs if run.calibration)
    lead = (
        f"A detection counts as correct where it matches a person with OKS of at least {first.oks:.2f}. Each bar is "
        "the share of correct ones among detections with such scores; the number on it is how many there are."
    )
    parts = [_reliability(run) for run in content.runs]
    return section("calibration", "What scores are worth", lead, side_by_side(content, parts))


def _reliability(run: Run) -> Markup:
    known = run.calibration
    if known is None or not known.bins:
        return tag("p", "There are no detections.")
    last = len(known.bins)
    axes = Axes((0, 1) if known.in_unit else (0, last), (0, 1), height=280)
    if known.in_unit:
        parts = [axes.frame("score", "share of correct detections", _FIFTHS, _FIFTHS)]
    else:
        edges = {float(k): _short(part.most) for k, part in enumerate(known.bins, start=1)}
        label = "highest score of the bin"
        parts = [axes.frame(label, "share of correct detections", list(edges), _FIFTHS, edges)]
    for k, part in enumerate(known.bins):
        parts += _reliability_bar(axes, part, (part.least, part.most) if known.in_unit else (k, k + 1))
    if known.in_unit:
        parts.append(axes.line((0, 1), (0, 1), class_="ideal"))
    chart = axes.svg("Share of correct detections in bins of their score", parts)
    notes = []
    if known.in_unit:
        notes.append("On the dashed line a score would be the probability that the detection is correct.")
        notes.append("Dots are at the mean score of their bin.")
    else:
        notes.append("These scores are not in [0, 1]: they order detections and are no probabilities.")
        notes.append("Each bin has about as many detections as the others.")
    if known.error is not None:
        notes.append(f"Expected calibration error {fixed(known.error)}.")
    if known.rank_correlation is not None:
        notes.append(f"Rank correlation of score and OKS {fixed(known.rank_correlation)}.")
    caption = tag("figcaption", " ".join(notes))
    return tag("div", tag("figure", chart, caption), _wanted(known), _bins(known))


def _reliability_bar(axes: Axes, part: ReliabilityBin, span: tuple[float, float]) -> list[Markup]:
    if part.precision is None:
        return []
    said = (
        f"score {part.least:.4g} to {part.most:.4g}: {percent(part.precision, 1)} correct of "
        f"{count(part.detections)} detections"
    )
    parts = [axes.bar(span, (0, part.precision), tag("title", said), class_="reliability")]
    (left, top), (right, base) = axes.at(span[0], part.precision), axes.at(span[1], 0)
    text = count(part.detections)
    if right - left > 6.2 * len(text):
        # On the foot of its bar, or above the dot of a bar that is too low.
        up = base - 5 if base - top > 24 else top - 8
        middle = (left + right) / 2
        parts.append(tag("text", text, x=middle, y=up, class_="tick inside", text_anchor="middle"))
    if part.mean_score is not None and span == (part.least, part.most):
        x, y = axes.at(part.mean_score, part.precision)
        parts.append(tag("circle", cx=x, cy=y, r=3, class_="mark"))
    return parts


def _short(score: float) -> str:
    """Three digits, without an exponent where that is short."""
    return f"{score:.0f}" if 100 <= abs(score) < 1e5 else f"{score:.3g}"


def _wanted(known: Calibration) -> Markup:
    rows = [
        (
            f"{100 * row.wanted:.0f} %",
            NONE_REACHED if row.score is None else f"{row.score:.4g}",
            fixed(row.precision),
            fixed(row.recall),
            count(row.detections),
        )
        for row in known.thresholds
    ]
    head = ("precision wanted", "keep scores from", "precision", "recall", "kept")
    return table(head, rows, caption="The lowest score that gives a wanted precision")


NONE_REACHED = "no score does"


def _bins(known: Calibration) -> Markup:
    rows = [
        (
            f"{part.least:.4g} to {part.most:.4g}",
            "–" if part.mean_score is None else f"{part.mean_score:.4g}",
            fixed(part.precision),
            count(part.detections),
        )
        for part in known.bins
    ]
    numbers = table(("score", "mean score", "correct", "detections"), rows)
    return tag("details", tag("summary", "The bars as numbers"), numbers)


def sigma_scale(content: PageContent) -> Markup | None:
    """How AP moves when keypoints are judged more or less strictly."""
    if not any(run.sigma_scale for run in content.runs):
        return None
    scales = sorted({point.scale for run in content.runs for point in run.sigma_scale})
    axes = Axes((scales[0], scales[-1]), (0, 1), height=280, log_x=scales[0] > 0)
    parts = [axes.frame("scale of all sigmas (log)", "AP", _scale_ticks(scales), _FIFTHS)]
    for index, run in enumerate(content.runs):
        points = [(p.scale, p.ap) for p in run.sigma_scale if p.ap is not None]
        if not points:
            continue
        xs, ys = [x for x, _ in points], [y for _, y in points]
        parts.append(axes.line(xs, ys, class_=f"scale {run_colour(index)}"))
        for x, y in points:
            across, up = axes.at(x, y)
            said = f"sigmas x {x:g}: AP {fixed(y)}"
            parts.append(
                tag("circle", tag("title", said), cx=across, cy=up, r=3, class_=f"dot {run_colour(index)}")
            )
        if len(content.runs) == 2:
            # Letters on opposite sides of their lines, so that close lines do not cover them.
            across, up = axes.at(xs[len(xs) // 2], ys[len(ys) // 2])
            shift = -9 if ys[-1] >= max(_last_ap(run) for run in content.runs) else 17
            parts.append(tag("text", letter(index), x=across, y=up + shift, class_="line-name"))
    if scales[0] <= 1 <= scales[-1]:
        parts.append(axes.line((1, 1), (0, 1), class_="ideal"))
    by_scale = [{point.scale: point.ap for point in run.sigma_scale} for run in content.runs]
    rows = [(f"{scale:g}", *compared([known.get(scale) for known in by_scale])) for scale in scales]
    ap = compared_head(content, "AP") if len(content.runs) == 2 else ["AP"]
    lead = (
        "AP when every sigma of OKS is multiplied by the same number: below 1 is stricter, above 1 more lenient. A "
        "steep rise means that keypoints are near their truth without being on it; a flat curve that they are far off."
    )
    chart = tag("figure", axes.svg("AP over the scale of the sigmas", parts))
    numbers = table(("scale", *ap), rows)
    return section(
        "sigmas", "AP and the scale of sigmas", lead, tag("div", chart, numbers, class_="runs two")
    )


def _scale_ticks(scales: list[float]) -> list[float]:
    """Those of the scales whose numbers have room, 1 among them if it is one."""
    room = (scales[-1] / scales[0]) ** 0.09 if scales[0] > 0 else 1.0
    kept: list[float] = []
    for scale in sorted(scales, key=lambda s: (s != 1, s)):
        if all(max(scale, other) >= room * min(scale, other) for other in kept):
            kept.append(scale)
    return sorted(kept)


def _last_ap(run: Run) -> float:
    return next((p.ap for p in reversed(run.sigma_scale) if p.ap is not None), 0.0)
