"""The optimizer of a configuration, and how its learning rate goes over the steps."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

from posecore.errors import require
from posecore.train.config import OptimizerConfig

_RISE = 0.3  # share of the steps in which one cycle goes up
_UNDECAYED = ("bias", "gamma", "beta")  # shrinking them does not make a network simpler


def learning_rate(config: OptimizerConfig, step: int, steps: int) -> float:
    """The learning rate of batch number `step`, 0..steps - 1, of `steps`: the definition in plain numbers.

    Cosine is that of SGDR (arXiv 1608.03983) without restarts. One cycle (arXiv 1708.07120) rises and falls along
    half cosines. The first `warmup_steps` rise in a line to where the schedule begins; one cycle has none.
    """
    high, low = config.learning_rate, config.learning_rate * config.final_share
    if config.schedule == "one_cycle":
        rise = max(_RISE * steps, 1.0)
        if step < rise:
            return _cosine(high * config.first_share, high, step / rise)
        return _cosine(high, low, min((step - rise) / max(steps - rise, 1.0), 1.0))
    if step < config.warmup_steps:
        return high * (step + 1) / (config.warmup_steps + 1)
    if config.schedule == "constant":
        return high
    share = (step - config.warmup_steps) / max(steps - config.warmup_steps, 1)
    return _cosine(high, low, min(share, 1.0))


def make_optimizer(config: OptimizerConfig, steps: int) -> Any:
    """The `keras.optimizers.Optimizer` of a run of `steps` batches; what it knows of the time is its own counter,
    so that a run that goes on from a checkpoint goes on in the schedule."""
    keras = require("keras", extra="train", purpose="Training")
    given: dict[str, Any] = {
        "learning_rate": _schedule(keras, config, steps),
        "weight_decay": config.weight_decay,
        "global_clipnorm": config.clip_norm,
        "gradient_accumulation_steps": config.accumulate if config.accumulate > 1 else None,
        "use_ema": config.ema is not None,
        # Keras averages after each batch, also where the weights have not changed.
        "ema_momentum": config.ema ** (1 / config.accumulate) if config.ema is not None else 0.99,
    }
    if config.name == "adamw":
        optimizer = keras.optimizers.AdamW(**given)
    else:
        optimizer = keras.optimizers.SGD(momentum=config.momentum, nesterov=config.momentum > 0, **given)
    optimizer.exclude_from_weight_decay(var_names=list(_UNDECAYED))
    return optimizer


def _schedule(keras: ModuleType, config: OptimizerConfig, steps: int) -> Any:
    ops: Any = keras.ops
    base: Any = keras.optimizers.schedules.LearningRateSchedule

    class Schedule(base):  # type: ignore[misc]
        """`learning_rate` in the backend's own numbers, since Keras asks for it inside of the compiled step."""

        def __call__(self, step: Any) -> Any:
            step = ops.cast(step, "float32")
            high, low = config.learning_rate, config.learning_rate * config.final_share

            def cosine(start: float, end: float, share: Any) -> Any:
                return end + (start - end) * 0.5 * (1.0 + ops.cos(math.pi * ops.clip(share, 0.0, 1.0)))

            if config.schedule == "one_cycle":
                rise = max(_RISE * steps, 1.0)
                up = cosine(high * config.first_share, high, step / rise)
                down = cosine(high, low, (step - rise) / max(steps - rise, 1.0))
                return ops.where(step < rise, up, down)
            warmup = config.warmup_steps
            after: Any = ops.cast(high, "float32")
            if config.schedule == "cosine":
                after = cosine(high, low, (step - warmup) / max(steps - warmup, 1))
            return ops.where(step < warmup, high * (step + 1) / (warmup + 1), after)

        def get_config(self) -> dict[str, Any]:
            return {}

    return Schedule()


def _cosine(start: float, end: float, share: float) -> float:
    """From start to end along half a cosine; share 0..1."""
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * share))
