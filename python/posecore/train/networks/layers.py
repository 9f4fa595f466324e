"""The layers that the networks are made of: convolution, then batch normalisation where asked for, then ReLU.

A convolution with batch normalisation after it has no bias of its own: `posecore.train.networks.batch_norm` gives it
one when it folds the two together.
"""

from __future__ import annotations

from typing import Any, Literal

from posecore.errors import require

Padding = Literal["same", "explicit"]
Activation = Literal["relu", "relu6"]

PADDINGS = ("same", "explicit")
HEAD_STDDEV = 1e-3
"""Of the kernels that outputs start with: the first loss is that of a network which says nothing."""


def convolution(
    x: Any,
    filters: int,
    *,
    name: str,
    size: int = 1,
    stride: int = 1,
    padding: Padding = "same",
    batch_norm: bool = False,
    activation: Activation | None = "relu",
) -> Any:
    """Convolution `name` over `x` (n, h, w, c), then `NAME_bn` and `NAME_relu` or `NAME_relu6` where asked for."""
    keras = require("keras", extra="train", purpose="Building a network")
    x, keras_padding = _padded(x, name, size, stride, padding)
    x = keras.layers.Conv2D(
        filters,
        size,
        strides=stride,
        padding=keras_padding,
        use_bias=not batch_norm,
        kernel_initializer="he_normal",
        name=name,
    )(x)
    return _finished(x, name, batch_norm, activation)


def depthwise(
    x: Any,
    *,
    name: str,
    stride: int = 1,
    dilation: int = 1,
    padding: Padding = "same",
    batch_norm: bool = False,
    activation: Activation | None = "relu6",
) -> Any:
    """3 x 3 convolution of each channel for itself, otherwise as `convolution`."""
    keras = require("keras", extra="train", purpose="Building a network")
    x, keras_padding = _padded(x, name, 3, stride, padding)
    # He's rule for nine inputs. Keras' own take all channels for inputs: the signal would fade from block to block.
    initializer = keras.initializers.RandomNormal(stddev=(2 / 9) ** 0.5)
    x = keras.layers.DepthwiseConv2D(
        3,
        strides=stride,
        padding=keras_padding,
        dilation_rate=dilation,
        use_bias=not batch_norm,
        depthwise_initializer=initializer,
        name=name,
    )(x)
    return _finished(x, name, batch_norm, activation)


def head(x: Any, channels: int, *, name: str) -> Any:
    """1 x 1 convolution `name` from features (n, h, w, c) to an output (n, h, w, channels), about 0 at the start."""
    keras = require("keras", extra="train", purpose="Building a network")
    initializer = keras.initializers.RandomNormal(stddev=HEAD_STDDEV)
    return keras.layers.Conv2D(channels, 1, kernel_initializer=initializer, name=name)(x)


def halved(x: Any, *, name: str) -> Any:
    """Maximum over 3 x 3 at every second cell, cell 0 first: of n rows, (n - 1) // 2 + 1 are left.

    For what comes out of a ReLU: the zeros around it never win.
    """
    keras = require("keras", extra="train", purpose="Building a network")
    x = keras.layers.ZeroPadding2D(1, name=f"{name}_pad")(x)
    return keras.layers.MaxPooling2D(3, strides=2, name=name)(x)


def _padded(x: Any, name: str, size: int, stride: int, padding: Padding) -> tuple[Any, str]:
    """`same` pads even sizes at the end only, which moves the grid by half a cell; `explicit` never does."""
    if padding == "same" or stride == 1 or size == 1:
        return x, "same"
    keras = require("keras", extra="train", purpose="Building a network")
    return keras.layers.ZeroPadding2D(size // 2, name=f"{name}_pad")(x), "valid"


def _finished(x: Any, name: str, batch_norm: bool, activation: Activation | None) -> Any:
    keras = require("keras", extra="train", purpose="Building a network")
    if batch_norm:
        x = keras.layers.BatchNormalization(name=f"{name}_bn")(x)
    if activation is None:
        return x
    largest = 6.0 if activation == "relu6" else None
    return keras.layers.ReLU(max_value=largest, name=f"{name}_{activation}")(x)
