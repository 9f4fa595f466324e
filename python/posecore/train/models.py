"""PoseNet on MobileNetV1, as a plain functional Keras model that is easy to fork.

The network of "PersonLab" (arXiv 1803.08225) on "MobileNets" (arXiv 1704.04861), with the layer names of
the weights that Google published with tfjs-models/posenet. Batch normalisation is folded: every
convolution has a bias, and nothing stands between it and its ReLU6.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from posecore.errors import ModelError, require

# Stride and filters at alpha 1 of the 13 depthwise-pointwise blocks.
_FIRST_BLOCKS = ((1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512), *((1, 512),) * 5)
# The published 0.50 and 0.75 neither stride nor widen in the last two blocks: they end at stride 16.
_BLOCKS = {
    0.5: (*_FIRST_BLOCKS, (1, 512), (1, 512)),
    0.75: (*_FIRST_BLOCKS, (1, 512), (1, 512)),
    1.0: (*_FIRST_BLOCKS, (2, 1024), (1, 1024)),
}
_STEM_STRIDE, _STEM_FILTERS = 2, 32
_OUTPUT_STRIDES = (8, 16, 32)


def posenet(
    *,
    alpha: float = 0.75,
    output_stride: int = 16,
    num_keypoints: int = 17,
    num_edges: int = 16,
    input_size: tuple[int, int] | None = None,
) -> Any:
    """Build PoseNet on MobileNetV1; returns an untrained `keras.Model`.

    Input: float32 (n, height, width, 3), RGB, pixel / 127.5 - 1. It is not normalised inside of the graph.
    Output: a dict of float32 arrays on the grid ceil(height / output_stride) x ceil(width / output_stride):

    - `heatmap_2` (n, rows, columns, num_keypoints): logits;
    - `offset_2` (n, rows, columns, 2 * num_keypoints): all y, then all x, input pixels;
    - `displacement_fwd_2`, `displacement_bwd_2` (n, rows, columns, 2 * num_edges): all dy, then all dx,
      input pixels; absent where num_edges is 0.

    `alpha`: width multiplier, 0.5, 0.75 or 1.0. `output_stride`: 8, 16 or 32 input pixels per cell; beyond
    the stride asked for, blocks dilate instead, so that one set of weights serves every stride.
    Alpha 0.5 and 0.75 end at stride 16 and cannot give 32. `input_size`: (width, height) in pixels,
    or None for any size.

    Raises ValueError or TypeError for an argument out of its range, MissingExtra without Keras.
    """
    if alpha not in _BLOCKS:
        raise ValueError(f"alpha must be 0.5, 0.75 or 1.0, got {alpha!r}")
    if output_stride not in _OUTPUT_STRIDES:
        raise ValueError(f"output_stride must be 8, 16 or 32, got {output_stride!r}")
    deepest = _STEM_STRIDE * int(np.prod([stride for stride, _ in _BLOCKS[alpha]]))
    if output_stride > deepest:
        raise ValueError(f"output_stride must be 8 or {deepest} with alpha {alpha}, got {output_stride}")
    _check_count("num_keypoints", num_keypoints, at_least=1)
    _check_count("num_edges", num_edges, at_least=0)
    width, height = (None, None) if input_size is None else _checked_size(input_size)

    keras = _keras()
    image = keras.Input(shape=(height, width, 3), name="image")
    x = _convolution(keras, image, round(_STEM_FILTERS * alpha), name="conv2d_0", size=3, stride=_STEM_STRIDE)
    reached, dilation = _STEM_STRIDE, 1
    for block, (stride, filters) in enumerate(_BLOCKS[alpha], start=1):
        atrous = reached == output_stride
        x = _depthwise(
            keras,
            x,
            name=f"conv2d_{block}_depthwise",
            stride=1 if atrous else stride,
            dilation=dilation,
        )
        x = _convolution(keras, x, round(filters * alpha), name=f"conv2d_{block}_pointwise")
        if atrous:
            dilation *= stride
        else:
            reached *= stride

    channels = {"heatmap_2": num_keypoints, "offset_2": 2 * num_keypoints}
    if num_edges:
        channels |= {"displacement_fwd_2": 2 * num_edges, "displacement_bwd_2": 2 * num_edges}
    heads = {name: keras.layers.Conv2D(count, 1, name=name)(x) for name, count in channels.items()}
    return keras.Model(image, heads, name=f"posenet_mobilenet_v1_{round(alpha * 100):03d}")


def load_posenet_weights(model: Any, path: str | os.PathLike[str]) -> None:
    """Set every weight of `model` from the arrays of an .npz file.

    The file holds `LAYER/kernel` (height, width, in, out; depthwise: height, width, channels, 1) and
    `LAYER/bias`, float32 or float16, finite, for exactly the layers of `model`.
    Raises ModelError, and leaves `model` as it was, if the file is anything else.
    """
    path = Path(path)
    wanted = {f"{layer.name}/{weight.name}": weight for layer in model.layers for weight in layer.weights}
    try:
        file = path.open("rb")
    except OSError as error:
        raise ModelError(f"weights {path} cannot be read: {error.strerror}") from error
    with file:
        try:
            archive = np.load(file, allow_pickle=False)
        except Exception as error:  # whatever a broken file makes the zip and npy readers raise
            raise ModelError(f"weights {path} are not a whole .npz file") from error
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise ModelError(f"weights {path} must be an .npz file of named arrays, got a single .npy array")
        names = set(archive.files)
        for name in sorted(wanted.keys() - names):
            raise ModelError(f"weights {path} have no array {name}, which {model.name} needs")
        for name in sorted(names - wanted.keys()):
            raise ModelError(f"weights {path} have an array {name!r}, for which {model.name} has no layer")
        arrays = {name: _read_array(archive, name, tuple(w.shape), path) for name, w in wanted.items()}
    for name, weight in wanted.items():
        weight.assign(arrays[name])


def _keras() -> ModuleType:
    return require("keras", extra="train", purpose="Building PoseNet")


def _convolution(
    keras: ModuleType, x: Any, filters: int, *, name: str, size: int = 1, stride: int = 1
) -> Any:
    """Convolution, bias, ReLU6: the one place, with `_depthwise`, where batch normalisation would go."""
    x = keras.layers.Conv2D(filters, size, strides=stride, padding="same", name=name)(x)
    return keras.layers.ReLU(max_value=6.0, name=f"{name}_relu6")(x)


def _depthwise(keras: ModuleType, x: Any, *, name: str, stride: int, dilation: int) -> Any:
    x = keras.layers.DepthwiseConv2D(3, strides=stride, padding="same", dilation_rate=dilation, name=name)(x)
    return keras.layers.ReLU(max_value=6.0, name=f"{name}_relu6")(x)


def _check_count(argument: str, value: int, *, at_least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{argument} must be an int, got {type(value).__name__}")
    if value < at_least:
        raise ValueError(f"{argument} must be at least {at_least}, got {value}")


def _checked_size(input_size: tuple[int, int]) -> tuple[int, int]:
    if not isinstance(input_size, tuple) or len(input_size) != 2:
        raise TypeError(f"input_size must be (width, height) or None, got {input_size!r}")
    _check_count("input_size width", input_size[0], at_least=1)
    _check_count("input_size height", input_size[1], at_least=1)
    return input_size


def _read_array(archive: Any, name: str, shape: tuple[int, ...], path: Path) -> NDArray[np.float32]:
    """One array of an open .npz; its header is judged before any of its data is unpacked."""
    try:
        with archive.zip.open(f"{name}.npy") as member:
            version = npy_format.read_magic(member)
            read_header = (
                npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
            )
            got_shape, _, dtype = read_header(member)
    except Exception as error:  # as in load_posenet_weights
        raise ModelError(f"weights {path} are damaged at array {name}") from error
    if got_shape != shape:
        raise ModelError(f"weights {path} have {name} of shape {got_shape}, the model needs {shape}")
    if dtype not in (np.dtype(np.float32), np.dtype(np.float16)):
        raise ModelError(f"weights {path} have {name} of dtype {dtype}, wanted float32 or float16")
    try:
        array = np.asarray(archive[name], dtype=np.float32)
    except Exception as error:
        raise ModelError(f"weights {path} are damaged at array {name}") from error
    if not np.isfinite(array).all():
        raise ModelError(f"weights {path} have a value that is not finite in {name}")
    return array
