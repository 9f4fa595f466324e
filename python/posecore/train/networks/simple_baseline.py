"""SimpleBaseline (arXiv 1804.06208): a ResNet, three transposed convolutions, one heatmap a keypoint of one person.

It takes the crop around a person, as the keypoint head of a region network (Keypoint R-CNN) does, and stands in for
it.
"""

from __future__ import annotations

from typing import Any

from posecore import arguments
from posecore.errors import require
from posecore.skeletons import COCO17, Skeleton
from posecore.train.networks.inputs import checked_skeleton, image_input
from posecore.train.networks.layers import head
from posecore.train.networks.resnet import DEEPEST_STRIDE, resnet

_DEPTHS = {"resnet_50": 50, "resnet_101": 101, "resnet_152": 152}
BACKBONES = tuple(_DEPTHS)
STRIDE_PX = 4


def simple_baseline(
    backbone: str = "resnet_50",
    *,
    skeleton: Skeleton = COCO17,
    input_size: tuple[int, int] = (192, 256),
    channels: int = 3,
    deconvolution_filters: int = 256,
) -> Any:
    """Build SimpleBaseline; returns an untrained `keras.Model`.

    Input `image`: float32 (n, height, width, channels), the crop around one person, RGB, pixel / 127.5 - 1.
    Output: a dict of `heatmap`, float32 (n, height / 4, width / 4, K): logits, one map a keypoint of `skeleton`.
    Train with cell (r, c) at input pixel (4c, 4r), as the paper's code does.

    `backbone`: "resnet_50", "resnet_101" or "resnet_152". `input_size`: (width, height) in pixels, multiples of 32;
    the paper has 192 x 256 and 288 x 384. `deconvolution_filters`: 1 to 2048, of each transposed convolution; the
    paper has 256.

    Raises ValueError or TypeError for an argument out of its range, MissingExtra without Keras.
    """
    arguments.choice(backbone, "backbone", BACKBONES)
    checked_skeleton(skeleton)
    filters = arguments.whole(deconvolution_filters, "deconvolution_filters", 1, 2048)
    if input_size is None:
        raise TypeError("input_size: wanted (width, height) in pixels, got None")
    keras = require("keras", extra="train", purpose="Building SimpleBaseline")
    image = image_input(input_size, channels, multiple_of=DEEPEST_STRIDE)
    x = resnet(image, depth=_DEPTHS[backbone])
    for number in (1, 2, 3):
        name = f"deconv{number}"
        x = keras.layers.Conv2DTranspose(
            filters,
            4,
            strides=2,
            padding="same",
            use_bias=False,
            kernel_initializer="he_normal",
            name=f"{name}_conv",
        )(x)
        x = keras.layers.BatchNormalization(name=f"{name}_bn")(x)
        x = keras.layers.ReLU(name=f"{name}_relu")(x)
    heatmap = head(x, skeleton.num_keypoints, name="heatmap")
    return keras.Model(image, {"heatmap": heatmap}, name=f"simple_baseline_{backbone}")
