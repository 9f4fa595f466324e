"""The learning rate goes as its papers draw it, and Keras takes the same numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from posecore.train.config import OptimizerConfig
from posecore.train.schedules import learning_rate, make_optimizer

EVERY = [
    OptimizerConfig(schedule="constant"),
    OptimizerConfig(schedule="constant", warmup_steps=10),
    OptimizerConfig(schedule="cosine", final_share=0.1),
    OptimizerConfig(schedule="cosine", warmup_steps=7, final_share=0.0),
    OptimizerConfig(schedule="one_cycle", first_share=0.04, final_share=1e-4),
    OptimizerConfig(name="sgd", schedule="one_cycle", learning_rate=0.5),
]


@pytest.mark.parametrize("config", EVERY, ids=lambda one: f"{one.schedule}-{one.warmup_steps}")
@pytest.mark.parametrize("steps", [1, 2, 100])
def test_keras_has_the_same_rate_at_every_step(config: OptimizerConfig, steps: int) -> None:
    schedule: Any = make_optimizer(config, steps)._learning_rate
    got = [float(schedule(step)) for step in range(steps)]
    wanted = [learning_rate(config, step, steps) for step in range(steps)]
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-9)
    assert all(0 <= rate <= config.learning_rate * (1 + 1e-6) for rate in got)


def test_cosine_falls_from_the_whole_rate_to_its_last_share() -> None:
    config = OptimizerConfig(learning_rate=2.0, schedule="cosine", final_share=0.1)
    rates = [learning_rate(config, step, 101) for step in range(102)]
    assert rates[0] == 2.0
    assert rates[101] == pytest.approx(0.2)
    assert learning_rate(config, 50, 100) == pytest.approx(1.1), "half way it is in the middle"
    assert (np.diff(rates) < 0).all()


def test_warmup_rises_in_a_line() -> None:
    config = OptimizerConfig(learning_rate=1.0, schedule="constant", warmup_steps=4)
    assert [learning_rate(config, step, 9) for step in range(6)] == pytest.approx(
        [0.2, 0.4, 0.6, 0.8, 1.0, 1.0]
    )


def test_one_cycle_rises_for_three_tenths_and_then_falls() -> None:
    config = OptimizerConfig(learning_rate=1.0, schedule="one_cycle", first_share=0.04, final_share=0.001)
    rates = [learning_rate(config, step, 100) for step in range(101)]
    assert rates[0] == pytest.approx(0.04)
    assert int(np.argmax(rates)) == 30
    assert rates[30] == pytest.approx(1.0)
    assert rates[100] == pytest.approx(0.001)


def test_biases_and_normalisation_are_not_decayed(keras: Any) -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2), keras.layers.BatchNormalization()])
    before = {v.path: np.asarray(v).copy() + 1 for v in model.trainable_variables}
    for variable in model.trainable_variables:
        variable.assign(before[variable.path])
    optimizer = make_optimizer(OptimizerConfig(learning_rate=1.0, weight_decay=0.5, schedule="constant"), 10)
    optimizer.build(model.trainable_variables)
    optimizer.apply([np.zeros(v.shape, np.float32) for v in model.trainable_variables])
    for variable in model.trainable_variables:
        factor = 0.5 if variable.name == "kernel" else 1.0
        np.testing.assert_allclose(np.asarray(variable), factor * before[variable.path], rtol=1e-6)
