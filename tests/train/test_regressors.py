"""The networks that give coordinates: their layers, their range, and what they say before they have learned."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from random_weights import randomise

from posecore import COCO17, Skeleton
from posecore.train.networks import five_conv, four_conv, vgg16

TOY = Skeleton("toy15", tuple(f"point{k}" for k in range(15)))
NETWORKS = [
    (five_conv, {"input_size": (212, 256)}),
    (four_conv, {"input_size": (212, 256)}),
    (vgg16, {"input_size": (212, 256), "dense_units": 32}),
]


@pytest.mark.parametrize(
    ("network", "arguments", "parameters"),
    [
        (five_conv, {}, 58_420_642),
        (five_conv, {"width": 0.25}, 3_685_762),
        (four_conv, {}, 8_794_978),
        (four_conv, {"skeleton": TOY, "channels": 1, "input_size": (212, 256)}, 27_666_718),
        # VGG16 without its top as Keras counts it, and the dense layers over 7 x 7 x 512.
        (vgg16, {"dense_units": 256}, 14_714_688 + 25_089 * 256 + 257 * 256 + 257 * 34),
    ],
)
def test_parameters(network: Any, arguments: dict[str, Any], parameters: int) -> None:
    assert network(**arguments).count_params() == parameters


@pytest.mark.parametrize(("network", "arguments"), NETWORKS)
def test_keypoints_are_in_the_picture_whatever_it_says(network: Any, arguments: dict[str, Any]) -> None:
    model = randomise(network(skeleton=TOY, channels=1, width=0.0625, **arguments))
    for weight in model.get_layer("coordinates").weights:
        weight.assign(1000 * np.asarray(weight))
    image = np.random.default_rng(0).uniform(-1, 1, (3, 256, 212, 1)).astype(np.float32)
    keypoints = np.asarray(model(image)["keypoints"])
    assert keypoints.shape == (3, 15, 2)
    assert keypoints.dtype == np.float32
    assert keypoints.min() == 0
    assert keypoints.max() == 1


@pytest.mark.parametrize(("network", "arguments"), NETWORKS)
def test_it_begins_with_the_middle(network: Any, arguments: dict[str, Any], keras: Any) -> None:
    keras.utils.set_random_seed(1)
    model = network(skeleton=COCO17, width=0.125, **arguments)
    image = np.random.default_rng(0).uniform(-1, 1, (2, 256, 212, 3)).astype(np.float32)
    np.testing.assert_allclose(np.asarray(model(image)["keypoints"]), 0.5, rtol=0, atol=0.1)


def test_vgg16_is_keras_own_with_the_same_weights(keras: Any) -> None:
    theirs = randomise(keras.applications.VGG16(weights=None, include_top=False, input_shape=(48, 32, 3)))
    model = vgg16(input_size=(32, 48), dense_units=4)
    ours = keras.Model(model.input, model.get_layer("block5_pool").output)
    for layer in theirs.layers:
        if layer.weights:
            ours.get_layer(layer.name).set_weights(layer.get_weights())
    image = np.random.default_rng(0).uniform(-1, 1, (1, 48, 32, 3)).astype(np.float32)
    wanted = np.asarray(theirs(image))
    assert wanted.std() > 0
    np.testing.assert_allclose(np.asarray(ours(image)), wanted, rtol=0, atol=1e-5 * wanted.max())


def test_five_conv_has_five_convolutions_and_four_conv_four(keras: Any) -> None:
    for network, count in ((five_conv, 5), (four_conv, 4)):
        kinds = [type(layer) for layer in network(width=0.0625).layers]
        assert kinds.count(keras.layers.Conv2D) == count


@pytest.mark.parametrize(
    ("network", "arguments", "error", "message"),
    [
        (
            five_conv,
            {"input_size": (63, 64)},
            ValueError,
            "input_size: wanted a width and a height of 64 px or more, got (63, 64)",
        ),
        (
            four_conv,
            {"input_size": None},
            TypeError,
            "input_size: wanted (width, height) in pixels, got None",
        ),
        (four_conv, {"dropout": 1}, ValueError, "dropout: wanted a number from 0 to 0.9, got 1"),
        (vgg16, {"dense_units": 0}, ValueError, "dense_units: wanted a whole number from 1 to 16384, got 0"),
        (vgg16, {"width": "wide"}, TypeError, "width: wanted a number from 0.0625 to 4, got str"),
        (four_conv, {"skeleton": 15}, TypeError, "skeleton: wanted a Skeleton, got int"),
    ],
)
def test_a_wrong_argument_gets_one_sentence(
    network: Any, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        network(**arguments)
