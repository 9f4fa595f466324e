"""What the inspection page says in its own way: names of keypoints, and tables that may be wider than the page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from posecore.evaluation.markup import Markup, plain, table, tag


def label(name: str, most: int = 40) -> str:
    """A keypoint's name for people: left_big_toe is left big toe."""
    return plain(name.replace("_", " "), most)


def wide_table(head: Iterable[object], rows: Iterable[Iterable[object]], *, class_: str = "") -> Markup:
    """A table whose first column names the row, in a box that scrolls where it is wider than the page."""
    cells: list[Sequence[object]] = [tuple(row) for row in rows]
    return tag("div", table(tuple(head), cells, class_=class_), class_="wide")
