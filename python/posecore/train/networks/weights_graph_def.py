"""Float constants out of a frozen TensorFlow graph (.pb), without TensorFlow.

The file is a `GraphDef` message in protobuf's wire format; the numbers of its fields are those of
tensorflow/core/framework graph.proto, node_def.proto, attr_value.proto, tensor.proto and tensor_shape.proto. Written
for files from anywhere: sizes, fields and nodes are bounded, and whatever the bytes are, what comes is arrays or a
`ModelError`.
"""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from posecore.bounded_file import read_bounded
from posecore.errors import ModelError
from posecore.printable import printable
from posecore.protobuf_wire import EIGHT_BYTES, NotAMessageError, WireReader

MOST_BYTES = 1 << 28  # of the file; PoseNet on ResNet-50 is a third of it
MOST_FIELDS = 1 << 20  # of the file
MOST_VALUES = 1 << 25  # of one constant
MOST_VALUES_IN_ALL = MOST_BYTES // 4  # of all constants that are wanted; one number may fill one

_GRAPH_NODE = 1
_NODE_NAME, _NODE_OP, _NODE_ATTR = 1, 2, 5
_ENTRY_KEY, _ENTRY_VALUE = 1, 2
_ATTR_LIST, _LIST_WHOLE, _ATTR_TENSOR = 1, 3, 8
_TENSOR_DTYPE, _TENSOR_SHAPE, _TENSOR_CONTENT, _TENSOR_FLOATS = 1, 2, 4, 5
_SHAPE_DIM, _DIM_SIZE = 2, 1
_DT_FLOAT = 1
_MOST_DIMENSIONS = 8
_CONVOLUTIONS = ("Conv2D", "DepthwiseConv2dNative")


def read_graph_def(path: Path, wanted: frozenset[str]) -> dict[str, NDArray[np.float32]]:
    """Those of the `wanted` constants, by the names of their nodes, that a frozen graph has; float32, their own shapes.

    Raises ModelError, with a sentence that names the file and the node, for a file that cannot be read, is over 256
    MiB, is no GraphDef, or has one of these nodes twice, not float32, or of a shape that its values do not fill.
    """
    data = _bytes_of(path)
    try:
        return _Graph(path, wanted).constants(memoryview(data))
    except NotAMessageError as error:
        raise ModelError(f"weights {path} are not a whole frozen graph: {error}") from None


def read_strides(path: Path) -> list[int]:
    """The strides of all convolutions of a frozen graph, in its order; their product is the output stride of a chain.

    Raises ModelError as `read_graph_def` does; a convolution without strides is passed over.
    """
    data = _bytes_of(path)
    try:
        return _Graph(path, frozenset()).strides(memoryview(data))
    except NotAMessageError as error:
        raise ModelError(f"weights {path} are not a whole frozen graph: {error}") from None


def _bytes_of(path: Path) -> bytes:
    too_many = f"are more than {MOST_BYTES >> 20} MiB, the most for a frozen graph"
    return read_bounded(path, MOST_BYTES, f"weights {path}", too_many=too_many)


class _Graph:
    def __init__(self, path: Path, wanted: frozenset[str]) -> None:
        self._path, self._wanted = path, wanted
        self._wire = WireReader(MOST_FIELDS)
        self._values_left = MOST_VALUES_IN_ALL

    def constants(self, graph: memoryview) -> dict[str, NDArray[np.float32]]:
        found: dict[str, NDArray[np.float32]] = {}
        for node in self._wire.messages(graph, _GRAPH_NODE):
            name = self._wire.text(node, _NODE_NAME)
            if name not in self._wanted or self._wire.text(node, _NODE_OP) != "Const":
                continue
            if name in found:
                raise ModelError(f"weights {self._path} have the constant {printable(name)} more than once")
            found[name] = self._constant(node, name)
        return found

    def strides(self, graph: memoryview) -> list[int]:
        found = []
        for node in self._wire.messages(graph, _GRAPH_NODE):
            if self._wire.text(node, _NODE_OP) not in _CONVOLUTIONS:
                continue
            for entry in self._wire.messages(node, _NODE_ATTR):
                if self._wire.text(entry, _ENTRY_KEY) == "strides":
                    numbers = self._whole_numbers(entry)
                    if len(numbers) == 4:  # batch, rows, columns, channels
                        found.append(numbers[1])
        return found

    def _whole_numbers(self, entry: memoryview) -> list[int]:
        """A list of whole numbers that is the value of an attribute, packed or one field each."""
        numbers: list[int] = []
        for value in self._wire.messages(entry, _ENTRY_VALUE):
            for listed in self._wire.messages(value, _ATTR_LIST):
                for number, _, content in self._wire.fields(listed):
                    if number != _LIST_WHOLE:
                        continue
                    if isinstance(content, int):
                        numbers.append(content)
                        continue
                    numbers += itertools.islice(self._wire.packed(content), _MOST_DIMENSIONS)
        return numbers

    def _constant(self, node: memoryview, name: str) -> NDArray[np.float32]:
        for entry in self._wire.messages(node, _NODE_ATTR):
            if self._wire.text(entry, _ENTRY_KEY) == "value":
                for value in self._wire.messages(entry, _ENTRY_VALUE):
                    for tensor in self._wire.messages(value, _ATTR_TENSOR):
                        return self._array(tensor, name)
        raise ModelError(f"weights {self._path} have the constant {name} without a value")

    def _array(self, tensor: memoryview, name: str) -> NDArray[np.float32]:
        dtype, content = 0, memoryview(b"")
        shape: tuple[int, ...] = ()
        floats: list[memoryview] = []
        for number, kind, value in self._wire.fields(tensor):
            if number == _TENSOR_DTYPE and isinstance(value, int):
                dtype = value
            elif number == _TENSOR_SHAPE and not isinstance(value, int):
                shape = self._shape(value, name)
            elif number == _TENSOR_CONTENT and not isinstance(value, int):
                content = value
            elif number == _TENSOR_FLOATS and not isinstance(value, int) and kind != EIGHT_BYTES:
                floats.append(value)
        where = f"weights {self._path} have {name}"
        if dtype != _DT_FLOAT:
            raise ModelError(f"{where} of TensorFlow's type {dtype}, wanted float32 ({_DT_FLOAT})")
        count = math.prod(shape)
        if count > MOST_VALUES:
            raise ModelError(f"{where} of shape {shape}, wanted at most {MOST_VALUES} values")
        self._values_left -= count
        if self._values_left < 0:
            raise ModelError(
                f"weights {self._path} have constants of more than {MOST_VALUES_IN_ALL} values in all, the most for a "
                "frozen graph"
            )
        stored = content if len(content) else b"".join(floats)
        if len(stored) % 4:
            raise ModelError(f"{where} in {len(stored)} bytes, wanted float32 in four each")
        values = np.frombuffer(stored, "<f4").astype(np.float32)
        if not len(content) and 0 < len(values) < count:  # the rest is as the last, says tensor.proto
            values = np.concatenate([values, np.full(count - len(values), values[-1], np.float32)])
        if len(values) != count:
            raise ModelError(f"{where} with {len(values)} values, wanted {count}, as its shape {shape} says")
        return values.reshape(shape)

    def _shape(self, message: memoryview, name: str) -> tuple[int, ...]:
        sides: list[int] = []
        for dimension in self._wire.messages(message, _SHAPE_DIM):
            sizes = [value for number, _, value in self._wire.fields(dimension) if number == _DIM_SIZE]
            size = sizes[-1] if sizes else 0
            if not isinstance(size, int) or size >= 1 << 31 or len(sides) == _MOST_DIMENSIONS:
                raise ModelError(
                    f"weights {self._path} have {name} of another shape than {_MOST_DIMENSIONS} sides below 2^31"
                )
            sides.append(size)
        return tuple(sides)
