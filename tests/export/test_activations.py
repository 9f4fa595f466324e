"""What a few bytes of a .keras file ask for is looked at before Keras makes it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from posecore.errors import ModelError
from posecore.export import activations
from posecore.export.activations import refuse_huge_input, refuse_huge_model
from posecore.export.contract import contract
from posecore.export.graphs.graph_builder import GraphBuilder
from posecore.export.graphs.keras_graph import add_keras
from posecore.export.keras_file import _LAYERS, open_keras
from posecore.train.networks.posenet import BACKBONES, posenet

Made = Callable[[Any, Any], Any]

HUGE: dict[str, Made] = {
    "UpSampling2D": lambda layers, x: layers.UpSampling2D(20_000)(x),
    "ZeroPadding2D": lambda layers, x: layers.ZeroPadding2D(40_000)(x),
    "Conv2DTranspose": lambda layers, x: layers.Conv2DTranspose(3, 1, strides=9_000)(x),
    "Concatenate": lambda layers, x: _doubled(layers, x, 30),
    "Reshape": lambda layers, x: layers.UpSampling2D((1, 9_000))(layers.UpSampling2D((9_000, 1))(x)),
    "far too large to be counted": lambda layers, x: layers.UpSampling2D(1 << 20)(
        layers.UpSampling2D(1 << 20)(x)
    ),
    "at once": lambda layers, x: layers.Add()([layers.UpSampling2D(30)(x) for _ in range(8)]),
    "one after the other, all read at the end": lambda layers, x: _remembered(layers, x, 8),
    "one after the other, for hours": lambda layers, x: _long(layers, x, 300),
}


def _doubled(layers: Any, x: Any, times: int) -> Any:
    for _ in range(times):
        x = layers.Concatenate()([x, x])
    return x


def _remembered(layers: Any, x: Any, times: int) -> Any:
    steps = [layers.UpSampling2D(30)(x)]
    for _ in range(times):
        steps.append(layers.ReLU()(steps[-1]))
    return layers.Add()(steps)


def _long(layers: Any, x: Any, times: int) -> Any:
    x = layers.UpSampling2D(30)(x)
    for _ in range(times):
        x = layers.ReLU()(x)
    return x


def config_of(keras: Any, made: Made, size: int | None, batch: int | None = None) -> dict[str, Any]:
    image = keras.Input((size, size, 3), batch_size=batch, name="image")
    found: dict[str, Any] = json.loads(keras.Model(image, made(keras.layers, image)).to_json())
    return found


@pytest.mark.parametrize("size", [None, 257])
@pytest.mark.parametrize("name", HUGE)
def test_layers_that_no_memory_holds_are_refused(keras: Any, name: str, size: int | None) -> None:
    config = config_of(keras, HUGE[name], size)
    with pytest.raises(ModelError, match=r"^x\.keras: wanted layers (that make at most|whose sizes follow)"):
        refuse_huge_model(config, "x.keras")


def test_a_tensor_that_was_read_for_the_last_time_makes_room(keras: Any) -> None:
    """8 x 198 million numbers, never more than two of them at once."""
    refuse_huge_model(config_of(keras, lambda layers, x: _long(layers, x, 7), 257), "x.keras")


@pytest.mark.parametrize(
    ("backbone", "side"),
    [
        *((backbone, 1025) for backbone in BACKBONES),
        *((backbone, side) for backbone in BACKBONES if "mobilenet" in backbone for side in (2049, 2689)),
    ],
)
def test_networks_of_ours_are_taken_at_sizes_at_which_they_run(keras: Any, backbone: Any, side: int) -> None:
    refuse_huge_input(posenet(backbone=backbone), (side, side))


@pytest.mark.parametrize(("size", "batch"), [(40_000, None), (257, 1 << 20)])
def test_inputs_that_no_memory_holds_are_refused(keras: Any, size: int, batch: int | None) -> None:
    config = config_of(keras, lambda layers, x: layers.ReLU()(x), size, batch)
    with pytest.raises(ModelError, match=r"at most 268,435,456 numbers, got image of"):
        refuse_huge_model(config, "x.keras")


def test_dilations_that_no_memory_holds_are_refused(keras: Any) -> None:
    def dilated(layers: Any, x: Any) -> Any:
        return layers.Conv2D(3, 3, padding="same", dilation_rate=65_535)(x)

    with pytest.raises(
        ModelError, match=r"^x\.keras: wanted convolutions that are dilated by at most 1024, got "
    ):
        refuse_huge_model(config_of(keras, dilated, 257), "x.keras")


def test_the_file_is_refused_before_keras_sees_it(keras: Any, tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "bomb.keras"
    image = keras.Input((None, None, 3))
    keras.Model(image, {"heatmap": keras.layers.UpSampling2D(20_000)(image)}).save(path)
    monkeypatch.setattr(keras.saving, "load_model", lambda *_, **__: pytest.fail("Keras was asked"))
    with pytest.raises(ModelError, match=r"bomb\.keras: wanted layers that make at most"):
        open_keras(path)


def test_sizes_of_layers_are_those_of_keras(keras: Any) -> None:
    layers = keras.layers
    image = keras.Input((16, 24, 6), name="image")
    same: dict[str, dict[str, Any]] = {
        "Softmax": {},
        "Activation": {"activation": "relu"},
        "Rescaling": {"scale": 2.0},
        "Dropout": {"rate": 0.5},
        "SpatialDropout2D": {"rate": 0.5},
        "GaussianNoise": {"stddev": 0.1},
    }
    made: dict[str, dict[str, Any]] = same | {
        "Conv2D": {"filters": 4, "kernel_size": 3, "strides": 2, "padding": "same"},
        "Conv2DTranspose": {"filters": 4, "kernel_size": 4, "strides": 3, "padding": "valid"},
        "DepthwiseConv2D": {"kernel_size": 3, "depth_multiplier": 2, "dilation_rate": 2},
        "SeparableConv2D": {"filters": 5, "kernel_size": 5},
        "Dense": {"units": 7},
        "ZeroPadding2D": {"padding": ((1, 2), (3, 4))},
        "Cropping2D": {"cropping": ((1, 2), (3, 4))},
        "UpSampling2D": {"size": (2, 3)},
        "Reshape": {"target_shape": (8, -1)},
        "Permute": {"dims": (3, 1, 2)},
        "MaxPooling2D": {"pool_size": 3, "padding": "same"},
        "AveragePooling2D": {"pool_size": 2, "strides": 1},
        "GlobalAveragePooling2D": {"keepdims": True},
    }
    of_two = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate")
    for kind in _LAYERS:
        if kind == "InputLayer":
            continue
        inputs = [image, image] if kind in of_two else image
        output = getattr(layers, kind)(**made.get(kind, {}))(inputs)
        builder = GraphBuilder(kind, "Keras", 0, None)
        graph = builder.build(add_keras(builder, json.loads(keras.Model(image, output).to_json())))
        shape = graph.tensors[graph.outputs[0]].shape
        assert shape is not None, kind
        assert shape[1:] == tuple(output.shape)[1:], kind


def test_a_size_that_memory_does_not_hold_is_the_callers(keras: Any, monkeypatch: Any) -> None:
    image = keras.Input((None, None, 3), name="image")
    model = keras.Model(
        image, {"heatmap": keras.layers.Conv2D(17, 3, strides=2, padding="same", name="heatmap")(image)}
    )
    monkeypatch.setattr(activations, "MOST_NUMBERS", 17 * 32 * 48)
    found = contract(model)
    found.graph((96, 64))
    with pytest.raises(
        ValueError, match=r"^size: wanted layers .* image of .*128x98x3 of .* at 128x98 \(height x width\)"
    ):
        found.graph((98, 128))


def test_what_cannot_say_what_it_is_counts_for_nothing(keras: Any) -> None:
    class Silent(keras.layers.Layer):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return x

        def get_config(self) -> Any:
            raise NotImplementedError("nothing")

    image = keras.Input((8, 8, 3))
    refuse_huge_input(keras.Model(image, Silent()(image)), (8, 8))
