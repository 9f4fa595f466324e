"""PoseNet: a backbone and four 1 x 1 convolutions, from which many people are decoded.

The network of "PersonLab" (arXiv 1803.08225) on MobileNetV1 or ResNet. On MobileNet, layer names are those of the
weights that Google published with tfjs-models/posenet, batch normalisation is folded (every convolution has a bias,
and nothing stands between it and its ReLU6), and `posenet_weights.load_posenet_weights` reads those files.
"""

from __future__ import annotations

from typing import Any

from posecore import arguments
from posecore.errors import require
from posecore.skeletons import COCO17, Skeleton
from posecore.train.networks.inputs import checked_skeleton, image_input
from posecore.train.networks.layers import PADDINGS, Padding, head
from posecore.train.networks.mobilenet import deepest_stride, mobilenet_v1
from posecore.train.networks.resnet import DEEPEST_STRIDE, resnet

_ALPHAS = {"mobilenet_v1_050": 0.5, "mobilenet_v1_075": 0.75, "mobilenet_v1_100": 1.0}
_DEPTHS = {"resnet_50": 50, "resnet_101": 101, "resnet_152": 152}
BACKBONES = (*_ALPHAS, *_DEPTHS)
"""Names of the backbones; the number after MobileNet is its width multiplier in hundredths."""
OUTPUT_STRIDES = (8, 16, 32)


def posenet(
    backbone: str = "mobilenet_v1_075",
    *,
    skeleton: Skeleton = COCO17,
    output_stride: int = 16,
    input_size: tuple[int, int] | None = None,
    channels: int = 3,
    padding: Padding = "same",
    batch_norm: bool = False,
) -> Any:
    """Build PoseNet; returns an untrained `keras.Model`.

    Input `image`: float32 (n, height, width, channels), RGB, pixel / 127.5 - 1. It is not normalised inside of the
    graph.
    Output: a dict of float32 arrays with (height - 1) // output_stride + 1 rows and as many columns of the width, for
    the K keypoints and E edges of `skeleton`:

    - `heatmap_2` (n, rows, columns, K): logits;
    - `offset_2` (n, rows, columns, 2K): all y, then all x, input pixels;
    - `displacement_fwd_2`, `displacement_bwd_2` (n, rows, columns, 2E): all dy, then all dx, input pixels; absent
      where the skeleton has no edges.

    `backbone`: one of `BACKBONES`. `output_stride`: 8, 16 or 32 input pixels per cell; beyond the stride asked for,
    blocks dilate instead of striding, so that one set of weights serves every stride. MobileNet 0.50 and 0.75 end at
    stride 16 and cannot give 32. `input_size`: (width, height) in pixels, or None for any size.

    `padding`: "same" as published: sizes of a multiple of the stride plus 1 keep cell (r, c) on pixel (output_stride
    * c, output_stride * r). "explicit" pads by 1 on all sides before each stride, which is the same network on odd
    sizes, keeps that grid on even ones, and is what K210 runs without its CPU; it takes the same weights and no
    dilation. ResNets always pad so.
    `batch_norm`: MobileNet with batch normalisation after each convolution, for training from scratch; ResNets always
    have it. `batch_norm.fold_batch_norm` gives the network without.

    Raises ValueError or TypeError for an argument out of its range, MissingExtra without Keras.
    """
    arguments.choice(backbone, "backbone", BACKBONES)
    arguments.choice(padding, "padding", PADDINGS)
    checked_skeleton(skeleton)
    deepest = deepest_stride(_ALPHAS[backbone]) if backbone in _ALPHAS else DEEPEST_STRIDE
    _check_stride(output_stride, deepest, backbone, padding)

    image = image_input(input_size, channels)
    if backbone in _ALPHAS:
        features = mobilenet_v1(
            image,
            alpha=_ALPHAS[backbone],
            output_stride=output_stride,
            padding=padding,
            batch_norm=batch_norm,
        )
    else:
        features = resnet(image, depth=_DEPTHS[backbone], output_stride=output_stride)
    keras = require("keras", extra="train", purpose="Building PoseNet")
    heads = {name: head(features, count, name=name) for name, count in head_channels(skeleton).items()}
    return keras.Model(image, heads, name=f"posenet_{backbone}")


def head_channels(skeleton: Skeleton) -> dict[str, int]:
    """How many channels each head has for this skeleton, in the order of the outputs."""
    keypoints, edges = skeleton.num_keypoints, len(skeleton.edges)
    channels = {"heatmap_2": keypoints, "offset_2": 2 * keypoints}
    if edges:
        channels |= {"displacement_fwd_2": 2 * edges, "displacement_bwd_2": 2 * edges}
    return channels


def _check_stride(output_stride: int, deepest: int, backbone: str, padding: Padding) -> None:
    if backbone in _ALPHAS and padding == "explicit":
        possible: tuple[int, ...] = (deepest,)
        where = f"with {backbone} and explicit padding"
    else:
        possible = tuple(stride for stride in OUTPUT_STRIDES if stride <= deepest)
        where = f"with {backbone}"
    if isinstance(output_stride, bool) or not isinstance(output_stride, int):
        raise TypeError(f"output_stride: wanted a whole number, got {type(output_stride).__name__}")
    if output_stride not in possible:
        wanted = " or ".join(str(stride) for stride in possible)
        raise ValueError(f"output_stride: wanted {wanted} {where}, got {output_stride}")
