"""Pieces that the sections of the page share: how a section, a choice, a run's name and a range are written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from posecore.evaluation.markup import (
    Markup,
    coordinate,
    count,
    difference,
    fixed,
    plain,
    signed,
    tag,
)
from posecore.evaluation.page_content import PageContent, Run

MOST_PX2 = 1e10
"""COCO's word for a range without an upper end."""

STEP_LABELS = {
    "baseline": ("baseline", "nothing corrected"),
    "miss": ("miss", "keypoints on nothing put near their truth"),
    "swap": ("swap", "keypoints on another person put on their own"),
    "inversion": ("inversion", "left and right put the right way round"),
    "jitter": ("jitter", "keypoints near their truth put onto it"),
    "score": ("score", "detections put in the best order"),
    "background_fp": ("background FP", "detections without a person left out"),
    "fn": ("FN", "people without a detection left out"),
}
"""Step to its name and to what its correction does."""


def section(anchor: str, title: str, lead: object, *parts: object) -> Markup:
    """A section with its heading and the sentences that say how to read it."""
    heading = tag("h2", title, id=f"{anchor}-title")
    text = tag("p", lead, class_="lead") if lead else None
    return tag("section", heading, text, parts, id=anchor, aria_labelledby=f"{anchor}-title")


def letter(index: int) -> str:
    """What a run is called in narrow columns: A or B."""
    return "AB"[index]


def run_names(content: PageContent) -> tuple[Markup, ...]:
    """What stands at the head of each run's column: its name, or A and B where there are two."""
    if len(content.runs) == 1:
        return (tag("bdi", plain(content.runs[0].name, 60)),)
    return tuple(tag("abbr", letter(i), title=plain(run.name)) for i, run in enumerate(content.runs))


def run_heading(content: PageContent, index: int) -> Markup | None:
    """The name above a run's own figure, where there are two."""
    if len(content.runs) == 1:
        return None
    name = tag("bdi", plain(content.runs[index].name, 60))
    return tag("h3", tag("b", letter(index), class_="letter"), " ", name, class_="run-name")


def side_by_side(content: PageContent, parts: Iterable[object]) -> Markup:
    """One block a run, beside each other where the page is wide enough."""
    blocks = [tag("div", run_heading(content, index), part) for index, part in enumerate(parts)]
    return tag("div", blocks, class_="runs two" if len(blocks) > 1 else "runs")


def compared(values: Sequence[float | None], digits: int = 3) -> list[Markup]:
    """Cells of one number: a run each, and the difference where there are two."""
    cells = [tag("span", fixed(value, digits)) for value in values]
    if len(values) == 2:
        gap = difference(values[0], values[1])
        better = gap is not None and gap > 0
        cells.append(tag("span", signed(gap, digits), class_="up" if better else "down"))
    return cells


def compared_head(content: PageContent, what: str = "") -> list[Markup]:
    """Heads of the columns that `compared` fills."""
    names = [tag("span", what, " ", name) if what else name for name in run_names(content)]
    return names + ([tag("abbr", "B − A", title="difference")] if len(names) == 2 else [])


def range_text(label: str, least: float, most: float) -> str:
    """medium (1,024 to 9,216 px²)"""
    if most >= MOST_PX2:
        return f"{label} (any area)" if least <= 0 else f"{label} (from {_px2(least)} px²)"
    return f"{label} ({_px2(least)} to {_px2(most)} px²)"


def _px2(area: float) -> str:
    return count(round(area)) if area == round(area) else coordinate(area)


def choices(legend: str, group: str, labels: Sequence[str], chosen: int = 0) -> Markup:
    """Radio buttons of which one is always chosen; page.js listens to `group`."""
    buttons = [
        tag(
            "label",
            tag("input", type="radio", name=group, value=index, checked=index == chosen),
            tag("span", label),
        )
        for index, label in enumerate(labels)
    ]
    return tag("fieldset", tag("legend", legend), tag("div", buttons), class_="choices")


def selection(label: str, name: str, options: Sequence[tuple[str, str]], hint: str | None = None) -> Markup:
    """A drop-down list of (value, text)."""
    listed = [tag("option", text, value=value) for value, text in options]
    return tag("label", tag("span", label), tag("select", listed, name=name), class_="selection", title=hint)


def mean(values: Sequence[float | None]) -> float | None:
    """Of the numbers that exist, or None."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def run_colour(index: int) -> str:
    """CSS class of a run's lines and bars."""
    return f"run-{letter(index).lower()}"


def counts_line(run: Run) -> str:
    """250 pictures, 519 people, 434 detections"""
    return (
        f"{count(run.images)} pictures, {count(run.truths)} people in the truth, "
        f"{count(run.detections)} detections"
    )
