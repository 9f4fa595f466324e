"""One model's graph as SVG, and what the page's script says about each box when it is chosen."""

from __future__ import annotations

from dataclasses import dataclass

from posecore.evaluation.markup import Markup, coordinate, plain, tag
from posecore.export.graphs.differences import ModelDifferences
from posecore.export.graphs.model_graph import GraphOperator, ModelGraph, shown
from posecore.export.graphs.option_words import option_text, summary_of
from posecore.export.graphs.purpose import tensor_line
from posecore.inspect_layout import BOX_HEIGHT, BOX_WIDTH, GraphLayout, graph_layout

MOST_DRAWN = 3000
"""Boxes of one drawing; larger graphs are shown as tables only."""
_MOST_ENDS = 40
_GROUPS = {
    "convolution": "conv",
    "depthwise convolution": "depthwise",
    "separable convolution": "conv",
    "transposed convolution": "conv",
    "dense": "conv",
    "matrix product": "conv",
    "max pool": "pool",
    "average pool": "pool",
    "global pool": "pool",
    "resize": "pool",
    "concatenation": "join",
    "sum": "join",
    "quantise": "store",
    "dequantise": "store",
    "cast": "store",
    "activation": "activation",
    "sigmoid": "activation",
    "softmax": "activation",
    "tanh": "activation",
    "normalisation": "activation",
    "bias": "activation",
}
LEGEND = (
    ("conv", "convolution, dense"),
    ("depthwise", "depthwise convolution"),
    ("activation", "bias, normalisation, activation"),
    ("pool", "pool, resize"),
    ("join", "sum, concatenation"),
    ("store", "quantise, dequantise, cast"),
    ("custom", "custom operator"),
    ("end", "input or output"),
    ("other", "others"),
)


@dataclass(frozen=True)
class Node:
    """A box: an input ("in"), an operator ("op") or an output ("out"), by its number among these."""

    kind: str
    number: int
    label: str
    line: str
    group: str
    share: float


@dataclass(frozen=True)
class Drawing:
    """A graph as boxes and edges: nodes in an order that works, and pairs of their numbers."""

    graph: ModelGraph
    nodes: tuple[Node, ...]
    edges: tuple[tuple[int, int], ...]

    @property
    def of_operator(self) -> dict[int, int]:
        """Operator number to box number."""
        return {node.number: index for index, node in enumerate(self.nodes) if node.kind == "op"}


def drawing_of(graph: ModelGraph) -> Drawing | None:
    """Boxes and edges of a graph without what only unpacks weights; None where there are more than 3,000 boxes."""
    steps = [(number, each) for number, each in enumerate(graph.operators) if not each.on_weights]
    if len(steps) + len(graph.inputs) + len(graph.outputs) > MOST_DRAWN:
        return None
    most = max((each.multiplies or 0 for _, each in steps), default=0)
    nodes: list[Node] = []
    makers: dict[int, int] = {}
    edges: dict[tuple[int, int], None] = {}
    for index, number in enumerate(graph.inputs):
        makers[number] = len(nodes)
        nodes.append(_end(graph, "in", index, number))
    for number, each in steps:
        share = (each.multiplies or 0) / most if most else 0.0
        for source in each.inputs:
            if source in makers:
                edges[makers[source], len(nodes)] = None
        for made in each.outputs:
            makers[made] = len(nodes)
        nodes.append(Node("op", number, each.kind, _line(graph, each), _group(each), share))
    for index, number in enumerate(graph.outputs):
        if number in makers:
            edges[makers[number], len(nodes)] = None
        nodes.append(_end(graph, "out", index, number))
    return Drawing(graph, tuple(nodes), tuple(edges))


def _end(graph: ModelGraph, kind: str, index: int, number: int) -> Node:
    tensor = graph.tensors[number]
    return Node(kind, index, tensor.name, f"{shown(tensor.shape)} {tensor.dtype}", "end", 0.0)


def _line(graph: ModelGraph, operator: GraphOperator) -> str:
    shape = shown(graph.tensors[operator.outputs[0]].shape) if operator.outputs else ""
    return f"{shape}  {summary_of(operator.options)}".strip()


def _group(operator: GraphOperator) -> str:
    return "custom" if operator.is_custom else _GROUPS.get(operator.family, "other")


def svg(drawing: Drawing, title: str, marks: dict[int, str] | None = None) -> Markup:
    """The drawing; `marks` gives boxes a class more ("added", "removed", "changed", "same")."""
    layout = graph_layout(len(drawing.nodes), drawing.edges)
    lines = [
        tag("path", d=_curve(points), data_a=a, data_b=b)
        for (a, b), points in zip(drawing.edges, layout.lines, strict=True)
    ]
    boxes = [
        _box(node, index, layout, (marks or {}).get(index, "")) for index, node in enumerate(drawing.nodes)
    ]
    return tag(
        "svg",
        tag("g", lines, class_="lines"),
        tag("g", boxes, class_="boxes"),
        viewBox=f"0 0 {coordinate(layout.width)} {coordinate(layout.height)}",
        width=layout.width,
        height=layout.height,
        role="group",
        aria_label=plain(title, 80),
    )


def _box(node: Node, index: int, layout: GraphLayout, mark: str) -> Markup:
    x, y = layout.boxes[index]
    sign = {"added": "+", "removed": "−", "changed": "≠"}.get(mark, "")
    return tag(
        "g",
        tag("rect", width=BOX_WIDTH, height=BOX_HEIGHT, rx=6, class_="box"),
        tag("rect", width=5, height=BOX_HEIGHT, rx=2, class_="stripe"),
        tag("text", plain(node.label, 25 if sign else 27), x=13, y=19, class_="label"),
        tag("text", _cut(node.line, 31), x=13, y=35, class_="line"),
        tag("text", sign, x=BOX_WIDTH - 8, y=20, class_="sign") if sign else None,
        tag(
            "rect",
            x=13,
            y=BOX_HEIGHT - 5,
            width=max((BOX_WIDTH - 26) * node.share, 1.0),
            height=2,
            class_="share",
        )
        if node.share > 0
        else None,
        class_=f"node {node.group} {mark}".strip(),
        transform=f"translate({coordinate(x)} {coordinate(y)})",
        data_node=index,
        tabindex=0 if index == 0 else -1,
        role="button",
        aria_label=plain(f"{node.label} {node.line} {mark}".strip(), 120),
    )


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _curve(points: tuple[tuple[float, float], ...]) -> str:
    (x, y), *rest = points
    parts = [f"M{coordinate(x)} {coordinate(y)}"]
    for a, b in rest:
        if a == x:
            parts.append(f"V{coordinate(b)}")
        else:
            middle = (y + b) / 2
            parts.append(
                f"C{coordinate(x)} {coordinate(middle)} {coordinate(a)} {coordinate(middle)} "
                f"{coordinate(a)} {coordinate(b)}"
            )
        x, y = a, b
    return "".join(parts)


def node_data(
    drawing: Drawing, found: ModelDifferences | None = None, side: int = 0
) -> list[dict[str, object]]:
    """For each box what the page says of it, and the number of its counterpart in the other drawing."""
    graph = drawing.graph
    changes: dict[int, tuple[int | None, list[list[str]]]] = {}
    for pair in found.pairs if found is not None else ():
        own, other = (pair.first, pair.second) if side == 0 else (pair.second, pair.first)
        if own is not None:
            rows = [[each.what, each.first or "–", each.second or "–"] for each in pair.differences]
            changes[own] = other, [[plain(cell, 120) for cell in row] for row in rows]
    makers = _makers(drawing)
    data: list[dict[str, object]] = []
    for node in drawing.nodes:
        if node.kind != "op":
            number = (graph.inputs if node.kind == "in" else graph.outputs)[node.number]
            tensor = graph.tensors[number]
            word = "input" if node.kind == "in" else "output"
            rows = [["shape", shown(tensor.shape)], ["type", tensor_line(tensor)]]
            data.append({"kind": f"{word} {node.number}", "name": plain(tensor.name, 400), "rows": rows})
            continue
        operator = graph.operators[node.number]
        other, difference = changes.get(node.number, (None, []))
        data.append(
            {
                "kind": f"{plain(operator.kind, 80)}",
                "name": plain(operator.name, 400),
                "rows": _rows(node.number, operator),
                "reads": [
                    _tensor_row(graph, number, makers)
                    for number in operator.inputs[:_MOST_ENDS]
                    if number >= 0
                ],
                "makes": [_tensor_row(graph, number, {}) for number in operator.outputs[:_MOST_ENDS]],
                "says": [plain(sentence, 1200) for sentence in operator.explained],
                "differences": difference,
                "twin": other,
            }
        )
    return data


def _makers(drawing: Drawing) -> dict[int, int]:
    graph = drawing.graph
    makers: dict[int, int] = {}
    for index, node in enumerate(drawing.nodes):
        if node.kind == "in":
            makers[graph.inputs[node.number]] = index
        elif node.kind == "op":
            makers.update(dict.fromkeys(graph.operators[node.number].outputs, index))
    return makers


def _rows(number: int, operator: GraphOperator) -> list[list[str]]:
    rows = [["number", str(number)]]
    if operator.version:
        rows.append(["version", str(operator.version)])
    if operator.unit:
        rows.append(["runs on", operator.unit])
    if operator.parameters != 0:
        rows.append(["parameters", "unknown" if operator.parameters is None else f"{operator.parameters:,}"])
    if operator.multiplies != 0:
        rows.append(["multiplies", "unknown" if operator.multiplies is None else f"{operator.multiplies:,}"])
    return rows + [
        [plain(key, 60), plain(option_text(value), 300)] for key, value in operator.options.items()
    ]


def _tensor_row(graph: ModelGraph, number: int, makers: dict[int, int]) -> list[object]:
    tensor = graph.tensors[number]
    kind = "weights" if tensor.is_weight else "constant" if tensor.is_constant else ""
    return [plain(tensor.name, 160), shown(tensor.shape), tensor_line(tensor), kind, makers.get(number)]
