"""What differs between two model files, of one format or of two: ends, sizes, and operators one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from posecore.export.graphs.model_graph import GraphOperator, GraphTensor, ModelGraph, Shape, shown
from posecore.export.graphs.option_words import option_text
from posecore.export.graphs.purpose import channels_last, tensor_line

MOST_COMPARED = 3000
"""Operators of one file; more are counted by kind and not set side by side."""
_CLOSENESS = 4  # of two operators that agree in all that their score looks at


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs: what, and how it is in the first and in the second file ("" where it is not there)."""

    what: str
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class Pair:
    """Operators that stand for each other; None where the other file has none.

    Attributes:
        first, second: numbers of operators.
        differences: of the two, empty where they agree or one is None.
    """

    first: int | None
    second: int | None
    differences: tuple[Difference, ...]


@dataclass(frozen=True)
class ModelDifferences:
    """Two models, compared.

    Attributes:
        first, second: their graphs.
        whole: differences of the files as wholes.
        ends: differences of inputs and outputs.
        pairs: operators side by side, in order; those that only unpack weights are left out. Empty where there are too
            many to be compared.
        notes: sentences about what was not compared.
    """

    first: ModelGraph
    second: ModelGraph
    whole: tuple[Difference, ...]
    ends: tuple[Difference, ...]
    pairs: tuple[Pair, ...]
    notes: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many operators are the same, changed, only in the first ("removed"), only in the second ("added")."""
        return {
            "same": sum(
                pair.first is not None and pair.second is not None and not pair.differences
                for pair in self.pairs
            ),
            "changed": sum(bool(pair.differences) for pair in self.pairs),
            "removed": sum(pair.second is None for pair in self.pairs),
            "added": sum(pair.first is None for pair in self.pairs),
        }

    def as_dict(self) -> dict[str, object]:
        """Everything but the graphs, as JSON can hold it."""
        return {
            "whole": [_plain(each) for each in self.whole],
            "ends": [_plain(each) for each in self.ends],
            "counts": self.counts,
            "operators": [
                {
                    "first": pair.first,
                    "second": pair.second,
                    "differences": [_plain(each) for each in pair.differences],
                }
                for pair in self.pairs
                if pair.first is None or pair.second is None or pair.differences
            ],
            "notes": list(self.notes),
        }


def _plain(difference: Difference) -> dict[str, str]:
    return {"what": difference.what, "first": difference.first, "second": difference.second}


def differences(first: ModelGraph, second: ModelGraph) -> ModelDifferences:
    """What differs from the first model to the second.

    Operators are set side by side in their order, so that as much as possible agrees in kind, shape and weights; where
    both have more than 3,000 a note says that they were counted only.
    """
    left, right = _steps(first), _steps(second)
    notes: tuple[str, ...] = ()
    pairs: tuple[Pair, ...] = ()
    if max(len(left), len(right)) > MOST_COMPARED:
        notes = (f"More than {MOST_COMPARED:,} operators are counted by kind and not compared one by one.",)
    else:
        aligned = [
            (None if i is None else left[i], None if j is None else right[j])
            for i, j in _aligned(_closeness(first, second, left, right))
        ]
        pairs = tuple(_pair(first, second, i, j) for i, j in _uncrossed(first, second, aligned))
    return ModelDifferences(first, second, _whole(first, second), _ends(first, second), pairs, notes)


def _steps(graph: ModelGraph) -> list[int]:
    return [number for number, operator in enumerate(graph.operators) if not operator.on_weights]


def _whole(first: ModelGraph, second: ModelGraph) -> tuple[Difference, ...]:
    names = ("format", "bytes", "parameters", "multiplies", "operators")
    rows = list(zip(names, _sizes(first), _sizes(second), strict=True))
    kinds, others = dict(first.kinds()), dict(second.kinds())
    for kind in sorted(kinds.keys() | others.keys()):
        rows.append((kind, str(kinds.get(kind, 0)), str(others.get(kind, 0))))
    facts = {**first.facts, **second.facts}
    rows += [(name, first.facts.get(name, ""), second.facts.get(name, "")) for name in facts]
    return tuple(Difference(*row) for row in rows if row[1] != row[2])


def _sizes(graph: ModelGraph) -> tuple[str, ...]:
    return (
        graph.format,
        f"{graph.bytes_:,}",
        counted(graph.parameters, graph.uncounted[0]),
        counted(graph.multiplies, graph.uncounted[1]),
        f"{len(graph.operators):,}",
    )


def counted(count: int, unknown: int) -> str:
    """A count for people, of which `unknown` operators are not part."""
    if not unknown:
        return f"{count:,}"
    return "unknown" if count == 0 else f"at least {count:,}"


def _ends(first: ModelGraph, second: ModelGraph) -> tuple[Difference, ...]:
    found: list[Difference] = []
    for word, left, right in (
        ("input", first.inputs, second.inputs),
        ("output", first.outputs, second.outputs),
    ):
        for i, j in _matched(
            [first.tensors[number] for number in left], [second.tensors[number] for number in right]
        ):
            a = None if i is None else first.tensors[left[i]]
            b = None if j is None else second.tensors[right[j]]
            if a is None or b is None:
                found.append(Difference(word, _end(a), _end(b)))
                continue
            name = f"{word} {a.name}"
            if a.name != b.name:
                found.append(Difference(f"{word} {i if i == j else f'{i} and {j}'}: name", a.name, b.name))
            if a.shape != b.shape:
                found.append(Difference(f"{name}: shape", shown(a.shape), shown(b.shape)))
            if (a.dtype, a.quantization) != (b.dtype, b.quantization):
                found.append(Difference(f"{name}: type", tensor_line(a), tensor_line(b)))
            if i != j:
                found.append(Difference(f"{name}: place", str(i), str(j)))
    return tuple(found)


def _end(tensor: GraphTensor | None) -> str:
    return "" if tensor is None else f"{tensor.name} {shown(tensor.shape)} {tensor_line(tensor)}"


def _matched(
    left: Sequence[GraphTensor], right: Sequence[GraphTensor]
) -> list[tuple[int | None, int | None]]:
    """Ends that stand for each other: by name, then by shape, then by place."""
    open_left, open_right = dict(enumerate(left)), dict(enumerate(right))
    found: list[tuple[int | None, int | None]] = []
    tests: list[Callable[[GraphTensor, GraphTensor], bool]] = [
        lambda a, b: a.name == b.name,
        lambda a, b: a.shape is not None and a.shape == b.shape,
    ]
    if len(left) == len(right):
        tests.append(lambda a, b: True)
    for test in tests:
        for i, a in list(open_left.items()):
            j = next((j for j, b in open_right.items() if test(a, b)), None)
            if j is not None:
                found.append((i, j))
                del open_left[i], open_right[j]
    found.sort(key=lambda pair: pair[0] or 0)
    return [*found, *((i, None) for i in open_left), *((None, j) for j in open_right)]


def _closeness(
    first: ModelGraph, second: ModelGraph, left: Sequence[int], right: Sequence[int]
) -> npt.NDArray[np.int32]:
    """(len(left), len(right)): how alike two operators are; 0 for other families, which never stand for each other."""
    score = np.zeros((len(left), len(right)), np.int32)
    sides = []
    for graph, numbers in ((first, left), (second, right)):
        operators = [graph.operators[number] for number in numbers]
        sides.append(
            (
                [operator.family for operator in operators],
                [str(_result(graph, operator)) for operator in operators],
                [f"{operator.family} {operator.parameters}" for operator in operators],
            )
        )
    for weight, (a, b) in enumerate(zip(*sides, strict=True)):
        codes: dict[str, int] = {}
        x, y = (np.array([codes.setdefault(word, len(codes)) for word in side], np.int32) for side in (a, b))
        same = x[:, None] == y[None, :] if len(x) and len(y) else np.zeros(score.shape, bool)
        score = (
            np.where(same, score + (2, 1, 1)[weight], score) if weight == 0 else score + (same & (score > 0))
        )
    return score.astype(np.int32)


def _result(graph: ModelGraph, operator: GraphOperator) -> Shape:
    """The shape of what an operator makes, channels last and without the batch."""
    shape = channels_last(graph, graph.tensors[operator.outputs[0]].shape) if operator.outputs else None
    return shape[1:] if shape else shape


def _aligned(score: npt.NDArray[np.int32]) -> list[tuple[int | None, int | None]]:
    """Rows and columns set side by side in order so that the sum of scores is greatest (Needleman & Wunsch, 1970)."""
    rows, columns = score.shape
    best = np.zeros((rows + 1, columns + 1), np.int32)
    for i in range(rows):
        both = np.where(score[i] > 0, best[i, :-1] + score[i], 0)
        # Going without a column costs nothing, so a row is the running maximum of its own entries.
        best[i + 1, 1:] = np.maximum.accumulate(np.maximum(best[i, 1:], both))
    found: list[tuple[int | None, int | None]] = []
    i, j = rows, columns
    while i and j:
        if score[i - 1, j - 1] > 0 and best[i, j] == best[i - 1, j - 1] + score[i - 1, j - 1]:
            i, j = i - 1, j - 1
            found.append((i, j))
        elif best[i, j] == best[i, j - 1]:
            j -= 1
            found.append((None, j))
        else:
            i -= 1
            found.append((i, None))
    found += [(k, None) for k in reversed(range(i))]
    found += [(None, k) for k in reversed(range(j))]
    return found[::-1]


def _uncrossed(
    first: ModelGraph, second: ModelGraph, aligned: Sequence[tuple[int | None, int | None]]
) -> list[tuple[int | None, int | None]]:
    """The pairs, where branches that the two files have in another order (heads) find their own again.

    Of pairs whose shapes differ, those are exchanged that have one partner of their kind and shape among the others.
    """

    def key(graph: ModelGraph, number: int) -> tuple[str, Shape]:
        operator = graph.operators[number]
        return operator.family, _result(graph, operator)

    lefts: dict[tuple[str, Shape], list[int]] = {}
    rights: dict[tuple[str, Shape], list[int]] = {}
    for at, (i, j) in enumerate(aligned):
        if i is not None and j is not None and key(first, i) != key(second, j):
            lefts.setdefault(key(first, i), []).append(at)
            rights.setdefault(key(second, j), []).append(at)
    source = {
        ats[0]: rights[one][0] for one, ats in lefts.items() if len(ats) == 1 == len(rights.get(one, ()))
    }
    # Only what is exchanged in full circles, so that nobody is left without a partner.
    while rest := source.keys() ^ set(source.values()):
        source = {at: other for at, other in source.items() if at not in rest and other not in rest}
    return [(i, aligned[source[at]][1] if at in source else j) for at, (i, j) in enumerate(aligned)]


def _pair(first: ModelGraph, second: ModelGraph, i: int | None, j: int | None) -> Pair:
    if i is None or j is None:
        return Pair(i, j, ())
    a, b = first.operators[i], second.operators[j]
    rows = [
        ("parameters", _number(a.parameters), _number(b.parameters)),
        ("multiplies", _number(a.multiplies), _number(b.multiplies)),
        ("runs on", a.unit, b.unit),
    ]
    one_format = first.format == second.format
    shape_a, shape_b = _result(first, a), _result(second, b)
    if shape_a != shape_b:
        rows.insert(0, ("makes", shown(shape_a), shown(shape_b)))
    ends = [first.tensors[number] for number in a.outputs[:1]] + [
        second.tensors[number] for number in b.outputs[:1]
    ]
    if len(ends) == 2 and all(end.dtype for end in ends):  # not every format says it of what is inside
        rows.append(("type", tensor_line(ends[0]), tensor_line(ends[1])))
    if one_format:
        rows.insert(0, ("kind", a.kind, b.kind))
        rows.append(("version", str(a.version), str(b.version)))
        for key in sorted(a.options.keys() | b.options.keys()):
            rows.append((key, option_text(a.options.get(key)), option_text(b.options.get(key))))
    return Pair(i, j, tuple(Difference(*row) for row in rows if row[1] != row[2]))


def _number(count: int | None) -> str:
    return "unknown" if count is None else f"{count:,}"
