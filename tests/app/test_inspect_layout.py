"""Boxes of a graph lie side by side, lines lead from top to bottom, and what is a chain is straight."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from posecore.inspect_layout import BOX_HEIGHT, BOX_WIDTH, graph_layout


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]]]:
    nodes = draw(st.integers(1, 14))
    pairs = [(a, b) for b in range(nodes) for a in range(b)]
    return nodes, draw(st.lists(st.sampled_from(pairs), unique=True, max_size=25)) if pairs else []


@given(graphs())
def test_boxes_do_not_lie_on_each_other_and_lines_go_down(graph: tuple[int, list[tuple[int, int]]]) -> None:
    nodes, edges = graph
    layout = graph_layout(nodes, edges)
    for (x, y), (u, v) in combinations(layout.boxes, 2):
        assert abs(x - u) >= BOX_WIDTH or abs(y - v) >= BOX_HEIGHT
    for (a, b), points in zip(edges, layout.lines, strict=True):
        assert points[0] == (layout.boxes[a][0] + BOX_WIDTH / 2, layout.boxes[a][1] + BOX_HEIGHT)
        assert points[-1] == (layout.boxes[b][0] + BOX_WIDTH / 2, layout.boxes[b][1])
        heights = [y for _, y in points]
        assert heights == sorted(heights)
    for x, y in layout.boxes:
        assert 0 <= x <= layout.width - BOX_WIDTH
        assert 0 <= y <= layout.height - BOX_HEIGHT


@given(graphs())
def test_lines_pass_beside_the_boxes(graph: tuple[int, list[tuple[int, int]]]) -> None:
    nodes, edges = graph
    layout = graph_layout(nodes, edges)
    for points in layout.lines:
        # Through the rows between its ends a line goes straight down, at the x of these pairs of points.
        for x, y in points[1:-1]:
            for left, top in layout.boxes:
                assert not (left < x < left + BOX_WIDTH and top <= y <= top + BOX_HEIGHT)


def test_a_chain_is_straight() -> None:
    layout = graph_layout(5, [(0, 1), (1, 2), (2, 3), (3, 4)])
    assert len({x for x, _ in layout.boxes}) == 1
    assert [y for _, y in layout.boxes] == sorted({y for _, y in layout.boxes})


def test_a_residual_goes_round_what_it_skips() -> None:
    layout = graph_layout(4, [(0, 1), (1, 2), (2, 3), (0, 3)])
    around = layout.lines[3]
    assert len(around) == 6
    assert len({x for x, _ in layout.boxes[1:3]}) == 1


def test_four_heads_lie_symmetrically_under_what_they_read() -> None:
    layout = graph_layout(5, [(0, k) for k in range(1, 5)])
    xs = [x for x, _ in layout.boxes]
    assert sum(xs[1:]) / 4 == xs[0]
    assert len({y for _, y in layout.boxes[1:]}) == 1


def test_what_reads_nothing_lies_right_above_what_reads_it() -> None:
    layout = graph_layout(5, [(0, 1), (1, 2), (2, 4), (3, 4)])
    assert layout.boxes[3][1] == layout.boxes[2][1]
