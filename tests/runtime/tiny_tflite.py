"""Writes small .tflite files, so that the tests can say what is wrong with one.

A table is a dict from field number to value; a value is a `Number` or `Numbers` (with a struct code), a str,
bytes, a table, or a list of tables. Field numbers are those of TensorFlow's `schema.fbs`.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from posecore.runtime.tflite_file import TfliteFile

FLOAT32, FLOAT16, INT32, UINT8, INT8 = 0, 1, 2, 3, 9
ADD, CONV_2D, DEPTHWISE_CONV_2D, LOGISTIC, RESHAPE, CUSTOM, QUANTIZE = 0, 3, 4, 14, 22, 32, 114


class Number(NamedTuple):
    code: str
    value: float


class Numbers(NamedTuple):
    code: str
    values: Sequence[float]


Table = dict[int, Any]


def flatbuffer(root: Table) -> bytes:
    out = bytearray(8)
    out[4:8] = b"TFL3"
    struct.pack_into("<I", out, 0, _table(out, root))
    return bytes(out)


def _align(out: bytearray, size: int, offset: int = 0) -> None:
    while (len(out) + offset) % size:
        out.append(0)


def _table(out: bytearray, table: Table) -> int:
    count = max(table, default=-1) + 1
    size = 4 + 8 * len(table)
    places = {field: 4 + 8 * i for i, field in enumerate(sorted(table))}
    _align(out, 2)
    vtable = len(out)
    out += struct.pack(f"<{2 + count}H", 4 + 2 * count, size, *(places.get(f, 0) for f in range(count)))
    _align(out, 8, 4)
    start = len(out)
    out += struct.pack("<i", start - vtable) + bytes(size - 4)
    for field, value in table.items():
        at = start + places[field]
        if isinstance(value, Number):
            struct.pack_into("<" + value.code, out, at, value.value)
        else:
            target = _child(out, value)
            struct.pack_into("<I", out, at, target - at)
    return start


def _child(out: bytearray, value: Any) -> int:
    if isinstance(value, dict):
        return _table(out, value)
    if isinstance(value, str):
        _align(out, 4)
        start = len(out)
        out += struct.pack("<I", len(value)) + value.encode() + b"\0"
        return start
    if isinstance(value, bytes):
        _align(out, 16, 4)
        start = len(out)
        out += struct.pack("<I", len(value)) + value
        return start
    if isinstance(value, Numbers):
        _align(out, 8, 4)
        start = len(out)
        out += struct.pack(f"<I{len(value.values)}{value.code}", len(value.values), *value.values)
        return start
    _align(out, 4)
    start = len(out)
    out += struct.pack("<I", len(value)) + bytes(4 * len(value))
    for i, item in enumerate(value):
        at = start + 4 + 4 * i
        struct.pack_into("<I", out, at, _table(out, item) - at)
    return start


def flexbuffer(options: Mapping[str, float | bool | int]) -> bytes:
    """A FlexBuffer map with all entries 4 bytes wide."""
    out = bytearray()
    starts = {}
    for key in sorted(options):
        starts[key] = len(out)
        out += key.encode() + b"\0"
    while len(out) % 4:
        out.append(0)
    out += struct.pack("<I", len(starts))
    keys = len(out)
    for key in sorted(options):
        out += struct.pack("<I", len(out) - starts[key])
    out += struct.pack("<III", len(out) - keys, 4, len(starts))
    values, kinds = len(out), b""
    for key in sorted(options):
        value = options[key]
        if isinstance(value, bool):
            out += struct.pack("<I", value)
            kinds += bytes([26 << 2 | 2])
        elif isinstance(value, int):
            out += struct.pack("<i", value)
            kinds += bytes([1 << 2 | 2])
        else:
            out += struct.pack("<f", value)
            kinds += bytes([3 << 2 | 2])
    out += kinds
    root = len(out)
    return bytes(out) + bytes([root - values, 9 << 2 | 2, 1])


class Model:
    """A network in the making: constants, tensors, operators; then `bytes(model)`."""

    def __init__(self) -> None:
        self.buffers: list[Table] = [{}]
        self.tensors: list[Table] = []
        self.operators: list[Table] = []
        self.codes: list[Table] = []
        self.inputs: list[int] = []
        self.outputs: list[int] = []
        self.extra: Table = {}

    def tensor(
        self,
        shape: Sequence[int],
        *,
        data: bytes = b"",
        dtype: int = FLOAT32,
        name: str = "",
        scale: float | None = None,
        zero_point: int = 0,
        signature: Sequence[int] | None = None,
    ) -> int:
        self.buffers.append({0: data} if data else {})
        table: Table = {
            0: Numbers("i", shape),
            1: Number("b", dtype),
            2: Number("I", len(self.buffers) - 1),
            3: name or f"tensor{len(self.tensors)}",
        }
        if scale is not None:
            table[4] = {2: Numbers("f", [scale]), 3: Numbers("q", [zero_point])}
        if signature is not None:
            table[7] = Numbers("i", signature)
        self.tensors.append(table)
        return len(self.tensors) - 1

    def operator(
        self,
        code: int,
        inputs: Sequence[int],
        outputs: Sequence[int],
        *,
        kind: int = 0,
        options: Table | None = None,
        custom: str = "",
        custom_options: bytes = b"",
    ) -> None:
        self.codes.append({0: Number("b", code), 2: Number("i", 1), 3: Number("i", code)})
        if custom:
            self.codes[-1][1] = custom
        table: Table = {
            0: Number("I", len(self.codes) - 1),
            1: Numbers("i", inputs),
            2: Numbers("i", outputs),
        }
        if options is not None:
            table |= {3: Number("B", kind), 4: options}
        if custom_options:
            table[5] = custom_options
        self.operators.append(table)

    def convolution(self, source: int, shape: Sequence[int], *, name: str = "", bias: float = 0.0) -> int:
        """A 1x1 CONV_2D with weights of zero: every one of its outputs is `bias`."""
        channels = self.tensors[source][0].values[3]
        weights = self.tensor([shape[3], 1, 1, channels], data=bytes(4 * shape[3] * channels))
        biases = self.tensor([shape[3]], data=struct.pack("<f", bias) * shape[3])
        free = [-1 if i in (1, 2) else size for i, size in enumerate(shape)]
        output = self.tensor(shape, name=name, signature=free if 7 in self.tensors[source] else None)
        self.operator(CONV_2D, [source, weights, biases], [output], kind=1, options=self.conv_options())
        return output

    @staticmethod
    def conv_options(*, stride: int = 1, dilation: int = 1) -> Table:
        return {
            1: Number("i", stride),
            2: Number("i", stride),
            4: Number("i", dilation),
            5: Number("i", dilation),
        }

    def __bytes__(self) -> bytes:
        graph: Table = {
            0: self.tensors,
            1: Numbers("i", self.inputs),
            2: Numbers("i", self.outputs),
            3: self.operators,
        }
        return flatbuffer({0: Number("I", 3), 1: self.codes, 2: [graph], 4: self.buffers} | self.extra)


def heatmaps_only(*, dynamic: bool = False) -> Model:
    """A picture of 4x6 pixels in, 17 heatmaps of 0.5 out."""
    model = Model()
    picture = model.tensor([1, 4, 6, 3], name="image", signature=[1, -1, -1, 3] if dynamic else None)
    model.inputs = [picture]
    model.outputs = [model.convolution(picture, [1, 4, 6, 17], name="heatmaps", bias=0.5)]
    return model


def quantised(dtype: int = INT8) -> Model:
    """A picture of 4x6 pixels in, 17 heatmaps out, as Keras's models come out of the converter: int8 inside with a
    scale for each channel of the weights, and int8 or uint8 at both ends. Each channel of the output has the value
    of one of its biases, k / 8 - 1."""
    model = Model()
    ends = {"dtype": dtype, "zero_point": 128 if dtype == UINT8 else 0}
    picture = model.tensor([1, 4, 6, 3], name="image", scale=1 / 128, **ends)
    inner = picture
    if dtype == UINT8:
        inner = model.tensor([1, 4, 6, 3], name="inner", dtype=INT8, scale=1 / 128)
        model.operator(QUANTIZE, [picture], [inner])
    scales = [2.0 ** -(3 + k % 3) for k in range(17)]
    weights = model.tensor([17, 1, 1, 3], name="weights", dtype=INT8, data=bytes(3 * 17))
    biases = [round((k / 8 - 1) * 128 / scale) for k, scale in enumerate(scales)]
    bias = model.tensor([17], name="bias", dtype=INT32, data=struct.pack("<17i", *biases))
    for tensor, factor in ((weights, 1.0), (bias, 1 / 128)):
        model.tensors[tensor][4] = {
            2: Numbers("f", [scale * factor for scale in scales]),
            3: Numbers("q", [0] * 17),
        }
    heatmaps = model.tensor([1, 4, 6, 17], name="heatmaps", dtype=INT8, scale=1 / 64)
    model.operator(CONV_2D, [inner, weights, bias], [heatmaps], kind=1, options=model.conv_options())
    if dtype == UINT8:
        inner, heatmaps = heatmaps, model.tensor([1, 4, 6, 17], name="heatmaps", scale=1 / 64, **ends)
        model.tensors[inner][3] = "inner heatmaps"
        model.operator(QUANTIZE, [inner], [heatmaps])
    model.inputs, model.outputs = [picture], [heatmaps]
    return model


def with_decoder(options: bytes | None = None, *, segments: bool = False) -> Model:
    """Heads of 1, 2 and 3 that end in a PosenetDecoderOp; with `segments`, one more output, of 4."""
    if options is None:
        options = flexbuffer({"max_detections": 7, "nms_radius": 8.0, "score_threshold": 0.25, "stride": 32})
    model = Model()
    picture = model.tensor([1, 4, 6, 3], name="image")
    heads = [
        model.convolution(picture, [1, 4, 6, channels], name=name, bias=bias)
        for name, channels, bias in (
            ("heatmaps", 17, 1.0),
            ("short_offsets", 34, 2.0),
            ("mid_offsets", 64, 3.0),
        )
    ]
    other = [model.convolution(picture, [1, 4, 6, 1], name="segments", bias=4.0)] if segments else []
    poses = [model.tensor([], name=f"poses:{i}") for i in range(4)]
    model.operator(CUSTOM, heads, poses, custom="PosenetDecoderOp", custom_options=options)
    model.inputs, model.outputs = [picture], poses + other
    return model


def reshaped() -> Model:
    """A network with an operator that only a trial can vouch for."""
    model = heatmaps_only()
    shape = model.tensor([2], dtype=INT32, data=np.array([1, 24 * 17], "<i4").tobytes())
    flat = model.tensor([1, 24 * 17], name="flat")
    model.operator(
        RESHAPE, [model.outputs[0], shape], [flat], kind=17, options={0: Numbers("i", [1, 24 * 17])}
    )
    model.outputs = [flat]
    return model


def read(model: Model) -> TfliteFile:
    """What our reader makes of it, under the name x.tflite."""
    return TfliteFile.read(bytes(model), name="x.tflite")
