"""Several devices and machines through TensorFlow's own strategies.

Each worker is told of the others by the variable TF_CONFIG, as TensorFlow documents it, and runs the same command.
Batches are those of one device: every worker makes them, and each replica takes its part. So `batch_size` is that of
all together, and the loss is that of one device but for the order of sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from posecore.errors import ModelError, require
from posecore.train.config import TrainConfig


def make_strategy(config: TrainConfig) -> Any:
    """The `tf.distribute.Strategy` of `config.run.devices`; None for one device. To be called before anything else is
    done with TensorFlow.

    Raises:
        MissingExtra: TensorFlow is not installed.
    """
    if config.run.devices == "one":
        return None
    tensorflow = require("tensorflow", extra="train", purpose="Training on several devices")
    if config.run.devices == "mirrored":
        return tensorflow.distribute.MirroredStrategy()
    return tensorflow.distribute.MultiWorkerMirroredStrategy()


def own_folder(config: TrainConfig, strategy: Any) -> TrainConfig:
    """The configuration of this worker: the first one writes into the run's folder, the others below it."""
    number = _worker(strategy)
    if number == 0:
        return config
    return replace(config, run=replace(config.run, out=config.run.out / f"worker{number}"))


def agreed_epochs(strategy: Any, kept: Sequence[int]) -> int:
    """From how many epochs all workers go on, where this one could go on from each of `kept`, and from 0.

    Workers write their checkpoints apart, so that a kill may find some of them an epoch behind the others. All ask at
    the same time.

    Raises:
        ModelError: at every worker, where checkpoints of this run have been lost.
    """
    if strategy is None or strategy.cluster_resolver is None or strategy.num_replicas_in_sync == 1:
        return max(kept, default=0)
    tensorflow = require("tensorflow", extra="train", purpose="Training on several devices")
    mine = [*kept, 0, 0][:2]
    rows = strategy.gather(strategy.run(lambda: tensorflow.constant([mine], "int64")), axis=0)
    return least_in_common(rows.numpy().tolist())


def least_in_common(rows: Sequence[Sequence[int]]) -> int:
    """The most epochs from which every worker can go on, given what each has; 0 is always there. Raises as
    `agreed_epochs`."""
    common = max(set.intersection(*({0, *row} for row in rows)))
    furthest = max(max(row) for row in rows)
    if furthest - common > 1:
        each = ", ".join(str(max(row)) for row in rows)
        raise ModelError(
            f"run.devices: wanted workers whose checkpoints are at most one epoch apart, got epochs {each}; begin "
            "anew with --force (restart=True) at all of them"
        )
    return common


def for_strategy(model: Any, strategy: Any) -> Any:
    """The model, such that Keras' fit trains it in this strategy; as it is without one.

    Keras 3.15's fit is mended in two places. It draws batches to build what is built already, which a generator does
    not give again; and it averages the numbers of a step over several workers along an axis that they do not have.
    """
    if strategy is None:
        return model
    keras = require("keras", extra="train", purpose="Training")
    several = strategy.cluster_resolver is not None and strategy.num_replicas_in_sync > 1
    base: Any = type(model)

    class InStrategy(base):  # type: ignore[misc]
        def train_step(self, data: Any) -> Any:
            numbers = super().train_step(data)
            return {n: keras.ops.reshape(v, (1,)) for n, v in numbers.items()} if several else numbers

        def _maybe_symbolic_build(self, *_: Any, **__: Any) -> None:
            return None

    model.__class__ = InStrategy
    return model


def _worker(strategy: Any) -> int:
    resolver = None if strategy is None else strategy.cluster_resolver
    return 0 if resolver is None or resolver.task_id is None else int(resolver.task_id)
