"""Figures of the inspection page as SVG: columns, intervals, a rose of angles, the mean pose, heatmaps."""

from __future__ import annotations

import base64
import math
import struct
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.evaluation.inspection_markup import label
from posecore.evaluation.inspection_places import HEAT_CELLS, HEAT_MARGIN
from posecore.evaluation.markup import Markup, coordinate, count, polyline, tag

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.evaluation.inspection_body import Body
    from posecore.evaluation.inspection_poses import PoseModel
    from posecore.evaluation.inspection_strangers import LimbLengths

_LEVELS = 16
_HEAT_RGB = (52, 137, 219)


def columns(
    values: Sequence[int],
    ticks: Sequence[tuple[float, str]],
    *,
    x_label: str,
    y_label: str,
    marks: Sequence[tuple[float, str]] = (),
) -> Markup:
    """A column chart.

    Args:
        values: heights, one a column.
        ticks: (position, text) below the axis; column n reaches from n to n + 1.
        marks: (position, text) of vertical lines with a name above.
    """
    width, height, left, bottom, top = 400.0, 220.0, 48.0, 42.0, 22.0
    most = max(1, *values)
    step = _step(most)
    across = (width - left - 8) / max(len(values), 1)
    rise = (height - bottom - top) / (math.ceil(most / step) * step)
    parts = []
    for level in range(0, math.ceil(most / step) * step + 1, step):
        y = height - bottom - level * rise
        parts.append(tag("path", d=polyline([(left, y), (width - 8, y)]), class_="grid"))
        parts.append(tag("text", count(level), x=left - 6, y=y + 4, class_="tick end"))
    for n, value in enumerate(values):
        if value:
            at = left + n * across
            bar = {
                "x": at + 0.5,
                "y": height - bottom - value * rise,
                "width": across - 1,
                "height": value * rise,
            }
            parts.append(tag("rect", tag("title", count(value)), class_="bar", **bar))
    for position, text in ticks:
        x = left + position * across
        parts.append(tag("text", text, x=x, y=height - bottom + 15, class_="tick middle"))
    for position, text in marks:
        x = left + position * across
        parts.append(tag("path", d=polyline([(x, top - 4), (x, height - bottom)]), class_="mark"))
        parts.append(tag("text", text, x=x, y=top - 9, class_="tick middle"))
    parts.append(tag("text", x_label, x=(left + width) / 2, y=height - 6, class_="label middle"))
    turn = f"translate(11 {coordinate((height - bottom + top) / 2)}) rotate(-90)"
    parts.append(tag("text", y_label, transform=turn, class_="label middle"))
    return _svg(width, height, f"{y_label} by {x_label}", parts)


def intervals(limbs: Sequence[LimbLengths], body: Body) -> Markup:
    """Lengths of limbs: a line from 5 % to 95 %, a dot at the median, and how many are too long."""
    left, right, row, top = 158.0, 44.0, 17.0, 8.0
    width, height = 440.0, top + row * len(limbs) + 40
    highs = [one.high for one in limbs if math.isfinite(one.high)]
    most = max(highs, default=1.0)
    step = next(s for s in (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, most) if most / s <= 6)
    end = math.ceil(most / step) * step
    scale = (width - left - right) / end
    parts = []
    for n in range(round(end / step) + 1):
        x = left + n * step * scale
        parts.append(tag("path", d=polyline([(x, top), (x, height - 36)]), class_="grid"))
        parts.append(tag("text", f"{n * step:.2g}", x=x, y=height - 22, class_="tick middle"))
    for n, one in enumerate(limbs):
        y = top + row * (n + 0.5)
        name = _limb_name(*(label(body.names[k], 24) for k in one.limb))
        parts.append(tag("text", name, x=left - 8, y=y + 4, class_="tick end"))
        if not math.isfinite(one.median):
            continue
        ends = [(left + one.low * scale, y), (left + one.high * scale, y)]
        side = body.limb_side(*one.limb)
        parts.append(tag("path", d=polyline(ends), class_=f"range {side}"))
        parts.append(tag("circle", cx=left + one.median * scale, cy=y, r=3.2, class_=f"dot {side}"))
        if one.outliers:
            parts.append(tag("text", f"+{one.outliers}", x=width - 4, y=y + 4, class_="tick end alarm"))
    legend = "limb length by the person's size (5 %, median, 95 %); right: outliers"
    parts.append(tag("text", legend, x=width / 2, y=height - 5, class_="label middle"))
    return _svg(width, height, "Lengths of limbs", parts)


def rose(angles: Sequence[int]) -> Markup:
    """Directions of torsos: the area of a sector is its share of people."""
    size, radius = 240.0, 88.0
    middle = size / 2
    most = math.sqrt(max(1, *angles))
    half = math.pi / len(angles)
    parts = [tag("circle", cx=middle, cy=middle, r=radius * share, class_="ring") for share in (0.5, 1.0)]
    for n, value in enumerate(angles):
        if not value:
            continue
        length = radius * math.sqrt(value) / most
        at = 2 * half * n
        arc = [at - half + 2 * half * k / 4 for k in range(5)]
        points = [(middle + length * math.sin(a), middle - length * math.cos(a)) for a in arc]
        degrees = round(math.degrees(at))
        title = tag("title", f"{degrees}°: {count(value)} people")
        parts.append(tag("path", title, d=polyline([(middle, middle), *points]) + "Z", class_="bar"))
    names = (
        ("upright, 0°", middle, 14.0),
        ("180°", middle, size - 6),
        ("270°", 14.0, middle),
        ("90°", size - 14, middle),
    )
    parts += [tag("text", text, x=x, y=y + 4, class_="tick middle") for text, x, y in names]
    return _svg(size, size, "Directions of torsos from hips to shoulders", parts, "chart small")


def mean_pose(model: PoseModel, body: Body, labelled: npt.NDArray[np.bool_]) -> Markup:
    """The mean pose with an ellipse of one standard deviation around each keypoint that is ever labelled."""
    size = 300.0
    mean = model.mean
    shown: list[int] = np.flatnonzero(labelled).tolist()
    spreads = [np.sqrt(np.diag(model.covariance)[2 * k : 2 * k + 2]) for k in shown]
    low = np.min([mean[k] - s for k, s in zip(shown, spreads, strict=True)], axis=0)
    high = np.max([mean[k] + s for k, s in zip(shown, spreads, strict=True)], axis=0)
    scale = (size - 24) / float((high - low).max())
    centre = (low + high) / 2

    def at(k: int) -> tuple[float, float]:
        x, y = (mean[k] - centre) * scale + size / 2
        return float(x), float(y)

    parts = []
    for k in shown:
        block = model.covariance[2 * k : 2 * k + 2, 2 * k : 2 * k + 2]
        values, vectors = np.linalg.eigh(block)
        turn = math.degrees(math.atan2(vectors[1, 1], vectors[0, 1]))
        x, y = at(k)
        place = f"translate({coordinate(x)} {coordinate(y)}) rotate({coordinate(turn)})"
        rx, ry = (float(np.sqrt(max(v, 0)) * scale) for v in values[::-1])
        parts.append(
            tag(
                "ellipse",
                tag("title", label(body.names[k])),
                rx=rx,
                ry=ry,
                transform=place,
                class_=f"spread {body.side(k)}",
            )
        )
    for a, b in body.limbs:
        if labelled[a] and labelled[b]:
            parts.append(tag("path", d=polyline([at(a), at(b)]), class_=f"bone {body.limb_side(a, b)}"))
    for k in shown:
        x, y = at(k)
        parts.append(
            tag("circle", tag("title", label(body.names[k])), cx=x, cy=y, r=3.0, class_=f"dot {body.side(k)}")
        )
    return _svg(size, size, "The mean pose of the set and how far keypoints stray", parts, "chart small")


def heatmap(cells: npt.NDArray[np.int64], name: str, people: int) -> Markup:
    """Where one keypoint lies relative to the box, which is the frame."""
    grown = 1 + 2 * HEAT_MARGIN
    side = HEAT_CELLS / grown
    edge = HEAT_MARGIN * side
    data = base64.b64encode(_png(cells)).decode()
    parts = [
        tag("image", href=f"data:image/png;base64,{data}", width=HEAT_CELLS, height=HEAT_CELLS),
        tag("rect", x=edge, y=edge, width=side, height=side, class_="box"),
    ]
    picture = tag(
        "svg",
        parts,
        viewBox=f"0 0 {HEAT_CELLS} {HEAT_CELLS}",
        role="img",
        aria_label=f"where {name} lies in the box",
        class_="heat",
    )
    return tag("figure", picture, tag("figcaption", tag("b", name), " ", count(people)))


def _png(cells: npt.NDArray[np.int64]) -> bytes:
    """A palette PNG of one colour whose opacity is the root of the count."""
    strength = np.sqrt(cells / max(1, int(cells.max())))
    levels = np.ceil(strength * (_LEVELS - 1)).astype(np.uint8)
    rows = b"".join(b"\0" + row.tobytes() for row in levels)
    height, width = levels.shape
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", bytes(_HEAT_RGB) * _LEVELS),
        (b"tRNS", bytes(0 if n == 0 else round(30 + 225 * n / (_LEVELS - 1)) for n in range(_LEVELS))),
        (b"IDAT", zlib.compress(rows, 9)),
        (b"IEND", b""),
    )
    packed = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def _svg(width: float, height: float, title: str, parts: list[Any], class_: str = "chart") -> Markup:
    box = f"0 0 {coordinate(width)} {coordinate(height)}"
    return tag("svg", parts, viewBox=box, role="img", aria_label=title, class_=class_)


def _step(most: int) -> int:
    """Between 3 and 6 steps to the top, each 1, 2 or 5 times a power of ten."""
    power = 10 ** max(0, int(math.log10(most)) - 1)
    return next((s * power for s in (1, 2, 5, 10, 20, 50) if most / (s * power) <= 6), most)


def _limb_name(first: str, second: str) -> str:
    """left knee – ankle, left – right hip: what both have once."""
    side, _, rest = second.partition(" ")
    if not rest:
        return f"{first} – {second}"
    if first.startswith(f"{side} "):
        return f"{first} – {rest}"
    other, _, same = first.partition(" ")
    return f"{other} – {second}" if same == rest else f"{first} – {second}"
