"""The network of a configuration before its first step: built, with the weights that it starts from, and frozen."""

from __future__ import annotations

from typing import Any

from posecore import skeletons
from posecore.errors import ModelError, require
from posecore.train import networks
from posecore.train.config import TrainConfig
from posecore.train.recipes import Recipe


def build(recipe: Recipe, config: TrainConfig) -> Any:
    """The `keras.Model`, not compiled; its precision inside is that of `config.optimizer`.

    Raises:
        ModelError: weights that are not for this network.
    """
    keras = require("keras", extra="train", purpose="Training")
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(config.optimizer.precision)
    try:
        model = _started(recipe, config)
    finally:
        keras.config.set_dtype_policy(before)
    networks.freeze(model, config.network.freeze)
    return model


def _started(recipe: Recipe, config: TrainConfig) -> Any:
    network = config.network
    if network.weights is None:
        return recipe.build(recipe.skeleton)
    theirs = skeletons.get(network.weights_skeleton) if network.weights_skeleton else recipe.skeleton
    model = recipe.build(theirs)
    try:
        networks.load_posenet_weights(model, network.weights)
    except ModelError as error:
        if network.weights_skeleton is None and recipe.kind == "people" and "of shape" in str(error):
            raise ModelError(
                f"{error}; weights for another skeleton are taken where network.weights_skeleton names it: "
                '"coco17" for the published ones'
            ) from None
        raise
    if theirs != recipe.skeleton:
        model = networks.with_skeleton(model, theirs, recipe.skeleton, seed=config.run.seed)
    return model
