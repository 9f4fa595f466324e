"""Where the boxes and lines of a graph go: rows from top to bottom, few crossings, straight where that is possible.

Sugiyama, Tagawa & Toda (1981): rows by the longest path, order by the mean of neighbours; places are the least squares
under "side by side without overlap" (pool adjacent violators).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

BOX_WIDTH, BOX_HEIGHT = 216.0, 46.0
_GAP_X, _GAP_Y, _LANE = 22.0, 30.0, 16.0
_MARGIN = 16.0
_SWEEPS = 6
_MOST_LANES = 60_000


@dataclass(frozen=True)
class GraphLayout:
    """Places in px, from the top left.

    Attributes:
        boxes: (x, y) of the upper left corner of each node.
        lines: the points of each edge, from the lower side of its first node to the upper side of its second.
        width, height: of the whole.
    """

    boxes: tuple[tuple[float, float], ...]
    lines: tuple[tuple[tuple[float, float], ...], ...]
    width: float
    height: float


def graph_layout(nodes: int, edges: Sequence[tuple[int, int]]) -> GraphLayout:
    """Places for nodes 0 to `nodes` - 1 and edges (from, to), where `from` is always the lower number."""
    rows = _rows(nodes, edges)
    lanes = sum(rows[b] - rows[a] - 1 for a, b in edges) <= _MOST_LANES
    # Long edges get a lane of their own through the rows that they cross.
    row_of = list(rows)
    chains: list[list[int]] = []
    for a, b in edges:
        chain = [a]
        for row in range(rows[a] + 1, rows[b]) if lanes else ():
            chain.append(len(row_of))
            row_of.append(row)
        chains.append([*chain, b])
    above: list[list[int]] = [[] for _ in row_of]
    below: list[list[int]] = [[] for _ in row_of]
    for chain in chains:
        for a, b in pairwise(chain):
            if row_of[b] == row_of[a] + 1:
                below[a].append(b)
                above[b].append(a)
    order: list[list[int]] = [[] for _ in range(max(row_of, default=-1) + 1)]
    for item in _depth_first(len(row_of), below):
        order[row_of[item]].append(item)
    x = _placed(order, above, below, nodes)
    left = min((x[i] - _half(i, nodes) for i in range(len(x))), default=0.0)
    x = [each - left + _MARGIN for each in x]
    y = [_MARGIN + row * (BOX_HEIGHT + _GAP_Y) for row in row_of]
    lines = []
    for chain in chains:
        points = [(x[chain[0]], y[chain[0]] + BOX_HEIGHT)]
        for item in chain[1:-1]:
            points += [(x[item], y[item]), (x[item], y[item] + BOX_HEIGHT)]
        lines.append((*points, (x[chain[-1]], y[chain[-1]])))
    boxes = tuple((x[i] - BOX_WIDTH / 2, y[i]) for i in range(nodes))
    width = max((x[i] + _half(i, nodes) for i in range(len(x))), default=0.0) + _MARGIN
    height = len(order) * (BOX_HEIGHT + _GAP_Y) - _GAP_Y + 2 * _MARGIN if order else 2 * _MARGIN
    return GraphLayout(boxes, tuple(lines), width, height)


def _rows(nodes: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    rows = [0] * nodes
    sources: list[list[int]] = [[] for _ in range(nodes)]
    targets: list[list[int]] = [[] for _ in range(nodes)]
    for a, b in edges:
        sources[b].append(a)
        targets[a].append(b)
    for node in range(nodes):
        rows[node] = max((rows[a] + 1 for a in sources[node]), default=0)
    # What reads nothing that is shown goes right above what reads it.
    for node in reversed(range(nodes)):
        if not sources[node] and targets[node]:
            rows[node] = min(rows[b] for b in targets[node]) - 1
    least = min(rows, default=0)
    return [row - least for row in rows]


def _depth_first(items: int, below: Sequence[Sequence[int]]) -> list[int]:
    seen = [False] * items
    order = []
    for root in range(items):
        stack = [root]
        while stack:
            item = stack.pop()
            if not seen[item]:
                seen[item] = True
                order.append(item)
                stack.extend(reversed(below[item]))
    return order


def _half(item: int, nodes: int) -> float:
    return BOX_WIDTH / 2 if item < nodes else _LANE / 2


def _placed(
    order: list[list[int]], above: Sequence[Sequence[int]], below: Sequence[Sequence[int]], nodes: int
) -> list[float]:
    """The x of each item's middle, after sweeps down and up; `order` is sorted on the way."""
    x = [0.0] * len(above)
    for row in order:
        _side_by_side(row, x, [0.0] * len(row), nodes)
    for sweep in range(2 * _SWEEPS):
        neighbours = above if sweep % 2 == 0 else below
        for row in order if sweep % 2 == 0 else reversed(order):
            wanted = {item: _mean(neighbours[item], x, x[item]) for item in row}
            if sweep < 2 * _SWEEPS - 2:
                row.sort(key=wanted.__getitem__)
            _side_by_side(row, x, [wanted[item] for item in row], nodes)
    return x


def _mean(items: Sequence[int], x: Sequence[float], otherwise: float) -> float:
    return sum(x[item] for item in items) / len(items) if items else otherwise


def _side_by_side(row: Sequence[int], x: list[float], wanted: Sequence[float], nodes: int) -> None:
    """Places as near to those that are wanted as the widths allow, in this order."""
    offsets = []
    at = 0.0
    for index, item in enumerate(row):
        if index:
            at += _half(row[index - 1], nodes) + _half(item, nodes) + _GAP_X
        offsets.append(at)
    # Groups of (sum, count) whose means grow from left to right.
    groups: list[list[float]] = []
    for want, offset in zip(wanted, offsets, strict=True):
        groups.append([want - offset, 1])
        while len(groups) > 1 and groups[-2][0] * groups[-1][1] >= groups[-1][0] * groups[-2][1]:
            total, count = groups.pop()
            groups[-1][0] += total
            groups[-1][1] += count
    index = 0
    for total, count in groups:
        for _ in range(int(count)):
            x[row[index]] = total / count + offsets[index]
            index += 1
