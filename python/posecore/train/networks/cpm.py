"""Convolutional Pose Machines (arXiv 1602.00134): stages that each look at the maps of the one before.

Every stage says where the parts are, and is told whether it is right: the loss is on each output, so that gradients
do not vanish on the way through the stages.
"""

from __future__ import annotations

from typing import Any

from posecore import arguments
from posecore.errors import require
from posecore.skeletons import MPII16, Skeleton
from posecore.train.networks.inputs import checked_skeleton, image_input
from posecore.train.networks.layers import convolution, halved, head

STRIDE_PX = 8
MOST_STAGES = 6
_LEAST_FILTERS = 8


def cpm(
    *,
    skeleton: Skeleton = MPII16,
    stages: int = 3,
    input_size: tuple[int, int] | None = None,
    channels: int = 3,
    width: float = 1.0,
    refinement_size: int = 11,
    background: bool = False,
    centre_map: bool = False,
    batch_norm: bool = False,
) -> Any:
    """Build a Convolutional Pose Machine; returns an untrained `keras.Model`.

    Input `image`: float32 (n, height, width, channels), RGB, pixel / 127.5 - 1. With `centre_map` also `centre_map`
    (n, height, width, 1): a Gaussian around the person that is meant, 1 at its centre; the model then takes a dict of
    both.
    Output: a dict of `stage1` .. `stageN`, each float32 (n, (height - 1) // 8 + 1, (width - 1) // 8 + 1, K): linear
    confidence maps of the K keypoints of `skeleton`, and a last one of the background where `background`. Cell (r, c)
    is centred on input pixel (8c, 8r). The last stage is the answer.

    `stages`: 1 to 6. `width`: factor from 0.0625 to 4 on all numbers of filters but the outputs'; 1 is the paper's,
    0.25 trains on a small CPU. `refinement_size`: side of the three large kernels of each stage from the second on,
    odd, 3 to 15; the paper has 11, which makes each stage see 240 px further. `background`: the paper has it.
    `batch_norm`: batch normalisation after each inner convolution, which the paper does without.

    Where the paper's layers pool over 2 x 2, these take the maximum over 3 x 3 at every second cell, so that the grid
    is PoseNet's. Raises ValueError or TypeError for an argument out of its range, MissingExtra without Keras.
    """
    checked_skeleton(skeleton)
    stages = arguments.whole(stages, "stages", 1, MOST_STAGES)
    width = arguments.number(width, "width", 0.0625, 4.0)
    refinement_size = arguments.whole(refinement_size, "refinement_size", 3, 15)
    if refinement_size % 2 == 0:
        raise ValueError(f"refinement_size: wanted an odd number, got {refinement_size}")
    if centre_map and stages == 1:
        raise ValueError("centre_map: wanted two stages or more, since the first does not look at it, got 1")
    maps = skeleton.num_keypoints + (1 if background else 0)

    def wide(filters: int) -> int:
        return max(_LEAST_FILTERS, round(filters * width))

    def inner(x: Any, filters: int, size: int, name: str) -> Any:
        return convolution(x, wide(filters), name=name, size=size, batch_norm=batch_norm)

    def features(image: Any, name: str) -> Any:
        """What a stage sees of the picture, at stride 8."""
        x = image
        for number in (1, 2, 3):
            x = inner(x, 128, 9, f"{name}_{number}")
            x = halved(x, name=f"{name}_pool{number}")
        return inner(x, 32, 5, f"{name}_4")

    keras = require("keras", extra="train", purpose="Building a Convolutional Pose Machine")
    image = image_input(input_size, channels)
    x = inner(features(image, "image1"), 512, 9, "stage1_1")
    x = inner(x, 512, 1, "stage1_2")
    outputs = {"stage1": head(x, maps, name="stage1")}
    inputs = {"image": image}
    beside = []
    if centre_map:
        inputs["centre_map"] = keras.Input((*image.shape[1:3], 1), name="centre_map")
        around = keras.layers.ZeroPadding2D(4, name="centre_map_pad")(inputs["centre_map"])
        beside.append(keras.layers.AveragePooling2D(9, STRIDE_PX, name="centre_map_pool")(around))
    if stages > 1:
        beside.append(features(image, "image2"))  # one for all later stages
    for stage in range(2, stages + 1):
        x = keras.layers.Concatenate(name=f"stage{stage}_in")([*beside, outputs[f"stage{stage - 1}"]])
        for number in (1, 2, 3):
            x = inner(x, 128, refinement_size, f"stage{stage}_{number}")
        x = inner(x, 128, 1, f"stage{stage}_4")
        outputs[f"stage{stage}"] = head(x, maps, name=f"stage{stage}")
    return keras.Model(inputs if centre_map else image, outputs, name=f"cpm_{stages}")
