"""What is frozen stays as it is while the rest learns, batch normalisation included."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from random_weights import randomise

from posecore import Skeleton
from posecore.train.networks import cpm, five_conv, four_conv, freeze, posenet, simple_baseline, vgg16

FIVE = Skeleton("five", ("a", "b", "c", "d", "e"), ((0, 1), (1, 2), (1, 3), (3, 4)))
HEADS = {
    "posenet": {"heatmap_2", "offset_2", "displacement_fwd_2", "displacement_bwd_2"},
    "cpm": {"stage1", "stage2", "stage3"},
    "simple_baseline": {"heatmap"},
    "five_conv": {"coordinates"},
    "four_conv": {"coordinates"},
    "vgg16": {"coordinates"},
}
# After the backbone and before the heads.
BETWEEN = {
    "posenet": set(),
    "cpm": {
        *("stage1_1", "stage1_1_bn", "stage1_2", "stage1_2_bn"),
        *(f"stage{s}_{k}{e}" for s in (2, 3) for k in (1, 2, 3, 4) for e in ("", "_bn")),
    },
    "simple_baseline": {f"deconv{k}_{e}" for k in (1, 2, 3) for e in ("conv", "bn")},
    "five_conv": {"fc1", "fc2"},
    "four_conv": {"fc1"},
    "vgg16": {"fc1", "fc2"},
}


def build(name: str) -> Any:
    if name == "posenet":
        return posenet("mobilenet_v1_050", skeleton=FIVE, batch_norm=True)
    if name == "cpm":
        return cpm(skeleton=FIVE, stages=3, width=0.0625, batch_norm=True)
    if name == "simple_baseline":
        return simple_baseline(skeleton=FIVE, input_size=(64, 64), deconvolution_filters=4)
    if name == "vgg16":
        return vgg16(skeleton=FIVE, input_size=(64, 64), width=0.0625, dense_units=8, batch_norm=True)
    regressor = {"five_conv": five_conv, "four_conv": four_conv}[name]
    return regressor(skeleton=FIVE, input_size=(64, 64), width=0.0625, batch_norm=True)


@pytest.mark.parametrize("name", HEADS)
def test_each_policy_freezes_what_it_says(name: str) -> None:
    model = build(name)
    weighted = {layer.name for layer in model.layers if layer.weights}
    assert HEADS[name] | BETWEEN[name] < weighted
    for policy, learns in (
        ("none", weighted),
        ("backbone", HEADS[name] | BETWEEN[name]),
        ("heads", HEADS[name]),
        ("none", weighted),  # nothing is left of the policies before
    ):
        frozen = freeze(model, policy)
        assert set(frozen) == weighted - learns
        moves = {weight.path for weight in model.trainable_weights}
        statistics = ("moving_mean", "moving_variance")
        learning = [layer for layer in model.layers if layer.name in learns]
        assert moves == {w.path for layer in learning for w in layer.weights if w.name not in statistics}


def step(model: Any) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """All weights by path before and after one step of training towards noise."""
    rng = np.random.default_rng(0)
    image = rng.uniform(-1, 1, (4, 64, 64, 3)).astype(np.float32)
    targets = {
        name: rng.normal(0, 1, output.shape).astype(np.float32) for name, output in model(image).items()
    }
    model.compile(optimizer="sgd", loss=dict.fromkeys(targets, "mse"), run_eagerly=True)
    before = {weight.path: np.asarray(weight).copy() for weight in model.weights}
    model.train_on_batch(image, targets)
    return before, {weight.path: np.asarray(weight) for weight in model.weights}


@pytest.mark.parametrize("policy", ["none", "backbone", "heads"])
@pytest.mark.parametrize("name", ["posenet", "cpm", "four_conv"])
def test_a_step_moves_what_learns_and_nothing_that_is_frozen(name: str, policy: str) -> None:
    """Of a network that learns everything, every weight moves: gradient flows everywhere, from the first step."""
    model = build(name)
    if name != "four_conv":
        randomise(model)  # heads that start at next to nothing move what is before them by next to nothing
    frozen = freeze(model, policy)
    before, after = step(model)
    for layer in model.layers:
        for weight in layer.weights:
            moved = not np.array_equal(before[weight.path], after[weight.path])
            assert moved == (layer.name not in frozen), weight.path


def test_frozen_batch_normalisation_is_in_inference_while_training() -> None:
    """The same picture gives the same features whatever else is in the batch."""
    model = randomise(posenet("mobilenet_v1_050", skeleton=FIVE, batch_norm=True))
    image = np.random.default_rng(0).uniform(-1, 1, (2, 64, 64, 3)).astype(np.float32)

    def first(batch: np.ndarray) -> np.ndarray:
        return np.asarray(model(batch, training=True)["heatmap_2"][:1])

    freeze(model, "none")
    assert np.abs(first(image) - first(image[:1])).max() > 0.01
    freeze(model, "backbone")
    np.testing.assert_allclose(first(image), first(image[:1]), rtol=0, atol=1e-4 * np.abs(first(image)).max())


def test_another_policy_gets_one_sentence() -> None:
    message = "policy: wanted one of none, backbone, heads, got 'all'"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        freeze(build("four_conv"), "all")


def test_a_model_of_somebody_else_gets_one_sentence(keras: Any) -> None:
    image = keras.Input((8, 8, 3))
    model = keras.Model(image, keras.layers.Conv2D(4, 1, name="mine")(image), name="theirs")
    message = "model: wanted a network of posecore.train.networks, got theirs without its heads"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        freeze(model, "heads")
    assert model.get_layer("mine").trainable
