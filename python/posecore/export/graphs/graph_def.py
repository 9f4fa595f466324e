"""Frozen TensorFlow graphs (.pb) as `ModelGraph`, without TensorFlow.

Field numbers are those of tensorflow/core/framework: graph.proto, node_def.proto, attr_value.proto, tensor.proto,
tensor_shape.proto.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

from posecore.errors import ModelError
from posecore.export.graphs.graph_builder import GraphBuilder
from posecore.export.graphs.model_graph import ModelGraph, Shape
from posecore.export.graphs.tensorflow_graph import DTYPES, Node, add_nodes, said_shape
from posecore.protobuf_wire import BYTES, FOUR_BYTES, NotAMessageError, WireReader, signed

MOST_FIELDS = 1 << 20
MOST_NODES = 100_000
_MOST_AXES = 16
_MOST_ITEMS = 64
_MOST_TEXT = 400
_NODE, _LIBRARY = 1, 2
_FUNCTION = 1
_NAME, _OP, _INPUT, _ATTR = 1, 2, 3, 5
_KEY, _VALUE = 1, 2
_LIST, _TEXT, _INT, _FLOAT, _BOOL, _TYPE, _SHAPE, _TENSOR, _FUNC = 1, 2, 3, 4, 5, 6, 7, 8, 10
_DTYPE, _TENSOR_SHAPE, _CONTENT, _INTS, _INT64S = 1, 2, 4, 7, 10
_DIM, _UNKNOWN_RANK, _SIZE = 2, 3, 1


def graph_def(data: bytes, name: str, *, size: tuple[int, int] | None = None) -> ModelGraph:
    """The graph of a frozen TensorFlow graph.

    Args:
        data: the bytes of the file.
        name: for people and errors.
        size: (width, height) in pixels for an input that leaves it free.

    Raises:
        ModelError: not a whole GraphDef, more than a million fields or 100,000 nodes, or a size that does not fit.
    """
    builder = GraphBuilder(name, "TensorFlow graph", len(data), size)
    reader = _Reader(name)
    try:
        nodes = list(reader.nodes(memoryview(data)))
        functions = sum(
            1
            for library in reader.wire.messages(memoryview(data), _LIBRARY)
            for _ in reader.wire.messages(library, _FUNCTION)
        )
    except NotAMessageError as error:
        raise ModelError(f"{name} is not a whole frozen TensorFlow graph: {error}") from None
    if not nodes:
        raise ModelError(f"{name} is not a frozen TensorFlow graph: it has no nodes")
    if functions:
        builder.notes.append(f"It has {functions} functions of its own; what is inside of them is not shown.")
    return builder.build(add_nodes(builder, nodes))


class _Reader:
    def __init__(self, file: str) -> None:
        self.file = file
        self.wire = WireReader(MOST_FIELDS)

    def nodes(self, graph: memoryview) -> Iterator[Node]:
        for count, message in enumerate(self.wire.messages(graph, _NODE)):
            if count == MOST_NODES:
                raise ModelError(f"{self.file} has more than {MOST_NODES} nodes, the most that are read")
            yield self._node(message)

    def _node(self, message: memoryview) -> Node:
        name = op = ""
        inputs: list[str] = []
        attributes: dict[str, object] = {}
        constant: tuple[Shape, str, tuple[int, ...] | None] = (None, "", None)
        for number, _, value in self.wire.fields(message):
            if isinstance(value, int):
                continue
            if number == _NAME:
                name = _text(value)
            elif number == _OP:
                op = _text(value)
            elif number == _INPUT:
                inputs.append(_text(value))
            elif number == _ATTR:
                key = self.wire.text(value, _KEY)
                for attribute in self.wire.messages(value, _VALUE):
                    found = self._attribute(attribute)
                    if isinstance(found, _Tensor):
                        constant = (found.shape, found.dtype, found.values)
                    elif key and found is not None:
                        attributes[key] = found
        shape, dtype, values = constant
        if op in ("Placeholder", "PlaceholderV2"):
            shape = said_shape(attributes)
            kind = attributes.get("dtype")
            dtype = kind if isinstance(kind, str) else ""
        return Node(name, op, tuple(inputs), attributes, shape, dtype, values)

    def _attribute(self, message: memoryview) -> object:
        found: object = None
        for number, kind, value in self.wire.fields(message):
            if number == _LIST and not isinstance(value, int):
                found = self._list(value)
            elif number == _SHAPE and not isinstance(value, int):
                found = self._shape(value)
            elif number == _TENSOR and not isinstance(value, int):
                found = self._tensor(value)
            elif number == _FUNC and not isinstance(value, int):
                found = f"function {self.wire.text(value, 1)}"
            else:
                found = _scalar(number, kind, value, found)
        return found

    def _list(self, message: memoryview) -> tuple[object, ...]:
        items: list[object] = []
        for number, kind, value in self.wire.fields(message):
            if number in (_INT, _TYPE, _BOOL) and kind == BYTES and not isinstance(value, int):
                for packed in self.wire.packed(value):
                    items.append(_scalar(number, 0, packed, None))
            elif number == _FLOAT and kind == BYTES and not isinstance(value, int):
                items.extend(np.frombuffer(value[: len(value) // 4 * 4][: 4 * _MOST_ITEMS], "<f4").tolist())
            elif number == _SHAPE and not isinstance(value, int):
                items.append(str(self._shape(value)))
            else:
                items.append(_scalar(number, kind, value, None))
            if len(items) > _MOST_ITEMS:
                break
        return tuple(item for item in items[: _MOST_ITEMS + 1] if item is not None)

    def _shape(self, message: memoryview) -> Shape:
        sides: list[int] = []
        for number, _, value in self.wire.fields(message):
            if number == _UNKNOWN_RANK and value:
                return None
            if number != _DIM or isinstance(value, int):
                continue
            size = 0
            for field, _, content in self.wire.fields(value):
                if field == _SIZE and isinstance(content, int):
                    size = signed(content)
            if len(sides) == _MOST_AXES or not -1 <= size < 1 << 31:
                raise NotAMessageError(f"a shape has more than {_MOST_AXES} axes or a size of {size}")
            sides.append(size)
        return tuple(sides)

    def _tensor(self, message: memoryview) -> _Tensor:
        dtype, shape = "", ()  # type: tuple[str, Shape]
        content = memoryview(b"")
        numbers: list[int] = []
        for number, kind, value in self.wire.fields(message):
            if number == _DTYPE and isinstance(value, int):
                dtype = DTYPES.get(value, "")
            elif number == _TENSOR_SHAPE and not isinstance(value, int):
                shape = self._shape(value)
            elif number == _CONTENT and not isinstance(value, int):
                content = value
            elif number in (_INTS, _INT64S) and len(numbers) <= _MOST_ITEMS:
                if isinstance(value, int):
                    numbers.append(signed(value))
                elif kind == BYTES and len(value) <= 10 * _MOST_ITEMS:
                    numbers.extend(signed(packed) for packed in self.wire.packed(value))
        return _Tensor(shape, dtype, _values(shape, dtype, content, numbers))


class _Tensor:
    __slots__ = ("dtype", "shape", "values")

    def __init__(self, shape: Shape, dtype: str, values: tuple[int, ...] | None) -> None:
        self.shape, self.dtype, self.values = shape, dtype, values


def _values(shape: Shape, dtype: str, content: memoryview, numbers: list[int]) -> tuple[int, ...] | None:
    """The values of a small constant of whole numbers; the last one stands for all that follow, says tensor.proto."""
    if dtype not in ("int32", "int64") or shape is None or min(shape, default=0) < 0:
        return None
    count = 1
    for size in shape:
        count *= size
        if count > _MOST_ITEMS:
            return None
    if len(content):
        kind = "<i4" if dtype == "int32" else "<i8"
        if len(content) != count * np.dtype(kind).itemsize:
            return None
        return tuple(int(value) for value in np.frombuffer(content, kind))
    if not numbers and count:
        numbers = [0]
    return tuple(numbers[:count]) + tuple(numbers[-1:]) * (count - len(numbers))


def _scalar(number: int, kind: int, value: int | memoryview, otherwise: object) -> object:
    if number == _INT and isinstance(value, int):
        return signed(value)
    if number == _BOOL and isinstance(value, int):
        return bool(value)
    if number == _TYPE and isinstance(value, int):
        return DTYPES.get(value, f"type {value}")
    if number == _TEXT and not isinstance(value, int):
        return _text(value)
    if number == _FLOAT and kind == FOUR_BYTES and not isinstance(value, int):
        return float(struct.unpack("<f", value)[0])
    return otherwise


def _text(content: memoryview) -> str:
    return bytes(content[:_MOST_TEXT]).decode("utf-8", "replace")
