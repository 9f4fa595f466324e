"""TensorFlow's graphs as `ModelGraph`: nodes that a frozen graph (.pb) and a tfjs graph model have in common."""

from __future__ import annotations

import heapq
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from posecore.errors import ModelError
from posecore.export.graphs import shape_rules as rules
from posecore.export.graphs.graph_builder import GraphBuilder, Work, matrix_product, per_output
from posecore.export.graphs.model_graph import Shape
from posecore.export.graphs.shape_rules import Rule
from posecore.printable import printable

DTYPES = {
    1: "float32",
    2: "float64",
    3: "int32",
    4: "uint8",
    5: "int16",
    6: "int8",
    7: "string",
    8: "complex64",
    9: "int64",
    10: "bool",
    11: "int8",
    12: "uint8",
    13: "int32",
    14: "bfloat16",
    15: "int16",
    16: "uint16",
    17: "uint16",
    18: "complex128",
    19: "float16",
    20: "resource",
    21: "variant",
    22: "uint32",
    23: "uint64",
}
"""The numbers of types.proto."""

_SAME_SHAPE_KINDS = """
    BiasAdd Relu Relu6 LeakyRelu Elu Selu Sigmoid Tanh Softmax LogSoftmax Softplus Identity StopGradient
    Cast Neg Exp Log Sqrt Rsqrt Square Abs Floor Ceil Round ClipByValue FusedBatchNorm FusedBatchNormV2
    FusedBatchNormV3 PlaceholderWithDefault Prelu PreventGradient CheckNumerics NoOp
    FakeQuantWithMinMaxVars FakeQuantWithMinMaxArgs ZerosLike OnesLike
"""
_SAME_SHAPE = frozenset(_SAME_SHAPE_KINDS.split())
_BROADCAST_KINDS = """
    Add AddV2 Sub Mul Div RealDiv FloorDiv FloorMod Pow Maximum Minimum SquaredDifference Equal NotEqual
    Less LessEqual Greater GreaterEqual LogicalAnd LogicalOr Select SelectV2
"""
_BROADCAST = frozenset(_BROADCAST_KINDS.split())
_CONVOLUTIONS = ("Conv2D", "_FusedConv2D", "FusedConv2D")
_DEPTHWISE = ("DepthwiseConv2dNative", "FusedDepthwiseConv2dNative", "_FusedDepthwiseConv2dNative")
# Options that say how a kernel is to run rather than what it does.
_UNSAID = re.compile(
    r"_output_shapes|T|dtype|Tidx|Tshape|Tpaddings|Tperm|Tblock_shape|Tcrops|Tdim|Tindices|Tparams|N|Index|"
    r"use_cudnn_on_gpu|_class|out_type|DstT|SrcT|Tmultiples|num_args|TArgs|U"
)


@dataclass(frozen=True)
class Node:
    """One node of a graph.

    Attributes:
        name: without the device.
        op: TensorFlow's word.
        inputs: names of tensors as the file has them: "node", "node:1", or "^node" for mere order.
        attributes: plain values: numbers, truth values, text, tuples of these, shapes as tuples.
        shape: of a placeholder or constant.
        dtype: of what it makes, "" where the file does not say.
        values: of a constant of few integers, else None.
    """

    name: str
    op: str
    inputs: tuple[str, ...] = ()
    attributes: Mapping[str, object] = field(default_factory=dict)
    shape: Shape = None
    dtype: str = ""
    values: tuple[int, ...] | None = None


def said_shape(attributes: Mapping[str, object]) -> Shape:
    """The shape that a placeholder says it has; None where it is none, as a list of texts in its place is none."""
    said = attributes.get("shape")
    if not isinstance(said, tuple):
        return None
    sides = tuple(side for side in said if type(side) is int and -1 <= side < 1 << 31)
    return sides if len(sides) == len(said) else None


def add_nodes(builder: GraphBuilder, nodes: Sequence[Node]) -> list[int]:
    """Adds all nodes in an order that works; gives the tensor numbers of the outputs.

    Outputs are what no node reads. Constants are tensors and no steps.
    Raises ModelError for names that are there twice, and for a graph that goes in circles.
    """
    by_name = {node.name: node for node in nodes}
    if len(by_name) != len(nodes):
        raise ModelError(f"{builder.file} has two nodes of one name")
    numbers: dict[str, int] = {}
    read: set[str] = set()
    made: list[tuple[Node, int]] = []
    for node in _in_order(builder.file, nodes, by_name):
        sources = [_split(name) for name in node.inputs if not name.startswith("^")]
        read.update(name for name, _ in sources)
        if node.op in ("Placeholder", "PlaceholderV2"):
            numbers[f"{node.name}:0"] = builder.tensor(node.name, node.shape, node.dtype)
            builder.input(numbers[f"{node.name}:0"])
            continue
        if node.op == "Const":
            numbers[f"{node.name}:0"] = builder.tensor(
                node.name, node.shape, node.dtype, is_constant=True, is_weight="float" in node.dtype
            )
            continue
        if node.op == "NoOp":
            continue
        for name, output in sources:
            key = f"{name}:{output}"
            if key not in numbers:  # a second output, whose shape nobody says
                numbers[key] = builder.tensor(key, None, "")
        sourced = [numbers[f"{name}:{output}"] for name, output in sources]
        dtype = node.dtype or _dtype_of(node, by_name)
        number = builder.tensor(node.name, node.shape, dtype)
        numbers[f"{node.name}:0"] = number
        made.append((node, number))
        rule, work = _rule(builder, node, sourced, [by_name.get(name) for name, _ in sources])
        builder.operator(
            node.name,
            node.op,
            sourced,
            [number],
            options=_options(builder, node, sourced),
            rule=rule,
            work=work,
        )
    return [number for node, number in made if node.name not in read]


def _options(builder: GraphBuilder, node: Node, sources: Sequence[int]) -> dict[str, object]:
    found = {key: value for key, value in node.attributes.items() if not _UNSAID.fullmatch(key)}
    filters = builder.shape(sources[1]) if len(sources) > 1 else None
    if node.op in (*_CONVOLUTIONS, *_DEPTHWISE, "Conv2DBackpropInput") and filters is not None:
        return {"kernel": filters[:2], **found}  # TensorFlow keeps it in the shape of the weights
    return found


def _dtype_of(node: Node, by_name: Mapping[str, Node]) -> str:
    kind = node.attributes.get("DstT", node.attributes.get("T"))
    return kind if isinstance(kind, str) else ""


def _split(name: str) -> tuple[str, int]:
    base, colon, output = name.rpartition(":")
    if colon and output.isascii() and output.isdigit() and len(output) < 6:
        return base, int(output)
    return name, 0


def _in_order(file: str, nodes: Sequence[Node], by_name: Mapping[str, Node]) -> list[Node]:
    """The nodes so that each comes after what it reads, otherwise in the file's order."""
    waiting: dict[str, int] = {}
    readers: dict[str, list[Node]] = {}
    for node in nodes:
        sources = {_split(name.removeprefix("^"))[0] for name in node.inputs}
        unknown = sources - by_name.keys()
        if unknown:
            raise ModelError(
                f"{file}: node {printable(node.name[:80])} reads {printable(min(unknown)[:80])}, which is not there"
            )
        waiting[node.name] = len(sources)
        for source in sources:
            readers.setdefault(source, []).append(node)
    place = {node.name: index for index, node in enumerate(nodes)}
    ready = [place[node.name] for node in nodes if waiting[node.name] == 0]
    order: list[Node] = []
    while ready:
        node = nodes[heapq.heappop(ready)]
        order.append(node)
        for reader in readers.get(node.name, ()):
            waiting[reader.name] -= 1
            if waiting[reader.name] == 0:
                heapq.heappush(ready, place[reader.name])
    if len(order) != len(nodes):
        raise ModelError(
            f"{file} goes in circles, so that it is no graph that could be read from top to bottom"
        )
    return order


def _rule(
    builder: GraphBuilder, node: Node, sources: Sequence[int], makers: Sequence[Node | None]
) -> tuple[Rule | None, Work | None]:
    op = node.op
    if op in _SAME_SHAPE:
        return rules.same, None
    if op in _BROADCAST:
        return rules.broadcast, None
    first = node.attributes.get("data_format") == "NCHW"
    filters = builder.shape(sources[1]) if len(sources) > 1 else None
    if op in (*_CONVOLUTIONS, *_DEPTHWISE):
        if filters is None or len(filters) != 4 or min(filters) < 1:
            return None, None
        height, width, depth, units = filters
        depthwise = op in _DEPTHWISE
        rule = rules.window(
            (height, width),
            _sides(node, "strides", first),
            _padding(node, first),
            channels=depth * units if depthwise else units,
            dilations=_sides(node, "dilations", first),
            channels_first=first,
        )
        return rule, per_output(height * width * (1 if depthwise else depth))
    if op == "Conv2DBackpropInput":
        return _backprop(node, sources, makers, filters, first)
    if op in ("MaxPool", "AvgPool"):
        sides = _sides(node, "ksize", first)
        return (
            rules.window(sides, _sides(node, "strides", first), _padding(node, first), channels_first=first),
            None,
        )
    if op in ("MatMul", "_FusedMatMul", "FusedMatMul") and filters is not None and len(filters) == 2:
        depth, units = reversed(filters) if node.attributes.get("transpose_b") else filters
        return rules.fixed((-1, units)), per_output(depth)
    if op in ("BatchMatMul", "BatchMatMulV2"):
        return rules.product, matrix_product
    return _arranging_rule(
        op, node, [None if maker is None else maker.values for maker in makers], first
    ), None


def _backprop(
    node: Node,
    sources: Sequence[int],
    makers: Sequence[Node | None],
    filters: Shape,
    first: bool,
) -> tuple[Rule | None, Work | None]:
    """A transposed convolution: (output shape, filters (h, w, out, in), picture)."""
    if len(sources) != 3 or filters is None or len(filters) != 4 or min(filters) < 1:
        return None, None
    height, width, units, _ = filters
    said = makers[0].values if makers[0] is not None else None
    if said is not None and len(said) == 4:
        rule = rules.fixed(said)
    else:
        inner = rules.transposed(
            (height, width),
            _sides(node, "strides", first),
            _padding(node, first),
            channels=units,
            channels_first=first,
        )
        rule = lambda shapes: inner(shapes[2:])  # noqa: E731
    count = per_output(height * width * units)
    return rule, lambda shapes, output: count(shapes, shapes[2] if len(shapes) > 2 else None)


def _arranging_rule(
    op: str, node: Node, values: Sequence[tuple[int, ...] | None], first: bool
) -> Rule | None:
    last = values[-1] if values else None
    second = values[1] if len(values) > 1 else None
    if op == "ConcatV2" and last is not None and len(last) == 1:
        rule = rules.concatenation(last[0])
        return lambda shapes: rule(shapes[:-1])
    if op in ("Pad", "PadV2", "MirrorPad") and second is not None and len(second) % 2 == 0:
        return rules.padded([(second[i], second[i + 1]) for i in range(0, len(second), 2)])
    if op in ("ResizeBilinear", "ResizeNearestNeighbor"):
        return rules.resized(size=second or ())
    if op == "Reshape" and second is not None:
        return rules.reshaped(second)
    if op in ("Mean", "Sum", "Max", "Min") and second is not None:
        return rules.reduced(second, keep=bool(node.attributes.get("keep_dims")))
    if op == "Transpose" and second is not None:
        return rules.transpose(second)
    third = values[2] if len(values) > 2 else None
    if op in ("SpaceToBatchND", "BatchToSpaceND") and second is not None and third is not None:
        return (rules.to_batches if op == "SpaceToBatchND" else rules.from_batches)(second, third)
    if op == "ExpandDims" and second is not None and len(second) == 1:
        at = second[0]
        return lambda shapes: _expanded(shapes[0], at)
    return None


def _expanded(shape: Shape, axis: int) -> Shape:
    if shape is None or not -len(shape) - 1 <= axis <= len(shape):
        return None
    at = axis % (len(shape) + 1)
    return (*shape[:at], 1, *shape[at:])


def _sides(node: Node, key: str, channels_first: bool) -> tuple[int, ...]:
    """The two numbers for height and width of an attribute with one number an axis; 1, 1 where it is not there."""
    value = node.attributes.get(key)
    if not isinstance(value, tuple) or len(value) != 4:
        return (1, 1)
    sides = value[2:] if channels_first else value[1:3]
    return tuple(side if isinstance(side, int) else 0 for side in sides)


def _padding(node: Node, channels_first: bool) -> rules.Padding:
    said = node.attributes.get("padding")
    if said == "EXPLICIT":
        pads = node.attributes.get("explicit_paddings")
        if isinstance(pads, tuple) and len(pads) == 8 and all(isinstance(pad, int) for pad in pads):
            at = 4 if channels_first else 2
            return [(pads[at], pads[at + 1]), (pads[at + 2], pads[at + 3])]
    return "VALID" if said == "VALID" else "SAME"
