"""A folded network has no batch normalisation and says what it said before."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from random_weights import randomise

from posecore import Skeleton
from posecore.train.networks import (
    cpm,
    fold_batch_norm,
    four_conv,
    load_posenet_weights,
    posenet,
    simple_baseline,
)

FIVE = Skeleton("five", ("a", "b", "c", "d", "e"), ((0, 1), (1, 2), (1, 3), (3, 4)))


def normalisations(model: Any) -> list[str]:
    return [layer.name for layer in model.layers if type(layer).__name__ == "BatchNormalization"]


def assert_equal_outputs(model: Any, other: Any, *, size: int = 64) -> None:
    """1e-5 of the largest value: the products are rounded in another order."""
    image = np.random.default_rng(0).uniform(-1, 1, (2, size, size, 3)).astype(np.float32)
    got, wanted = other(image), model(image)
    assert list(got) == list(wanted)
    for name, reference in wanted.items():
        reference = np.asarray(reference)
        assert reference.std() > 0
        atol = 1e-5 * np.abs(reference).max()
        np.testing.assert_allclose(np.asarray(got[name]), reference, rtol=0, atol=atol, err_msg=name)


@pytest.mark.parametrize(
    "build",
    [
        lambda: posenet("mobilenet_v1_050", skeleton=FIVE, batch_norm=True),
        lambda: posenet("mobilenet_v1_050", skeleton=FIVE, batch_norm=True, padding="explicit"),
        lambda: posenet("resnet_50", skeleton=FIVE),
        lambda: simple_baseline(skeleton=FIVE, input_size=(64, 64), deconvolution_filters=8),
        lambda: cpm(skeleton=FIVE, stages=2, width=0.0625, batch_norm=True),
        lambda: four_conv(skeleton=FIVE, input_size=(64, 64), width=0.25, batch_norm=True),
    ],
    ids=["mobilenet", "mobilenet explicit", "resnet", "simple_baseline", "cpm", "four_conv"],
)
def test_the_folded_network_says_the_same(build: Any) -> None:
    model = randomise(build())
    assert len(normalisations(model)) > 3
    before = [weight.copy() for weight in model.get_weights()]
    folded = fold_batch_norm(model)
    assert normalisations(folded) == []
    assert_equal_outputs(model, folded)
    for got, wanted in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_folded_posenet_is_posenet_without_batch_normalisation(tmp_path: Path) -> None:
    """The same layers, so that its weights go where published ones go."""
    folded = fold_batch_norm(randomise(posenet("mobilenet_v1_050", skeleton=FIVE, batch_norm=True)))
    plain = posenet("mobilenet_v1_050", skeleton=FIVE)
    assert [layer.name for layer in folded.layers] == [layer.name for layer in plain.layers]
    arrays = {f"{layer.name}/{w.name}": np.asarray(w) for layer in folded.layers for w in layer.weights}
    np.savez(tmp_path / "folded.npz", **arrays)
    load_posenet_weights(plain, tmp_path / "folded.npz")
    assert_equal_outputs(folded, plain)


def test_batch_normalisation_without_scale_or_shift_and_of_wider_depthwise_convolutions(keras: Any) -> None:
    layers = keras.layers
    image = keras.Input((16, 16, 3))
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, name="wide")(image)
    x = layers.BatchNormalization(scale=False, name="no_gamma")(x)
    x = layers.Conv2D(5, 3, use_bias=False, name="plain")(x)
    x = layers.BatchNormalization(center=False, epsilon=0.01, name="no_beta")(x)
    model = randomise(keras.Model(image, {"out": x}))
    folded = fold_batch_norm(model)
    assert normalisations(folded) == []
    assert_equal_outputs(model, folded, size=16)


def test_what_cannot_be_folded_stays(keras: Any) -> None:
    """After an activation, on what something else listens to, and on the picture itself."""
    layers = keras.layers
    image = keras.Input((16, 16, 3))
    x = layers.BatchNormalization(name="on_picture")(image)
    x = layers.Conv2D(4, 3, activation="relu", name="active")(x)
    x = layers.BatchNormalization(name="after_relu")(x)
    shared = layers.Conv2D(4, 3, name="shared")(x)
    y = layers.BatchNormalization(name="on_shared")(shared)
    model = randomise(keras.Model(image, {"sum": layers.Add()([shared, y])}))
    folded = fold_batch_norm(model)
    assert normalisations(folded) == ["on_picture", "after_relu", "on_shared"]
    assert_equal_outputs(model, folded, size=16)


def test_what_is_no_functional_model_gets_one_sentence(keras: Any) -> None:
    with pytest.raises(
        TypeError, match=f"^{re.escape('model: wanted a functional keras.Model, got Dense')}$"
    ):
        fold_batch_norm(keras.layers.Dense(3))
