"""Line charts as SVG: axes with labels, and lines in the units of their data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from posecore.evaluation.markup import Markup, coordinate, polyline, tag

_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 10.0, 10.0, 44.0


@dataclass(frozen=True, slots=True)
class Axes:
    """A plot area with a scale each way.

    Attributes:
        x, y: (from, to) of the data.
        width, height: of the whole chart, in its own units; a page shows it about as large in CSS pixels.
        log_x: whether equal factors of x are equally far apart.
    """

    x: tuple[float, float]
    y: tuple[float, float]
    width: float = 400.0
    height: float = 300.0
    log_x: bool = False

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a point of the data is drawn."""
        return self._across(x), self._up(y)

    def _across(self, x: float) -> float:
        low, high = self.x
        if self.log_x:
            x, low, high = math.log(x), math.log(low), math.log(high)
        share = (x - low) / (high - low) if high > low else 0.5
        return _LEFT + share * (self.width - _LEFT - _RIGHT)

    def _up(self, y: float) -> float:
        low, high = self.y
        share = (y - low) / (high - low) if high > low else 0.5
        return self.height - _BOTTOM - share * (self.height - _TOP - _BOTTOM)

    def line(self, xs: Sequence[float], ys: Sequence[float], **attributes: object) -> Markup:
        """A line through the points."""
        path = polyline([self.at(x, y) for x, y in zip(xs, ys, strict=True)])
        return tag("path", d=path, fill="none", **attributes)

    def bar(
        self, x: tuple[float, float], y: tuple[float, float], *children: object, **rest: object
    ) -> Markup:
        """A filled rectangle between two points of the data."""
        (left, bottom), (right, top) = self.at(x[0], y[0]), self.at(x[1], y[1])
        return tag("rect", *children, x=left, y=top, width=right - left, height=bottom - top, **rest)

    def frame(
        self,
        x_label: str,
        y_label: str,
        x_ticks: Sequence[float],
        y_ticks: Sequence[float],
        x_texts: Mapping[float, str] | None = None,
    ) -> Markup:
        """Grid lines, tick numbers (or `x_texts` in their place) and the labels of both axes."""
        parts = []
        left, bottom = self.at(self.x[0], self.y[0])
        right, top = self.at(self.x[1], self.y[1])
        for value in y_ticks:
            up = self._up(value)
            parts.append(tag("line", x1=left, x2=right, y1=up, y2=up, class_="grid"))
            parts.append(tag("text", _tick(value), x=left - 6, y=up + 4, class_="tick", text_anchor="end"))
        for value in x_ticks:
            across = self._across(value)
            parts.append(tag("line", x1=across, x2=across, y1=top, y2=bottom, class_="grid"))
            text = _tick(value) if x_texts is None else x_texts[value]
            parts.append(tag("text", text, x=across, y=bottom + 18, class_="tick", text_anchor="middle"))
        parts.append(tag("path", d=polyline([(left, top), (left, bottom), (right, bottom)]), class_="axis"))
        middle = (left + right) / 2
        parts.append(tag("text", x_label, x=middle, y=self.height - 6, class_="label", text_anchor="middle"))
        turn = f"translate(12 {coordinate((top + bottom) / 2)}) rotate(-90)"
        parts.append(tag("text", y_label, transform=turn, class_="label", text_anchor="middle"))
        return tag("g", parts, aria_hidden="true")

    def svg(self, description: str, *parts: object, **attributes: object) -> Markup:
        """The chart; `description` is what a screen reader says."""
        return tag(
            "svg",
            *parts,
            viewBox=f"0 0 {coordinate(self.width)} {coordinate(self.height)}",
            role="img",
            aria_label=description,
            class_="chart",
            **attributes,
        )


def nice_ticks(low: float, high: float, wanted: int = 5) -> tuple[float, ...]:
    """Round numbers from `low` to `high`, about `wanted` of them."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return (low,)
    rough = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return tuple(round(index * step, 12) for index in range(first, last + 1))


def _tick(value: float) -> str:
    return f"{value:.6g}".replace("-", "\N{MINUS SIGN}")
