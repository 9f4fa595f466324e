"""Puts a `ModelGraph` together: readers say what is in a file, and shapes, parameters and multiplies follow here."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from posecore.errors import ModelError
from posecore.export.graphs.families import family
from posecore.export.graphs.model_graph import (
    Format,
    GraphOperator,
    GraphTensor,
    ModelGraph,
    Option,
    Shape,
    TensorQuantization,
    option,
    shown,
)
from posecore.export.graphs.shape_rules import Rule

MOST_TENSORS = 200_000
_MOST_WORK = 1 << 62

Work: TypeAlias = "Callable[[Sequence[Shape], Shape], int | None]"
"""Multiply-accumulates from the shapes of the inputs and of the first output."""


def per_output(multiplies: int) -> Work:
    """So many for each number that is made: convolutions and dense layers."""
    return lambda inputs, output: _times(output, multiplies)


def per_input(multiplies: int) -> Work:
    """So many for each number that is read from the first input: transposed convolutions."""
    return lambda inputs, output: _times(inputs[0] if inputs else None, multiplies)


def matrix_product(inputs: Sequence[Shape], output: Shape) -> int | None:
    """One for each number that is made and each of the inner size."""
    left = inputs[0] if inputs else None
    return None if not left or left[-1] < 0 else _times(output, left[-1])


def _times(shape: Shape, multiplies: int) -> int | None:
    if shape is None or multiplies < 0:
        return None
    # A batch of any size counts as one picture.
    sizes = [1 if axis == 0 and size < 0 else size for axis, size in enumerate(shape)]
    if any(size < 0 for size in sizes):
        return None
    count = math.prod(sizes) * multiplies
    return count if count < _MOST_WORK else None


@dataclass
class _Step:
    operator: GraphOperator
    work: Work | None


class GraphBuilder:
    """A graph in the making; `build` gives it.

    Args:
        file: the name for people and errors.
        format: of the file.
        bytes_: of the file.
        size: (width, height) in pixels for an input that leaves it free; None keeps it free.
    """

    def __init__(self, file: str, format: Format, bytes_: int, size: tuple[int, int] | None) -> None:
        self.file = file
        self._format: Format = format
        self._bytes = bytes_
        self._size = size
        self._tensors: list[GraphTensor] = []
        self._steps: list[_Step] = []
        self._resized = False
        self._inputs: list[int] = []
        self.notes: list[str] = []
        self.facts: dict[str, str] = {}

    def tensor(
        self,
        name: str,
        shape: Shape,
        dtype: str,
        *,
        quantization: TensorQuantization | None = None,
        is_constant: bool = False,
        is_weight: bool = False,
    ) -> int:
        """Adds a tensor and gives its number. `ModelError` beyond 200,000 of them."""
        if len(self._tensors) >= MOST_TENSORS:
            raise ModelError(f"{self.file} has more than {MOST_TENSORS} tensors, the most that are read")
        self._tensors.append(
            # A single number is a factor or an epsilon, which nobody learnt.
            GraphTensor(
                name, shape, dtype, quantization, is_constant, is_constant and is_weight and shape != ()
            )
        )
        return len(self._tensors) - 1

    def shape(self, number: int) -> Shape:
        """Of a tensor, as the file has it."""
        return self._tensors[number].shape if number >= 0 else None

    def input(self, number: int) -> None:
        """Says that a tensor is an input of the model; call it before the steps that read it are added."""
        self._inputs.append(number)
        if self._size is not None and not self._resized:
            self._resized = self._resize(number, *self._size)

    def unlearnt(self, number: int) -> None:
        """Says that a constant is no weight, such as the factors of a resize."""
        self._tensors[number] = replace(self._tensors[number], is_weight=False)

    def quantised(self, number: int, quantization: TensorQuantization) -> None:
        """Says how a tensor is stored."""
        self._tensors[number] = replace(self._tensors[number], quantization=quantization)

    def rename(self, number: int, name: str) -> None:
        """Gives a tensor another name, such as that of the output that it is."""
        self._tensors[number] = replace(self._tensors[number], name=name)

    def operator(
        self,
        name: str,
        kind: str,
        inputs: Sequence[int],
        outputs: Sequence[int],
        *,
        options: Mapping[str, object] | None = None,
        rule: Rule | None = None,
        work: Work | None = None,
        parameters: int | None = 0,
        multiplies: int | None = 0,
        version: int = 0,
        is_custom: bool = False,
        unit: str = "",
        explained: Sequence[str] = (),
        family_: str = "",
    ) -> None:
        """Adds a step. `parameters` are those beside its input tensors, which are counted by themselves; `multiplies`
        is what counts without `work`."""
        plain: dict[str, Option] = {key: option(value) for key, value in (options or {}).items()}
        made = GraphOperator(
            name=name,
            kind=kind,
            family=family_ or family(kind),
            inputs=tuple(inputs),
            outputs=tuple(outputs),
            options=plain,
            parameters=parameters,
            multiplies=multiplies,
            version=version,
            is_custom=is_custom,
            unit=unit,
            explained=tuple(explained),
        )
        self._infer(made, rule)
        self._steps.append(_Step(made, work))

    def build(self, outputs: Sequence[int]) -> ModelGraph:
        """The graph. `ModelError` where `size` was given and no input leaves its size free."""
        if self._size is not None and not self._resized:
            have = ", ".join(shown(self._tensors[number].shape) for number in self._inputs) or "none"
            width, height = self._size
            raise ModelError(
                f"{self.file}: wanted an input that is free to be {height}x{width} (height x width), got {have}"
            )
        parameters = self._parameters()
        operators = []
        for step, count in zip(self._steps, parameters, strict=True):
            multiplies = step.operator.multiplies
            if step.work is not None:
                shapes = [self.shape(number) for number in step.operator.inputs]
                output = self.shape(step.operator.outputs[0]) if step.operator.outputs else None
                multiplies = step.work(shapes, output)
            operators.append(replace(step.operator, parameters=count, multiplies=multiplies))
        return ModelGraph(
            file=self.file,
            format=self._format,
            bytes_=self._bytes,
            tensors=tuple(self._tensors),
            inputs=tuple(self._inputs),
            outputs=tuple(outputs),
            operators=tuple(operators),
            facts=dict(self.facts),
            notes=tuple(self.notes),
            size=self._size,
        )

    def _resize(self, number: int, width: int, height: int) -> bool:
        shape = self._tensors[number].shape
        if shape is None or len(shape) != 4:
            return False
        first = shape[3] not in (1, 3, 4) and shape[1] in (1, 3, 4)
        sides = shape[2:] if first else shape[1:3]
        new = (height, width)
        if -1 not in sides or any(old not in (-1, side) for old, side in zip(sides, new, strict=True)):
            return False
        batch = 1 if shape[0] < 0 else shape[0]
        full = (batch, shape[1], *new) if first else (batch, *new, shape[3])
        self._tensors[number] = replace(self._tensors[number], shape=full)
        return True

    def _infer(self, operator: GraphOperator, rule: Rule | None) -> None:
        """Give the first output the shape that follows, where the file leaves some of it open."""
        if not operator.outputs or rule is None:
            return
        number = operator.outputs[0]
        tensor = self._tensors[number]
        if tensor.shape is not None and -1 not in tensor.shape:
            return
        found = rule([self.shape(i) for i in operator.inputs])
        if found is None:
            return
        if tensor.shape is not None:
            if len(found) != len(tensor.shape):
                return
            # What the file says stays; what it leaves open is filled in.
            found = tuple(new if old < 0 else old for new, old in zip(found, tensor.shape, strict=True))
        self._tensors[number] = replace(tensor, shape=found)

    def _parameters(self) -> list[int | None]:
        """For each step the learnt numbers that it is the first to use.

        Steps that only rewrite constants (float16 to float32, say) pass them on to who uses the result.
        """
        weights: dict[int, frozenset[int]] = {
            number: frozenset({number}) if tensor.is_weight else frozenset()
            for number, tensor in enumerate(self._tensors)
            if tensor.is_constant
        }
        counted: set[int] = set()
        counts: list[int | None] = []
        passed_on: dict[int, int] = {}
        for index, step in enumerate(self._steps):
            operator = step.operator
            read = [number for number in operator.inputs if number >= 0]
            carried = frozenset[int]().union(*(weights.get(number, frozenset()) for number in read))
            if read and len(carried) <= 1 and all(number in weights for number in read):
                for number in operator.outputs:
                    weights[number] = carried
                passed_on.update(dict.fromkeys(carried, index))
                counts.append(operator.parameters)
                step.operator = replace(operator, on_weights=True)
                continue
            new = carried - counted
            counted |= new
            counts.append(self._sum(operator.parameters, new))
        for number, index in passed_on.items():
            if number not in counted:
                counts[index] = self._sum(counts[index], {number})
        return counts

    def _sum(self, parameters: int | None, numbers: frozenset[int] | set[int]) -> int | None:
        sizes = [self._tensors[number].elements for number in numbers]
        if parameters is None or None in sizes:
            return None
        return parameters + sum(size for size in sizes if size is not None)
