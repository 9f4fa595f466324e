"""What TFLite's kernels take for granted about an operator, checked before a kernel sees it.

The kernels check much, but not all: a stride of zero divides by zero, a multiplier that is not finite aborts
the process. For the operators that PoseNet-like networks consist of, everything that a kernel reads is
checked here; an operator that passes is *proven*. Any other operator may well be fine, but only running it
would tell. Numbering: TensorFlow's `schema.fbs`, version 3.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from posecore.runtime.flatbuffer import Damaged, Table

_BUILTINS = """
    ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE EMBEDDING_LOOKUP
    FLOOR FULLY_CONNECTED HASHTABLE_LOOKUP L2_NORMALIZATION L2_POOL_2D LOCAL_RESPONSE_NORMALIZATION
    LOGISTIC LSH_PROJECTION LSTM MAX_POOL_2D MUL RELU RELU_N1_TO_1 RELU6 RESHAPE RESIZE_BILINEAR RNN
    SOFTMAX SPACE_TO_DEPTH SVDF TANH CONCAT_EMBEDDINGS SKIP_GRAM CALL CUSTOM EMBEDDING_LOOKUP_SPARSE PAD
    UNIDIRECTIONAL_SEQUENCE_RNN GATHER BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND TRANSPOSE MEAN SUB DIV SQUEEZE
    UNIDIRECTIONAL_SEQUENCE_LSTM STRIDED_SLICE BIDIRECTIONAL_SEQUENCE_RNN EXP TOPK_V2 SPLIT LOG_SOFTMAX
    DELEGATE BIDIRECTIONAL_SEQUENCE_LSTM CAST PRELU MAXIMUM ARG_MAX MINIMUM LESS NEG PADV2 GREATER
    GREATER_EQUAL LESS_EQUAL SELECT SLICE SIN TRANSPOSE_CONV SPARSE_TO_DENSE TILE EXPAND_DIMS EQUAL
    NOT_EQUAL LOG SUM SQRT RSQRT SHAPE POW ARG_MIN FAKE_QUANT REDUCE_PROD REDUCE_MAX PACK LOGICAL_OR
    ONE_HOT LOGICAL_AND LOGICAL_NOT UNPACK REDUCE_MIN FLOOR_DIV REDUCE_ANY SQUARE ZEROS_LIKE FILL
    FLOOR_MOD RANGE RESIZE_NEAREST_NEIGHBOR LEAKY_RELU SQUARED_DIFFERENCE MIRROR_PAD ABS SPLIT_V UNIQUE
    CEIL REVERSE_V2 ADD_N GATHER_ND COS WHERE RANK ELU REVERSE_SEQUENCE MATRIX_DIAG QUANTIZE
    MATRIX_SET_DIAG ROUND HARD_SWISH IF WHILE NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5 SCATTER_ND
    SELECT_V2 DENSIFY SEGMENT_SUM BATCH_MATMUL
"""
BUILTIN_NAMES = tuple(_BUILTINS.split())

# Every type that a tensor can have, in the order of its numbers, and its size in bits (0: no plain array).
_TYPES = """
    float32:32 float16:16 int32:32 uint8:8 int64:64 string:0 bool:8 int16:16 complex64:64 int8:8 float64:64
    complex128:128 uint64:64 resource:0 variant:0 uint32:32 uint16:16 int4:4 bfloat16:16 int2:2 uint4:4
"""
ITEM_BITS = {name: int(bits) for name, _, bits in (entry.partition(":") for entry in _TYPES.split())}
DTYPES = tuple(ITEM_BITS)


class Unproven(Exception):
    """Nothing is known to be wrong, but not everything could be checked; `str(error)` says what."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor as the file declares it. `shape` has its declared sizes, `signature` -1 where any size
    goes."""

    name: str
    shape: tuple[int, ...]
    signature: tuple[int, ...]
    dtype: str
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    quantized_dimension: int
    constant: memoryview | None
    plain: bool

    @property
    def elements(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Operator:
    """A step of the network. `inputs` are tensor numbers, -1 where an optional one is left out; `version` is that of
    its kind's definition."""

    name: str
    is_custom: bool
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options_type: int
    options: Table | None
    custom_options: memoryview
    plain: bool
    version: int = 1


_ACTIVATIONS = 0, 1, 2, 3  # none, relu, relu_n1_to_1, relu6
_MAX_MULTIPLY_ADDS = 1 << 40
_MAX_PATCHES = 1 << 29
_ZERO_POINTS = {"uint8": (0, 255), "int8": (-128, 127)}


def prove(operator: Operator, tensors: Sequence[Tensor]) -> None:
    """Return where the operator is proven; raise `Damaged` where it is wrong and `Unproven` otherwise."""
    check = _CHECKS.get(operator.name)
    if check is None or operator.is_custom:
        raise Unproven(operator.name)
    if not operator.plain:
        raise Unproven(f"{operator.name} with unusual options")
    inputs = [tensors[i] for i in operator.inputs if i >= 0]
    outputs = [tensors[i] for i in operator.outputs]
    for tensor in (*inputs, *outputs):
        if not tensor.plain or not tensor.elements:
            raise Unproven(f"tensor {tensor.name}")
    _need(len(outputs) == 1, operator)
    check(operator, inputs, outputs[0])


def _need(fact: bool, operator: Operator) -> None:
    if not fact:
        raise Unproven(f"a {operator.name} with unusual arguments")


def _options(operator: Operator, kind: int) -> Table:
    if operator.options is None or operator.options_type != kind:
        raise Unproven(f"a {operator.name} without its options")
    return operator.options


def _quantized(operator: Operator, tensor: Tensor, *, channels: int = 1, dimension: int = 0) -> None:
    """One scale for all, or one for each of `channels` along `dimension`; sane enough to be multiplied."""
    _need(len(tensor.scales) in (1, channels), operator)
    _need(len(tensor.scales) == 1 or tensor.quantized_dimension == dimension, operator)
    _need(all(2.0**-40 < scale < 2.0**20 for scale in tensor.scales), operator)
    if tensor.dtype in _ZERO_POINTS:
        low, high = _ZERO_POINTS[tensor.dtype]
        _need(all(low <= zero <= high for zero in tensor.zero_points), operator)


def _activation(operator: Operator, options: Table, field: int) -> None:
    _need(options.integer(field, "b") in _ACTIVATIONS, operator)


def _convolution(operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    depthwise = operator.name == "DEPTHWISE_CONV_2D"
    options = _options(operator, 2 if depthwise else 1)
    skip = 1 if depthwise else 0  # depth_multiplier comes before the activation
    padding = options.integer(0, "b")
    strides = options.integer(2, "i"), options.integer(1, "i")
    dilations = options.integer(5 + skip, "i", 1), options.integer(4 + skip, "i", 1)
    _activation(operator, options, 3 + skip)
    if min(strides) < 1 or min(dilations) < 1:
        raise Damaged(f"the strides or dilations of a {operator.name} are not positive")
    _need(padding in (0, 1) and max(strides) <= 1024 and max(dilations) <= 1024, operator)
    # XNNPACK reads the bias of a DEPTHWISE_CONV_2D without looking whether there is one.
    _need(len(inputs) == len(operator.inputs) == 3, operator)
    picture, kernel, bias = inputs
    _need(len(picture.shape) == len(kernel.shape) == len(output.shape) == 4, operator)
    _need(picture.dtype == kernel.dtype == output.dtype in ("float32", "uint8", "int8"), operator)
    if depthwise:
        channels = kernel.shape[3]
        _need(kernel.shape[0] == 1 and channels == picture.shape[3] * options.integer(3, "i"), operator)
    else:
        channels = kernel.shape[0]
        _need(kernel.shape[3] == picture.shape[3], operator)
        _need(math.prod(output.shape[1:3]) * math.prod(kernel.shape[1:]) <= _MAX_PATCHES, operator)
        _need(options.integer(6, "b") in (0, 2), operator)
    expected = [picture.shape[0]]
    for axis in (1, 2):
        reach = (kernel.shape[axis] - 1) * dilations[axis - 1] + 1
        covered = picture.shape[axis] - (0 if padding == 0 else reach - 1)
        expected.append(-(-covered // strides[axis - 1]))
    _need(output.shape == (*expected, channels), operator)
    work = output.elements * math.prod(kernel.shape[1:3] if depthwise else kernel.shape[1:])
    _need(work <= _MAX_MULTIPLY_ADDS, operator)
    if picture.dtype != "float32":
        _quantized(operator, picture)
        _quantized(operator, output)
        _quantized(operator, kernel, channels=channels, dimension=3 if depthwise else 0)
        _need(kernel.constant is not None, operator)
        _need(kernel.dtype == "int8" or len(kernel.scales) == 1, operator)
        _need(kernel.dtype == "uint8" or not any(kernel.zero_points), operator)
        largest = picture.scales[0] * max(kernel.scales) / output.scales[0]
        _need(2.0**-30 < largest < 2.0**20, operator)
    _need(bias.shape == (channels,), operator)
    _need(bias.dtype == ("float32" if picture.dtype == "float32" else "int32"), operator)
    _need(bias.dtype == "float32" or bias.constant is not None, operator)


def _concatenation(operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    options = _options(operator, 10)
    axis = options.integer(0, "i")
    rank = len(output.shape)
    _need(options.integer(1, "b") == 0, operator)
    _need(1 <= len(inputs) <= 16 and len(inputs) == len(operator.inputs), operator)
    _need(1 <= rank <= 4 and -rank <= axis < rank, operator)
    for tensor in inputs:
        _need(tensor.dtype == output.dtype in ("float32", "uint8", "int8"), operator)
        _need(len(tensor.shape) == rank, operator)
        _need(
            all(
                a == b
                for i, (a, b) in enumerate(zip(tensor.shape, output.shape, strict=True))
                if i != axis % rank
            ),
            operator,
        )
        if output.dtype != "float32":
            _quantized(operator, tensor)
            _quantized(operator, output)
    _need(sum(tensor.shape[axis] for tensor in inputs) == output.shape[axis], operator)


def _elementwise(operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    """One input, one output of the same shape."""
    _need(len(operator.inputs) == len(inputs) == 1 and inputs[0].shape == output.shape, operator)
    source, target = inputs[0].dtype, output.dtype
    _need(len(output.shape) <= 4, operator)
    if operator.name == "DEQUANTIZE":
        _need(source in ("float16", "uint8", "int8") and target == "float32", operator)
    elif operator.name == "QUANTIZE":
        _need(source in ("float32", "uint8", "int8") and target in ("uint8", "int8"), operator)
    else:
        _need(source == target in ("float32", "uint8", "int8"), operator)
    for tensor in (inputs[0], output):
        if tensor.dtype in _ZERO_POINTS:
            _quantized(operator, tensor)


def _pad(operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    _need(len(operator.inputs) == len(inputs) == 2, operator)
    picture, pads = inputs
    rank = len(picture.shape)
    _need(picture.dtype == output.dtype in ("float32", "uint8", "int8") and 1 <= rank <= 4, operator)
    _need(pads.dtype == "int32" and pads.shape == (rank, 2) and pads.constant is not None, operator)
    assert pads.constant is not None
    sizes = [int.from_bytes(pads.constant[i : i + 4], "little", signed=True) for i in range(0, 8 * rank, 4)]
    _need(all(0 <= size <= 4096 for size in sizes), operator)
    grown = tuple(n + sizes[2 * i] + sizes[2 * i + 1] for i, n in enumerate(picture.shape))
    _need(grown == output.shape, operator)
    if picture.dtype != "float32":
        _quantized(operator, picture)
        _quantized(operator, output)
        _need((picture.scales, picture.zero_points) == (output.scales, output.zero_points), operator)


def _sum(operator: Operator, inputs: list[Tensor], output: Tensor) -> None:
    """ADD of two tensors of one shape (a residual)."""
    options = _options(operator, 11)
    _activation(operator, options, 0)
    _need(len(operator.inputs) == len(inputs) == 2, operator)
    for tensor in (*inputs, output):
        _need(tensor.dtype == output.dtype in ("float32", "uint8", "int8"), operator)
        _need(tensor.shape == output.shape and 1 <= len(tensor.shape) <= 4, operator)
        if tensor.dtype != "float32":
            _quantized(operator, tensor)
            _need(2.0**-10 < tensor.scales[0] / output.scales[0] < 2.0**10, operator)


_CHECKS: dict[str, Callable[[Operator, list[Tensor], Tensor], None]] = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _convolution,
    "CONCATENATION": _concatenation,
    "PAD": _pad,
    "ADD": _sum,
    "QUANTIZE": _elementwise,
    "DEQUANTIZE": _elementwise,
    "LOGISTIC": _elementwise,
    "RELU": _elementwise,
    "RELU6": _elementwise,
}
