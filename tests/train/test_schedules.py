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


def test_averages_keep_their_share_a_change_however_many_batches_make_one(keras: Any) -> None:
    def averaged(accumulate: int) -> float:
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
        (variable,) = model.trainable_variables
        variable.assign([[0.0]])
        config = OptimizerConfig(
            name="sgd", learning_rate=1.0, momentum=0.0, weight_decay=0.0, schedule="constant",
            accumulate=accumulate, ema=0.9,
        )  # fmt: skip
        optimizer = make_optimizer(config, 100)
        optimizer.build([variable])
        for slope in (0.0, -1.0, *[0.0] * 8):
            for _ in range(accumulate):
                optimizer.apply([np.full((1, 1), slope, np.float32)])
        optimizer.finalize_variable_values([variable])
        return float(np.asarray(variable)[0, 0])

    assert averaged(1) == pytest.approx(1 - 0.9**9, abs=1e-5)
    # Between its changes it goes on averaging what is there: at most one change ahead or behind.
    assert 1 - 0.9**8 <= averaged(4) <= 1 - 0.9**9
