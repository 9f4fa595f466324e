"""What `posecore inspect` prints: one model, or what differs between two, in lines of at most 100 characters."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from posecore.export.graphs.differences import Difference, ModelDifferences, Pair, counted
from posecore.export.graphs.inspected_model import InspectedModel
from posecore.export.graphs.model_graph import GraphOperator, ModelGraph, shown
from posecore.export.graphs.option_words import option_text, summary_of
from posecore.export.graphs.purpose import channels_last, role_words, tensor_line
from posecore.printable import printable

WIDTH = 100
_MOST_KINDS = 12


def model_lines(model: InspectedModel, *, brief: bool) -> Iterator[str]:
    """One model; `brief` leaves out the table of operators."""
    graph = model.graph
    yield fitted(printable(graph.file), WIDTH)
    yield from _wrapped(f"{graph.format}, {graph.bytes_:,} bytes", "  ")
    for name, value in graph.facts.items():
        yield from _wrapped(f"{printable(name)}: {printable(value)}", "  ")
    if graph.size is not None:
        yield f"  shapes for an input of {graph.size[1]}x{graph.size[0]} px (height x width)"
    yield ""
    for word, numbers in (("inputs", graph.inputs), ("outputs", graph.outputs)):
        yield word
        yield from _ends(graph, numbers)
    if model.purpose.heads:
        yield "heads"
        wide = max(len(role_words(head.role)) for head in model.purpose.heads)
        for head in model.purpose.heads:
            name = fitted(printable(head.name), WIDTH - wide - 4)
            yield f"  {role_words(head.role):<{wide}}  {name}".rstrip()
    yield ""
    for sentence in model.purpose.sentences:
        yield from _wrapped(printable(sentence), "")
    yield ""
    yield f"parameters  {counted(graph.parameters, graph.uncounted[0]):>15}"
    yield f"multiplies  {counted(graph.multiplies, graph.uncounted[1]):>15}{_why_unknown(graph)}"
    kinds = [f"{count} {printable(kind)}" for kind, count in graph.kinds()]
    rest = len(kinds) - _MOST_KINDS
    listed = ", ".join(kinds[:_MOST_KINDS]) + (f" and {rest} other kinds" if rest > 0 else "")
    yield from _wrapped(f"operators   {len(graph.operators):>15}  {listed}", "", " " * 29)
    for operator in graph.operators:
        if operator.explained:
            yield ""
            yield f"{printable(operator.kind)}: {fitted(printable(operator.name), WIDTH - 2 - len(operator.kind))}"
            for sentence in operator.explained:
                yield from _wrapped(printable(sentence), "  ")
            yield from _wrapped(_options(operator), "  ", "    ")
    for note in graph.notes:
        yield ""
        yield from _wrapped(f"note: {printable(note)}", "", "  ")
    if not brief:
        yield ""
        yield from _operators(graph)


def difference_lines(found: ModelDifferences, *, brief: bool) -> Iterator[str]:
    """What differs from the first to the second; `brief` leaves out the operators one by one."""
    yield fitted(f"- {printable(found.first.file)}", WIDTH)
    yield fitted(f"+ {printable(found.second.file)}", WIDTH)
    for title, rows in (("as wholes", found.whole), ("inputs and outputs", found.ends)):
        yield ""
        yield title
        if rows:
            yield from _table(rows)
        else:
            yield "  no difference"
    yield ""
    counts = found.counts
    yield (
        f"operators   {counts['same']} the same, {counts['changed']} changed, {counts['removed']} in the first alone, "
        f"{counts['added']} in the second alone"
    )
    for note in (*_free_sizes(found), *found.notes):
        yield from _wrapped(f"note: {printable(note)}", "", "  ")
    if not brief:
        for pair in found.pairs:
            yield from _pair(found, pair)


def _ends(graph: ModelGraph, numbers: Sequence[int]) -> Iterator[str]:
    tensors = [graph.tensors[number] for number in numbers]
    rows = [(printable(each.name), shown(each.shape), tensor_line(each)) for each in tensors]
    names = min(max((len(row[0]) for row in rows), default=0), 38)
    shapes = max((len(row[1]) for row in rows), default=0)
    for name, shape, line in rows:
        yield fitted(f"  {fitted(name, names):<{names}}  {shape:<{shapes}}  {line}", WIDTH)


def _operators(graph: ModelGraph) -> Iterator[str]:
    steps = [(i, each) for i, each in enumerate(graph.operators) if not each.on_weights]
    kinds = min(max((len(each.kind) for _, each in steps), default=4), 24)
    shapes = [_made(graph, each) for _, each in steps]
    wide = min(max((len(shape) for shape in shapes), default=5), 18)
    yield f"{'#':>4}  {'operator':<{kinds}}  {'makes':<{wide}}  {'parameters':>10}  {'multiplies':>13}  options"
    for (number, each), shape in zip(steps, shapes, strict=True):
        line = (
            f"{number:>4}  {fitted(printable(each.kind), kinds):<{kinds}}  {fitted(shape, wide):<{wide}}  "
            f"{_count(each.parameters):>10}  {_count(each.multiplies):>13}  {printable(summary_of(each.options))}"
        )
        yield fitted(line, WIDTH, ends=False).rstrip()
    unpacking = len(graph.operators) - len(steps)
    if unpacking:
        yield f"      {unpacking} operators that only unpack weights are left out"


def _made(graph: ModelGraph, operator: GraphOperator) -> str:
    return shown(graph.tensors[operator.outputs[0]].shape) if operator.outputs else ""


def _count(count: int | None) -> str:
    return "?" if count is None else f"{count:,}" if count else ""


def _options(operator: GraphOperator) -> str:
    return printable(", ".join(f"{key} {option_text(value)}" for key, value in operator.options.items()))


def _why_unknown(graph: ModelGraph) -> str:
    if graph.uncounted[1] and _is_free(graph):
        return "  (the size of the input is free: --size HEIGHTxWIDTH counts for one)"
    return ""


def _is_free(graph: ModelGraph) -> bool:
    """Whether shapes and multiplies wait for a size of the input."""
    shapes = [graph.tensors[number].shape for number in graph.inputs]
    return graph.size is None and any(shape is not None and -1 in shape[1:] for shape in shapes)


def _free_sizes(found: ModelDifferences) -> Iterator[str]:
    """What to type where two models differ by what one of them leaves free."""
    free = [word for word, graph in (("first", found.first), ("second", found.second)) if _is_free(graph)]
    if len(free) == 2:
        yield (
            "both models leave the size of their input free: --size HEIGHTxWIDTH compares shapes and multiplies at one."
        )
    elif free:
        other = found.second if free == ["first"] else found.first
        sides = _picture(other)
        size = "HEIGHTxWIDTH" if sides is None else f"{sides[0]}x{sides[1]}"
        yield (
            f"the {free[0]} model leaves the size of its input free, so that shapes differ and multiplies are unknown: "
            f"--size {size} (height x width) compares both at the other's."
        )


def _picture(graph: ModelGraph) -> tuple[int, int] | None:
    """(height, width) of the only picture that a model takes."""
    shapes = [channels_last(graph, graph.tensors[number].shape) for number in graph.inputs]
    sides = [shape[1:3] for shape in shapes if shape is not None and len(shape) == 4]
    return (sides[0][0], sides[0][1]) if len(sides) == 1 and min(sides[0]) > 0 else None


def _table(rows: Sequence[Difference]) -> Iterator[str]:
    names = min(max(len(printable(row.what)) for row in rows), 38)
    left = WIDTH - names - 6
    firsts = min(max(len(printable(row.first)) for row in rows), left // 2)
    for row in rows:
        first, second = printable(row.first) or "-", printable(row.second) or "-"
        what = fitted(printable(row.what), names)
        yield f"  {what:<{names}}  {fitted(first, firsts):<{firsts}}  {fitted(second, left - firsts)}".rstrip()


def _pair(found: ModelDifferences, pair: Pair) -> Iterator[str]:
    if pair.first is not None and pair.second is not None and not pair.differences:
        return
    if pair.second is None or pair.first is None:
        graph, number, sign = (
            (found.second, pair.second, "+") if pair.first is None else (found.first, pair.first, "-")
        )
        assert number is not None
        operator = graph.operators[number]
        about = f"{_made(graph, operator)}  {printable(summary_of(operator.options))}"
        line = f"{sign} {number:>4}  {printable(operator.kind)}  {about}"
        yield fitted(line, WIDTH, ends=False).rstrip()
        return
    operator = found.first.operators[pair.first]
    changes = "; ".join(
        f"{each.what} {each.first or '-'} -> {each.second or '-'}" for each in pair.differences
    )
    numbers = f"{pair.first}" if pair.first == pair.second else f"{pair.first}/{pair.second}"
    yield from _wrapped(f"~ {numbers:>4}  {printable(operator.kind)}  {printable(changes)}", "", " " * 8)


def _wrapped(text: str, indent: str, following: str | None = None) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent if following is None else following,
        drop_whitespace=True,
        break_on_hyphens=False,
    )


def fitted(text: str, most: int, *, ends: bool = True) -> str:
    """At most so many characters; names lose their middle, since they differ at both ends, lines their end."""
    if len(text) <= most:
        return text
    if not ends or most < 5:
        return text[: max(most - 1, 0)] + "…"
    tail = (most - 1) * 2 // 3
    return f"{text[: most - 1 - tail]}…{text[-tail:]}"
