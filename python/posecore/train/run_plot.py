"""The curves of a run: its log as one SVG, the loss above and what evaluations said below."""

from __future__ import annotations

from collections.abc import Sequence

from posecore.evaluation.markup import Markup, coordinate, polyline, tag
from posecore.evaluation.page_charts import nice_ticks

Row = dict[str, float | int | None]
Line = tuple[str, list[tuple[float, float]]]

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _GAP = 760.0, 190.0, 52.0, 110.0, 26.0, 44.0
_SHARES = ("AP", "PCK", "PDJ", "PCP")
# Name of the class, its colour on white paper and on a dark screen.
_COLOURS = (
    ("c0", "#0f4f94", "#6fb1ef"),
    ("c1", "#b5400c", "#ff9a6b"),
    ("c2", "#2f7d32", "#86d18a"),
    ("c3", "#6a3d9a", "#c9a3f0"),
)


def plot(rows: Sequence[Row]) -> Markup:
    """An SVG that needs nothing else; panels without numbers are left out.

    Args:
        rows: of the log, as `RunLog.rows`: the columns of a second set of validation end in _2, drawn dashed.
    """
    loss = _lines(rows, ["loss"])
    told = [name for name in (rows[-1] if rows else {}) if name.partition("_")[0] in _SHARES]
    panels = [
        (title, lines)
        for title, lines in (("loss of training", loss), ("evaluations", _lines(rows, told)))
        if lines
    ]
    parts = [_panel(title, lines, _TOP + n * (_HEIGHT + _GAP)) for n, (title, lines) in enumerate(panels)]
    height = len(panels) * (_HEIGHT + _GAP) + _TOP
    return tag(
        "svg",
        tag("style", Markup(_css())),
        parts,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {coordinate(_WIDTH)} {coordinate(height)}",
        role="img",
        aria_label="Curves of a training run over its steps; log.csv has the same numbers.",
        class_="run",
    )


def _lines(rows: Sequence[Row], names: Sequence[str]) -> list[Line]:
    lines = []
    for name in names:
        found = [(row.get("step"), row.get(name)) for row in rows]
        points = [(float(x), float(y)) for x, y in found if x is not None and y is not None]
        if points:
            lines.append((name, points))
    return lines


def _panel(title: str, lines: list[Line], top: float) -> Markup:
    xs = [x for _, points in lines for x, _ in points]
    ys = [y for _, points in lines for _, y in points]
    left, right = 0.0, max(xs)
    low, high = min(ys), max(ys)
    room = 0.06 * (high - low) or 0.05 * abs(high) or 0.1
    low, high = low - room, high + room

    def at(x: float, y: float) -> tuple[float, float]:
        across = _LEFT + (x - left) / ((right - left) or 1) * (_WIDTH - _LEFT - _RIGHT)
        return across, top + (high - y) / (high - low) * _HEIGHT

    parts = [tag("text", title, x=8.0, y=top - 10, class_="title")]
    for value in nice_ticks(low, high, 4):
        _, y = at(0, value)
        parts.append(tag("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y, y2=y, class_="grid"))
        parts.append(tag("text", f"{value:g}", x=_LEFT - 6, y=y + 4, class_="tick", text_anchor="end"))
    for value in nice_ticks(left, right, 6):
        x, _ = at(value, low)
        parts.append(
            tag("text", f"{value:g}", x=x, y=top + _HEIGHT + 16, class_="tick", text_anchor="middle")
        )
    parts.append(
        tag("text", "steps", x=_WIDTH - _RIGHT, y=top + _HEIGHT + 30, class_="tick", text_anchor="end")
    )
    last = 0.0
    for name, points in sorted(lines, key=lambda line: -line[1][-1][1]):
        class_ = _COLOURS[_SHARES.index(name.partition("_")[0])][0] if name != "loss" else "c0"
        dashed = "dashed" if "_" in name else "solid"
        drawn = [at(x, y) for x, y in points]
        x, y = drawn[-1]
        last = max(y + 4, last + 14) if last else y + 4
        label = f"{name.replace('_', ' ')} {points[-1][1]:.3g}"
        marks = [tag("circle", cx=a, cy=b, r=2.2) for a, b in drawn] if len(drawn) <= 40 else []
        parts.append(
            tag(
                "g",
                tag("title", label),
                tag("path", d=polyline(drawn), class_=f"curve {dashed}"),
                marks,
                tag("text", label, x=x + 8, y=last),
                class_=class_,
            )
        )
    return tag("g", parts)


def _css() -> str:
    light = "".join(f".{name}{{--line:{colour}}}" for name, colour, _ in _COLOURS)
    dark = "".join(f".{name}{{--line:{colour}}}" for name, _, colour in _COLOURS)
    return (
        ".run{--paper:#fff;--ink:#1b2027;--soft:#59636f;--rule:#d9dee4;background:var(--paper);"
        "font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Liberation Sans',Arial,sans-serif}"
        ".run text{fill:var(--ink);font-size:12px}.run .title{font-weight:600;font-size:13px}"
        ".run .tick{fill:var(--soft);font-size:11px}.run .grid{stroke:var(--rule)}"
        ".run .curve{fill:none;stroke:var(--line);stroke-width:1.75}.run .dashed{stroke-dasharray:5 4}"
        f".run circle{{fill:var(--line)}}.run g g text{{fill:var(--line)}}{light}"
        "@media screen and (prefers-color-scheme:dark){"
        f".run{{--paper:#14171b;--ink:#e8ebef;--soft:#9ba6b2;--rule:#333a43}}{dark}}}"
    )
