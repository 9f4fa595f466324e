"""Weights between those that a training started from and those that it came to (WiSE-FT, arXiv 2109.01903).

Fine-tuning buys accuracy on its own pictures with some on all others; part of the way often has most of the one and
loses little of the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.arguments import number

if TYPE_CHECKING:
    import numpy.typing as npt

    Weights = list[npt.NDArray[np.float32]]


def weights_of(model: Any) -> Weights:
    """Copies of all weights of a `keras.Model`, normalisation's averages among them, in its order."""
    return [np.asarray(weight).astype(np.float32) for weight in model.weights]


def mix(model: Any, start: Sequence[npt.NDArray[np.float32]], share: float) -> None:
    """Set a `keras.Model` to start + share * (its weights - start), each weight by itself.

    Args:
        start: what `weights_of` gave of the model as it was; weights that have not changed stay so to the last bit.
        share: 0 to 1, of the way from there.

    Raises:
        TypeError, ValueError: a share out of its range, weights of another model.
    """
    number(share, "share", 0, 1)
    shapes = [tuple(weight.shape) for weight in model.weights]
    if [array.shape for array in start] != shapes:
        raise ValueError(
            f"start: wanted the {len(shapes)} weights of {model.name}, got those of another network"
        )
    for weight, before in zip(model.weights, start, strict=True):
        weight.assign(before + np.float32(share) * (np.asarray(weight) - before))
