"""A trained network on another skeleton: what the two have in common is kept, the rest starts small."""

from __future__ import annotations

from typing import Any

import numpy as np

from posecore.errors import require
from posecore.skeletons import Skeleton
from posecore.train.networks.inputs import checked_skeleton
from posecore.train.networks.layers import HEAD_STDDEV, head
from posecore.train.networks.posenet import head_channels

_POSENET_HEADS = ("heatmap_2", "offset_2", "displacement_fwd_2", "displacement_bwd_2")

Source = tuple[str, int]  # head and channel


def with_skeleton(model: Any, source: Skeleton, target: Skeleton, *, seed: int = 0) -> Any:
    """A copy of `model`, whose heads are for `source`, with heads for `target`: e.g. `COCO17` to `COCO_FEET23`.

    `model`: a `posenet` (heads `heatmap_2`, `offset_2`, `displacement_fwd_2`, `displacement_bwd_2`) or a
    `simple_baseline` (`heatmap`). Keypoints are the same that have the same name, edges that join the same two
    keypoints: their channels are copied, weight for weight, into their places in the new heads; where an edge goes
    the other way, forward and backward displacements change places. Channels of new keypoints and edges start with
    kernels of standard deviation 1e-3 and no bias: a logit of about 0 and offsets of about 0 px. `seed`: of those
    kernels.

    Returns a new `keras.Model`, not compiled; `model` stays as it is. Where `target` has no edges there are no
    displacements.
    Raises ValueError where the heads are not there or are not for `source`, TypeError for what is no Skeleton.
    """
    checked_skeleton(source)
    checked_skeleton(target)
    keras = require("keras", extra="train", purpose="Changing the skeleton")
    layers = {layer.name: layer for layer in model.layers}
    if "heatmap_2" in layers:
        had, wanted = head_channels(source), head_channels(target)
        origins = posenet_origins(source, target)
    elif "heatmap" in layers:
        had, wanted = {"heatmap": source.num_keypoints}, {"heatmap": target.num_keypoints}
        origins = {"heatmap": _keypoint_origins("heatmap", source, target)}
    else:
        raise ValueError(f"model: wanted a network with the head heatmap_2 or heatmap, got {model.name}")
    old = {name: layers[name] for name in (*_POSENET_HEADS, "heatmap") if name in layers}
    channels = {name: layer.filters for name, layer in old.items()}
    if channels != had:
        raise ValueError(f"source: wanted the skeleton of heads with the channels {channels}, got {had}")

    features = next(iter(old.values())).input
    body = keras.Model(model.inputs, features)
    copy = keras.models.clone_model(body)
    copy.set_weights(body.get_weights())
    heads = {name: head(copy.outputs[0], count, name=name) for name, count in wanted.items()}
    changed = keras.Model(copy.inputs[0], heads, name=model.name)

    weights = {name: [np.asarray(weight) for weight in layer.get_weights()] for name, layer in old.items()}
    rng = np.random.default_rng(seed)
    depth = int(features.shape[-1])
    for name, count in wanted.items():
        kernel = rng.normal(0.0, HEAD_STDDEV, (1, 1, depth, count)).astype(np.float32)
        bias = np.zeros(count, np.float32)
        for channel, origin in enumerate(origins[name]):
            if origin is not None:
                kernel[..., channel] = weights[origin[0]][0][..., origin[1]]
                bias[channel] = weights[origin[0]][1][origin[1]]
        changed.get_layer(name).set_weights([kernel, bias])
    return changed


def _keypoint_origins(head: str, source: Skeleton, target: Skeleton) -> list[Source | None]:
    numbers = {name: number for number, name in enumerate(source.keypoints)}
    return [(head, numbers[name]) if name in numbers else None for name in target.keypoints]


def posenet_origins(source: Skeleton, target: Skeleton) -> dict[str, list[Source | None]]:
    """For each head of a PoseNet for `target`, where each of its channels is in one for `source`: (head, channel), or
    None for keypoints and edges that `source` does not have."""
    keypoints = _keypoint_origins("offset_2", source, target)
    forward, backward = [], []
    numbers = {_named(source, edge): number for number, edge in enumerate(source.edges)}
    for edge in target.edges:
        parent, child = _named(target, edge)
        fwd: Source | None = None
        bwd: Source | None = None
        if (parent, child) in numbers:
            number = numbers[parent, child]
            fwd, bwd = ("displacement_fwd_2", number), ("displacement_bwd_2", number)
        elif (child, parent) in numbers:
            number = numbers[child, parent]
            fwd, bwd = ("displacement_bwd_2", number), ("displacement_fwd_2", number)
        forward.append(fwd)
        backward.append(bwd)
    return {
        "heatmap_2": _keypoint_origins("heatmap_2", source, target),
        "offset_2": _y_then_x(keypoints, source.num_keypoints),
        "displacement_fwd_2": _y_then_x(forward, len(source.edges)),
        "displacement_bwd_2": _y_then_x(backward, len(source.edges)),
    }


def _y_then_x(origins: list[Source | None], count: int) -> list[Source | None]:
    """Channels of y, then those of x, which are `count` further on in the old head."""
    return origins + [None if origin is None else (origin[0], count + origin[1]) for origin in origins]


def _named(skeleton: Skeleton, edge: tuple[int, int]) -> tuple[str, str]:
    return skeleton.keypoints[edge[0]], skeleton.keypoints[edge[1]]
