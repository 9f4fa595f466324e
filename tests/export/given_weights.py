"""Weights for networks that nobody has trained."""

from __future__ import annotations

from typing import Any

import numpy as np


def give_weights(model: Any, seed: int = 0) -> None:
    """Weights that keep a signal alive from the picture to heads of some pixels and logits, the same every time."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        weights = []
        for array in layer.get_weights():
            is_head = array.ndim == 4 and layer.name.endswith("_2")
            fan_in = np.prod(array.shape[:2]) if "depthwise" in layer.name else np.prod(array.shape[:-1])
            spread = (20.0 if is_head else 1.6) / np.sqrt(max(fan_in, 1)) if array.ndim > 1 else 0.05
            weights.append(rng.normal(0, spread, array.shape).astype(np.float32))
        layer.set_weights(weights)
