"""The drawn figure: a standing person with a ring at each keypoint, cut into its kinds of error."""

from __future__ import annotations

import math
from collections.abc import Sequence

from posecore.evaluation.markup import KINDS, Markup, coordinate, count, percent, polyline, tag
from posecore.evaluation.page_content import KeypointKinds, Point
from posecore.skeletons import Skeleton

# A person who faces the reader, so that the person's left is on the right; y grows downward. The head is
# larger than life: five rings have to fit into it.
_HALF = {
    "eye": (12.5, -10),
    "ear": (32, 0),
    "shoulder": (38, 66),
    "elbow": (55, 108),
    "wrist": (66, 150),
    "hip": (21, 150),
    "knee": (24, 204),
    "ankle": (26, 258),
    "heel": (14, 276),
    "big_toe": (24, 292),
    "small_toe": (44, 284),
}
_MIDDLE = {
    "nose": (0, 10),
    "top_head": (0, -34),
    "head_top": (0, -34),
    "head": (0, 0),
    "upper_neck": (0, 36),
    "neck": (0, 46),
    "thorax": (0, 66),
    "spine": (0, 100),
    "pelvis": (0, 136),
}
STANDING: dict[str, Point] = {
    **_MIDDLE,
    **{f"left_{name}": (x, y) for name, (x, y) in _HALF.items()},
    **{f"right_{name}": (-x, y) for name, (x, y) in _HALF.items()},
}
"""Keypoint name to its place in the standing figure, in the figure's own units."""

_RING, _HOLE, _MARGIN, _WIDTH = 8.6, 5.6, 14.0, 188.0


def has_figure(skeleton: Skeleton) -> bool:
    """Whether the standing figure has a place for every keypoint, by its name."""
    return all(name in STANDING for name in skeleton.keypoints)


def places(skeleton: Skeleton, layout: Sequence[Point] | None = None) -> tuple[tuple[Point, ...], float]:
    """Where the rings are, and their radius.

    Args:
        skeleton: whose keypoints.
        layout: K points in any unit, for a skeleton whose names the standing figure does not know; a circle
            where there is none.
    """
    if has_figure(skeleton):
        return tuple(STANDING[name] for name in skeleton.keypoints), _RING
    count_ = skeleton.num_keypoints
    if layout is None:
        turns = [2 * math.pi * k / count_ for k in range(count_)]
        layout = [(math.sin(turn), -math.cos(turn)) for turn in turns]
    xs, ys = [x for x, _ in layout], [y for _, y in layout]
    extent = max(max(xs) - min(xs), (max(ys) - min(ys)) / 1.8, 1e-9)
    points = [((x - min(xs)) * 160 / extent, (y - min(ys)) * 160 / extent) for x, y in layout]
    radius = max(2.5, min(_RING, 0.42 * math.sqrt(160 * 288 / count_) / 2))
    return tuple(_apart(points, 2.2 * radius)), radius


def _apart(points: list[Point], least: float) -> list[Point]:
    """The points, moved until no two are much closer than `least`."""
    moved = [list(point) for point in points]
    for _ in range(120):
        worst = 0.0
        for a in range(len(moved)):
            for b in range(a):
                dx, dy = moved[a][0] - moved[b][0], moved[a][1] - moved[b][1]
                gap = math.hypot(dx, dy)
                if gap >= least:
                    continue
                worst = max(worst, least - gap)
                # Points on top of each other part in a direction of their own.
                ux, uy = (dx / gap, dy / gap) if gap > 1e-6 else (math.cos(a), math.sin(a))
                push = (least - gap) / 2
                moved[a][0] += ux * push
                moved[a][1] += uy * push
                moved[b][0] -= ux * push
                moved[b][1] -= uy * push
        if worst < 0.05 * least:
            break
    return [(x, y) for x, y in moved]


def figure(
    skeleton: Skeleton, keypoints: Sequence[KeypointKinds], layout: Sequence[Point] | None = None
) -> Markup:
    """SVG of the person: each ring starts at the top and runs clockwise through good, jitter, inversion,
    swap and miss; the number in it is the share that is not good, in percent."""
    points, radius = places(skeleton, layout)
    parts: list[Markup] = []
    if has_figure(skeleton):
        parts.append(_body({name: STANDING[name] for name in skeleton.keypoints}))
    for a, b in skeleton.limbs:
        parts.append(tag("path", d=polyline([points[a], points[b]]), class_="bone"))
    for row, point in zip(keypoints, points, strict=True):
        parts.append(_ring(row, point, radius))
    xs = [x for x, _ in points] + ([-80.0, 80.0] if has_figure(skeleton) else [])
    ys = [y for _, y in points] + ([-34.0] if has_figure(skeleton) else [])
    box = (min(xs) - _MARGIN, min(ys) - _MARGIN, max(xs) + _MARGIN, max(ys) + _MARGIN)
    # Rings are as large on the page in every figure.
    beside = max(0.0, _WIDTH - (box[2] - box[0])) / 2
    size = (box[0] - beside, box[1], box[2] - box[0] + 2 * beside, box[3] - box[1])
    sides = (
        tag("text", "person's right", x=box[0] + 2, y=box[1] + 10, class_="side"),
        tag("text", "person's left", x=box[2] - 2, y=box[1] + 10, class_="side", text_anchor="end"),
    )
    return tag(
        "svg",
        sides if has_figure(skeleton) else None,
        parts,
        viewBox=" ".join(coordinate(value) for value in size),
        class_="figure",
        role="img",
        aria_label="A person with the shares of good keypoints and errors at each keypoint; "
        "the table has the same numbers.",
    )


def _body(known: dict[str, Point]) -> Markup:
    """The silhouette behind the rings."""
    parts = [
        tag("circle", cx=0, cy=-2, r=33),
        tag("path", d="M0 30L0 60", stroke_width=24),
        tag("path", d="M-34 66L34 66L22 150L-22 150Z", stroke_width=24, stroke_linejoin="round"),
    ]
    for side in (-1, 1):
        arm = [(side * x, y) for x, y in (_HALF["shoulder"], _HALF["elbow"], _HALF["wrist"])]
        leg = [(side * x, y) for x, y in (_HALF["hip"], _HALF["knee"], _HALF["ankle"])]
        parts.append(tag("path", d=polyline(arm), stroke_width=20))
        parts.append(tag("path", d=polyline(leg), stroke_width=26))
        foot = [(side * x, y) for x, y in (_HALF["ankle"], (_HALF["big_toe"][0] + 6, 282))]
        if "left_heel" in known:
            parts.append(tag("path", d=polyline(foot), stroke_width=34))
    return tag("g", parts, class_="body")


def _ring(row: KeypointKinds, point: Point, radius: float) -> Markup:
    total = sum(row.counts)
    x, y = point
    name = row.keypoint.replace("_", " ")
    said = [f"{name}: {count(total)} labelled in matched people"] + [
        f"{kind.name} {count(number)} ({percent(number, total)})"
        for kind, number in zip(KINDS, row.counts, strict=True)
    ]
    hole = radius * _HOLE / _RING
    parts = [tag("title", "\n".join(said)), tag("circle", cx=x, cy=y, r=radius + 1, class_="plate")]
    if total == 0:
        parts.append(tag("circle", cx=x, cy=y, r=(radius + hole) / 2, class_="empty"))
        return tag("g", parts, class_="ring")
    start = 0.0
    for kind, number in zip(KINDS, row.counts, strict=True):
        end = start + number / total
        if number:
            path = _sector(point, radius, hole, start, end)
            parts.append(tag("path", d=path, class_="sector", style=f"fill:var(--{kind.colour.name})"))
        start = end
    if radius > 5:
        wrong = f"{100 * (total - row.counts[0]) / total:.0f}"
        parts.append(tag("text", wrong, x=x, y=y + 2.1, class_="share", text_anchor="middle"))
    return tag("g", parts, class_="ring")


def _sector(centre: Point, outer: float, inner: float, start: float, end: float) -> str:
    """Path of the part of a ring from `start` to `end`, in turns clockwise from the top."""
    if end - start > 0.9999:
        # An arc cannot end where it starts: two halves.
        return _sector(centre, outer, inner, 0, 0.5) + _sector(centre, outer, inner, 0.5, 0.9999)

    def at(radius: float, turn: float) -> str:
        angle = 2 * math.pi * turn
        return (
            f"{coordinate(centre[0] + radius * math.sin(angle))} "
            f"{coordinate(centre[1] - radius * math.cos(angle))}"
        )

    large = int(end - start > 0.5)
    r, q = coordinate(outer), coordinate(inner)
    return (
        f"M{at(outer, start)}A{r} {r} 0 {large} 1 {at(outer, end)}"
        f"L{at(inner, end)}A{q} {q} 0 {large} 0 {at(inner, start)}Z"
    )
