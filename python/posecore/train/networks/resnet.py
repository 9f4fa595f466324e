"""ResNet-50, -101 and -152 (arXiv 1512.03385) as a backbone, with batch normalisation.

Arrangement and layer names are those of `keras.applications.ResNet50` (the stride is in a stage's first 1 x 1
convolution), so that a file of its weights without the top loads into these layers by name. Such weights were trained
on another input (BGR less ImageNet's mean, not pixel / 127.5 - 1): they are a start for training, not a ready
backbone.
"""

from __future__ import annotations

from typing import Any

from posecore.errors import require

# Bottleneck blocks in each of the four stages.
_BLOCKS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
DEPTHS = tuple(_BLOCKS)
DEEPEST_STRIDE = 32
_EPSILON = 1.001e-5  # as in keras.applications


def resnet(image: Any, *, depth: int, output_stride: int = DEEPEST_STRIDE) -> Any:
    """Features (n, (h - 1) // output_stride + 1, (w - 1) // output_stride + 1, 2048) of `image` (n, h, w, c).

    `depth`: 50, 101 or 152. `output_stride`: 4, 8, 16 or 32 input pixels per cell; from there on blocks dilate
    instead of striding, so that one set of weights serves every stride. All padding is the same on both sides: cell
    (r, c) is centred on input pixel (output_stride * c, output_stride * r) whatever the size.
    """
    keras = require("keras", extra="train", purpose="Building a ResNet")
    x = keras.layers.ZeroPadding2D(3, name="conv1_pad")(image)
    x = keras.layers.Conv2D(64, 7, strides=2, name="conv1_conv")(x)
    x = _normalised(x, "conv1", relu="conv1_relu")
    x = keras.layers.ZeroPadding2D(1, name="pool1_pad")(x)
    x = keras.layers.MaxPooling2D(3, strides=2, name="pool1_pool")(x)
    reached, dilation = 4, 1
    for stage, blocks in enumerate(_BLOCKS[depth]):
        stride = 1 if stage == 0 else 2
        if reached == output_stride:
            dilation *= stride
            stride = 1
        reached *= stride
        for block in range(blocks):
            x = _bottleneck(
                x,
                64 * 2**stage,
                name=f"conv{stage + 2}_block{block + 1}",
                stride=stride if block == 0 else 1,
                dilation=dilation,
                projected=block == 0,
            )
    return x


def _bottleneck(x: Any, filters: int, *, name: str, stride: int, dilation: int, projected: bool) -> Any:
    """1 x 1 to `filters`, 3 x 3, 1 x 1 to 4 * `filters`, added to `x` or to its projection."""
    keras = require("keras", extra="train", purpose="Building a ResNet")
    shortcut = x
    if projected:
        shortcut = keras.layers.Conv2D(4 * filters, 1, strides=stride, name=f"{name}_0_conv")(x)
        shortcut = _normalised(shortcut, f"{name}_0")
    x = keras.layers.Conv2D(filters, 1, strides=stride, name=f"{name}_1_conv")(x)
    x = _normalised(x, f"{name}_1", relu=f"{name}_1_relu")
    x = keras.layers.Conv2D(filters, 3, padding="same", dilation_rate=dilation, name=f"{name}_2_conv")(x)
    x = _normalised(x, f"{name}_2", relu=f"{name}_2_relu")
    x = keras.layers.Conv2D(4 * filters, 1, name=f"{name}_3_conv")(x)
    x = _normalised(x, f"{name}_3")
    x = keras.layers.Add(name=f"{name}_add")([shortcut, x])
    return keras.layers.ReLU(name=f"{name}_out")(x)


def _normalised(x: Any, name: str, *, relu: str | None = None) -> Any:
    keras = require("keras", extra="train", purpose="Building a ResNet")
    x = keras.layers.BatchNormalization(epsilon=_EPSILON, name=f"{name}_bn")(x)
    return x if relu is None else keras.layers.ReLU(name=relu)(x)
