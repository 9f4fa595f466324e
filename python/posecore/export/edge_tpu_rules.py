"""What the Edge TPU takes of a TFLite operator: kind, version, types, shapes, options.

Kinds and limits: coral.ai, "TensorFlow models on the Edge TPU", table 1. Versions: what compiler 16 of July 2021 knows,
which is TensorFlow Lite as of about 2.5.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

from posecore.runtime.flatbuffer import Damaged
from posecore.runtime.tflite_operators import Operator, Tensor

# The newest version of each kind that the compiler knows. Kinds that are not here stay on the CPU.
NEWEST = {
    "ADD": 3,
    "AVERAGE_POOL_2D": 3,
    "CONCATENATION": 3,
    "CONV_2D": 5,
    "DEPTHWISE_CONV_2D": 6,
    "EXPAND_DIMS": 1,
    "FULLY_CONNECTED": 9,
    "L2_NORMALIZATION": 2,
    "LOGISTIC": 3,
    "LSTM": 4,
    "MAXIMUM": 4,
    "MAX_POOL_2D": 3,
    "MEAN": 3,
    "MINIMUM": 4,
    "MUL": 4,
    "PACK": 3,
    "PAD": 3,
    "PRELU": 1,
    "QUANTIZE": 2,
    "REDUCE_MAX": 2,
    "REDUCE_MIN": 2,
    "RELU": 2,
    "RELU6": 2,
    "RELU_N1_TO_1": 1,
    "RESHAPE": 1,
    "RESIZE_BILINEAR": 4,
    "RESIZE_NEAREST_NEIGHBOR": 4,
    "RSQRT": 1,
    "SLICE": 3,
    "SOFTMAX": 3,
    "SPACE_TO_DEPTH": 2,
    "SPLIT": 4,
    "SQUARED_DIFFERENCE": 1,
    "SQUEEZE": 1,
    "STRIDED_SLICE": 5,
    "SUB": 5,
    "SUM": 2,
    "TANH": 3,
    "TRANSPOSE": 5,
    "TRANSPOSE_CONV": 3,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": 2,
}
_BYTES = ("uint8", "int8")
_MOST_SOFTMAX = 16_000


def why_not(operator: Operator, tensors: Sequence[Tensor]) -> str:
    """Why the compiler leaves this operator to the CPU, as a clause; "" where nothing is known against it."""
    if operator.is_custom:
        return "a custom operator"
    newest = NEWEST.get(operator.name)
    if newest is None:
        return "the Edge TPU has no such operator"
    if operator.version > newest:
        return f"version {operator.version}, the compiler knows up to {newest}"
    inputs = [tensors[i] for i in operator.inputs if i >= 0]
    outputs = [tensors[i] for i in operator.outputs]
    for tensor in (*inputs, *outputs):
        clause = _why_not_tensor(tensor)
        if clause:
            return clause
    limit = _LIMITS.get(operator.name)
    try:
        return limit(operator, inputs, outputs) if limit else ""
    except (Damaged, IndexError):
        return "options that cannot be read"


def _why_not_tensor(tensor: Tensor) -> str:
    if tensor.constant is not None:
        # Biases, and what says where and how: shapes, axes, margins.
        known = (*_BYTES, "int32")
        return "" if tensor.dtype in known else f"constants of {tensor.dtype}, wanted int8 or uint8"
    if tensor.dtype not in _BYTES:
        return f"{tensor.dtype} tensors, wanted int8 or uint8"
    if not tensor.scales:
        return "a tensor without quantisation"
    if -1 in tensor.signature:
        return "a tensor whose size is free"
    if any(size != 1 for size in tensor.shape[:-3]):
        shape = "x".join(map(str, tensor.shape))
        return f"{shape}: only the 3 innermost sizes may be above 1"
    return ""


def _option(operator: Operator, field: int, code: str = "i", default: int = 0) -> int:
    return default if operator.options is None else operator.options.integer(field, code, default)


def _whole(tensor: Tensor) -> tuple[int, ...] | None:
    """The values of a constant int32 tensor; None where it is computed."""
    if tensor.constant is None or tensor.dtype != "int32":
        return None
    return struct.unpack(f"<{len(tensor.constant) // 4}i", tensor.constant)


def _no_activation(field: int) -> Callable[[Operator, list[Tensor], list[Tensor]], str]:
    def limit(operator: Operator, inputs: list[Tensor], outputs: list[Tensor]) -> str:
        return "a fused activation" if _option(operator, field, "b") else ""

    return limit


def _convolution(width: int) -> Callable[[Operator, list[Tensor], list[Tensor]], str]:
    """`width`: the field of the dilation in x; that in y follows."""

    def limit(operator: Operator, inputs: list[Tensor], outputs: list[Tensor]) -> str:
        x, y = _option(operator, width, default=1), _option(operator, width + 1, default=1)
        if x != y:
            return f"dilation {x} in x, but {y} in y"
        return "weights that are computed" if inputs[1].constant is None else ""

    return limit


def _fully_connected(operator: Operator, inputs: list[Tensor], outputs: list[Tensor]) -> str:
    if _option(operator, 1, "b"):
        return "weights in a shuffled format"
    return "an output of more than 1 dimension" if any(size != 1 for size in outputs[0].shape[:-1]) else ""


def _axes(operator: Operator, inputs: list[Tensor], outputs: list[Tensor]) -> str:
    axes, rank = _whole(inputs[1]), len(inputs[0].shape)
    if axes is None:
        return "axes that are computed"
    places = {axis % rank for axis in axes} if rank else set()
    if 0 in places and rank > 1:
        return "it reduces the batch"
    if operator.name == "MEAN" and rank - 1 in places and inputs[0].shape[-1] % 4:
        return f"a mean over {inputs[0].shape[-1]} channels, wanted a multiple of 4"
    return ""


def _pack(operator: Operator, inputs: list[Tensor], outputs: list[Tensor]) -> str:
    rank = len(outputs[0].shape)
    return "it packs along the batch" if rank and _option(operator, 1) % rank == 0 else ""


def _pad(operator: Operator, inputs: list[Tensor], outputs: list[Tensor]) -> str:
    margins = _whole(inputs[1])
    if margins is None:
        return "margins that are computed"
    return "it pads the batch" if any(margins[:2]) and len(inputs[0].shape) > 1 else ""


def _prelu(operator: Operator, inputs: list[Tensor], outputs: list[Tensor]) -> str:
    return (
        "slopes of more than 1 dimension (shared_axes=[1, 2])"
        if any(n != 1 for n in inputs[1].shape[:-1])
        else ""
    )


def _softmax(operator: Operator, inputs: list[Tensor], outputs: list[Tensor]) -> str:
    if any(size != 1 for size in inputs[0].shape[:-1]):
        return "an input of more than 1 dimension"
    return f"more than {_MOST_SOFTMAX} values" if inputs[0].elements > _MOST_SOFTMAX else ""


def _split(operator: Operator, inputs: list[Tensor], outputs: list[Tensor]) -> str:
    axis, rank = _whole(inputs[0]), len(inputs[1].shape)
    if not axis or not rank:
        return "an axis that is computed"
    return "it splits the batch" if axis[0] % rank == 0 else ""


def _strided_slice(operator: Operator, inputs: list[Tensor], outputs: list[Tensor]) -> str:
    strides = _whole(inputs[3])
    if strides is None or any(stride != 1 for stride in strides):
        return "strides other than 1"
    return "an ellipsis" if _option(operator, 2) else ""


# Field numbers: Pool2DOptions, ConcatenationOptions, Conv2DOptions, DepthwiseConv2DOptions of schema.fbs.
_LIMITS: dict[str, Callable[[Operator, list[Tensor], list[Tensor]], str]] = {
    "AVERAGE_POOL_2D": _no_activation(5),
    "MAX_POOL_2D": _no_activation(5),
    "CONCATENATION": _no_activation(1),
    "CONV_2D": _convolution(4),
    "DEPTHWISE_CONV_2D": _convolution(5),
    "FULLY_CONNECTED": _fully_connected,
    "MEAN": _axes,
    "SUM": _axes,
    "REDUCE_MAX": _axes,
    "REDUCE_MIN": _axes,
    "PACK": _pack,
    "PAD": _pad,
    "PRELU": _prelu,
    "SOFTMAX": _softmax,
    "SPLIT": _split,
    "STRIDED_SLICE": _strided_slice,
}
