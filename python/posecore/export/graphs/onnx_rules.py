"""Shapes and multiplies of ONNX's operators (github.com/onnx/onnx, docs/Operators.md); pictures are (n, c, h, w)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from posecore.export.graphs import shape_rules as rules
from posecore.export.graphs.graph_builder import Work, matrix_product, per_input, per_output
from posecore.export.graphs.model_graph import Shape
from posecore.export.graphs.shape_rules import Rule

_SAME_SHAPE_KINDS = """
    Relu LeakyRelu PRelu Elu Selu Celu Clip Sigmoid HardSigmoid HardSwish Mish Gelu Tanh Softmax
    LogSoftmax Softplus Identity Dropout Cast Neg Exp Log Sqrt Abs Floor Ceil Round Erf Reciprocal
    BatchNormalization LayerNormalization InstanceNormalization GroupNormalization LRN LpNormalization
    QuantizeLinear DequantizeLinear Sign Not ThresholdedRelu
"""
_SAME_SHAPE = frozenset(_SAME_SHAPE_KINDS.split())
_BROADCAST_KINDS = """
    Add Sub Mul Div Pow Max Min Sum Mean Equal Less LessOrEqual Greater GreaterOrEqual And Or Where Mod
"""
_BROADCAST = frozenset(_BROADCAST_KINDS.split())


@dataclass(frozen=True, slots=True)
class Call:
    """One node: what it is, and what is known of its inputs.

    Attributes:
        op: ONNX's word.
        attributes: plain values by name.
        shapes: of its inputs.
        integers, floats: values of its inputs where they are small constants, else None.
    """

    op: str
    attributes: Mapping[str, object]
    shapes: Sequence[Shape]
    integers: Sequence[tuple[int, ...] | None]
    floats: Sequence[tuple[float, ...] | None]

    def integer(self, key: str, default: int) -> int:
        value = self.attributes.get(key, default)
        return value if isinstance(value, int) else default

    def whole(self, key: str) -> tuple[int, ...]:
        """An attribute of several ints; () where it is not there."""
        value = self.attributes.get(key, ())
        items = value if isinstance(value, tuple) else ()
        return tuple(item for item in items if isinstance(item, int))

    def constant(self, index: int) -> tuple[int, ...] | None:
        return self.integers[index] if index < len(self.integers) else None


def rule_of(call: Call) -> tuple[Rule | None, Work | None]:
    """Shape rule and multiplies of a node; None for what nobody can tell."""
    op = call.op
    if op in _SAME_SHAPE:
        return rules.same, None
    if op in _BROADCAST:
        return rules.broadcast, None
    filters = call.shapes[1] if len(call.shapes) > 1 else None
    if op in ("Conv", "ConvInteger"):
        return _convolution(call, filters)
    if op == "QLinearConv":
        inner = Call(op, call.attributes, [call.shapes[0], *call.shapes[3:4]], (), ())
        return _convolution(inner, call.shapes[3] if len(call.shapes) > 3 else None)
    if op == "ConvTranspose":
        return _transposed(call, filters)
    if op in ("MaxPool", "AveragePool", "LpPool"):
        kernel = call.whole("kernel_shape")
        return _window(call, kernel, None), None
    if op in ("GlobalAveragePool", "GlobalMaxPool"):
        return rules.reduced((2, 3), keep=True), None
    if op == "Gemm" and filters is not None and len(filters) == 2:
        units, depth = filters if call.integer("transB", 0) else (filters[1], filters[0])
        return lambda shapes: None if not shapes[0] else (shapes[0][0], units), per_output(depth)
    if op in ("MatMul", "MatMulInteger"):
        return rules.product, matrix_product
    return _arranging_rule(call), None


def _convolution(call: Call, filters: Shape) -> tuple[Rule | None, Work | None]:
    if filters is None or len(filters) < 3 or min(filters) < 0:
        return None, None
    units, depth, *kernel = filters
    return _window(call, kernel, units), per_output(depth * math.prod(kernel))


def _window(call: Call, kernel: Sequence[int], channels: int | None) -> Rule:
    return rules.window(
        kernel,
        call.whole("strides") or (1,) * len(kernel),
        _padding(call, len(kernel)),
        channels=channels,
        dilations=call.whole("dilations"),
        channels_first=True,
        round_up=bool(call.integer("ceil_mode", 0)),
    )


def _padding(call: Call, axes: int) -> rules.Padding:
    automatic = call.attributes.get("auto_pad", "NOTSET")
    if automatic in ("SAME_UPPER", "SAME_LOWER"):
        return "SAME"
    pads = call.whole("pads")
    if automatic == "VALID" or len(pads) != 2 * axes:
        return "VALID"
    return [(pads[axis], pads[axis + axes]) for axis in range(axes)]


def _transposed(call: Call, filters: Shape) -> tuple[Rule | None, Work | None]:
    if filters is None or len(filters) < 3 or min(filters) < 0:
        return None, None
    _, units, *kernel = filters
    groups = call.integer("group", 1)
    rule = rules.transposed(
        kernel,
        call.whole("strides") or (1,) * len(kernel),
        _padding(call, len(kernel)),
        channels=units * groups,
        channels_first=True,
        extra=call.whole("output_padding"),
    )
    return rule if not call.whole("output_shape") else None, per_input(units * math.prod(kernel))


def _arranging_rule(call: Call) -> Rule | None:
    op = call.op
    numbers = call.constant(1)
    if op == "Concat":
        return rules.concatenation(call.integer("axis", 0))
    if op == "Pad":
        pads = call.whole("pads") or numbers
        if pads is None or len(pads) % 2:
            return None
        half = len(pads) // 2
        return rules.padded([(pads[axis], pads[axis + half]) for axis in range(half)])
    if op == "Reshape" and numbers is not None:
        return rules.reshaped(numbers, zero_copies=not call.integer("allowzero", 0))
    if op == "Transpose":
        return rules.transpose(call.whole("perm"))
    if op == "Flatten":
        axis = call.integer("axis", 1)
        return lambda shapes: _flattened(shapes[0], axis)
    if op in ("Resize", "Upsample"):
        return _resized(call)
    if op in ("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin"):
        axes = call.whole("axes") or numbers
        return None if axes is None else rules.reduced(axes, keep=bool(call.integer("keepdims", 1)))
    if op in ("Squeeze", "Unsqueeze"):
        axes = call.whole("axes") or numbers
        if axes is None:
            return None
        return (
            rules.reduced(axes, keep=False)
            if op == "Squeeze"
            else lambda shapes: _unsqueezed(shapes[0], axes)
        )
    return None


def _resized(call: Call) -> Rule | None:
    """Resize(x, roi, scales, sizes), Upsample(x, scales): four numbers, those of batch and channels first."""
    sizes = call.constant(3)
    if sizes is not None and len(sizes) == 4:
        return rules.resized(size=sizes[2:], channels_first=True)
    for index in (2, 1):
        scale = call.floats[index] if index < len(call.floats) else None
        if scale is not None and len(scale) == 4:
            return rules.resized(scale=scale[2:], channels_first=True)
    return rules.resized(channels_first=True)


def _flattened(shape: Shape, axis: int) -> Shape:
    if shape is None or not -len(shape) <= axis <= len(shape):
        return None
    at = axis + len(shape) if axis < 0 else axis
    halves = shape[:at], shape[at:]
    rows, columns = (-1 if min(half, default=0) < 0 else math.prod(half) for half in halves)
    return (rows, columns)


def _unsqueezed(shape: Shape, axes: Sequence[int]) -> Shape:
    if shape is None or len(set(axes)) != len(axes):
        return None
    total = len(shape) + len(axes)
    if total > rules.MOST_AXES or any(not -total <= axis < total for axis in axes):
        return None
    new = {axis % total for axis in axes}
    rest = iter(shape)
    return tuple(1 if axis in new else next(rest) for axis in range(total)) if len(new) == len(axes) else None
