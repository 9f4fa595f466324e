"""A run on another skeleton starts from weights where it says whose they are, and is told so where it does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from random_weights import randomise

from posecore import Skeleton
from posecore.errors import ModelError
from posecore.train.config import NetworkConfig, TrainConfig
from posecore.train.networks import posenet
from posecore.train.recipes import make_recipe
from posecore.train.starting_weights import build
from train.dotted_people import small_config

TREE = Skeleton("tree", ("a", "b", "c"), ((0, 1), (1, 2)))
OPTIONS = {"backbone": "mobilenet_v1_050"}


@pytest.fixture
def config(tmp_path: Path) -> TrainConfig:
    weights = {
        f"{layer.name}/{weight.name}": weight.numpy()
        for layer in randomise(posenet(**OPTIONS)).layers
        for weight in layer.weights
    }
    np.savez(tmp_path / "coco.npz", **weights)
    network = NetworkConfig("posenet", OPTIONS, weights=tmp_path / "coco.npz")
    return replace(small_config(tmp_path), network=network, skeleton=TREE)


def test_the_backbone_of_weights_for_another_skeleton_is_kept(config: TrainConfig) -> None:
    named = replace(config, network=replace(config.network, weights_skeleton="coco17"))
    model = build(make_recipe(named), named)
    assert model.get_layer("heatmap_2").output.shape[-1] == 3
    with np.load(config.network.weights) as weights:
        kept = model.get_layer("conv2d_13_pointwise").get_weights()[0]
        np.testing.assert_array_equal(kept, weights["conv2d_13_pointwise/kernel"])


def test_weights_of_another_shape_lead_to_the_key_that_is_missing(config: TrainConfig) -> None:
    with pytest.raises(ModelError, match=r'_2/kernel of shape .*weights_skeleton names it: "coco17"'):
        build(make_recipe(config), config)
