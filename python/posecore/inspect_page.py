"""The page of `posecore inspect`: a model's graph to look at, search and click through, or two side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from posecore.evaluation.markup import Markup, count, plain, table, tag
from posecore.evaluation.page_parts import section
from posecore.evaluation.page_shell import document
from posecore.export.graphs.differences import Difference, ModelDifferences, counted
from posecore.export.graphs.inspected_model import InspectedModel
from posecore.export.graphs.model_graph import ModelGraph, shown
from posecore.export.graphs.option_words import option_text, summary_of
from posecore.export.graphs.purpose import role_words, tensor_line
from posecore.inspect_drawing import LEGEND, Drawing, drawing_of, node_data, svg

_HOW = (
    "Drag or scroll to move, Ctrl and the wheel or the buttons to zoom. Click a box, or move with the arrow keys, for "
    "what it reads, makes and is told. The bar in a box is its share of the multiplies."
)
_MOST_ROWS = 5000
_MOST_OPEN = 100


def page_html(
    models: Sequence[InspectedModel], found: ModelDifferences | None = None, *, version: str
) -> bytes:
    """The page as UTF-8; the same bytes for the same models. It holds all it shows, and names are escaped.

    Args:
        models: one, or the two of `found`.
        found: what differs between them.
        version: of posecore, for the foot.
    """
    names = [plain(Path(model.graph.file).name or "model", 120) for model in models]
    title = names[0] if len(names) == 1 else f"{names[0]} and {names[1]}"
    drawings = [drawing_of(model.graph) for model in models]
    parts: list[object] = [_head(title, models, names)]
    body: list[object] = []
    if found is not None:
        body.append(_differences(found))
    body.append(_graphs(models, names, drawings, found))
    body += [
        _about(model, name, index, len(models))
        for index, (model, name) in enumerate(zip(models, names, strict=True))
    ]
    if found is not None:
        body.append(_pairs(found))
    else:
        body.append(_operators(models[0].graph, drawings[0]))
    parts += [
        tag("main", body),
        tag(
            "footer",
            f"Made by posecore {version} inspect. The file holds all it shows and asks nothing of the network.",
        ),
    ]
    data: dict[str, object] = {
        f"graph-{index}": node_data(drawing, found, index)
        for index, drawing in enumerate(drawings)
        if drawing is not None
    }
    if found is not None and all(drawing is not None for drawing in drawings):
        # Operator number to box number, so that a choice in one graph is followed in the other.
        data["boxes"] = [drawing.of_operator for drawing in drawings if drawing is not None]
    return document(
        f"{title} – inspect",
        [tag("div", part) if not isinstance(part, Markup) else part for part in parts],
        styles=("graph.css",),
        scripts=("graph.js",),
        data=data,
    )


def _head(title: str, models: Sequence[InspectedModel], names: Sequence[str]) -> Markup:
    tiles = []
    for index, model in enumerate(models):
        graph = model.graph
        facts = [
            ("format", graph.format),
            ("bytes", count(graph.bytes_)),
            ("parameters", counted(graph.parameters, graph.uncounted[0])),
            ("multiplies", counted(graph.multiplies, graph.uncounted[1])),
            ("operators", count(len(graph.operators))),
        ]
        if len(models) > 1:
            tiles.append(tag("p", _letter(index), " ", tag("bdi", names[index]), class_="which"))
        tiles.append(
            tag("dl", [tag("div", tag("dt", name), tag("dd", text)) for name, text in facts], class_="tiles")
        )
    said = models[0].purpose.sentences[0] if len(models) == 1 and models[0].purpose.sentences else None
    return tag(
        "header",
        tag("h1", tag("bdi", title)),
        tag("p", plain(said, 600), class_="subject") if said else None,
        tiles,
    )


def _letter(index: int) -> Markup:
    return tag("b", "AB"[index], class_="letter")


def _graphs(
    models: Sequence[InspectedModel],
    names: Sequence[str],
    drawings: Sequence[Drawing | None],
    found: ModelDifferences | None,
) -> Markup:
    figures = []
    for index, drawing in enumerate(drawings):
        heading = tag("h3", _letter(index), " ", tag("bdi", names[index])) if len(models) > 1 else None
        if drawing is None:
            figures.append(tag("figure", heading, tag("p", "Too many operators to be drawn.", class_="note")))
            continue
        figures.append(_figure(drawing, names[index], index, heading, _marks(drawing, found, index)))
    legend = [tag("li", tag("i", class_=f"key {group}"), words) for group, words in LEGEND]
    if found is not None:
        legend = [
            tag("li", tag("i", sign, class_=f"key sign {mark}"), words)
            for mark, sign, words in (
                ("changed", "≠", "in both, and differs"),
                ("removed", "−", "in A alone"),
                ("added", "+", "in B alone"),
                ("same", "", "the same"),
            )
        ]
    return section(
        "graph",
        "The graph" if len(models) == 1 else "The graphs",
        _HOW,
        tag("ul", legend, class_="keys-of-graph"),
        tag("div", figures, class_="graphs two-graphs" if len(models) > 1 else "graphs"),
    )


def _marks(drawing: Drawing, found: ModelDifferences | None, side: int) -> dict[int, str]:
    if found is None:
        return {}
    boxes = drawing.of_operator
    marks: dict[int, str] = {}
    for pair in found.pairs:
        own = pair.first if side == 0 else pair.second
        if own is None or own not in boxes:
            continue
        alone = pair.second is None or pair.first is None
        word = ("removed", "added")[side] if alone else "changed" if pair.differences else "same"
        marks[boxes[own]] = word
    return marks


def _figure(drawing: Drawing, name: str, index: int, heading: Markup | None, marks: dict[int, str]) -> Markup:
    def button(action: str, text: str, label: str) -> Markup:
        return tag("button", text, type="button", data_action=action, aria_label=label, title=label)

    differing = any(mark != "same" for mark in marks.values())
    bar = tag(
        "div",
        tag(
            "label",
            tag("span", "find", class_="unseen"),
            tag("input", type="search", placeholder="find an operator, name or shape", autocomplete="off"),
        ),
        tag("output", class_="hits"),
        button("next", "next difference", "the next operator that differs") if differing else None,
        tag(
            "span",
            button("out", "−", "smaller"),
            button("in", "+", "larger"),
            button("whole", "whole", "the whole graph"),
            button("one", "1:1", "readable size"),
            class_="zoom",
        ),
        class_="graph-bar",
    )
    return tag(
        "figure",
        heading,
        bar,
        tag(
            "div",
            tag("div", svg(drawing, name, marks), class_="view", tabindex=-1),
            tag("div", tag("p", "Nothing is chosen.", class_="note"), class_="chosen", aria_live="polite"),
            class_="view-and-chosen",
        ),
        class_="graph",
        data_graph=index,
    )


def _about(model: InspectedModel, name: str, index: int, many: int) -> Markup:
    graph = model.graph
    heads = {head.tensor: role_words(head.role) for head in model.purpose.heads}
    listed = [("input", number) for number in graph.inputs[:200]]
    listed += [("output", number) for number in graph.outputs[:200]]
    listed += [("for the decoder", number) for number in heads if number >= 0 and number not in graph.outputs]
    rows = [
        (_named(word, graph, number), *_tensor(graph, number), heads.get(number, ""))
        for word, number in listed
    ]
    rows += [
        (tag("bdi", plain(head.name, 90)), "", "", role_words(head.role))
        for head in model.purpose.heads
        if head.tensor < 0
    ]
    ends = tag("div", table(("", "shape", "type", "what it is"), rows, class_="ends"), class_="wide")
    facts = [*graph.facts.items()]
    if graph.size is not None:
        facts.append(("shapes for an input of", f"{graph.size[1]}x{graph.size[0]} px (height x width)"))
    card = [
        tag("div", tag("dt", plain(key, 60)), tag("dd", tag("bdi", plain(value, 300))))
        for key, value in facts
    ]
    custom = [each for each in graph.operators if each.explained][:50]
    explained = [
        tag(
            "div",
            tag("h3", tag("bdi", plain(each.kind, 80))),
            [tag("p", plain(sentence, 1200)) for sentence in each.explained],
            table(
                ("option", "value"),
                [(plain(key, 60), plain(option_text(value), 200)) for key, value in each.options.items()],
                class_="options",
            )
            if each.options
            else None,
            class_="custom-operator",
        )
        for each in custom
    ]
    title = "What it is" if many == 1 else f"What {'AB'[index]} is"
    return section(
        f"about-{index}",
        title,
        tag("bdi", name) if many > 1 else None,
        [tag("p", plain(sentence, 800)) for sentence in model.purpose.sentences],
        [tag("p", "Note: ", plain(note, 800), class_="note") for note in graph.notes],
        ends,
        tag("dl", card, class_="card") if card else None,
        explained,
    )


def _named(word: str, graph: ModelGraph, number: int) -> Markup:
    return tag("span", tag("small", word), " ", tag("bdi", plain(graph.tensors[number].name, 90)))


def _tensor(graph: ModelGraph, number: int) -> tuple[str, str]:
    tensor = graph.tensors[number]
    return shown(tensor.shape), tensor_line(tensor)


def _operators(graph: ModelGraph, drawing: Drawing | None) -> Markup:
    boxes = {} if drawing is None else drawing.of_operator
    rows = []
    for number, each in enumerate(graph.operators[:_MOST_ROWS]):
        if each.on_weights:
            continue
        label = tag("span", f"{number} ", tag("bdi", plain(each.kind, 60)))
        link = tag("a", label, href="#graph", data_show=boxes[number]) if number in boxes else label
        made = shown(graph.tensors[each.outputs[0]].shape) if each.outputs else ""
        rows.append(
            (
                link,
                made,
                _number(each.parameters),
                _number(each.multiplies),
                plain(summary_of(each.options), 120),
            )
        )
    unpacking = sum(each.on_weights for each in graph.operators)
    left = f" {unpacking} operators that only unpack weights are left out." if unpacking else ""
    if len(graph.operators) > _MOST_ROWS:
        left += f" The first {count(_MOST_ROWS)} are shown."
    body = table(("operator", "makes", "parameters", "multiplies", "options"), rows, class_="operators")
    body = _folded(body, len(rows))
    return section(
        "operators",
        "Operators in order",
        f"A click shows one in the graph.{left}",
        tag("div", body, class_="wide"),
    )


def _folded(body: Markup, rows: int) -> Markup:
    """A table that is opened by a click where it is long."""
    return tag("details", tag("summary", f"{count(rows)} rows"), body, open=rows <= _MOST_OPEN)


def _number(value: int | None) -> str:
    return "?" if value is None else count(value) if value else ""


def _differences(found: ModelDifferences) -> Markup:
    counts = found.counts
    lead = (
        f"Of the operators {counts['same']} are the same, {counts['changed']} differ, {counts['removed']} are in A "
        f"alone and {counts['added']} in B alone."
    )
    tables = [
        tag("div", _table(title, rows), class_="wide")
        for title, rows in (("As wholes", found.whole), ("Inputs and outputs", found.ends))
        if rows
    ]
    notes = [tag("p", plain(note), class_="note") for note in found.notes]
    return section("differences", "What differs", lead, notes, tag("div", tables, class_="pair"))


def _table(title: str, rows: Sequence[Difference]) -> Markup:
    cells = [
        (plain(row.what, 90), plain(row.first, 120) or "–", plain(row.second, 120) or "–") for row in rows
    ]
    return table(("", "A", "B"), cells, caption=title, class_="changes")


def _pairs(found: ModelDifferences) -> Markup:
    rows = []
    for pair in found.pairs[:_MOST_ROWS]:
        if pair.first is not None and pair.second is not None and not pair.differences:
            continue
        own = found.first.operators[pair.first] if pair.first is not None else None
        other = found.second.operators[pair.second] if pair.second is not None else None
        sign = "+" if own is None else "−" if other is None else "≠"
        changes = [
            tag(
                "div",
                f"{each.what}: ",
                tag("bdi", plain(each.first, 90) or "–"),
                " → ",
                tag("bdi", plain(each.second, 90) or "–"),
            )
            for each in pair.differences
        ]
        rows.append(
            (
                sign,
                "" if own is None else f"{pair.first} {plain(own.kind, 60)}",
                "" if other is None else f"{pair.second} {plain(other.kind, 60)}",
                changes,
            )
        )
    body = _folded(table(("", "A", "B", "differs in"), rows, class_="changes"), len(rows))
    return section("pairs", "Operators that differ", None, tag("div", body, class_="wide"))
