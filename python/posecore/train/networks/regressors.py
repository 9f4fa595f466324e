"""Networks that give the coordinates of one person's keypoints themselves, without heatmaps.

All take the picture of one person and have one output, `keypoints` (n, K, 2): float32 x and y in [0, 1] of the
input's width and height (a sigmoid: an untrained network says the middle). They are where pose estimation with deep
networks began, and easy to understand; on the same pictures, heatmaps are more exact.
"""

from __future__ import annotations

from typing import Any

from posecore import arguments
from posecore.errors import require
from posecore.skeletons import COCO17, Skeleton
from posecore.train.networks.inputs import checked_skeleton, image_input
from posecore.train.networks.layers import HEAD_STDDEV, convolution

_VGG16 = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))


def five_conv(
    *,
    skeleton: Skeleton = COCO17,
    input_size: tuple[int, int] = (220, 220),
    channels: int = 3,
    width: float = 1.0,
    dropout: float = 0.6,
    batch_norm: bool = False,
) -> Any:
    """Build the original regressor: five convolutions and two dense layers; returns an untrained `keras.Model`.

    It is the first stage of DeepPose (arXiv 1312.4659), whose layers are AlexNet's: 11 x 11 with stride 4, 5 x 5,
    three times 3 x 3, pooled after the first, second and fifth, then twice 4096. Local response normalisation is left
    out (`batch_norm` is what one takes today), so are DeepPose's later stages, which look again around each keypoint.

    Input `image`: float32 (n, height, width, channels), pixel / 127.5 - 1. Output: `keypoints` (n, K, 2) in [0, 1].
    `input_size`: (width, height) in pixels, 64 or more. `width`: factor from 0.0625 to 4 on all numbers of filters
    and units. `dropout`: share of units, 0 to 0.9, left out of each dense layer while training.

    Raises ValueError or TypeError for an argument out of its range, MissingExtra without Keras.
    """
    width = arguments.number(width, "width", 0.0625, 4.0)
    image = _image(input_size, channels, least_px=64)
    keras = require("keras", extra="train", purpose="Building a regressor")
    x = image
    table = ((96, 11, 4, True), (256, 5, 1, True), (384, 3, 1, False), (384, 3, 1, False), (256, 3, 1, True))
    for number, (filters, size, stride, pooled) in enumerate(table, start=1):
        x = convolution(
            x, round(filters * width), name=f"conv{number}", size=size, stride=stride, batch_norm=batch_norm
        )
        if pooled:
            x = keras.layers.MaxPooling2D(3, strides=2, name=f"pool{number}")(x)
    units = round(4096 * width)
    return _regressor("five_conv", image, x, (units, units), skeleton, dropout)


def four_conv(
    *,
    skeleton: Skeleton = COCO17,
    input_size: tuple[int, int] = (128, 128),
    channels: int = 3,
    width: float = 1.0,
    dropout: float = 0.3,
    batch_norm: bool = False,
) -> Any:
    """Build 4ConvNet: four convolutions and one dense layer; returns an untrained `keras.Model`.

    Four times 3 x 3 convolution (32, 64, 128, 256 filters), ReLU and 2 x 2 pooling, then 512 units. Small networks of
    this kind go round under this name for facial and body keypoints and differ in their numbers; these are posecore's
    own.

    Input `image`: float32 (n, height, width, channels), pixel / 127.5 - 1. Output: `keypoints` (n, K, 2) in [0, 1].
    `input_size`: (width, height) in pixels, 16 or more. `width`: factor from 0.0625 to 4 on all numbers of filters
    and units. `dropout`: share of units, 0 to 0.9, left out of the dense layer while training.

    Raises ValueError or TypeError for an argument out of its range, MissingExtra without Keras.
    """
    width = arguments.number(width, "width", 0.0625, 4.0)
    image = _image(input_size, channels, least_px=16)
    keras = require("keras", extra="train", purpose="Building a regressor")
    x = image
    for number, filters in enumerate((32, 64, 128, 256), start=1):
        x = convolution(x, round(filters * width), name=f"conv{number}", size=3, batch_norm=batch_norm)
        x = keras.layers.MaxPooling2D(2, name=f"pool{number}")(x)
    return _regressor("four_conv", image, x, (round(512 * width),), skeleton, dropout)


def vgg16(
    *,
    skeleton: Skeleton = COCO17,
    input_size: tuple[int, int] = (224, 224),
    channels: int = 3,
    width: float = 1.0,
    dense_units: int = 4096,
    dropout: float = 0.5,
    batch_norm: bool = False,
) -> Any:
    """Build VGG16 (arXiv 1409.1556) with coordinates in place of its classes; returns an untrained `keras.Model`.

    Thirteen 3 x 3 convolutions in five blocks, each followed by 2 x 2 pooling, then two dense layers. The
    convolutions have the names of `keras.applications.VGG16`, so that a file of its weights without the top loads
    into them by name (they were trained on another input: BGR less ImageNet's mean).

    Input `image`: float32 (n, height, width, channels), pixel / 127.5 - 1. Output: `keypoints` (n, K, 2) in [0, 1].
    `input_size`: (width, height) in pixels, 32 or more. `width`: factor from 0.0625 to 4 on all numbers of filters.
    `dense_units`: 1 to 16384, of each dense layer; the paper's 4096 are nine tenths of the network. `dropout`: share
    of units, 0 to 0.9, left out of each dense layer while training.

    Raises ValueError or TypeError for an argument out of its range, MissingExtra without Keras.
    """
    width = arguments.number(width, "width", 0.0625, 4.0)
    units = arguments.whole(dense_units, "dense_units", 1, 16384)
    image = _image(input_size, channels, least_px=32)
    keras = require("keras", extra="train", purpose="Building a regressor")
    x = image
    for block, (convolutions, filters) in enumerate(_VGG16, start=1):
        for number in range(1, convolutions + 1):
            name = f"block{block}_conv{number}"
            x = convolution(x, round(filters * width), name=name, size=3, batch_norm=batch_norm)
        x = keras.layers.MaxPooling2D(2, name=f"block{block}_pool")(x)
    return _regressor("vgg16", image, x, (units, units), skeleton, dropout)


def _image(input_size: tuple[int, int], channels: int, *, least_px: int) -> Any:
    sides = arguments.size(input_size, "input_size")
    if min(sides) < least_px:
        raise ValueError(f"input_size: wanted a width and a height of {least_px} px or more, got {sides}")
    return image_input(sides, channels)


def _regressor(
    name: str, image: Any, x: Any, units: tuple[int, ...], skeleton: Skeleton, dropout: float
) -> Any:
    """Dense layers `fc1`.. over features `x`, and the coordinates."""
    keypoints = checked_skeleton(skeleton).num_keypoints
    dropout = arguments.number(dropout, "dropout", 0.0, 0.9)
    keras = require("keras", extra="train", purpose="Building a regressor")
    x = keras.layers.Flatten(name="flat")(x)
    for number, count in enumerate(units, start=1):
        x = keras.layers.Dense(count, "relu", kernel_initializer="he_normal", name=f"fc{number}")(x)
        x = keras.layers.Dropout(dropout, name=f"fc{number}_dropout")(x)
    initializer = keras.initializers.RandomNormal(stddev=HEAD_STDDEV)
    x = keras.layers.Dense(2 * keypoints, "sigmoid", kernel_initializer=initializer, name="coordinates")(x)
    x = keras.layers.Reshape((keypoints, 2), name="keypoints")(x)
    return keras.Model(image, {"keypoints": x}, name=name)
