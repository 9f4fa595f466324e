"""Keras models as the KPU's layers: the graph that is rebuilt, and what is refused, and why."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from given_weights import give_weights

from posecore.errors import ModelError
from posecore.export.contract import contract
from posecore.export.kpu_network import kpu_network, rebuilt
from posecore.export.kpu_plan import plan_kpu

CHANNELS = {"heatmap_2": 17, "offset_2": 34, "displacement_fwd_2": 32, "displacement_bwd_2": 32}


def with_body(keras: Any, body: Any) -> Any:
    """A PoseNet whose features are `body(layers, picture)`."""
    image = keras.Input((None, None, 3), name="image")
    x = body(keras.layers, image)
    heads = {name: keras.layers.Conv2D(count, 1, name=name)(x) for name, count in CHANNELS.items()}
    return keras.Model(image, heads, name="tried")


def test_the_official_network_in_either_padding_is_the_same_for_the_kpu(keras: Any) -> None:
    from posecore.train.networks import posenet

    published = posenet("mobilenet_v1_050")
    give_weights(published)
    explicit = posenet("mobilenet_v1_050", padding="explicit", input_size=(96, 64))
    explicit.set_weights(published.get_weights())
    made = rebuilt(contract(published), (96, 64))
    picture = np.random.default_rng(0).uniform(-1, 1, (1, 64, 96, 3)).astype(np.float32)
    ours, theirs = made(picture), explicit(picture)
    assert list(ours) == list(CHANNELS)
    for name in CHANNELS:
        np.testing.assert_array_equal(ours[name], theirs[name])
    assert kpu_network(contract(published)).layers == kpu_network(contract(explicit)).layers
    assert kpu_network(contract(published)).stride_px == 16
    assert not [
        layer.name
        for layer in made.layers
        if getattr(layer, "padding", "") == "same" and layer.strides != (1, 1)
    ]


def test_on_odd_sizes_the_rebuilt_network_is_the_given_one(keras: Any, tiny_posenet: Any) -> None:
    made = rebuilt(contract(tiny_posenet), (97, 65))
    picture = np.random.default_rng(1).uniform(-1, 1, (1, 65, 97, 3)).astype(np.float32)
    ours, theirs = made(picture), tiny_posenet(picture)
    for name in CHANNELS:
        np.testing.assert_allclose(ours[name], theirs[name], atol=1e-5)


def test_batch_normalisation_is_part_of_its_convolution(keras: Any) -> None:
    from posecore.train.networks import posenet

    model = posenet("mobilenet_v1_050", batch_norm=True)
    network = kpu_network(contract(model))
    assert len(network.layers) == 1 + 2 * 13 + 4
    made = rebuilt(contract(model), (64, 64))
    picture = np.random.default_rng(2).uniform(-1, 1, (1, 64, 64, 3)).astype(np.float32)
    again = rebuilt(contract(made), (64, 64))
    np.testing.assert_array_equal(made(picture)["offset_2"], again(picture)["offset_2"])


REFUSED = {
    "4 groups of channels, on which nncase never ends": lambda layers, x: layers.Conv2D(
        8, 3, padding="same", groups=4
    )(layers.Conv2D(8, 1)(x)),
    "is dilated by 2": lambda layers, x: layers.Conv2D(8, 3, padding="same", dilation_rate=2)(x),
    "is a transposed convolution": lambda layers, x: layers.Conv2DTranspose(8, 3, padding="same")(x),
    "has a kernel of 5x5": lambda layers, x: layers.Conv2D(8, 5, padding="same")(x),
    "makes 2 channels of each": lambda layers, x: layers.DepthwiseConv2D(
        3, depth_multiplier=2, padding="same"
    )(x),
    "joins 2 tensors": lambda layers, x: layers.Add()([layers.Conv2D(8, 1)(x), layers.Conv2D(8, 1)(x)]),
    "is the CPU's work": lambda layers, x: layers.MaxPooling2D(3, strides=2)(x),
    "has no zeros around its input": lambda layers, x: layers.ZeroPadding2D(1)(layers.Conv2D(8, 3)(x)),
    "has no zeros on all sides": lambda layers, x: layers.Conv2D(8, 3, strides=2)(x),
    "has a stride of 2x2 at 1x1": lambda layers, x: layers.Conv2D(8, 1, strides=2)(x),
    "has an activation": lambda layers, x: layers.Conv2D(8, 1, activation="tanh")(x),
    "more than the KPU's 1024 channels": lambda layers, x: layers.Conv2D(1100, 1)(x),
    "normalises what no convolution": lambda layers, x: layers.BatchNormalization()(
        layers.ReLU()(layers.Conv2D(8, 1)(x))
    ),
    "activates what no convolution": lambda layers, x: layers.ReLU()(x),
    "where no stride of 2 follows": lambda layers, x: layers.Conv2D(8, 3)(layers.ZeroPadding2D(1)(x)),
    "has a stride, and not one convolution of 1x1 follows it": lambda layers, x: layers.Conv2D(
        8, 3, padding="same"
    )(layers.DepthwiseConv2D(3, strides=2, padding="same")(x)),
}


@pytest.mark.parametrize("cause", REFUSED)
def test_what_the_kpu_does_not_have_is_named(keras: Any, cause: str) -> None:
    model = with_body(keras, REFUSED[cause])
    with pytest.raises(ModelError, match="tried: K210's KPU cannot run it: ") as error:
        kpu_network(contract(model))
    assert cause in str(error.value)


def test_a_dilated_posenet_is_told_its_stride(keras: Any) -> None:
    from posecore.train.networks import posenet

    with pytest.raises(
        ModelError, match=r"conv2d_7_depthwise \(and 6 more\) is dilated by 2.*output_stride 16 for"
    ):
        plan_kpu(posenet("mobilenet_v1_050", output_stride=8), (224, 224))


def test_a_model_inside_of_a_model_is_refused(keras: Any) -> None:
    image = keras.Input((None, None, 3))
    inner = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(8, 1)], name="inner")
    heads = {name: keras.layers.Conv2D(count, 1, name=name)(inner(image)) for name, count in CHANNELS.items()}
    with pytest.raises(ModelError, match="it shares a layer or has a model inside of it"):
        kpu_network(contract(keras.Model(image, heads)))


def test_plan_kpu_wants_a_model(keras: Any) -> None:
    with pytest.raises(TypeError, match=r"model: wanted a built keras\.Model, got str"):
        plan_kpu("posenet.keras", (224, 224))


def test_a_network_that_learnt_with_zeros_at_one_end_is_refused(keras: Any) -> None:
    from posecore.train.networks import posenet

    model = posenet("mobilenet_v1_050", input_size=(128, 128))
    with pytest.raises(ModelError, match=r"zeros on all sides, as the KPU has them, got one for 128x128"):
        rebuilt(contract(model), (128, 128))
    explicit = posenet("mobilenet_v1_050", input_size=(128, 128), padding="explicit")
    assert rebuilt(contract(explicit), (128, 128)).inputs[0].shape == (1, 128, 128, 3)
