"""Which part of a network learns: all of it, what comes after the backbone, or the heads alone."""

from __future__ import annotations

import re
from typing import Any

from posecore import arguments

POLICIES = ("none", "backbone", "heads")

# The names that the builders of this package give.
_HEADS = re.compile(r"heatmap|heatmap_2|offset_2|displacement_(fwd|bwd)_2|stage\d+|coordinates")
_BETWEEN = re.compile(r"stage\d+_.*|deconv\d+_.*|fc\d+.*")  # after the backbone, before the heads


def freeze(model: Any, policy: str) -> tuple[str, ...]:
    """Choose what of `model` learns; whatever was chosen before is forgotten.

    `policy`: "none" freezes nothing; "backbone" freezes what looks at the picture (MobileNet, ResNet, the
    convolutions of a regressor, the image features of a Convolutional Pose Machine); "heads" freezes everything up to
    the heads, which are the last layer before each output.

    Frozen layers keep their weights, and frozen batch normalisation stays in inference: it uses its moving averages,
    and does not move them. Returns the names of the frozen layers that have weights, in the order of the model. Keras
    looks at this when a model is compiled: call `model.compile` after it.

    Raises ValueError for another policy, and for a model that has no head of this package's names.
    """
    arguments.choice(policy, "policy", POLICIES)
    heads = {layer.name for layer in model.layers if _HEADS.fullmatch(layer.name)}
    if not heads:
        raise ValueError(
            f"model: wanted a network of posecore.train.networks, got {model.name} without its heads"
        )
    frozen = []
    for layer in model.layers:
        is_frozen = layer.name not in heads and (
            policy == "heads" or (policy == "backbone" and not _BETWEEN.fullmatch(layer.name))
        )
        layer.trainable = not is_frozen
        if is_frozen and layer.weights:
            frozen.append(layer.name)
    return tuple(frozen)
