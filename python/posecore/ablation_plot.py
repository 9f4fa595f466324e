"""The differences of an ablation as bars with their intervals: one SVG, alone or in the page."""

from __future__ import annotations

from posecore.ablation import Ablation, Row
from posecore.ablation_table import span
from posecore.ablation_variants import ADDED, PERFECT, TAKEN_OUT
from posecore.evaluation.markup import Markup, coordinate, fixed, polyline, signed, tag
from posecore.evaluation.page_charts import nice_ticks

_WIDTH, _LEFT, _RIGHT = 860.0, 215.0, 165.0
_ROW, _GROUP, _TOP, _BOTTOM = 22.0, 30.0, 8.0, 42.0
_BAR, _CAP = 12.0, 4.0
_COLOURS = {
    TAKEN_OUT: ("out", "#b5400c", "#ff9a6b"),
    ADDED: ("more", "#2f7d32", "#86d18a"),
    PERFECT: ("true", "#0f4f94", "#6fb1ef"),
}
"""Group to class, and its colour on white paper and on a dark screen."""


def plot(ablation: Ablation) -> Markup:
    """An SVG that needs nothing else: a bar for each variant, a line for its interval, faint where that holds 0."""
    rows = [row for row in ablation.rows if row.group]
    low, high = _range(rows)

    def across(value: float) -> float:
        return _LEFT + (value - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT)

    parts: list[Markup] = []
    y, group = _TOP, ""
    for row in rows:
        if row.group != group:
            group = row.group
            y += _GROUP
            parts.append(tag("text", group, x=8.0, y=y - 9, class_="group"))
        parts.append(_bar(row, y, across(0), across))
        y += _ROW
    grid = []
    for value in nice_ticks(low, high, 8):
        class_ = "zero" if value == 0 else "grid"
        grid.append(tag("line", x1=across(value), x2=across(value), y1=_TOP, y2=y + 4, class_=class_))
        text = signed(value, 2) if value else "0"
        grid.append(tag("text", text, x=across(value), y=y + 20, class_="tick", text_anchor="middle"))
    base = ablation.rows[0].stats[0]
    label = f"difference of AP from the full pipeline's {fixed(base if base >= 0 else None)}"
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    grid.append(tag("text", label, x=middle, y=y + 38, class_="label", text_anchor="middle"))
    return tag(
        "svg",
        tag("style", Markup(_css())),
        grid,
        parts,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {coordinate(_WIDTH)} {coordinate(y + _BOTTOM)}",
        role="img",
        aria_label="Bars: how much AP each variant has more or less than the full pipeline; "
        "the table has the same numbers.",
        class_="ablation",
    )


def _bar(row: Row, y: float, zero: float, across: object) -> Markup:
    assert callable(across)
    middle, end = y + _ROW / 2, across(row.difference)
    class_, _, _ = _COLOURS[row.group]
    bar = tag(
        "rect",
        x=min(zero, end),
        y=middle - _BAR / 2,
        width=max(abs(end - zero), 0.75),
        height=_BAR,
        class_="sure" if row.is_clear else "unsure",
    )
    line = None
    if row.low is not None and row.high is not None:
        a, b = across(row.low), across(row.high)
        ends = [polyline([(x, middle - _CAP), (x, middle + _CAP)]) for x in (a, b)]
        line = tag("path", d=polyline([(a, middle), (b, middle)]) + "".join(ends), class_="span")
    number = f"{signed(row.difference)} {span(row)}"
    return tag(
        "g",
        tag("title", f"{row.name}: {row.says}"),
        tag("text", row.name, x=_LEFT - 10, y=middle + 4, class_="name", text_anchor="end"),
        bar,
        line,
        tag("text", number, x=_WIDTH - _RIGHT + 10, y=middle + 4, class_="number"),
        class_=class_,
    )


def _range(rows: list[Row]) -> tuple[float, float]:
    """The ends of the axis: all that is drawn, 0, and some room."""
    values = [0.0]
    for row in rows:
        values += [v for v in (row.difference, row.low, row.high) if v is not None]
    low, high = min(values), max(values)
    room = 0.03 * (high - low) or 0.05
    return low - room, high + room


def _css() -> str:
    light = "".join(f".{name}{{--bar:{colour}}}" for name, colour, _ in _COLOURS.values())
    dark = "".join(f".{name}{{--bar:{colour}}}" for name, _, colour in _COLOURS.values())
    return (
        ".ablation{--paper:#fff;--ink:#1b2027;--soft:#59636f;--line:#d9dee4;background:var(--paper);"
        "font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Liberation Sans',Arial,sans-serif}"
        ".ablation text{fill:var(--ink);font-size:12.5px}.ablation .group{font-weight:600;font-size:13px}"
        ".ablation .tick,.ablation .label{fill:var(--soft);font-size:11.5px}"
        ".ablation .number{font-variant-numeric:tabular-nums;font-size:11.5px}"
        ".ablation .grid{stroke:var(--line)}.ablation .zero{stroke:var(--soft)}"
        ".ablation rect{fill:var(--bar)}.ablation .unsure{opacity:.35}"
        f".ablation .span{{fill:none;stroke:var(--ink);stroke-width:1.25}}{light}"
        "@media screen and (prefers-color-scheme:dark){"
        f".ablation{{--paper:#14171b;--ink:#e8ebef;--soft:#9ba6b2;--line:#333a43}}{dark}}}"
    )
