"""The page of an ablation: the plot, the table and what the numbers depend on, as one HTML file."""

from __future__ import annotations

from posecore.ablation import STATS, Ablation, Row
from posecore.ablation_plot import plot
from posecore.ablation_table import notes, span
from posecore.ablation_variants import GROUPS
from posecore.evaluation.markup import Markup, count, fixed, plain, signed, table, tag, tight
from posecore.evaluation.page_parts import section
from posecore.evaluation.page_shell import document

_LEADS = {
    "taken out": "What each part is worth: AP without it. Below zero, the part pays.",
    "added": "What is not in the pipeline and could be, at the price of running the network more than once.",
    "replaced by the truth": "What perfecting a part would give. Labels say nothing of unlabelled keypoints and of "
    "places away from people: there the network's values stay.",
}


def page_html(ablation: Ablation) -> bytes:
    """The page as UTF-8; the same bytes for the same ablation. It holds all it shows; names are escaped."""
    full = ablation.rows[0]
    title = "What each part of the pipeline is worth"
    tiles = [
        (name, fixed(value if value >= 0 else None)) for name, value in zip(STATS, full.stats, strict=True)
    ]
    tiles += [("pictures", count(ablation.pictures)), ("people", count(ablation.people))]
    if span(full):
        tiles.insert(1, ("AP of other such pictures", span(full).strip("[]").replace(",", " to")))
    head = tag(
        "header",
        tag("h1", title),
        tag("p", tag("bdi", plain(dict(ablation.card).get("network", ""))), class_="subject"),
        tag("dl", [tag("div", tag("dt", name), tag("dd", text)) for name, text in tiles], class_="tiles"),
    )
    how = " ".join(notes(ablation, "Coloured differences, and bars that are not faint"))
    chart = _wide(tag("figure", plot(ablation)))
    drawn = section("plot", "Differences of AP", how, chart)
    tables = [_table(ablation, group) for group in GROUPS if any(row.group == group for row in ablation.rows)]
    rows = [
        tag("div", tag("dt", plain(label)), tag("dd", tag("bdi", plain(text, 400))))
        for label, text in ablation.card
    ]
    lead = "Two tables can be compared where these lines agree."
    card = section("card", "What the numbers depend on", lead, tag("dl", rows, class_="card"))
    foot = tag(
        "footer", "Made by posecore ablate. The file holds all it shows and asks nothing of the network."
    )
    return document(title, (head, tag("main", drawn, *tables, card), foot))


def _table(ablation: Ablation, group: str) -> Markup:
    chosen = [row for row in ablation.rows if row.group == group]
    head = ("", *STATS, "poses", "difference of AP", "")
    body = [_cells(row) for row in (ablation.rows[0], *chosen)]
    return section(group.replace(" ", "-"), group.capitalize(), _LEADS[group], _wide(table(head, body)))


def _wide(part: Markup) -> Markup:
    """What keeps its width on narrow screens, where it is moved sideways."""
    return tag("div", tag("div", part, style="min-width:44rem"), style="overflow-x:auto")


def _cells(row: Row) -> tuple[object, ...]:
    name = tag("span", row.name, " ", tag("small", row.says))
    numbers = [tight(value if value >= 0 else None) for value in row.stats]
    if not row.group:
        return (name, *numbers, count(row.poses), "", "")
    way = ("up" if row.difference > 0 else "down") if row.is_clear else None
    return (
        name,
        *numbers,
        count(row.poses),
        tag("span", signed(row.difference), class_=way),
        tag("small", span(row)),
    )
