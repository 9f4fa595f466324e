"""What a Keras layer makes, how many numbers it learnt and how much it computes, from its configuration alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from posecore.export.graphs import shape_rules as rules
from posecore.export.graphs.graph_builder import Work, matrix_product, per_input, per_output
from posecore.export.graphs.model_graph import Shape
from posecore.export.graphs.shape_rules import Rule

Config = Mapping[str, Any]
_MOST_SIDE = 1 << 24
_SAME_SHAPE_KINDS = """
    Activation ReLU LeakyReLU ELU Softmax Dropout SpatialDropout2D GaussianNoise GaussianDropout
    AlphaDropout Identity Rescaling Normalization UnitNormalization ActivityRegularization Relu6 ReLU6
    Sigmoid Tanh
"""
_SAME_SHAPE = frozenset(_SAME_SHAPE_KINDS.split())
_BROADCAST_KINDS = """
    Add Subtract Multiply Average Maximum Minimum
"""
_BROADCAST = frozenset(_BROADCAST_KINDS.split())


@dataclass(frozen=True, slots=True)
class LayerFacts:
    """What is known of one layer.

    Attributes:
        rule: for its output's shape; None where nobody can tell.
        work: its multiply-accumulates; None for a layer that has none.
        parameters: learnt numbers; None where they are not known.
        multiplies: 0 where `work` is None and the layer has none, None where nobody can tell.
    """

    rule: Rule | None = None
    work: Work | None = None
    parameters: int | None = 0
    multiplies: int | None = 0


NOT_KNOWN = LayerFacts(None, None, None, None)


def layer_facts(kind: str, config: Config, shape: Shape) -> LayerFacts:
    """The facts of a layer whose class is called `kind` and whose first input has this shape."""
    if kind in _SAME_SHAPE:
        return LayerFacts(rules.same)
    if kind in _BROADCAST:
        return LayerFacts(rules.broadcast)
    maker = _MAKERS.get(kind)
    return NOT_KNOWN if maker is None else maker(config, shape)


def _whole(value: object, default: int = -1) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST_SIDE:
        return default
    return value


def _pair(value: object, default: int = 1) -> tuple[int, int]:
    if value is None:
        return (default, default)
    if isinstance(value, int) and not isinstance(value, bool):
        return (_whole(value, 0), _whole(value, 0))
    if isinstance(value, (list, tuple)) and len(value) == 2:
        return (_whole(value[0], 0), _whole(value[1], 0))
    return (0, 0)


def _first(config: Config) -> bool:
    return config.get("data_format") == "channels_first"


def _padding(config: Config) -> rules.Padding:
    return "SAME" if config.get("padding") == "same" else "VALID"


def _depth(config: Config, shape: Shape) -> int:
    if shape is None or len(shape) < 2:
        return -1
    return shape[1] if _first(config) else shape[-1]


def _learnt(*counts: int) -> int | None:
    """The sum, or None where one of them is not known."""
    return None if min(counts) < 0 else sum(counts)


def _window(config: Config, channels: int) -> Any:
    return rules.window(
        _pair(config.get("kernel_size")),
        _pair(config.get("strides")),
        _padding(config),
        channels=channels,
        dilations=_pair(config.get("dilation_rate")),
        channels_first=_first(config),
    )


def _convolution(config: Config, shape: Shape) -> LayerFacts:
    kernel = _pair(config.get("kernel_size"))
    filters, groups = _whole(config.get("filters")), _whole(config.get("groups", 1), 0)
    depth = _depth(config, shape)
    inner = depth // groups if groups > 0 and depth >= 0 else -1
    area = math.prod(kernel)
    known = min(inner, filters) >= 0
    bias = filters if config.get("use_bias", True) else 0
    return LayerFacts(
        _window(config, filters),
        per_output(area * inner if known else -1),
        _learnt(area * inner * filters, bias) if known else None,
    )


def _depthwise(config: Config, shape: Shape) -> LayerFacts:
    kernel = _pair(config.get("kernel_size"))
    depth = _depth(config, shape)
    many = depth * _whole(config.get("depth_multiplier", 1), 0)
    bias = many if config.get("use_bias", True) else 0
    return LayerFacts(
        _window(config, many),
        per_output(math.prod(kernel)),
        _learnt(math.prod(kernel) * many, bias) if depth >= 0 else None,
    )


def _separable(config: Config, shape: Shape) -> LayerFacts:
    kernel = _pair(config.get("kernel_size"))
    depth, filters = _depth(config, shape), _whole(config.get("filters"))
    if min(depth, filters) < 1:
        return NOT_KNOWN
    many = depth * _whole(config.get("depth_multiplier", 1), 0)
    area = math.prod(kernel)
    at_each_place = area * many + many * filters
    places = per_output(at_each_place)

    def work(inputs: Any, output: Shape) -> int | None:
        total = places(inputs, output)
        return None if total is None else total // filters

    return LayerFacts(
        _window(config, filters),
        work,
        at_each_place + (filters if config.get("use_bias", True) else 0),
    )


def _transposed(config: Config, shape: Shape) -> LayerFacts:
    kernel = _pair(config.get("kernel_size"))
    depth, filters = _depth(config, shape), _whole(config.get("filters"))
    known = min(depth, filters) >= 0
    area = math.prod(kernel)
    return LayerFacts(
        rules.transposed(
            kernel,
            _pair(config.get("strides")),
            _padding(config),
            channels=filters,
            channels_first=_first(config),
        )
        if config.get("output_padding") is None
        else None,
        per_input(area * filters if known else -1),
        _learnt(area * depth * filters, filters if config.get("use_bias", True) else 0) if known else None,
    )


def _dense(config: Config, shape: Shape) -> LayerFacts:
    units = _whole(config.get("units"))
    depth = -1 if not shape else shape[-1]
    known = min(units, depth) >= 0
    return LayerFacts(
        lambda shapes: None if not shapes or not shapes[0] else (*shapes[0][:-1], units),
        per_output(depth),
        _learnt(depth * units, units if config.get("use_bias", True) else 0) if known else None,
    )


def _normalisation(config: Config, shape: Shape) -> LayerFacts:
    axis = config.get("axis", -1)
    if isinstance(axis, list) and len(axis) == 1:
        axis = axis[0]
    if shape is None or not isinstance(axis, int) or not -len(shape) <= axis < len(shape):
        return LayerFacts(rules.same, None, None)
    size = shape[axis]
    rows = 2 + bool(config.get("scale", True)) + bool(config.get("center", True))
    return LayerFacts(rules.same, None, rows * size if size >= 0 else None)


def _layer_normalisation(config: Config, shape: Shape) -> LayerFacts:
    found = _normalisation(config, shape)
    rows = bool(config.get("scale", True)) + bool(config.get("center", True))
    size = shape[-1] if shape and config.get("axis", -1) in (-1, [-1]) else -1
    return LayerFacts(found.rule, None, rows * size if size >= 0 else None)


def _prelu(config: Config, shape: Shape) -> LayerFacts:
    shared = config.get("shared_axes") or []
    if shape is None or not isinstance(shared, list) or not all(isinstance(axis, int) for axis in shared):
        return LayerFacts(rules.same, None, None)
    sizes = [1 if axis in shared else size for axis, size in enumerate(shape) if axis > 0]
    return LayerFacts(rules.same, None, math.prod(sizes) if min(sizes, default=1) >= 0 else None)


def _pool(config: Config, shape: Shape) -> LayerFacts:
    size = _pair(config.get("pool_size"), 2)
    strides = size if config.get("strides") is None else _pair(config.get("strides"))
    return LayerFacts(rules.window(size, strides, _padding(config), channels_first=_first(config)))


def _global_pool(config: Config, shape: Shape) -> LayerFacts:
    axes = (2, 3) if _first(config) else (1, 2)
    return LayerFacts(rules.reduced(axes, keep=bool(config.get("keepdims"))))


def _margins(value: object) -> tuple[tuple[int, int], tuple[int, int]]:
    if isinstance(value, (list, tuple)) and len(value) == 2 and isinstance(value[0], (list, tuple)):
        return _pair(value[0]), _pair(value[1])
    rows, columns = _pair(value)
    return (rows, rows), (columns, columns)


def _pad(config: Config, shape: Shape, sign: int = 1) -> LayerFacts:
    value = config.get("padding" if sign > 0 else "cropping")
    (top, bottom), (left, right) = _margins(value)
    sides = [(sign * top, sign * bottom), (sign * left, sign * right)]
    none = (0, 0)
    return LayerFacts(rules.padded([none, none, *sides] if _first(config) else [none, *sides, none]))


def _upsampling(config: Config, shape: Shape) -> LayerFacts:
    return LayerFacts(
        rules.resized(
            scale=tuple(float(side) for side in _pair(config.get("size"), 2)), channels_first=_first(config)
        )
    )


def _resizing(config: Config, shape: Shape) -> LayerFacts:
    size = _whole(config.get("height")), _whole(config.get("width"))
    return LayerFacts(rules.resized(size=size, channels_first=_first(config)))


def _concatenate(config: Config, shape: Shape) -> LayerFacts:
    axis = config.get("axis", -1)
    return LayerFacts(rules.concatenation(axis) if isinstance(axis, int) else None)


def _flatten(config: Config, shape: Shape) -> LayerFacts:
    def rule(shapes: Any) -> Shape:
        if not shapes or not shapes[0]:
            return None
        rest = shapes[0][1:]
        return (shapes[0][0], -1 if min(rest, default=0) < 0 else math.prod(rest))

    return LayerFacts(rule)


def _reshape(config: Config, shape: Shape) -> LayerFacts:
    target = config.get("target_shape")
    if not isinstance(target, list) or not all(isinstance(side, int) for side in target) or len(target) > 16:
        return LayerFacts(None)
    inner = rules.reshaped(target)

    def rule(shapes: Any) -> Shape:
        if not shapes or not shapes[0]:
            return None
        found = inner([shapes[0][1:]])
        return None if found is None else (shapes[0][0], *found)

    return LayerFacts(rule)


def _permute(config: Config, shape: Shape) -> LayerFacts:
    dims = config.get("dims")
    if not isinstance(dims, list) or not all(isinstance(axis, int) for axis in dims) or len(dims) > 16:
        return LayerFacts(None)
    return LayerFacts(rules.transpose([0, *dims]))


def _dot(config: Config, shape: Shape) -> LayerFacts:
    return LayerFacts(None, matrix_product)


_MAKERS: dict[str, Callable[[Config, Shape], LayerFacts]] = {
    "Conv2D": _convolution,
    "Convolution2D": _convolution,
    "DepthwiseConv2D": _depthwise,
    "SeparableConv2D": _separable,
    "Conv2DTranspose": _transposed,
    "Dense": _dense,
    "BatchNormalization": _normalisation,
    "LayerNormalization": _layer_normalisation,
    "PReLU": _prelu,
    "MaxPooling2D": _pool,
    "AveragePooling2D": _pool,
    "GlobalAveragePooling2D": _global_pool,
    "GlobalMaxPooling2D": _global_pool,
    "ZeroPadding2D": _pad,
    "Cropping2D": lambda config, shape: _pad(config, shape, -1),
    "UpSampling2D": _upsampling,
    "Resizing": _resizing,
    "Concatenate": _concatenate,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Permute": _permute,
    "Dot": _dot,
}
