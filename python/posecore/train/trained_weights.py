"""The weights that a run would keep at its last checkpoint: averaged and mixed as its configuration says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from posecore.errors import require
from posecore.train import networks
from posecore.train.checkpoints import load_checkpoint
from posecore.train.config import TrainConfig
from posecore.train.mixed_weights import mix, weights_of
from posecore.train.recipes import make_recipe
from posecore.train.schedules import make_optimizer
from posecore.train.starting_weights import build


def load_last(model: Any, config: TrainConfig, checkpoint: Path) -> None:
    """Set `model`, an untrained float32 network of `config` of whatever input size, to what the run would evaluate and
    keep at this checkpoint.

    Where `run.mix` is below 1 the weights that the run started from are read again.

    Raises:
        ModelError: the checkpoint is damaged or of another network, or the weights of the start are.
        MissingExtra: Keras is not installed.
    """
    keras = require("keras", extra="train", purpose="Opening a checkpoint")
    recipe = make_recipe(config)
    if config.run.mix < 1:
        trained = build(recipe, config)
    else:  # whatever it started from has gone into the checkpoint
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(config.optimizer.precision)
        try:
            trained = recipe.build(recipe.skeleton)
        finally:
            keras.config.set_dtype_policy(before)
        networks.freeze(trained, config.network.freeze)
    start = weights_of(trained) if config.run.mix < 1 else None
    steps = config.run.epochs * config.run.epoch_steps
    trained.compile(optimizer=make_optimizer(config.optimizer, steps), loss=dict(recipe.losses))
    trained.optimizer.build(trained.trainable_variables)
    load_checkpoint(checkpoint, trained)
    if config.optimizer.ema is not None:
        trained.optimizer.finalize_variable_values(trained.trainable_variables)
    if start is not None:
        mix(trained, start, config.run.mix)
    model.set_weights(weights_of(trained))
