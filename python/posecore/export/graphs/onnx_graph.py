"""ONNX files as `ModelGraph`, without the package onnx; fields have the numbers of onnx.proto (IR version 10)."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from posecore.errors import ModelError
from posecore.export.graphs.graph_builder import GraphBuilder
from posecore.export.graphs.model_graph import ModelGraph, Shape, TensorQuantization
from posecore.export.graphs.onnx_rules import Call, rule_of
from posecore.printable import printable
from posecore.protobuf_wire import BYTES, FOUR_BYTES, NotAMessageError, WireReader, signed

MOST_FIELDS = 1 << 20
MOST_NODES = 100_000
DTYPES = (
    *("", "float32", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool", "float16"),
    *("float64", "uint32", "uint64", "complex64", "complex128", "bfloat16", "float8e4m3fn"),
    *("float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz", "uint4", "int4", "float4e2m1"),
)
"""The names of onnx.proto's numbers of types."""
_MOST_AXES = 16
_MOST_ITEMS = 64
_MOST_TEXT = 400
# Operators whose constants behind the first input are settings and nothing that was learnt.
_SETTINGS = (
    "Resize",
    "Upsample",
    "Clip",
    "Pad",
    "QuantizeLinear",
    "DequantizeLinear",
    "Slice",
    "Expand",
    "Tile",
)
_OWN_DOMAINS = ("", "ai.onnx")

_IR, _PRODUCER, _PRODUCER_VERSION, _GRAPH, _OPSET, _FUNCTIONS = 1, 2, 3, 7, 8, 25
_NODES, _INITIALIZERS, _INPUTS, _OUTPUTS, _VALUES = 1, 5, 11, 12, 13
_NODE_INPUT, _NODE_OUTPUT, _NODE_NAME, _NODE_OP, _NODE_ATTRIBUTE, _NODE_DOMAIN = 1, 2, 3, 4, 5, 7
_DIMS, _DTYPE, _FLOATS, _INT32S, _INT64S, _TENSOR_NAME, _RAW = 1, 2, 4, 5, 7, 8, 9


@dataclass
class _Constant:
    shape: Shape
    dtype: str
    integers: tuple[int, ...] | None
    floats: tuple[float, ...] | None


@dataclass
class _Node:
    name: str = ""
    op: str = ""
    domain: str = ""
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    attributes: dict[str, object] = field(default_factory=dict)
    constant: _Constant | None = None


def onnx_graph(data: bytes, name: str, *, size: tuple[int, int] | None = None) -> ModelGraph:
    """The graph of an ONNX file.

    Args:
        data: the bytes of the file.
        name: for people and errors.
        size: (width, height) in pixels for an input that leaves it free.

    Raises:
        ModelError: not a whole ONNX model, more than a million fields or 100,000 nodes, or a size that does not fit.
    """
    builder = GraphBuilder(name, "ONNX", len(data), size)
    reader = _Reader(name)
    try:
        return reader.read(builder, memoryview(data))
    except NotAMessageError as error:
        raise ModelError(f"{name} is not a whole ONNX model: {error}") from None


class _Reader:
    def __init__(self, file: str) -> None:
        self._file = file
        self._wire = WireReader(MOST_FIELDS)
        self._constants: dict[str, _Constant] = {}
        self._said: dict[str, tuple[Shape, str]] = {}
        self._numbers: dict[str, int] = {}
        self._versions: dict[str, int] = {}

    def read(self, builder: GraphBuilder, model: memoryview) -> ModelGraph:
        graphs = []
        functions = 0
        for number, _, value in self._wire.fields(model):
            if number == _IR and isinstance(value, int):
                builder.facts["ONNX IR"] = str(value)
            elif isinstance(value, int):
                continue
            elif number == _PRODUCER:
                builder.facts["made by"] = printable(_text(value))
            elif number == _PRODUCER_VERSION and len(value):
                builder.facts["made by"] = (
                    f"{builder.facts.get('made by', '')} {printable(_text(value))}".strip()
                )
            elif number == _OPSET:
                self._opset(builder, value)
            elif number == _FUNCTIONS:
                functions += 1
            elif number == _GRAPH:
                graphs.append(value)
        if len(graphs) != 1:
            raise ModelError(f"{self._file} is not an ONNX model: wanted one graph, got {len(graphs)}")
        if functions:
            builder.notes.append(
                f"It has {functions} functions of its own; what is inside of them is not shown."
            )
        return self._graph(builder, graphs[0])

    def _opset(self, builder: GraphBuilder, message: memoryview) -> None:
        domain, version = "", 0
        for number, _, value in self._wire.fields(message):
            if number == 1 and not isinstance(value, int):
                domain = _text(value)
            elif number == 2 and isinstance(value, int):
                version = signed(value)
        self._versions[domain] = version
        builder.facts[f"opset {printable(domain)}".strip() if domain else "opset"] = str(version)

    def _graph(self, builder: GraphBuilder, graph: memoryview) -> ModelGraph:
        nodes: list[_Node] = []
        inputs: list[str] = []
        outputs: list[str] = []
        for number, _, value in self._wire.fields(graph):
            if isinstance(value, int):
                continue
            if number == _NODES:
                nodes.append(self._node(value))
                if len(nodes) > MOST_NODES:
                    raise ModelError(f"{self._file} has more than {MOST_NODES} nodes, the most that are read")
            elif number == _INITIALIZERS:
                key, constant = self._tensor(value)
                self._constants[key] = constant
            elif number in (_INPUTS, _OUTPUTS, _VALUES):
                key = self._value(value)
                if number != _VALUES:
                    (inputs if number == _INPUTS else outputs).append(key)
        for key in inputs:
            if key not in self._constants:
                builder.input(self._tensor_of(builder, key))
        for node in nodes:
            self._add(builder, node)
        missing = [key for key in outputs if key not in self._numbers]
        if missing or not outputs:
            what = (
                f"its output {printable(missing[0][:80])} is made by no node"
                if missing
                else "it has no outputs"
            )
            raise ModelError(f"{self._file} is not a whole ONNX model: {what}")
        return builder.build([self._numbers[key] for key in outputs])

    def _tensor_of(self, builder: GraphBuilder, key: str) -> int:
        """The number of a tensor that is read or made."""
        if key not in self._numbers:
            constant = self._constants.get(key)
            if constant is not None:
                self._numbers[key] = builder.tensor(
                    key,
                    constant.shape,
                    constant.dtype,
                    is_constant=True,
                    is_weight="float" in constant.dtype
                    or constant.dtype in ("int8", "uint8", "int4", "uint4"),
                )
            else:
                shape, dtype = self._said.get(key, (None, ""))
                self._numbers[key] = builder.tensor(key, shape, dtype)
        return self._numbers[key]

    def _add(self, builder: GraphBuilder, node: _Node) -> None:
        if node.op == "Constant" and node.outputs:
            if node.constant is not None:
                self._constants[node.outputs[0]] = node.constant
            return
        for key in node.inputs:
            if key and key not in self._numbers and key not in self._constants:
                raise ModelError(
                    f"{self._file}: node {printable((node.name or node.op)[:80])} reads {printable(key[:80])}, which "
                    "nothing has made"
                )
        inputs = [self._tensor_of(builder, key) if key else -1 for key in node.inputs]
        outputs = [self._tensor_of(builder, key) for key in node.outputs if key]
        for number in inputs[1:] if node.op in _SETTINGS else ():
            if number >= 0:
                builder.unlearnt(number)
        if node.op == "QuantizeLinear" and outputs:
            self._note_quantisation(builder, node, outputs[0])
        constants = [self._constants.get(key) for key in node.inputs]
        call = Call(
            op=node.op,
            attributes=node.attributes,
            shapes=[builder.shape(number) for number in inputs],
            integers=[None if each is None else each.integers for each in constants],
            floats=[None if each is None else each.floats for each in constants],
        )
        own = node.domain in _OWN_DOMAINS
        rule, work = rule_of(call) if own else (None, None)
        kind = node.op if own else f"{node.domain}::{node.op}"
        builder.operator(
            node.name or (node.outputs[0] if node.outputs else node.op),
            printable(kind[:80]),
            inputs,
            outputs,
            options=node.attributes,
            rule=rule,
            work=work,
            version=self._versions.get(node.domain, 0),
            is_custom=not own,
            explained=()
            if own
            else (f"Not of ONNX's own operators: a runtime needs those of {printable(node.domain[:80])}.",),
        )

    def _note_quantisation(self, builder: GraphBuilder, node: _Node, output: int) -> None:
        """QuantizeLinear(x, scale, zero point) says how its output is stored."""
        scale = self._constants.get(node.inputs[1]) if len(node.inputs) > 1 else None
        zero = self._constants.get(node.inputs[2]) if len(node.inputs) > 2 else None
        if scale is None or not scale.floats or not all(map(math.isfinite, scale.floats)):
            return
        zeros = (zero.integers if zero is not None else None) or (0,) * len(scale.floats)
        axis = node.attributes.get("axis", 1)
        builder.quantised(
            output,
            TensorQuantization(
                scale.floats, zeros, axis if isinstance(axis, int) and len(scale.floats) > 1 else 0
            ),
        )

    def _value(self, message: memoryview) -> str:
        """A ValueInfoProto: name, and shape and type of its tensor."""
        key, shape, dtype = "", None, ""  # type: tuple[str, Shape, str]
        for number, _, value in self._wire.fields(message):
            if isinstance(value, int):
                continue
            if number == 1:
                key = _text(value)
            elif number == 2:
                for tensor in self._wire.messages(value, 1):
                    for inner, _, content in self._wire.fields(tensor):
                        if inner == 1 and isinstance(content, int):
                            dtype = _dtype(content)
                        elif inner == 2 and not isinstance(content, int):
                            shape = self._shape(content)
        self._said[key] = (shape, dtype)
        return key

    def _shape(self, message: memoryview) -> Shape:
        sides: list[int] = []
        for dim in self._wire.messages(message, 1):
            side = -1
            for number, _, value in self._wire.fields(dim):
                if number == 1 and isinstance(value, int):
                    side = signed(value)
            if not -1 <= side < 1 << 31 or len(sides) == _MOST_AXES:
                raise NotAMessageError(f"a shape has more than {_MOST_AXES} axes or a size of {side}")
            sides.append(side)
        return tuple(sides)

    def _node(self, message: memoryview) -> _Node:
        node = _Node()
        for number, _, value in self._wire.fields(message):
            if isinstance(value, int):
                continue
            if number == _NODE_INPUT:
                node.inputs.append(_text(value))
            elif number == _NODE_OUTPUT:
                node.outputs.append(_text(value))
            elif number == _NODE_NAME:
                node.name = _text(value)
            elif number == _NODE_OP:
                node.op = _text(value)
            elif number == _NODE_DOMAIN:
                node.domain = _text(value)
            elif number == _NODE_ATTRIBUTE:
                self._attribute(value, node)
        return node

    def _attribute(self, message: memoryview, node: _Node) -> None:
        key, found = "", None  # type: tuple[str, object]
        items: list[object] = []
        for number, kind, value in self._wire.fields(message):
            if number == 1 and not isinstance(value, int):
                key = _text(value)
            elif number == 3 and isinstance(value, int):
                found = signed(value)
            elif number == 2 and kind == FOUR_BYTES and not isinstance(value, int):
                found = float(struct.unpack("<f", value)[0])
            elif number == 4 and not isinstance(value, int):
                found = _text(value)
            elif number == 5 and not isinstance(value, int):
                node.constant = self._tensor(value)[1]
            elif number in (6, 11):
                found = "a graph"
            elif number in (7, 8) and len(items) <= _MOST_ITEMS:
                items.extend(self._items(number, kind, value))
            elif number == 9 and not isinstance(value, int) and len(items) <= _MOST_ITEMS:
                items.append(_text(value))
        if items:
            found = tuple(items[: _MOST_ITEMS + 1])
        if node.op == "Constant" or key.startswith("value_"):
            node.constant = node.constant or _constant_of(key, found)
        if key and found is not None:
            node.attributes[key] = found

    def _items(self, number: int, kind: int, value: int | memoryview) -> Iterator[object]:
        """Floats (7) or ints (8) of an attribute, packed or one by one."""
        if isinstance(value, int):
            yield signed(value)
        elif number == 7:
            yield from np.frombuffer(value[: 4 * _MOST_ITEMS][: len(value) // 4 * 4], "<f4").tolist()
        elif kind == BYTES:
            for _, packed in zip(range(_MOST_ITEMS + 1), self._wire.packed(value), strict=False):
                yield signed(packed)

    def _tensor(self, message: memoryview) -> tuple[str, _Constant]:
        key, dtype = "", ""
        dims: list[int] = []
        raw = memoryview(b"")
        integers: list[int] = []
        floats: list[float] = []
        for number, kind, value in self._wire.fields(message):
            if number == _DIMS:
                packed = [value] if isinstance(value, int) else list(self._wire.packed(value))
                dims.extend(signed(side) for side in packed)
                if len(dims) > _MOST_AXES or any(not 0 <= side < 1 << 31 for side in dims):
                    raise NotAMessageError(
                        f"a constant has more than {_MOST_AXES} axes or a size that is none"
                    )
            elif number == _DTYPE and isinstance(value, int):
                dtype = _dtype(value)
            elif number == _TENSOR_NAME and not isinstance(value, int):
                key = _text(value)
            elif number == _RAW and not isinstance(value, int):
                raw = value
            elif number in (_INT32S, _INT64S) and len(integers) <= _MOST_ITEMS:
                if isinstance(value, int):
                    integers.append(signed(value))
                elif len(value) <= 10 * _MOST_ITEMS:
                    integers.extend(signed(each) for each in self._wire.packed(value))
            elif number == _FLOATS and not isinstance(value, int) and len(floats) <= _MOST_ITEMS:
                if kind == FOUR_BYTES:
                    floats.append(float(struct.unpack("<f", value)[0]))
                elif len(value) <= 4 * _MOST_ITEMS:
                    floats.extend(np.frombuffer(value[: len(value) // 4 * 4], "<f4").tolist())
        shape = tuple(dims)
        return key, _Constant(shape, dtype, *_values(shape, dtype, raw, integers, floats))


def _values(
    shape: tuple[int, ...], dtype: str, raw: memoryview, integers: list[int], floats: list[float]
) -> tuple[tuple[int, ...] | None, tuple[float, ...] | None]:
    """The values of a small constant: as integers, as floats, or neither."""
    count = 1
    for side in shape:
        count *= side
        if count > _MOST_ITEMS:
            return None, None
    kind = {"int32": "<i4", "int64": "<i8", "float32": "<f4", "float64": "<f8", "uint8": "u1", "int8": "i1"}
    if len(raw) and dtype in kind and len(raw) == count * np.dtype(kind[dtype]).itemsize:
        values = np.frombuffer(raw, kind[dtype])
        if "float" in dtype:
            return None, tuple(float(value) for value in values)
        return tuple(int(value) for value in values), None
    if "float" in dtype:
        return None, tuple(floats) if len(floats) == count else None
    return (tuple(integers) if len(integers) == count else None), None


def _constant_of(key: str, value: object) -> _Constant | None:
    """What the attributes value_int, value_ints, value_float and value_floats of a Constant hold."""
    items = value if isinstance(value, tuple) else (value,)
    shape = (len(items),) if isinstance(value, tuple) else ()
    if key in ("value_int", "value_ints") and all(isinstance(item, int) for item in items):
        return _Constant(shape, "int64", tuple(int(item) for item in items), None)
    if key in ("value_float", "value_floats") and all(isinstance(item, float) for item in items):
        return _Constant(shape, "float32", None, tuple(float(item) for item in items))
    return None


def _dtype(code: int) -> str:
    return DTYPES[code] if 0 < code < len(DTYPES) else f"type {code}"


def _text(content: memoryview) -> str:
    return bytes(content[:_MOST_TEXT]).decode("utf-8", "replace")
