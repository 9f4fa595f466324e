"""Weights that let a picture through to the outputs, as those of a trained network do, the same ones each time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def randomise(model: Any, seed: int = 0) -> Any:
    """Set every weight of a Keras model: kernels by He's rule, biases and averages away from 0; gives it back."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        for weight in layer.weights:
            shape = tuple(weight.shape)
            if len(shape) > 1:
                depthwise = type(layer).__name__ == "DepthwiseConv2D"
                inputs = math.prod(shape[:2] if depthwise else shape[:-1])
                weight.assign(rng.normal(0, math.sqrt(2 / inputs), shape))
            elif weight.name in ("gamma", "moving_variance"):
                weight.assign(rng.uniform(0.5, 1.5, shape))
            else:
                weight.assign(rng.uniform(-0.3, 0.3, shape))
    return model
