"""Where the first cell of a network's heatmaps lies in its input, at any size of it.

TensorFlow's padding SAME puts the zeros of a strided convolution on both sides of an odd side and at the end of an even
one, so that each halving of an even side moves all cells by as many input pixels as there are from cell to cell before
it: 15 px at 256x256 for a PoseNet of stride 16, which was trained at sides of 16 n + 1, where cells lie on corners.
Source: tf.nn.convolution's definition of SAME, and schema.fbs for the options of operators.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from posecore.runtime.tflite_file import TfliteFile
from posecore.runtime.tflite_operators import Operator, Tensor

_KEEPS = ("RELU", "RELU6", "RELU_N1_TO_1", "LEAKY_RELU", "PRELU", "LOGISTIC", "TANH", "HARD_SWISH", "ELU")
_SAME_PLACE = (*_KEEPS, "QUANTIZE", "DEQUANTIZE", "ADD", "SUB", "MUL", "CONCATENATION", "SOFTMAX")
# Of each kind of window: where its options have the dilation, None where there is none.
_CONVOLUTIONS = {"CONV_2D": 4, "DEPTHWISE_CONV_2D": 5}
_POOLS = ("MAX_POOL_2D", "AVERAGE_POOL_2D")
_SAME, _VALID = 0, 1


@dataclass(frozen=True, slots=True)
class _Axis:
    """Of a tensor, along one axis: cells, input pixels from cell to cell, and the pixel that the first one lies on."""

    cells: int
    step_px: int
    origin_px: float

    def window(self, reach: int, stride: int, before: int, cells: int) -> _Axis:
        """After a window of `reach` cells that starts `before` cells in front of the first one."""
        return _Axis(cells, self.step_px * stride, self.origin_px + self.step_px * ((reach - 1) / 2 - before))


def cell_origin(file: TfliteFile, output: int, size: tuple[int, int]) -> tuple[float, float] | None:
    """(x, y) in input pixels of the first cell of an output, the centre of the picture's first pixel being 0; None
    where the file has operators whose cells nobody follows here.

    Args:
        file: a model with one input (1, height, width, 3).
        output: number of the output, in the file's order.
        size: (width, height) of the input in pixels.
    """
    width, height = size
    main = file.main
    found: dict[int, tuple[_Axis, _Axis]] = {main.inputs[0]: (_Axis(height, 1, 0.0), _Axis(width, 1, 0.0))}
    for operator in main.operators:
        places = {found[i] for i in operator.inputs if i in found}
        if len(places) != 1 or len(operator.outputs) != 1:
            continue
        after = _after(operator, main.tensors, next(iter(places)))
        if after is not None:
            found[operator.outputs[0]] = after
    last = found.get(main.outputs[output])
    return None if last is None else (last[1].origin_px, last[0].origin_px)


def _after(
    operator: Operator, tensors: tuple[Tensor, ...], axes: tuple[_Axis, _Axis]
) -> tuple[_Axis, _Axis] | None:
    if operator.is_custom:
        return None
    if operator.name in _SAME_PLACE:
        free = [i for i in operator.inputs if i >= 0 and tensors[i].constant is None]
        return axes if len(free) == sum(1 for i in free if len(tensors[i].shape) == 4) else None
    if operator.name == "PAD":
        return _padded(tensors[operator.inputs[1]], axes) if len(operator.inputs) == 2 else None
    options = operator.options
    if options is None:
        return None
    if operator.name in _CONVOLUTIONS:
        at = _CONVOLUTIONS[operator.name]
        kernel = tensors[operator.inputs[1]].shape
        if len(kernel) != 4:
            return None
        dilations = options.integer(at + 1, "i", 1), options.integer(at, "i", 1)
        reaches = tuple((kernel[axis + 1] - 1) * dilations[axis] + 1 for axis in (0, 1))
    elif operator.name in _POOLS:
        reaches = options.integer(4, "i"), options.integer(3, "i")
    else:
        return None
    strides = options.integer(2, "i"), options.integer(1, "i")
    padding = options.integer(0, "b")
    if padding not in (_SAME, _VALID) or min(*strides, *reaches) < 1:
        return None
    rows, columns = (
        _windowed(axis, reach, stride, same=padding == _SAME)
        for axis, reach, stride in zip(axes, reaches, strides, strict=True)
    )
    return None if rows is None or columns is None else (rows, columns)


def _windowed(axis: _Axis, reach: int, stride: int, *, same: bool) -> _Axis | None:
    if not same:
        cells = (axis.cells - reach) // stride + 1
        return axis.window(reach, stride, 0, cells) if cells > 0 else None
    cells = -(-axis.cells // stride)
    zeros = max((cells - 1) * stride + reach - axis.cells, 0)
    return axis.window(reach, stride, zeros // 2, cells)


def _padded(pads: Tensor, axes: tuple[_Axis, _Axis]) -> tuple[_Axis, _Axis] | None:
    if pads.constant is None or pads.dtype != "int32" or pads.shape != (4, 2):
        return None
    sizes = struct.unpack("<8i", pads.constant)
    if min(sizes) < 0:
        return None
    rows, columns = (
        _Axis(axis.cells + before + after, axis.step_px, axis.origin_px - axis.step_px * before)
        for axis, before, after in zip(axes, sizes[2:6:2], sizes[3:7:2], strict=True)
    )
    return rows, columns
