"""Weights on the way from where a training started to where it came."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from posecore.train.checkpoints import save_weights
from posecore.train.config import NetworkConfig, OptimizerConfig
from posecore.train.fitting import fit
from posecore.train.mixed_weights import mix, weights_of
from posecore.train.recipes import make_recipe
from posecore.train.starting_weights import build
from train.dotted_people import small_config
from train.killed_runs import Stopping, arrays, assert_same

pytest.importorskip("cv2", reason='OpenCV is not installed: pip install "posecore[app]"')


def network(seed: int) -> Any:
    import keras

    keras.utils.set_random_seed(seed)
    image = keras.Input((4,))
    hidden = keras.layers.BatchNormalization()(keras.layers.Dense(3)(keras.layers.Dropout(0.5)(image)))
    model = keras.Model(image, keras.layers.Dense(2, bias_initializer="normal")(hidden))
    model.layers[3].moving_mean.assign(np.full(3, float(seed)))
    return model


def test_mixed_weights_are_on_the_line_and_averages_of_normalisation_too() -> None:
    model, other = network(1), network(2)
    start, end = weights_of(model), weights_of(other)
    assert len(start) == 8
    for share in (0.0, 0.25, 1.0):
        model.set_weights(end)
        mix(model, start, share)
        for weight, a, b in zip(model.weights, start, end, strict=True):
            np.testing.assert_allclose(np.asarray(weight), (1 - share) * a + share * b, atol=1e-6)
    model.set_weights(end)
    mix(model, end, 0.3)
    for weight, b in zip(model.weights, end, strict=True):
        np.testing.assert_array_equal(np.asarray(weight), b, "what has not changed stays to the last bit")


def test_what_cannot_be_mixed_is_named() -> None:
    model = network(1)
    with pytest.raises(ValueError, match=r"share: wanted a number from 0 to 1, got 1\.5"):
        mix(model, weights_of(model), 1.5)
    with pytest.raises(ValueError, match=r"start: wanted the 8 weights of .*, got those of another network"):
        mix(model, weights_of(model)[1:], 0.5)


def test_a_run_evaluates_and_keeps_the_mixture_and_goes_on_from_what_it_learnt(tmp_path: Path) -> None:
    config = small_config(tmp_path, optimizer=OptimizerConfig(learning_rate=3e-3, ema=0.9))
    save_weights(tmp_path / "start.npz", build(make_recipe(config), config))
    config = replace(
        config,
        network=NetworkConfig("four_conv", {"width": 0.125}, weights=tmp_path / "start.npz"),
        run=replace(config.run, steps=6),
    )
    fit(config)

    def mixed(name: str, after: int | None = None) -> Path:
        out = tmp_path / name
        half = replace(config, run=replace(config.run, out=out, mix=0.5))
        if after:
            fit(half, watcher=Stopping(after))
        model = fit(half)
        best = arrays(out / "best.npz")
        for layer in model.layers:
            for weight in layer.weights:
                np.testing.assert_array_equal(np.asarray(weight), best[f"{layer.name}/{weight.name}"])
        return out

    out = mixed("half")
    start, trained, half = (
        arrays(path) for path in (tmp_path / "start.npz", config.run.out / "final.npz", out / "final.npz")
    )
    for name, array in half.items():
        np.testing.assert_allclose(array, (start[name] + trained[name]) / 2, atol=1e-6, err_msg=name)
    assert max(float(np.abs(half[name] - trained[name]).max()) for name in half) > 1e-3
    stopped = mixed("stopped", after=4)
    for name in ("final.npz", "best.npz"):
        assert_same(out / name, stopped / name)
    # The checkpoint has what was learnt: mixing changes what is kept, not what is learnt.
    learnt, plain = arrays(out / "last.npz"), arrays(config.run.out / "last.npz")
    assert [name for name in plain if name != "state" and (plain[name] != learnt[name]).any()] == []


def test_a_run_that_died_before_its_last_file_writes_the_same_one(tmp_path: Path) -> None:
    config = small_config(tmp_path, optimizer=OptimizerConfig(learning_rate=3e-3, ema=0.9))
    config = replace(config, run=replace(config.run, steps=6))
    fit(config)
    before = arrays(config.run.out / "final.npz")
    (config.run.out / "final.npz").unlink()
    fit(config)
    after = arrays(config.run.out / "final.npz")
    for name, array in before.items():
        np.testing.assert_array_equal(after[name], array, "the averages, not what they are averages of")


def test_mixing_wants_something_to_mix_with(tmp_path: Path) -> None:
    config = small_config(tmp_path)
    with pytest.raises(ValueError, match=r"run\.mix: wanted network\.weights to mix with, got 0\.5 and none"):
        replace(config, run=replace(config.run, mix=0.5))
