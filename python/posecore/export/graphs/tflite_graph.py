""".tflite files as `ModelGraph`, read by `posecore.runtime.tflite_file`; fields as in TensorFlow's `schema.fbs`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from posecore.export.graphs import shape_rules as rules
from posecore.export.graphs.custom_operators import explain
from posecore.export.graphs.graph_builder import GraphBuilder, Work, matrix_product, per_input, per_output
from posecore.export.graphs.model_graph import ModelGraph, TensorQuantization
from posecore.export.graphs.shape_rules import Rule
from posecore.export.graphs.tflite_options import options_of
from posecore.runtime.tflite_file import Subgraph, TfliteFile
from posecore.runtime.tflite_operators import Operator, Tensor

_SAME_SHAPE_KINDS = """
    QUANTIZE DEQUANTIZE CAST LOGISTIC TANH RELU RELU6 RELU_N1_TO_1 LEAKY_RELU ELU HARD_SWISH SOFTMAX
    LOG_SOFTMAX ABS NEG EXP LOG SQRT RSQRT SQUARE FLOOR CEIL ROUND SIN COS ZEROS_LIKE L2_NORMALIZATION
    PRELU GELU
"""
_SAME_SHAPE = frozenset(_SAME_SHAPE_KINDS.split())
_BROADCAST_KINDS = """
    ADD SUB MUL DIV FLOOR_DIV FLOOR_MOD POW MAXIMUM MINIMUM SQUARED_DIFFERENCE EQUAL NOT_EQUAL LESS
    LESS_EQUAL GREATER GREATER_EQUAL LOGICAL_AND LOGICAL_OR SELECT_V2
"""
_BROADCAST = frozenset(_BROADCAST_KINDS.split())
_MOST_NUMBERS = 64


def tflite_graph(data: bytes, name: str, *, size: tuple[int, int] | None = None) -> ModelGraph:
    """The graph of a .tflite file.

    Args:
        data: the bytes of the file.
        name: for people and errors.
        size: (width, height) in pixels for an input that leaves it free.

    Raises:
        ModelError: not a usable TFLite model, or a size for an input that has one.
    """
    file = TfliteFile.read(data, name=name)
    builder = GraphBuilder(name, "TFLite", len(data), size)
    main = file.main
    names = {
        **{number: info.name for number, info in zip(main.inputs, file.inputs, strict=True)},
        **{number: info.name for number, info in zip(main.outputs, file.outputs, strict=True)},
    }
    for number, tensor in enumerate(main.tensors):
        builder.tensor(
            names.get(number, tensor.name),
            tensor.signature,
            tensor.dtype,
            quantization=_quantization(tensor),
            is_constant=tensor.constant is not None,
            is_weight=_is_weight(tensor),
        )
    for number in main.inputs:
        builder.input(number)
    for operator in main.operators:
        _add(builder, main, operator)
    _facts(builder, file)
    return builder.build(main.outputs)


def _facts(builder: GraphBuilder, file: TfliteFile) -> None:
    if file.description:
        builder.facts["description"] = file.description
    if len(file.graphs) > 1:
        inner = sum(len(graph.operators) for graph in file.graphs[1:])
        builder.notes.append(
            f"It has {len(file.graphs) - 1} more graphs with {inner} operators, which IF, WHILE or CALL run; they are "
            "not shown."
        )


def _quantization(tensor: Tensor) -> TensorQuantization | None:
    if not tensor.scales or (len(tensor.scales) == 1 and tensor.scales[0] == 0):
        return None
    return TensorQuantization(tensor.scales, tensor.zero_points, tensor.quantized_dimension)


def _is_weight(tensor: Tensor) -> bool:
    """Whether a constant was learnt: real numbers, quantised or not. Shapes, axes and paddings are plain integers."""
    if tensor.constant is None:
        return False
    return "float" in tensor.dtype or any(tensor.scales)


def _add(builder: GraphBuilder, graph: Subgraph, operator: Operator) -> None:
    options: dict[str, object]
    explained: Sequence[str] = ()
    unit = ""
    if operator.is_custom:
        options, explained, unit = explain(operator)
    else:
        options = options_of(operator)
        kernel = _kernel(operator, graph.tensors)
        options = {**({"kernel": kernel} if kernel else {}), **options}
    rule, work = (None, None) if operator.is_custom else _rule(operator, graph.tensors, options)
    name = graph.tensors[operator.outputs[0]].name if operator.outputs else operator.name
    builder.operator(
        name,
        operator.name,
        operator.inputs,
        operator.outputs,
        options=options,
        rule=rule,
        work=work,
        parameters=None if unit == "Edge TPU" else 0,
        multiplies=None if unit == "Edge TPU" else 0,
        version=operator.version,
        is_custom=operator.is_custom,
        unit=unit,
        explained=explained,
    )


def _kernel(operator: Operator, tensors: Sequence[Tensor]) -> tuple[int, ...]:
    """(height, width) of the window, which TFLite keeps in the shape of the weights."""
    if operator.name not in ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV") or len(operator.inputs) < 2:
        return ()
    shape = tensors[operator.inputs[1]].shape if operator.inputs[1] >= 0 else ()
    return shape[1:3] if len(shape) == 4 else ()


def _rule(
    operator: Operator, tensors: Sequence[Tensor], options: dict[str, object]
) -> tuple[Rule | None, Work | None]:
    kind = operator.name
    inputs = [tensors[i] if i >= 0 else None for i in operator.inputs]
    second = inputs[1] if len(inputs) > 1 else None
    if kind in _SAME_SHAPE:
        return rules.same, None
    if kind in _BROADCAST:
        return rules.broadcast, None
    if kind in ("CONV_2D", "DEPTHWISE_CONV_2D") and second is not None and len(second.shape) == 4:
        channels, height, width, depth = second.shape
        depthwise = kind == "DEPTHWISE_CONV_2D"
        return (
            rules.window(
                (height, width),
                _pair(options, "stride_h", "stride_w"),
                _padding(options),
                channels=depth if depthwise else channels,
                dilations=_pair(options, "dilation_h", "dilation_w"),
            ),
            per_output(height * width * (1 if depthwise else depth)),
        )
    if kind in ("MAX_POOL_2D", "AVERAGE_POOL_2D", "L2_POOL_2D"):
        sides = _pair(options, "filter_height", "filter_width")
        return rules.window(sides, _pair(options, "stride_h", "stride_w"), _padding(options)), None
    if kind == "FULLY_CONNECTED" and second is not None and len(second.shape) == 2:
        units, depth = second.shape
        return rules.fixed((-1, units)), per_output(depth)
    if kind == "TRANSPOSE_CONV" and len(inputs) > 2 and second is not None and len(second.shape) == 4:
        channels, height, width, _ = second.shape
        # Its picture is the third input.
        work: Work = lambda shapes, output: per_input(height * width * channels)(shapes[2:], output)  # noqa: E731
        return rules.fixed(_numbers(inputs[0])), work
    if kind in ("SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND") and len(inputs) > 2:
        blocks, edges = _numbers(second), _numbers(inputs[2])
        if blocks is None or edges is None:
            return None, None
        return (rules.to_batches if kind == "SPACE_TO_BATCH_ND" else rules.from_batches)(blocks, edges), None
    if kind == "BATCH_MATMUL":
        return rules.product, matrix_product
    return _arranging_rule(kind, second, options), None


def _arranging_rule(kind: str, second: Tensor | None, options: dict[str, object]) -> Rule | None:
    numbers = _numbers(second)
    if kind == "CONCATENATION":
        return rules.concatenation(_integer(options, "axis"))
    if kind in ("PAD", "PADV2", "MIRROR_PAD") and numbers is not None and len(numbers) % 2 == 0:
        return rules.padded([(numbers[i], numbers[i + 1]) for i in range(0, len(numbers), 2)])
    if kind in ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"):
        return rules.resized(size=numbers or ())
    if kind == "RESHAPE" and numbers is not None:
        return rules.reshaped(numbers)
    if kind in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN") and numbers is not None:
        return rules.reduced(numbers, keep=bool(options.get("keep_dims")))
    if kind == "TRANSPOSE" and numbers is not None:
        return rules.transpose(numbers)
    return None


def _numbers(tensor: Tensor | None) -> tuple[int, ...] | None:
    """The values of a small constant of integers."""
    if tensor is None or tensor.constant is None or tensor.dtype not in ("int32", "int64"):
        return None
    if tensor.elements > _MOST_NUMBERS:
        return None
    kind = "<i4" if tensor.dtype == "int32" else "<i8"
    return tuple(int(value) for value in np.frombuffer(tensor.constant, kind))


def _integer(options: dict[str, object], key: str) -> int:
    value = options.get(key, 1 if key.startswith("dilation") else 0)
    return value if isinstance(value, int) else 0


def _pair(options: dict[str, object], *keys: str) -> tuple[int, ...]:
    return tuple(_integer(options, key) for key in keys)


def _padding(options: dict[str, object]) -> rules.Padding:
    return "VALID" if options.get("padding") == "VALID" else "SAME"
