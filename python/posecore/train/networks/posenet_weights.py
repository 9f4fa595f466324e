"""The official weights of PoseNet on MobileNetV1, from each of the forms in which they go round."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecore.errors import ModelError
from posecore.train.networks.weights_graph_def import read_graph_def
from posecore.train.networks.weights_npz import read_npz
from posecore.train.networks.weights_tfjs import read_tfjs


def load_posenet_weights(model: Any, path: str | os.PathLike[str]) -> None:
    """Set every weight of `model`, a `posenet` of the skeleton, and on the backbone, of the file.

    `path` is one of

    - an .npz file of `LAYER/kernel` (height, width, in, out; depthwise: height, width, channels, 1) and `LAYER/bias`,
      float32 or float16, for exactly the layers of `model`, whatever its backbone;
    - tfjs's graph model: its .json with the shards beside it, or their folder;
    - a frozen graph .pb. Where its heatmaps have had the sigmoid, they have none here: weights alone are read.

    The last two hold MobileNetV1 with Google's names of the layers; what else is in them is not looked at.
    Raises ModelError, and leaves `model` as it was, if the file is anything else, lacks a layer, has one of another
    shape, or a value that is not finite.
    """
    path = Path(path)
    weights = {f"{layer.name}/{weight.name}": weight for layer in model.layers for weight in layer.weights}
    shapes = {name: tuple(weight.shape) for name, weight in weights.items()}
    if path.suffix == ".npz":
        arrays = read_npz(path, shapes, model.name)
    elif path.suffix == ".pb":
        arrays = _renamed(shapes, read_graph_def(path, _published_names(shapes)), path, model.name)
    elif path.suffix == ".json" or path.is_dir():
        arrays = _renamed(shapes, read_tfjs(path, _published_names(shapes)), path, model.name)
    else:
        raise ModelError(f"weights {path}: wanted .npz, .pb, or the .json or folder of a tfjs model")
    for name, array in arrays.items():
        if array.shape != shapes[name]:
            raise ModelError(
                f"weights {path} have {name} of shape {array.shape}, the model needs {shapes[name]}"
            )
        if not np.isfinite(array).all():
            raise ModelError(f"weights {path} have a value that is not finite in {name}")
    for name, weight in weights.items():
        weight.assign(arrays[name])


def published(name: str) -> tuple[str, ...]:
    """What Google's files call a weight that is LAYER/kernel or LAYER/bias here, one name for each way.

    Biases that came from batch normalisation have been called in two ways, and those of heads in two others.
    """
    layer, _, weight = name.rpartition("/")
    layer = layer.replace("conv2d_", "Conv2d_", 1)
    depthwise = layer.endswith("_depthwise")
    if weight == "kernel":
        return (f"MobilenetV1/{layer}/{'depthwise_weights' if depthwise else 'weights'}",)
    folded = "depthwise_bias" if depthwise else "Conv2D_bias"
    return (
        f"MobilenetV1/{layer}/biases",
        f"MobilenetV1/{layer}/{folded}",
        f"MobilenetV1/MobilenetV1/{layer}/{folded}",
    )


def _published_names(shapes: Mapping[str, tuple[int, ...]]) -> frozenset[str]:
    return frozenset(one for name in shapes for one in published(name))


def _renamed(
    shapes: Mapping[str, tuple[int, ...]],
    constants: Mapping[str, NDArray[np.float32]],
    path: Path,
    model: str,
) -> dict[str, NDArray[np.float32]]:
    arrays = {}
    for name in shapes:
        present = [constants[one] for one in published(name) if one in constants]
        if len(present) != 1:
            raise ModelError(
                f"weights {path} have {len(present)} constants for {name}, of which {model} needs one"
            )
        arrays[name] = present[0]
    return arrays
