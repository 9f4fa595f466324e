"""SimpleBaseline: the paper's network, a quarter of the crop's size, on any skeleton."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from random_weights import randomise

from posecore import COCO17, COCO_FEET23, Skeleton
from posecore.train.networks import simple_baseline


@pytest.mark.parametrize(
    ("skeleton", "keypoints", "parameters"), [(COCO17, 17, 34_080_913), (COCO_FEET23, 23, 34_082_455)]
)
def test_parameters_and_the_grid(skeleton: Skeleton, keypoints: int, parameters: int) -> None:
    """34.0 million with ResNet-50, the paper says. Three times 4 x 4: 2048, 256 and 256 to 256; two averages, scale and
    shift each; the heatmaps."""
    model = simple_baseline(skeleton=skeleton)
    deconvolutions = 16 * (2048 + 256 + 256) * 256 + 3 * 4 * 256
    assert 23_587_712 + deconvolutions + 257 * keypoints == parameters == model.count_params()
    assert model.output["heatmap"].shape == (None, 64, 48, keypoints)


def test_the_crop_may_have_another_size() -> None:
    model = randomise(simple_baseline(input_size=(96, 64), deconvolution_filters=8))
    crops = np.random.default_rng(0).uniform(-1, 1, (2, 64, 96, 3)).astype(np.float32)
    heatmap = np.asarray(model(crops)["heatmap"])
    assert heatmap.shape == (2, 16, 24, 17)
    assert heatmap.min() < 0 < heatmap.max(), "logits"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"backbone": "mobilenet_v1_050"},
            ValueError,
            "backbone: wanted one of resnet_50, resnet_101, resnet_152, got 'mobilenet_v1_050'",
        ),
        (
            {"input_size": (192, 250)},
            ValueError,
            "input_size: wanted a width and a height that 32 divides, got (192, 250)",
        ),
        ({"input_size": None}, TypeError, "input_size: wanted (width, height) in pixels, got None"),
        (
            {"deconvolution_filters": 0},
            ValueError,
            "deconvolution_filters: wanted a whole number from 1 to 2048, got 0",
        ),
    ],
)
def test_a_wrong_argument_gets_one_sentence(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        simple_baseline(**arguments)
