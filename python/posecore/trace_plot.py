"""One keypoint of one person over time as an SVG: x and y, what was measured, what became of it, what was dropped."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from posecore.evaluation.markup import Markup, coordinate, plain, tag

if TYPE_CHECKING:
    import numpy.typing as npt

    Real = npt.NDArray[np.float64]
    Bools = npt.NDArray[np.bool_]

_WIDTH, _HEIGHT = 1120.0, 640.0
_LEFT, _RIGHT, _TOP, _BOTTOM, _BETWEEN = 72.0, 24.0, 96.0, 48.0, 26.0
_CHARACTER = 6.7  # the mean width of a letter of the legend
_LONGEST_TITLE = 90

_STYLE = """
svg{--paper:#fff;--ink:#1b2027;--soft:#59636f;--line:#e3e7eb;--raw:#8c97a5;--new:#0f4f94;--bad:#c2410c;
background:var(--paper);
font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",Arial,sans-serif}
@media screen and (prefers-color-scheme:dark){svg{--paper:#14171b;--ink:#e8ebef;--soft:#9ba6b2;--line:#2a3038;
--raw:#74808e;--new:#6fb1ef;--bad:#ff9a6b}}
text{fill:var(--soft);font-size:13px;font-variant-numeric:tabular-nums}
.name{fill:var(--ink);font-size:20px;font-weight:600}.axis{fill:var(--ink);font-weight:600;font-size:15px}
.grid{stroke:var(--line);fill:none}.edge{stroke:var(--soft);fill:none}
.raw{stroke:var(--raw);fill:none;stroke-linejoin:round;stroke-width:1;opacity:.55}
.sight{stroke:var(--raw);fill:none;stroke-width:4.5;stroke-linecap:round}
.new{stroke:var(--new);fill:none;stroke-width:2.25;stroke-linejoin:round;stroke-linecap:round}
.filled{stroke-dasharray:1 5}
.bad{stroke:var(--bad);fill:none;stroke-width:2;stroke-linecap:round}
"""


@dataclass(frozen=True)
class Trace:
    """One keypoint over T frames.

    Attributes:
        times_s: (T,) float64, ascending.
        raw: (T, 2) pixels, of meaning where seen.
        seen: (T,) bool.
        smoothed: (T, 2) pixels, of meaning where shown.
        shown: (T,) bool.
        outliers: (T,) bool, sights that were replaced.
    """

    times_s: Real
    raw: Real
    seen: Bools
    smoothed: Real
    shown: Bools
    outliers: Bools


def trace_plot(trace: Trace, title: str, subtitle: str) -> str:
    """The SVG, a file of its own: it fetches nothing, and follows the reader's light or dark screen."""
    height = (_HEIGHT - _TOP - _BOTTOM - _BETWEEN) / 2
    panels = [
        _panel(trace, axis, _TOP + axis * (height + _BETWEEN), height, last=axis == 1) for axis in range(2)
    ]
    return (
        tag(
            "svg",
            tag("title", plain(f"{title}: {subtitle}")),
            tag("style", Markup(_STYLE)),
            tag("rect", width=_WIDTH, height=_HEIGHT, fill="var(--paper)"),
            tag("text", plain(title, _LONGEST_TITLE), x=_LEFT, y=36.0, class_="name"),
            tag("text", plain(subtitle, 2 * _LONGEST_TITLE), x=_LEFT, y=58.0),
            _legend(trace),
            panels,
            xmlns="http://www.w3.org/2000/svg",
            viewBox=f"0 0 {coordinate(_WIDTH)} {coordinate(_HEIGHT)}",
            width=_WIDTH,
            height=_HEIGHT,
            role="img",
        )
        + "\n"
    )


def _panel(trace: Trace, axis: int, top: float, height: float, *, last: bool) -> Markup:
    times, raw, new = trace.times_s, trace.raw[:, axis], trace.smoothed[:, axis]
    kept = trace.seen & ~trace.outliers
    low, high = _range(np.concatenate([raw[kept], new[trace.shown]]), raw[trace.outliers])
    ticks = _ticks(low, high, 7)
    begin, end = (float(times[0]), float(times[-1])) if len(times) else (0.0, 1.0)
    end = end if end > begin else begin + 1
    across = _LEFT + (times - begin) / (end - begin) * (_WIDTH - _LEFT - _RIGHT)

    def up(value: Real) -> Real:
        share = (np.clip(value, low, high) - low) / (high - low)
        # Down in the picture is down here too: y grows downwards.
        return top + height * (share if axis == 1 else 1 - share)

    grid, labels = [], []
    for tick in ticks:
        at = float(up(np.array(tick)))
        grid.append(tag("path", d=f"M{coordinate(_LEFT)} {coordinate(at)}H{coordinate(_WIDTH - _RIGHT)}"))
        labels.append(tag("text", _number(tick), x=_LEFT - 10, y=at + 4.5, text_anchor="end"))
    for tick in _ticks(begin, end, 10):
        at = _LEFT + (tick - begin) / (end - begin) * (_WIDTH - _LEFT - _RIGHT)
        grid.append(tag("path", d=f"M{coordinate(at)} {coordinate(top)}v{coordinate(height)}"))
        if last:
            labels.append(tag("text", _number(tick), x=at, y=top + height + 20, text_anchor="middle"))
    if last:
        labels.append(
            tag("text", "seconds", x=_WIDTH - _RIGHT, y=top + height + 40, text_anchor="end", class_="soft")
        )
    middle = coordinate(top + height / 2)
    labels.append(
        tag(
            "text",
            "x, px" if axis == 0 else "y, px",
            transform=f"translate(20 {middle}) rotate(-90)",
            text_anchor="middle",
            class_="axis",
        )
    )
    measured, smooth = up(raw), up(new)
    own, filled = trace.shown & kept, trace.shown & ~kept
    body = [
        tag("path", d=_strokes(across, measured, trace.seen), class_="raw"),
        tag("path", d=_dots(across, measured, kept), class_="sight"),
        tag("path", d=_strokes(across, smooth, own), class_="new"),
        tag("path", d=_bridges(across, smooth, trace.shown, filled), class_="new filled"),
        tag("path", d=_crosses(across, measured, trace.outliers), class_="bad"),
    ]
    frame = tag(
        "rect", x=_LEFT, y=top, width=_WIDTH - _LEFT - _RIGHT, height=height, class_="edge", stroke_width=1.0
    )
    return tag("g", tag("g", grid, class_="grid"), frame, labels, body)


def _legend(trace: Trace) -> Markup:
    parts: list[Markup] = []
    x, y = _LEFT, 80.0
    sights, dropped = int(trace.seen.sum()), int(trace.outliers.sum())
    filled = int((trace.shown & ~trace.seen).sum())
    entries = (
        ("sight", sights, f"measured, {_frames(sights)}"),
        ("new", sights, "smoothed"),
        ("new filled", dropped + filled, f"interpolated, {_frames(dropped + filled)}"),
        ("bad", dropped, f"outlier, {dropped:,}"),
    )
    for class_, count, words in entries:
        if not count:
            continue
        at = y - 4.5
        mark = {
            "sight": f"M{coordinate(x + 10)} {coordinate(at)}h0",
            "bad": _cross(x + 10, at),
        }.get(class_, f"M{coordinate(x)} {coordinate(at)}h20")
        parts.append(tag("path", d=mark, class_=class_))
        parts.append(tag("text", words, x=x + 28, y=y))
        x += 28 + _CHARACTER * len(words) + 26
    return tag("g", parts)


def _frames(count: int) -> str:
    return f"{count:,} frame{'' if count == 1 else 's'}"


def _range(values: Real, outliers: Real) -> tuple[float, float]:
    """What is shown: all but outliers that would make the rest small; those are drawn at the edge."""
    if not len(values):
        values = outliers if len(outliers) else np.zeros(1)
    low, high = float(values.min()), float(values.max())
    room = max(high - low, 4.0)
    near = outliers[(outliers > low - room / 2) & (outliers < high + room / 2)]
    if len(near):
        low, high = min(low, float(near.min())), max(high, float(near.max()))
    pad = max(0.06 * (high - low), 2.0)
    return low - pad, high + pad


def _ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers, at most so many, from low to high."""
    rough = (high - low) / most
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [k * step for k in range(first, math.floor(high / step + 1e-9) + 1)]


def _number(value: float) -> str:
    return f"{value:.6g}".replace("-", "\N{MINUS SIGN}")


def _runs(where: Bools) -> list[npt.NDArray[np.intp]]:
    at = np.flatnonzero(where)
    return np.split(at, np.flatnonzero(np.diff(at) > 1) + 1) if len(at) else []


def _strokes(x: Real, y: Real, where: Bools) -> str:
    """The `d` of lines through neighbours; who is alone has a dot."""
    return "".join(_line(x, y, run) for run in _runs(where))


def _bridges(x: Real, y: Real, shown: Bools, filled: Bools) -> str:
    """Lines through what was filled in, from the frame before to the one after."""
    parts = []
    for run in _runs(filled):
        first = run[0] - 1 if run[0] > 0 and shown[run[0] - 1] else run[0]
        last = run[-1] + 1 if run[-1] + 1 < len(x) and shown[run[-1] + 1] else run[-1]
        parts.append(_line(x, y, np.arange(first, last + 1)))
    return "".join(parts)


def _line(x: Real, y: Real, run: Sequence[int] | npt.NDArray[np.intp]) -> str:
    if len(run) == 1:
        return f"M{coordinate(x[run[0]])} {coordinate(y[run[0]])}h0"
    return "M" + "L".join(f"{coordinate(x[k])} {coordinate(y[k])}" for k in run)


def _dots(x: Real, y: Real, where: Bools) -> str:
    return "".join(f"M{coordinate(x[k])} {coordinate(y[k])}h0" for k in np.flatnonzero(where))


def _crosses(x: Real, y: Real, where: Bools) -> str:
    return "".join(_cross(float(x[k]), float(y[k])) for k in np.flatnonzero(where))


def _cross(x: float, y: float) -> str:
    return f"M{coordinate(x - 5)} {coordinate(y - 5)}l10 10M{coordinate(x - 5)} {coordinate(y + 5)}l10 -10"
