"""ResNet as written here is Keras' own, whose weights load by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from random_weights import randomise

from posecore.train.networks import posenet


def test_it_gives_what_keras_own_gives_with_the_same_weights(keras: Any) -> None:
    theirs = keras.applications.ResNet50(weights=None, include_top=False, input_shape=(65, 97, 3))
    randomise(theirs)
    model = posenet("resnet_50", output_stride=32, input_size=(97, 65))
    ours = keras.Model(model.input, model.get_layer("conv5_block3_out").output)
    named = {layer.name: layer for layer in theirs.layers if layer.weights}
    assert named.keys() == {layer.name for layer in ours.layers if layer.weights}
    for name, layer in named.items():
        ours.get_layer(name).set_weights(layer.get_weights())

    image = np.random.default_rng(0).uniform(-1, 1, (2, 65, 97, 3)).astype(np.float32)
    wanted = np.asarray(theirs(image))
    assert wanted.shape == (2, 3, 4, 2048)
    assert wanted.std() > 0
    np.testing.assert_allclose(np.asarray(ours(image)), wanted, rtol=0, atol=1e-5 * wanted.max())


def test_a_file_of_weights_in_kerass_old_format_loads_by_name(keras: Any, tmp_path: Path) -> None:
    """That is how ImageNet's weights go round: .h5, of a network without its top."""
    import h5py

    theirs = keras.applications.ResNet50(weights=None, include_top=False)
    path = tmp_path / "resnet50_weights_notop.h5"
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in theirs.layers]
        file.attrs["keras_version"] = b"2.0"
        file.attrs["backend"] = b"tensorflow"
        for layer in theirs.layers:
            group = file.create_group(layer.name)
            names = [f"{layer.name}/{weight.name}:0" for weight in layer.weights]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, weight in zip(names, layer.get_weights(), strict=True):
                group.create_dataset(name, data=weight)
    model = posenet("resnet_50")
    heads = model.get_layer("heatmap_2").get_weights()
    model.load_weights(path, by_name=True)
    for layer in theirs.layers:
        arrived = model.get_layer(layer.name).get_weights() if layer.weights else []
        for got, wanted in zip(arrived, layer.get_weights(), strict=True):
            np.testing.assert_array_equal(got, wanted, err_msg=layer.name)
    for got, wanted in zip(model.get_layer("heatmap_2").get_weights(), heads, strict=True):
        np.testing.assert_array_equal(got, wanted)
