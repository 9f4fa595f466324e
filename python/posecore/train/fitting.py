"""`fit`: a training run from its configuration to a trained network. All of it, on one screen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, nullcontext
from typing import Any

from posecore.errors import require
from posecore.train import seeds
from posecore.train.config import TrainConfig
from posecore.train.distillation import Teacher, make_teacher
from posecore.train.distribution import agreed_epochs, for_strategy, make_strategy, own_folder
from posecore.train.epochs import Epochs
from posecore.train.feed import Feed
from posecore.train.mixed_weights import weights_of
from posecore.train.recipes import make_recipe
from posecore.train.run_folder import RunFolder
from posecore.train.schedules import make_optimizer
from posecore.train.sets import open_set, several_people, training_set
from posecore.train.starting_weights import build
from posecore.train.tensorboard import TensorBoard
from posecore.train.validation import Validation
from posecore.train.waiting import Waiting
from posecore.train.watch import Watcher


def fit(config: TrainConfig, *, watcher: Watcher | None = None, restart: bool = False) -> Any:
    """Train the network of `config`; go on from the last checkpoint where its folder has one.

    Whether a run went through or was killed and went on, its weights are the same bit for bit on one machine's CPU:
    pictures, dropout and schedules depend on the seed and the step alone.

    Args:
        config: what to do.
        watcher: who is told, and may ask to stop.
        restart: begin anew, and throw away what the folder has.

    Returns:
        the `keras.Model` with the best weights where there is validation, else the last; averaged where
        `optimizer.ema` is set.

    Raises:
        SourceError, ModelError: files that are not what they should be; a folder that holds another run.
        MissingExtra: Keras, its backend or OpenCV is not installed.
    """
    keras = require("keras", extra="train", purpose="Training")
    watcher = watcher or Watcher()
    strategy = make_strategy(config)
    config = own_folder(config, strategy)
    recipe = make_recipe(config)
    several = recipe.kind == "people"
    dataset = training_set(config.data.train, recipe.skeleton, recipe.size, others=several)
    kept_out = [open_set(one, recipe.skeleton, recipe.size, others=several) for one in config.data.validation]
    validations = [Validation(recipe, one, config.input.batch_size) for one in kept_out]
    folder = RunFolder.open(config, restart=restart)

    seeds.set_seeds(config.run.seed, deterministic=config.run.deterministic)
    with strategy.scope() if strategy else nullcontext():
        model = for_strategy(build(recipe, config), strategy)
        steps = config.run.epochs * config.run.epoch_steps
        model.compile(optimizer=make_optimizer(config.optimizer, steps), loss=dict(recipe.losses))
        model.optimizer.build(model.trainable_variables)
    start = weights_of(model) if config.run.mix < 1 else None
    state = folder.resume(model, agreed_epochs(strategy, folder.kept_epochs()))
    teacher = make_teacher(config, recipe)

    first = state.epochs_done * config.run.epoch_steps
    feed = Feed(
        dataset,
        recipe.targets,
        size=config.input.size,
        batch_size=config.input.batch_size,
        augmentation=config.augmentation,
        seed=config.run.seed,
        first_step=first,
        threads=config.input.threads,
        channels=recipe.channels,
    )
    board = None
    if config.run.tensorboard:
        board = TensorBoard(folder.path / "tensorboard", recipe, [*kept_out, dataset][0])
    crowded = None if several or state.ended else several_people(dataset)
    if crowded is not None:
        watcher.line(crowded)
    waiting = Waiting()
    watcher.begin(first, steps)
    with feed, nullcontext() if board is None else closing(board):
        epochs = Epochs(config, recipe, model, validations, folder, state, waiting, watcher, board, start)
        if not state.ended:
            failed: list[Exception] = []
            try:
                model.fit(
                    _batches(feed, teacher, waiting, failed),
                    initial_epoch=state.epochs_done,
                    epochs=config.run.epochs,
                    steps_per_epoch=config.run.epoch_steps,
                    shuffle=False,
                    callbacks=[epochs.callback(keras)],
                    verbose=0,
                )
            except Exception:
                if failed:
                    raise failed[0] from None
                raise
        with epochs.kept():
            folder.finish(model, state)
    return folder.best(model, state)


def _batches(feed: Feed, teacher: Teacher | None, waiting: Waiting, failed: list[Exception]) -> Iterator[Any]:
    """Keras takes a generator, and no other iterator; TensorFlow makes pages of text of an error in it, so the error
    itself is kept in `failed`."""
    try:
        for x, y in feed:
            batch = x, y if teacher is None else teacher(x, y)
            waiting.batch_is_there()
            yield batch
    except Exception as error:
        failed.append(error)
        raise
