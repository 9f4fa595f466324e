"""Writes small model files of every format but .tflite, so that the tests can say what is in one and what is wrong."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Sides = Sequence[int | str]


def varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    parts = []
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


def field(number: int, content: bytes | str | int) -> bytes:
    """One field of a protobuf message."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    data = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(data)) + data


def onnx_tensor(name: str, array: np.ndarray) -> bytes:
    """A TensorProto; numbers of fields as in onnx.proto."""
    kind = {"float32": 1, "int64": 7}[array.dtype.name]
    dims = b"".join(field(1, side) for side in array.shape)
    return dims + field(2, kind) + field(8, name) + field(9, array.tobytes())


def onnx_value(name: str, shape: Sides | None) -> bytes:
    """A ValueInfoProto of float32; texts are free sizes."""
    tensor = field(1, 1)
    if shape is not None:
        dims = (field(1, side) if isinstance(side, int) else field(2, side) for side in shape)
        tensor += field(2, b"".join(field(1, dim) for dim in dims))
    return field(1, name) + field(2, field(1, tensor))


def onnx_attribute(name: str, value: int | float | str | Sequence[int]) -> bytes:
    if isinstance(value, str):
        return field(1, name) + field(4, value) + field(20, 3)
    if isinstance(value, int):
        return field(1, name) + field(3, value) + field(20, 2)
    if isinstance(value, float):
        return field(1, name) + varint(2 << 3 | 5) + struct.pack("<f", value) + field(20, 1)
    return field(1, name) + b"".join(field(8, item) for item in value) + field(20, 7)


def onnx_node(
    op: str, inputs: Sequence[str], outputs: Sequence[str], domain: str = "", **attributes: Any
) -> bytes:
    return (
        b"".join(field(1, name) for name in inputs)
        + b"".join(field(2, name) for name in outputs)
        + field(4, op)
        + b"".join(field(5, onnx_attribute(name, value)) for name, value in attributes.items())
        + (field(7, domain) if domain else b"")
    )


def onnx_model(
    nodes: Sequence[bytes],
    inputs: Mapping[str, Sides],
    outputs: Sequence[str],
    constants: Mapping[str, np.ndarray],
) -> bytes:
    graph = b"".join(field(1, node) for node in nodes)
    graph += b"".join(field(5, onnx_tensor(name, array)) for name, array in constants.items())
    graph += b"".join(field(11, onnx_value(name, shape)) for name, shape in inputs.items())
    graph += b"".join(field(12, onnx_value(name, None)) for name in outputs)
    return field(1, 8) + field(2, "by hand") + field(7, graph) + field(8, field(1, "") + field(2, 17))


def channels_first(height: int | str = "h", width: int | str = "w") -> bytes:
    """A network of heatmaps with pictures (n, 3, h, w), whose inner shapes nobody says."""
    zeros = np.zeros
    constants = {
        "w0": zeros((16, 3, 3, 3), np.float32),
        "b0": zeros(16, np.float32),
        "w1": zeros((16, 1, 3, 3), np.float32),
        "w2": zeros((16, 17, 4, 4), np.float32),
        "scales": np.array([1, 1, 2, 2], np.float32),
        "pads": np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64),
    }
    nodes = [
        onnx_node("Conv", ["x", "w0", "b0"], ["a"], strides=[2, 2], pads=[1, 1, 1, 1]),
        onnx_node("Relu", ["a"], ["b"]),
        onnx_node("Pad", ["b", "pads"], ["c"]),
        onnx_node("Conv", ["c", "w1"], ["d"], group=16),
        onnx_node("Resize", ["d", "", "scales"], ["e"], mode="nearest"),
        onnx_node("MaxPool", ["e"], ["f"], kernel_shape=[2, 2], strides=[2, 2]),
        onnx_node("ConvTranspose", ["f", "w2"], ["g"], strides=[2, 2], pads=[1, 1, 1, 1]),
        onnx_node("Sigmoid", ["g"], ["heatmaps"]),
    ]
    return onnx_model(nodes, {"x": ["n", 3, height, width]}, ["heatmaps"], constants)


def tf_shape(sides: Sequence[int]) -> bytes:
    return b"".join(field(2, field(1, side)) for side in sides)


def tf_node(name: str, op: str, inputs: Sequence[str] = (), **attributes: bytes) -> bytes:
    """A NodeDef; attributes are AttrValue messages."""
    body = field(1, name) + field(2, op) + b"".join(field(3, source) for source in inputs)
    attributes = {"T": field(6, 1)} | attributes
    entries = (field(1, key) + field(2, value) for key, value in attributes.items())
    return field(1, body + b"".join(field(5, entry) for entry in entries))


def tf_constant(name: str, array: np.ndarray) -> bytes:
    kind = {"float32": 1, "int32": 3}[array.dtype.name]
    tensor = field(1, kind) + field(2, tf_shape(array.shape)) + field(4, array.tobytes())
    return tf_node(name, "Const", dtype=field(6, kind), value=field(8, tensor))


def tf_ints(*numbers: int) -> bytes:
    """An attribute of a list of ints, packed."""
    return field(1, field(3, b"".join(varint(number) for number in numbers)))


def frozen_graph(*, sides: Sequence[int] = (1, -1, -1, 3)) -> bytes:
    """image -> 3x3 convolution of stride 2, bias, ReLU6 -> pad and 3x3 dilated depthwise -> sigmoid: 17 heatmaps."""
    strided, plain = tf_ints(1, 2, 2, 1), tf_ints(1, 1, 1, 1)
    same, valid = field(2, "SAME"), field(2, "VALID")
    return b"".join(
        (
            tf_node("image", "Placeholder", dtype=field(6, 1), shape=field(7, tf_shape(sides))),
            tf_constant("w", np.zeros((3, 3, 3, 17), np.float32)),
            tf_constant("b", np.zeros(17, np.float32)),
            tf_constant("depthwise", np.zeros((3, 3, 17, 1), np.float32)),
            tf_constant("pads", np.array([[0, 0], [2, 2], [2, 2], [0, 0]], np.int32)),
            tf_node("w/read", "Identity", ["w"]),
            tf_node("conv", "Conv2D", ["image", "w/read"], strides=strided, padding=same),
            tf_node("bias", "BiasAdd", ["conv", "b"]),
            tf_node("relu", "Relu6", ["bias"]),
            tf_node("pad", "Pad", ["relu", "pads"]),
            tf_node(
                "dw",
                "DepthwiseConv2dNative",
                ["pad", "depthwise"],
                strides=plain,
                padding=valid,
                dilations=tf_ints(1, 2, 2, 1),
            ),
            tf_node("heatmap", "Sigmoid", ["dw"]),
        )
    )


def keras_layer(kind: str, name: str, sources: Sequence[str], **config: Any) -> dict[str, Any]:
    """A layer as Keras 3 writes it."""
    tensors = [
        {"class_name": "__keras_tensor__", "config": {"keras_history": [one, 0, 0]}} for one in sources
    ]
    args = tensors if len(tensors) == 1 else [tensors]
    nodes = [{"args": args, "kwargs": {}}] if sources else []
    return {"class_name": kind, "name": name, "config": {"name": name, **config}, "inbound_nodes": nodes}


def keras_config(layers: Sequence[dict[str, Any]], outputs: object, inputs: object = None) -> dict[str, Any]:
    config = {"layers": list(layers), "input_layers": inputs or [["image", 0, 0]], "output_layers": outputs}
    return {"class_name": "Functional", "config": config}


def small_keras(*more: dict[str, Any], last: str = "heatmap") -> dict[str, Any]:
    """image -> 3x3 convolution of stride 2 -> normalisation -> 17 heatmaps."""
    layers = (
        keras_layer("InputLayer", "image", [], batch_shape=[None, 64, 48, 3]),
        keras_layer(
            "Conv2D", "conv", ["image"], filters=8, kernel_size=[3, 3], strides=[2, 2], padding="same"
        ),
        keras_layer("BatchNormalization", "bn", ["conv"], axis=-1),
        keras_layer("Conv2D", "heatmap", ["bn"], filters=17, kernel_size=[1, 1], use_bias=False),
    )
    return keras_config([*layers, *more], [last, 0, 0])


def keras_archive(config: object, **files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.15.1"}))
        archive.writestr("config.json", json.dumps(config))
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def tfjs_model() -> dict[str, Any]:
    """The small frozen graph, as tfjs writes it: weights by a manifest, 64-bit numbers as text."""

    def node(name: str, op: str, *inputs: str, **attributes: Any) -> dict[str, Any]:
        return {
            "name": name,
            "op": op,
            "input": list(inputs),
            "attr": {"T": {"type": "DT_FLOAT"}, **attributes},
        }

    def sides(*numbers: int) -> dict[str, Any]:
        return {"shape": {"dim": [{"size": str(number)} for number in numbers]}}

    same = {"s": "U0FNRQ=="}
    nodes = [
        node("image", "Placeholder", dtype={"type": "DT_FLOAT"}, shape=sides(1, -1, -1, 3)),
        node("w", "Const"),
        node("b", "Const"),
        node("conv", "Conv2D", "image", "w", strides={"list": {"i": ["1", "2", "2", "1"]}}, padding=same),
        node("heatmap", "BiasAdd", "conv", "b"),
    ]
    weights = [
        {"name": "w", "shape": [3, 3, 3, 17], "dtype": "float32"},
        {"name": "b", "shape": [17], "dtype": "float32", "quantization": {"dtype": "uint8"}},
    ]
    return {
        "format": "graph-model",
        "modelTopology": {"node": nodes},
        "weightsManifest": [{"paths": ["a.bin"], "weights": weights}],
    }


def kmodel(*, calls: int = 1) -> bytes:
    """A K210 model of version 5: a picture of 8x6 pixels, two KPU layers, and one dequantised output."""
    picture, cells = 8 * 6 * 3, 4 * 3 * 17

    def port(place: int, dtype: int, size: int) -> bytes:
        return struct.pack("<BBHII", place, dtype, 0, 0, size)

    def shape(*sides: int) -> bytes:
        return struct.pack(f"<I{len(sides)}I", len(sides), *sides)

    def function(inputs: list[bytes], outputs: list[bytes], text: int) -> bytes:
        body = b"".join((*inputs, *outputs))
        return (
            struct.pack("<8I", 32, 32 + len(body), 0, 0, len(inputs) // 2, len(outputs) // 2, 0, text) + body
        )

    def module(kind: str, pools: list[tuple[int, int]], functions: bytes, text: bytes) -> bytes:
        section = struct.pack("<16s4I", b".text", 0, 0, len(text), 0) + text
        memory = b"".join(struct.pack("<B3xI", place, size) for place, size in pools)
        size = 48 + len(memory) + len(functions) + len(section)
        head = struct.pack("<16s8I", kind.encode(), 0, 48, size, len(pools), 0, 1, 1, 0)
        return head + memory + functions + section

    def layer(width: int, height: int, depth: int, units: int, **more: int) -> bytes:
        flags = more.get("depthwise", 0) << 3
        places = more.get("source", 0) | more["target"] << 32
        halved = more.get("pool", 0) > 0
        channels = depth - 1 | units - 1 << 32
        columns, rows = (width // 2, height // 2) if halved else (width, height)
        sizes = width - 1 | height - 1 << 10 | columns - 1 << 32 | rows - 1 << 42
        registers = (flags, places, channels, sizes, more["kernel"] | more.get("pool", 0) << 4, *(7 * [0]))
        return bytes([2, 0, 0, 0]) + bytes(52) + struct.pack("<12Q", *registers)

    upload, download = bytes([0]) + bytes(43), bytes([1]) + bytes(43)
    layers = layer(8, 6, 3, 8, kernel=1, target=100, pool=5) + layer(
        4, 3, 8, 17, kernel=0, source=100, target=0
    )
    kpu = upload + layers + download
    # LDC_R4 scale and bias, LEA_BUFFER of the output, TENSOR CALL and TENSOR DEQUANTIZE of nncase 1.6 to 1.9.
    call = b"\x5e" + struct.pack("<H", 3) + bytes(8)
    floats = b"".join(b"\x05" + struct.pack("<f", value) for value in (0.25, -32.0))
    dequantize = (
        b"\x17" + struct.pack("<BBI", 1, 0, 0) + floats + b"\x5e" + struct.pack("<H", 0x0B) + bytes(5)
    )
    cpu = call * calls + dequantize
    ends = function(
        [port(0, 4, picture), shape(1, 3, 6, 8)], [port(1, 9, 4 * cells), shape(1, 17, 3, 4)], len(cpu)
    )
    modules = module("stackvm", [(0, picture), (1, 4 * cells), (3, cells)], ends, cpu)
    modules += module("k210", [(64, 1 << 21)], function([], [], len(kpu)), kpu)
    return struct.pack("<4s7I", b"LDMK", 5, 32, 0, 256, 2, 0, 0) + modules
