"""Batch normalisation that has done its work goes into the convolution before it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecore.errors import require


def fold_batch_norm(model: Any) -> Any:
    """The network of `model` without its batch normalisation, with the outputs that `model` has in inference.

    A new functional `keras.Model` of its own weights; `model` stays as it is. Each `BatchNormalization` over the
    channels of a convolution, transposed convolution or dense layer, to which nothing else listens and which has no
    activation of its own, becomes part of that layer's kernel and bias:

        s = gamma / sqrt(variance + epsilon);  kernel' = kernel * s;  bias' = beta + (bias - mean) * s

    Other batch normalisation stays. Outputs are those of `model` but for float32's rounding. The folded
    `posenet(..., batch_norm=True)` has the layers of `posenet(...)`.

    Raises TypeError for what is no functional Keras model, MissingExtra without Keras.
    """
    keras = require("keras", extra="train", purpose="Folding batch normalisation")
    if not isinstance(model, keras.Model) or not hasattr(model, "get_layer") or not model.inputs:
        raise TypeError(f"model: wanted a functional keras.Model, got {type(model).__name__}")
    normalised = _normalised_layers(model, keras)
    gone = {norm.name for norm in normalised.values()}

    def copied(layer: Any) -> Any:
        config = layer.get_config()
        if layer.name in normalised:
            config["use_bias"] = True
        return type(layer).from_config(config)

    def called(layer: Any, *inputs: Any, **options: Any) -> Any:
        return inputs[0] if layer.name in gone else layer(*inputs, **options)

    folded = keras.models.clone_model(model, clone_function=copied, call_function=called)
    for layer in folded.layers:
        if layer.name in normalised:
            layer.set_weights(_folded(model.get_layer(layer.name), normalised[layer.name], keras))
        elif layer.weights:
            layer.set_weights(model.get_layer(layer.name).get_weights())
    return folded


def _normalised_layers(model: Any, keras: Any) -> dict[str, Any]:
    """The batch normalisation that each layer can take in, by the layer's name."""
    foldable = (
        keras.layers.Conv2D,
        keras.layers.DepthwiseConv2D,
        keras.layers.Conv2DTranspose,
        keras.layers.Dense,
    )
    makers = {id(layer.output): layer for layer in model.layers if isinstance(layer, foldable)}
    listeners: dict[int, int] = {}
    for layer in model.layers:
        if not isinstance(layer, keras.layers.InputLayer):
            for tensor in keras.tree.flatten(layer.input):
                listeners[id(tensor)] = listeners.get(id(tensor), 0) + 1
    for tensor in model.outputs:
        listeners[id(tensor)] = listeners.get(id(tensor), 0) + 1
    found = {}
    for layer in model.layers:
        if not isinstance(layer, keras.layers.BatchNormalization):
            continue
        maker = makers.get(id(layer.input))
        over_channels = layer.axis in (-1, len(layer.input.shape) - 1)
        if (
            maker is not None
            and over_channels
            and maker.activation is keras.activations.linear
            and listeners[id(layer.input)] == 1
        ):
            found[maker.name] = layer
    return found


def _folded(layer: Any, norm: Any, keras: Any) -> list[NDArray[np.float32]]:
    """Kernel and bias of `layer` with `norm` in them."""
    kernel, *biases = (np.asarray(weight, np.float64) for weight in layer.get_weights())
    named = zip((weight.name for weight in norm.weights), norm.get_weights(), strict=True)
    arrays = {name: np.asarray(array, np.float64) for name, array in named}
    scale = arrays.get("gamma", 1.0) / np.sqrt(arrays["moving_variance"] + norm.epsilon)
    bias = (biases[0] if biases else 0.0) - arrays["moving_mean"]
    bias = bias * scale + arrays.get("beta", 0.0)
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        by_output = scale.reshape(kernel.shape[2:])  # (channels, multiplier)
    elif isinstance(layer, keras.layers.Conv2DTranspose):
        by_output = scale[:, None]  # (out, in)
    else:
        by_output = scale
    return [(kernel * by_output).astype(np.float32), bias.astype(np.float32)]
