"""`ModelGraph`: what is in a model file, whatever its format: tensors, operators in order, and what they cost."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Shape: TypeAlias = "tuple[int, ...] | None"
"""Sizes along each axis, -1 where a size is free; None where not even the number of axes is known."""

Option: TypeAlias = "bool | int | float | str | tuple[bool | int | float | str, ...]"

Format = Literal[
    "TFLite", "ONNX", "TensorFlow graph", "tfjs graph model", "tfjs layers model", "Keras", "kmodel"
]

_MOST_OPTION_ITEMS = 64
_MOST_OPTION_TEXT = 400


@dataclass(frozen=True, slots=True)
class TensorQuantization:
    """How stored numbers stand for real ones: real = (q - zero point) * scale.

    Attributes:
        scales: one, or one for each index along `axis`.
        zero_points: as many.
        axis: of the tensor; 0 where there is one scale.
    """

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int = 0


@dataclass(frozen=True, slots=True)
class GraphTensor:
    """One tensor of a model.

    Attributes:
        name: as the file has it.
        shape: see `Shape`.
        dtype: NumPy's name where there is one, such as "float32"; "" where the file does not say.
        quantization: None for real numbers as they are.
        is_constant: whether the file holds its values.
        is_weight: whether it is a constant that was learnt rather than a shape, an axis or a padding.
    """

    name: str
    shape: Shape
    dtype: str
    quantization: TensorQuantization | None = None
    is_constant: bool = False
    is_weight: bool = False

    @property
    def elements(self) -> int | None:
        """How many numbers it has; None where that is free or unknown."""
        if self.shape is None or any(size < 0 for size in self.shape):
            return None
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class GraphOperator:
    """One step of a model.

    Attributes:
        name: the file's own, or that of what it makes.
        kind: the format's word, such as "CONV_2D", "Conv" or "Conv2D".
        family: one word for all formats, such as "convolution"; the kind itself where there is none.
        inputs: tensor numbers, -1 for an optional input that is left out.
        outputs: tensor numbers.
        options: what the file says about it, by the format's names; values are bounded and finite.
        parameters: learnt numbers that it reads, each of a model counted with the first operator that reads it; None
            where the file does not say.
        multiplies: multiply-accumulate steps for one run: those of convolutions and matrix products, as papers count
            "Mult-Adds". 0 for anything else; None where they depend on a free size or are not known.
        version: of the operator, where the format has one, else 0.
        is_custom: whether it is none of the format's own.
        unit: what runs it, where the file says so: "Edge TPU", "KPU" or "CPU".
        explained: sentences about a custom operator.
        on_weights: whether it reads constants alone: it unpacks weights, and is no step that a picture goes through.
    """

    name: str
    kind: str
    family: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, Option] = field(default_factory=dict)
    parameters: int | None = 0
    multiplies: int | None = 0
    version: int = 0
    is_custom: bool = False
    unit: str = ""
    explained: tuple[str, ...] = ()
    on_weights: bool = False


@dataclass(frozen=True)
class ModelGraph:
    """A model file that was read; nothing of it was run.

    Attributes:
        file: its name, for people.
        format: of the file.
        bytes_: of the file itself; weights that lie beside it are not in it.
        tensors: all of them.
        inputs, outputs: numbers of tensors, in the file's order.
        operators: in the file's order, which is one that works.
        facts: what else the file says about itself: versions, who made it.
        notes: sentences about what a reader should know, such as what could not be told.
        size: (width, height) of the input that shapes and multiplies were worked out for, or None where the file's
            own shapes are shown.
    """

    file: str
    format: Format
    bytes_: int
    tensors: tuple[GraphTensor, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    operators: tuple[GraphOperator, ...]
    facts: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    size: tuple[int, int] | None = None

    @property
    def parameters(self) -> int:
        """Learnt numbers of the operators that say how many they have."""
        return sum(operator.parameters or 0 for operator in self.operators)

    @property
    def multiplies(self) -> int:
        """Multiply-accumulates of one run, of the operators for which they are known."""
        return sum(operator.multiplies or 0 for operator in self.operators)

    @property
    def uncounted(self) -> tuple[int, int]:
        """How many operators have parameters that are not known, and how many multiplies that are not."""
        return (
            sum(operator.parameters is None for operator in self.operators),
            sum(operator.multiplies is None for operator in self.operators),
        )

    def kinds(self) -> list[tuple[str, int]]:
        """How often each kind of operator occurs, the most frequent first."""
        counted = Counter(operator.kind for operator in self.operators)
        return sorted(counted.items(), key=lambda item: (-item[1], item[0]))

    def as_dict(self) -> dict[str, object]:
        """Everything, as JSON can hold it."""
        return {
            "file": self.file,
            "format": self.format,
            "bytes": self.bytes_,
            "facts": dict(self.facts),
            "notes": list(self.notes),
            "size": None if self.size is None else list(self.size),
            "inputs": [self._tensor(number) for number in self.inputs],
            "outputs": [self._tensor(number) for number in self.outputs],
            "parameters": self.parameters,
            "multiplies": self.multiplies,
            "operators_with_unknown_parameters": self.uncounted[0],
            "operators_with_unknown_multiplies": self.uncounted[1],
            "operators": [self._operator(operator) for operator in self.operators],
        }

    def _tensor(self, number: int) -> dict[str, object]:
        tensor = self.tensors[number]
        found: dict[str, object] = {
            "name": tensor.name,
            "shape": None if tensor.shape is None else list(tensor.shape),
            "dtype": tensor.dtype,
        }
        if tensor.is_constant:
            found["constant"] = True
        if tensor.quantization is not None:
            found["quantization"] = {
                "scales": list(tensor.quantization.scales[:_MOST_OPTION_ITEMS]),
                "zero_points": list(tensor.quantization.zero_points[:_MOST_OPTION_ITEMS]),
                "count": len(tensor.quantization.scales),
                "axis": tensor.quantization.axis,
            }
        return found

    def _operator(self, operator: GraphOperator) -> dict[str, object]:
        return {
            "name": operator.name,
            "kind": operator.kind,
            "family": operator.family,
            "version": operator.version,
            "custom": operator.is_custom,
            "unit": operator.unit,
            "inputs": [self._tensor(number) for number in operator.inputs if number >= 0],
            "outputs": [self._tensor(number) for number in operator.outputs],
            "options": {
                name: list(value) if isinstance(value, tuple) else value
                for name, value in operator.options.items()
            },
            "parameters": operator.parameters,
            "multiplies": operator.multiplies,
            "explained": list(operator.explained),
            "on_weights": operator.on_weights,
        }


def option(value: object) -> Option:
    """A value from a file as an `Option`: of bounded length, finite, and of no other type."""
    if isinstance(value, (list, tuple)):
        items = tuple(_single(item) for item in value[:_MOST_OPTION_ITEMS])
        left = len(value) - len(items)
        return (*items, f"and {left} more") if left else items
    return _single(value)


def _single(value: object) -> bool | int | float | str:
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 1 << 63 else "a number beyond 64 bits"
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    text = value if isinstance(value, str) else "" if value is None else repr_bounded(value)
    return text if len(text) <= _MOST_OPTION_TEXT else text[: _MOST_OPTION_TEXT - 1] + "…"


def repr_bounded(value: object) -> str:
    """What kind of thing a value is, without walking through all of it."""
    if isinstance(value, dict):
        return f"{{{len(value)} entries}}"
    if isinstance(value, (list, tuple)):
        return f"[{len(value)} items]"
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"{len(value)} bytes"
    return type(value).__name__


def shown(shape: Shape) -> str:
    """1x353x481x3; "?" for a free size, "scalar" for no axes, "?" alone where nothing is known."""
    if shape is None:
        return "?"
    return "x".join("?" if size < 0 else str(size) for size in shape) or "scalar"
