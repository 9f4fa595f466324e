"""What a network's layers do with one batch: the slope that reaches them, how much of them is silent, and what the
loss would be if the last layers had only their biases. With Keras alone, whatever its backend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from posecore.errors import require
from posecore.train import networks
from posecore.train.recipes import Recipe

# One step of plain descent moves weights by this many slopes: the difference then has the slope's digits, and slopes
# down to about 1e-10 of the weights are told from none.
_STEP = 1e3


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer.

    Attributes:
        name: of the layer.
        gradient: the norm of the loss's slope over its weights; 0 where one of them gets none; None where the layer
            has no weights that are trained.
        small: the share of its outputs that are small; None where it is no activation.
    """

    name: str
    gradient: float | None
    small: float | None


def gradients(model: Any, recipe: Recipe, x: Any, y: Any) -> dict[str, float]:
    """For each layer that is trained, the norm of the slope of one batch's loss; 0 where one of its weights gets
    none. The model is compiled anew, and its weights are as before."""
    keras = _keras()
    model.compile(optimizer=keras.optimizers.SGD(learning_rate=_STEP), loss=dict(recipe.losses))
    before = [(layer.name, [np.asarray(w).copy() for w in layer.trainable_weights]) for layer in model.layers]
    found: dict[str, float] = {}
    with _unchanged(model):
        model.train_on_batch(x, y)
        for layer, (name, weights) in zip(model.layers, before, strict=True):
            if not weights:
                continue
            slopes = [
                np.linalg.norm((np.asarray(now, np.float64) - was) / _STEP)
                for now, was in zip(layer.trainable_weights, weights, strict=True)
            ]
            found[name] = 0.0 if min(slopes) == 0 else float(np.sqrt(np.sum(np.square(slopes))))
    return found


def activations(model: Any, x: Any, small: float) -> dict[str, float]:
    """For each activation, the share of its outputs for one batch whose size is below `small`. The layers that give
    the model's outputs are left out."""
    outputs = activation_outputs(model, x)
    return {name: float((np.abs(one) < small).mean()) for name, one in outputs.items()}


def activation_outputs(model: Any, x: Any) -> dict[str, Any]:
    """What each activation gives for one batch, float32 by the layer's name, without those that give the model's
    outputs."""
    keras = _keras()
    ends = {id(output) for output in keras.tree.flatten(model.outputs)}
    # A head's own sigmoid, as regressors have it, is an output before it is reshaped.
    heads = {"coordinates"}
    layers = [
        layer
        for layer in model.layers
        if _is_activation(keras, layer) and layer.name not in heads and id(layer.output) not in ends
    ]
    if not layers:
        return {}
    inside = keras.Model(model.inputs, {layer.name: layer.output for layer in layers})
    return {name: np.asarray(one, np.float32) for name, one in inside.predict_on_batch(x).items()}


def biases_alone(model: Any, recipe: Recipe, x: Any, y: Any) -> dict[str, tuple[float, float]]:
    """The loss of one batch, and that of a network whose last layers have their biases alone, by output ("loss" is
    the sum): what the same answer for every picture costs, which is where an untrained network should begin."""
    keras = _keras()
    trainable = [layer.trainable for layer in model.layers]
    frozen = set(networks.freeze(model, "heads"))
    heads = [layer for layer in model.layers if layer.weights and layer.name not in frozen]
    for layer, before in zip(model.layers, trainable, strict=True):
        layer.trainable = before
    model.compile(optimizer=keras.optimizers.SGD(), loss=dict(recipe.losses))
    now = _losses(model, x, y)
    with _unchanged(model):
        for layer in heads:
            layer.kernel.assign(np.zeros(layer.kernel.shape, np.float32))
        alone = _losses(model, x, y)
    return {name: (value, alone[name]) for name, value in now.items()}


@contextmanager
def _unchanged(model: Any) -> Iterator[None]:
    before = [np.asarray(variable).copy() for variable in model.variables]
    try:
        yield
    finally:
        for variable, value in zip(model.variables, before, strict=True):
            variable.assign(value)


def _losses(model: Any, x: Any, y: Any) -> dict[str, float]:
    model.reset_metrics()
    found = model.test_on_batch(x, y, return_dict=True)
    return {name.removesuffix("_loss") if name != "loss" else name: float(v) for name, v in found.items()}


def _is_activation(keras: Any, layer: Any) -> bool:
    if isinstance(layer, (keras.layers.ReLU, keras.layers.Activation)):
        return True
    return getattr(layer, "activation", None) not in (None, keras.activations.linear)


def _keras() -> Any:
    return require("keras", extra="train", purpose="Checking a network")
