"""MobileNetV1 (arXiv 1704.04861) as PoseNet's backbone, with the layer names of the published weights."""

from __future__ import annotations

from math import prod
from typing import Any

from posecore.train.networks.layers import Padding, convolution, depthwise

# Stride and filters at alpha 1 of the 13 depthwise-pointwise blocks.
_FIRST_BLOCKS = ((1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512), *((1, 512),) * 5)
# The published 0.50 and 0.75 neither stride nor widen in the last two blocks: they end at stride 16.
_BLOCKS = {
    0.5: (*_FIRST_BLOCKS, (1, 512), (1, 512)),
    0.75: (*_FIRST_BLOCKS, (1, 512), (1, 512)),
    1.0: (*_FIRST_BLOCKS, (2, 1024), (1, 1024)),
}
_STEM_STRIDE, _STEM_FILTERS = 2, 32


def deepest_stride(alpha: float) -> int:
    """Input pixels per cell at the end of the network of this `alpha` (0.5, 0.75, 1.0) where nothing dilates."""
    return _STEM_STRIDE * prod(stride for stride, _ in _BLOCKS[alpha])


def mobilenet_v1(
    image: Any, *, alpha: float, output_stride: int, padding: Padding = "same", batch_norm: bool = False
) -> Any:
    """Features (n, rows, columns, 1024 * alpha; 512 * alpha for 0.5 and 0.75) of `image` (n, h, w, c).

    `alpha`: 0.5, 0.75 or 1.0. `output_stride`: input pixels per cell, a power of two from 2 to
    `deepest_stride(alpha)`; from there on blocks dilate instead of striding, so that one set of weights serves every
    stride.
    """
    x = convolution(
        image,
        round(_STEM_FILTERS * alpha),
        name="conv2d_0",
        size=3,
        stride=_STEM_STRIDE,
        padding=padding,
        batch_norm=batch_norm,
        activation="relu6",
    )
    reached, dilation = _STEM_STRIDE, 1
    for block, (stride, filters) in enumerate(_BLOCKS[alpha], start=1):
        atrous = reached == output_stride
        x = depthwise(
            x,
            name=f"conv2d_{block}_depthwise",
            stride=1 if atrous else stride,
            dilation=dilation,
            padding=padding,
            batch_norm=batch_norm,
        )
        x = convolution(
            x,
            round(filters * alpha),
            name=f"conv2d_{block}_pointwise",
            batch_norm=batch_norm,
            activation="relu6",
        )
        if atrous:
            dilation *= stride
        else:
            reached *= stride
    return x
