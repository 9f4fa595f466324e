"""What each Keras layer of posecore's networks is in ONNX (operator set 17), channels first.

Tensors of rank 4 are (n, channels, height, width) here, whatever Keras has; of rank 2 and 3 as Keras has them.
ONNX operators: https://onnx.ai/onnx/operators/. Where Keras pads SAME it follows TensorFlow: all that is left over
goes to the end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from posecore.errors import ModelError


@dataclass
class OnnxNodes:
    """Operators and constants of an ONNX graph in the making.

    Attributes:
        onnx: the package.
        nodes: `onnx.NodeProto`, in order.
        constants: `onnx.TensorProto`.
    """

    onnx: Any
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def add(self, operator: str, inputs: Sequence[str], name: str, **attributes: Any) -> str:
        """A node with one output, which is called as the node is; gives that name."""
        self.nodes.append(self.onnx.helper.make_node(operator, list(inputs), [name], name=name, **attributes))
        return name

    def constant(self, array: Any, name: str) -> str:
        """A tensor that is stored in the file; gives its name."""
        self.constants.append(self.onnx.numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name


Convert = Callable[[OnnxNodes, Any, list[str], list[Any]], str]


def convert_layer(nodes: OnnxNodes, layer: Any, inputs: list[str], tensors: list[Any]) -> str:
    """Add one layer, as it is when nothing is trained; gives the name of its output.

    Args:
        inputs: names of its inputs.
        tensors: the same as symbolic Keras tensors, for their shapes.

    Raises:
        ModelError: a layer, or an option of one, that is not known.
    """
    kind = type(layer).__name__
    convert = _LAYERS.get(kind)
    if convert is None:
        raise ModelError(f"ONNX: wanted layers of {', '.join(_LAYERS)}, got {layer.name}, which is a {kind}")
    if any(node.name.partition("/")[0] == layer.name for node in nodes.nodes):
        raise ModelError(f"ONNX: wanted layers that are used once, got {layer.name} twice")
    return convert(nodes, layer, inputs, tensors)


def _want(layer: Any, option: str, *wanted: object) -> None:
    got = getattr(layer, option, wanted[0])
    if got not in wanted:
        listed = " or ".join(str(one) for one in wanted)
        raise ModelError(f"ONNX: wanted {option} {listed} in {layer.name}, got {got}")


def _pads(
    layer: Any, sizes: tuple[int | None, ...], kernel: Any, strides: Any, dilation: Any
) -> dict[str, Any]:
    """The padding of a convolution or pool over an input of (height, width)."""
    _want(layer, "padding", "valid", "same")
    if layer.padding == "valid":
        return {"pads": [0, 0, 0, 0]}
    before, after = [], []
    for size, window, stride, step in zip(sizes, kernel, strides, dilation, strict=True):
        reach = (window - 1) * step + 1
        if stride == 1:
            left_over = reach - 1
        elif size is None:
            # What is left over depends on the size; this is the same rule, applied when the network runs.
            return {"auto_pad": "SAME_UPPER"}
        else:
            left_over = max((-(-size // stride) - 1) * stride + reach - size, 0)
        before.append(left_over // 2)
        after.append(left_over - left_over // 2)
    return {"pads": [*before, *after]}


def _pair(value: Any) -> list[int]:
    return [int(value)] * 2 if isinstance(value, int) else [int(one) for one in value]


def _picture(layer: Any, tensor: Any) -> tuple[int | None, int | None]:
    """(height, width) of a rank-4 input; None where a side is free."""
    if len(tensor.shape) != 4:
        raise ModelError(
            f"ONNX: wanted (n, height, width, channels) into {layer.name}, got {tuple(tensor.shape)}"
        )
    _want(layer, "data_format", "channels_last")
    return tensor.shape[1], tensor.shape[2]


def _bias(nodes: OnnxNodes, layer: Any) -> list[str]:
    return (
        [nodes.constant(np.asarray(layer.bias, np.float32), f"{layer.name}/bias")] if layer.use_bias else []
    )


def _convolution(nodes: OnnxNodes, layer: Any, inputs: list[str], tensors: list[Any]) -> str:
    kernel = np.asarray(layer.kernel, np.float32)
    size = kernel.shape[:2]
    strides, dilation = _pair(layer.strides), _pair(layer.dilation_rate)
    group = int(getattr(layer, "groups", 1))
    if type(layer).__name__ == "DepthwiseConv2D":
        group = kernel.shape[2]
        # Filters of one channel lie side by side in both.
        weights = kernel.transpose(2, 3, 0, 1).reshape(-1, 1, *size)
    else:
        weights = kernel.transpose(3, 2, 0, 1)
    name = nodes.add(
        "Conv",
        [inputs[0], nodes.constant(weights, f"{layer.name}/kernel"), *_bias(nodes, layer)],
        layer.name,
        kernel_shape=list(size),
        strides=strides,
        dilations=dilation,
        group=group,
        **_pads(layer, _picture(layer, tensors[0]), size, strides, dilation),
    )
    return _activated(nodes, layer, name)


def _transposed(nodes: OnnxNodes, layer: Any, inputs: list[str], tensors: list[Any]) -> str:
    _picture(layer, tensors[0])
    _want(layer, "output_padding", None)
    _want(layer, "padding", "same", "valid")
    _want(layer, "groups", 1)
    kernel = np.asarray(layer.kernel, np.float32)  # (height, width, out, in)
    strides, dilation = _pair(layer.strides), _pair(layer.dilation_rate)
    before, after, more = [], [], []
    for window, stride, step in zip(kernel.shape[:2], strides, dilation, strict=True):
        # Of n cells it makes n * stride; without padding it would be (n - 1) * stride + reach.
        left_over = (window - 1) * step + 1 - stride
        cut = max(left_over, 0) if layer.padding == "same" else 0
        before.append(cut // 2)
        after.append(cut - cut // 2)
        more.append(max(-left_over, 0))
    name = nodes.add(
        "ConvTranspose",
        [
            inputs[0],
            nodes.constant(kernel.transpose(3, 2, 0, 1), f"{layer.name}/kernel"),
            *_bias(nodes, layer),
        ],
        layer.name,
        kernel_shape=list(kernel.shape[:2]),
        strides=strides,
        dilations=dilation,
        pads=[*before, *after],
        output_padding=more,
    )
    return _activated(nodes, layer, name)


def _dense(nodes: OnnxNodes, layer: Any, inputs: list[str], tensors: list[Any]) -> str:
    if len(tensors[0].shape) != 2:
        raise ModelError(f"ONNX: wanted (n, channels) into {layer.name}, got {tuple(tensors[0].shape)}")
    kernel = nodes.constant(np.asarray(layer.kernel, np.float32), f"{layer.name}/kernel")
    name = nodes.add("Gemm", [inputs[0], kernel, *_bias(nodes, layer)], layer.name)
    return _activated(nodes, layer, name)


def _activated(nodes: OnnxNodes, layer: Any, name: str) -> str:
    """The activation that a layer has inside of it."""
    function = getattr(layer.activation, "__name__", str(layer.activation))
    return _activation(nodes, function, name, layer.name, f"{layer.name}/{function}")


def _activation(nodes: OnnxNodes, function: str, value: str, layer: str, name: str) -> str:
    if function == "linear":
        return value
    if function == "relu6":
        return _clip(nodes, value, 6.0, name)
    operator = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh"}.get(function)
    if operator is None:
        raise ModelError(f"ONNX: wanted linear, relu, relu6, sigmoid or tanh in {layer}, got {function}")
    return nodes.add(operator, [value], name)


def _clip(nodes: OnnxNodes, value: str, most: float, name: str) -> str:
    ends = [
        nodes.constant(np.array(end, np.float32), f"{name}/{word}")
        for end, word in ((0, "min"), (most, "max"))
    ]
    return nodes.add("Clip", [value, *ends], name)


def _activation_layer(nodes: OnnxNodes, layer: Any, inputs: list[str], tensors: list[Any]) -> str:
    function = getattr(layer.activation, "__name__", str(layer.activation))
    return _activation(nodes, function, inputs[0], layer.name, layer.name)


def _relu(nodes: OnnxNodes, layer: Any, inputs: list[str], tensors: list[Any]) -> str:
    _want(layer, "threshold", 0, None)
    slope = float(layer.negative_slope or 0)
    if layer.max_value is None:
        if slope:
            return nodes.add("LeakyRelu", inputs, layer.name, alpha=slope)
        return nodes.add("Relu", inputs, layer.name)
    if slope:
        raise ModelError(f"ONNX: wanted max_value or negative_slope in {layer.name}, got both")
    return _clip(nodes, inputs[0], float(layer.max_value), layer.name)


def _batch_norm(nodes: OnnxNodes, layer: Any, inputs: list[str], tensors: list[Any]) -> str:
    rank = len(tensors[0].shape)
    axis = layer.axis if isinstance(layer.axis, int) else layer.axis[0]
    if axis % rank != rank - 1:
        raise ModelError(f"ONNX: wanted {layer.name} over the last axis, got axis {axis}")
    mean = np.asarray(layer.moving_mean, np.float32)
    gamma = np.asarray(layer.gamma, np.float32) if layer.scale else np.ones_like(mean)
    beta = np.asarray(layer.beta, np.float32) if layer.center else np.zeros_like(mean)
    variance = np.asarray(layer.moving_variance, np.float32)
    parts = {"gamma": gamma, "beta": beta, "mean": mean, "variance": variance}
    names = [nodes.constant(array, f"{layer.name}/{part}") for part, array in parts.items()]
    return nodes.add("BatchNormalization", [inputs[0], *names], layer.name, epsilon=float(layer.epsilon))


def _zero_padding(nodes: OnnxNodes, layer: Any, inputs: list[str], tensors: list[Any]) -> str:
    _picture(layer, tensors[0])
    (top, bottom), (left, right) = layer.padding
    pads = nodes.constant(np.array([0, 0, top, left, 0, 0, bottom, right], np.int64), f"{layer.name}/pads")
    return nodes.add("Pad", [inputs[0], pads], layer.name)


def _pool(operator: str) -> Convert:
    def convert(nodes: OnnxNodes, layer: Any, inputs: list[str], tensors: list[Any]) -> str:
        size, strides = _pair(layer.pool_size), _pair(layer.strides)
        # Neither counts what is padded: the mean is over what is there, as TensorFlow has it.
        padding = _pads(layer, _picture(layer, tensors[0]), size, strides, (1, 1))
        return nodes.add(operator, inputs, layer.name, kernel_shape=size, strides=strides, **padding)

    return convert


def _upsampling(nodes: OnnxNodes, layer: Any, inputs: list[str], tensors: list[Any]) -> str:
    _picture(layer, tensors[0])
    _want(layer, "interpolation", "nearest", "bilinear")
    scales = nodes.constant(np.array([1, 1, *_pair(layer.size)], np.float32), f"{layer.name}/scales")
    options = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    if layer.interpolation == "bilinear":
        options = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
    return nodes.add("Resize", [inputs[0], "", scales], layer.name, **options)


def _joined(nodes: OnnxNodes, layer: Any, inputs: list[str], tensors: list[Any]) -> str:
    rank = len(tensors[0].shape)
    axis = layer.axis % rank
    if rank == 4:
        axis = (0, 2, 3, 1)[axis]
    return nodes.add("Concat", inputs, layer.name, axis=axis)


def _sum(nodes: OnnxNodes, layer: Any, inputs: list[str], tensors: list[Any]) -> str:
    return nodes.add("Sum" if len(inputs) > 2 else "Add", inputs, layer.name)


def _flat(nodes: OnnxNodes, layer: Any, inputs: list[str], tensors: list[Any]) -> str:
    return _reshaped(nodes, layer.name, inputs[0], tensors[0], [-1])


def _reshape(nodes: OnnxNodes, layer: Any, inputs: list[str], tensors: list[Any]) -> str:
    if len(layer.target_shape) > 2:
        raise ModelError(f"ONNX: wanted at most (n, rows, columns) of {layer.name}, got {layer.target_shape}")
    return _reshaped(nodes, layer.name, inputs[0], tensors[0], [int(side) for side in layer.target_shape])


def _reshaped(nodes: OnnxNodes, name: str, value: str, tensor: Any, shape: list[int]) -> str:
    if len(tensor.shape) == 4:
        # Weights behind it count in the order of channels last.
        value = nodes.add("Transpose", [value], f"{name}/channels_last", perm=[0, 2, 3, 1])
    target = nodes.constant(np.array([1, *shape], np.int64), f"{name}/shape")
    return nodes.add("Reshape", [value, target], name)


def _as_it_is(nodes: OnnxNodes, layer: Any, inputs: list[str], tensors: list[Any]) -> str:
    return inputs[0]


_LAYERS: dict[str, Convert] = {
    "Conv2D": _convolution,
    "DepthwiseConv2D": _convolution,
    "Conv2DTranspose": _transposed,
    "Dense": _dense,
    "ReLU": _relu,
    "Activation": _activation_layer,
    "BatchNormalization": _batch_norm,
    "ZeroPadding2D": _zero_padding,
    "MaxPooling2D": _pool("MaxPool"),
    "AveragePooling2D": _pool("AveragePool"),
    "UpSampling2D": _upsampling,
    "Concatenate": _joined,
    "Add": _sum,
    "Flatten": _flat,
    "Reshape": _reshape,
    "Dropout": _as_it_is,
}
