"""Where a network's cells lie on other sizes than it was trained at.

Keras' padding "same" puts the zeros of a strided convolution on all sides where the side is odd, and at the end alone
where it is even: each halving of an even side moves the grid by as many input pixels as its stride is before it, which
is 15 px for PoseNet at stride 16. A network keeps its grid on sizes that are like its own, up to whole strides; on
others it has to pad itself. Source: TensorFlow's definition of SAME (tf.nn.convolution).
"""

from __future__ import annotations

from typing import Any

from posecore.errors import require


def strides_with_same(model: Any) -> list[Any]:
    """The layers that stride, pad "same", and look at more than one cell: where zeros depend on the size."""
    keras = require("keras", extra="export", purpose="Exporting a model")
    layers = keras.layers
    kinds = (layers.Conv2D, layers.SeparableConv2D, layers.DepthwiseConv2D, layers.MaxPooling2D)
    found = []
    for layer in model.layers:
        if isinstance(layer, (*kinds, layers.AveragePooling2D)) and layer.padding == "same":
            window = layer.kernel_size if hasattr(layer, "kernel_size") else layer.pool_size
            if max(layer.strides) > 1 and max(window) > 1:
                found.append(layer)
    return found


def keeps_grid(model: Any, size: tuple[int, int], own_size: tuple[int, int] | None, stride_px: float) -> bool:
    """Whether cells lie at this size where they lie at the network's own.

    Args:
        size: (width, height) in pixels.
        own_size: that it was trained at; None where it takes any, whose cells lie on the picture's corners at sides of
            a multiple of the stride plus 1.
        stride_px: input pixels from cell to cell.
    """
    if not strides_with_same(model):
        return True
    step = max(round(stride_px), 1)
    return all((side - own) % step == 0 for side, own in zip(size, own_size or (1, 1), strict=True))


def pads_on_all_sides(model: Any, shape: tuple[int | None, ...]) -> Any | None:
    """The same network for an input of `shape` (height, width, 3) with zeros on all sides before each stride, as it has
    them on sides of a multiple of its stride plus 1; None where one of its strided layers is no convolution of an odd
    window."""
    keras = require("keras", extra="export", purpose="Exporting a model")
    layers = keras.layers
    padded = {}
    for layer in strides_with_same(model):
        window = getattr(layer, "kernel_size", ())
        is_one = isinstance(layer, (layers.Conv2D, layers.DepthwiseConv2D)) and max(layer.dilation_rate) == 1
        if not is_one or any(side % 2 == 0 for side in window):
            return None
        padded[layer.name] = tuple(side // 2 for side in window)

    def copied(layer: Any) -> Any:
        config = layer.get_config()
        return type(layer).from_config(config | {"padding": "valid"} if layer.name in padded else config)

    def called(layer: Any, *inputs: Any, **named: Any) -> Any:
        if layer.name in padded:
            pad = layers.ZeroPadding2D(padded[layer.name], name=f"{layer.name}_pad")
            return layer(pad(inputs[0]), *inputs[1:], **named)
        return layer(*inputs, **named)

    picture = keras.Input(shape, name="image")
    made = keras.models.clone_model(model, input_tensors=picture, clone_function=copied, call_function=called)
    for layer in model.layers:
        if layer.weights:
            made.get_layer(layer.name).set_weights(layer.get_weights())
    return made
