"""`open_keras`: a Keras model out of a .keras file, which may come from anywhere.

A .keras file says which classes of which modules are to be made, and with what. Keras' safe mode forbids some of that;
here only plain layers of Keras are allowed, by name, and all is looked at before Keras sees the file: what is not on
the lists below is refused, weights lie in the file itself, layers do not ask for more weights than the file holds, and
what they make of a picture has a size that memory holds.
"""

from __future__ import annotations

import io
import json
import math
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from posecore.errors import ModelError, look_for, require
from posecore.export.activations import refuse_huge_model
from posecore.printable import printable

MOST_BYTES = 1 << 30  # of the file and of what it unpacks to; SimpleBaseline-152 is a quarter of it
MOST_CONFIG_BYTES = 1 << 24
MOST_LAYERS = 4096
_MOST_DEPTH = 64
_MOST_OBJECTS = 1 << 18  # of all kinds, and datasets

_MEMBERS = ("metadata.json", "config.json", "model.weights.h5")
_MODELS = ("Functional", "Sequential")
# Layers whose numbers of weights `_weights` knows.
_WITH_WEIGHTS = (
    "Conv2D",
    "Conv2DTranspose",
    "DepthwiseConv2D",
    "SeparableConv2D",
    "Dense",
    "BatchNormalization",
    "PReLU",
)
_LAYERS = (
    *_WITH_WEIGHTS,
    *("InputLayer", "ReLU", "LeakyReLU", "ELU", "Softmax", "Activation", "Identity", "Rescaling"),
    *("ZeroPadding2D", "Cropping2D", "UpSampling2D", "Flatten", "Reshape", "Permute"),
    *("MaxPooling2D", "AveragePooling2D", "GlobalAveragePooling2D", "GlobalMaxPooling2D"),
    *("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"),
    *("Dropout", "SpatialDropout2D", "GaussianNoise"),
)
# Module to classes; None stands for objects that have no module of their own.
_ALLOWED: dict[str | None, tuple[str, ...]] = {
    "keras.layers": _LAYERS,
    "keras": ("DTypePolicy", *_MODELS),
    "keras.models": _MODELS,
    "keras.src.models.functional": ("Functional",),
    "keras.src.models.sequential": ("Sequential",),
    "keras.initializers": (
        *("Zeros", "Ones", "Constant", "RandomNormal", "RandomUniform", "TruncatedNormal", "Orthogonal"),
        *("GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "LecunNormal", "LecunUniform"),
        "VarianceScaling",
    ),
    "keras.regularizers": ("L1", "L2", "L1L2"),
    "keras.constraints": ("MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm"),
    None: ("__keras_tensor__", "__tuple__"),
}


def keras_package(purpose: str) -> Any:
    """Keras, or MissingExtra with the line that installs it for exports; `purpose` as for `require`."""
    return require("keras", extra="export", purpose=purpose)


def open_keras(path: str | os.PathLike[str], *, purpose: str = "Opening a .keras file") -> Any:
    """The functional `keras.Model` of a .keras file, not compiled.

    `purpose`: for the sentence that asks for Keras where it is not installed.

    Raises:
        ModelError: no such file, not a .keras file, damaged, too large, with a class that is not one of Keras' plain
            layers (Lambda and everybody's own among them), with layers whose outputs no memory holds
            (`activations`), or not functional.
        MissingExtra: Keras is not installed.
    """
    path = Path(path)
    look_for("keras", extra="export", purpose=purpose)
    config, stored = _checked(path)
    wanted = sum(_weights(path, layer) for layer in _layers(path, config))
    if wanted > stored:
        raise ModelError(
            f"{path}: wanted a file with the weights of its layers, got {stored:,} numbers for the {wanted:,} that "
            "the layers ask for"
        )
    refuse_huge_model(config, str(path))
    keras = keras_package(purpose)
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # whatever Keras raises for a file that is not as it says
        raise ModelError(
            f"{path}: Keras cannot open it ({_first_line(error)}); it is damaged, or of another Keras"
        ) from None
    if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
        raise ModelError(f"{path}: wanted a functional model, got {type(model).__name__}")
    return model


def input_size_of(path: Path) -> tuple[int, int] | None:
    """(width, height) in pixels of the only input that a .keras file says it has; None where it is free, or where
    opening the file will say what is wrong with it. Takes no Keras."""
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo("config.json").file_size > MOST_CONFIG_BYTES:
                return None
            config = json.loads(archive.read("config.json"))
        inputs = [one for one in _objects(path, config) if one.get("class_name") == "InputLayer"]
        (shape,) = (one["config"]["batch_shape"] for one in inputs)
        _, height, width, _ = shape
    except Exception:  # whatever a broken file raises
        return None
    both = isinstance(height, int) and isinstance(width, int)
    return (width, height) if both else None


def _checked(path: Path) -> tuple[dict[str, Any], int]:
    """The configuration, all of whose classes are allowed, and how many numbers the file holds as weights."""
    try:
        if not path.is_file():
            raise ModelError(f"{path}: there is no such file")
        if path.stat().st_size > MOST_BYTES:
            raise ModelError(f"{path}: wanted at most {MOST_BYTES >> 20} MiB, got a larger file")
        with zipfile.ZipFile(path) as archive:
            sizes = {member.filename: member.file_size for member in archive.infolist()}
            if len(archive.infolist()) != len(sizes) or set(sizes) != set(_MEMBERS):
                raise ModelError(
                    f"{path}: wanted {', '.join(_MEMBERS)} in it, once each, got {_listed(archive.namelist())}"
                )
            if sizes["config.json"] > MOST_CONFIG_BYTES or sum(sizes.values()) > MOST_BYTES:
                raise ModelError(f"{path}: wanted at most {MOST_BYTES >> 20} MiB unpacked, got more")
            text, weights = archive.read("config.json"), archive.read("model.weights.h5")
    except ModelError:
        raise
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}") from None
    except Exception as error:  # whatever a broken file makes the zip reader raise
        raise ModelError(f"{path}: wanted a whole .keras file, got one that cannot be read") from error
    try:
        config = json.loads(text)
    except (ValueError, RecursionError):
        config = None
    if not isinstance(config, dict) or config.get("class_name") not in _MODELS:
        raise ModelError(f"{path}: wanted the configuration of a functional model, got another")
    # How it was compiled is not read: the losses that a model was trained with may be anybody's.
    config = {name: one for name, one in config.items() if name != "compile_config"}
    for _ in _objects(path, config):
        pass
    return config, _stored_numbers(path, weights)


def _objects(path: Path, root: Any) -> Iterator[dict[str, Any]]:
    """All objects of the configuration that name a class; ModelError for one that is not allowed."""
    waiting: list[tuple[Any, int]] = [(root, 0)]
    seen = 0
    while waiting:
        value, depth = waiting.pop()
        seen += 1
        if depth > _MOST_DEPTH or seen > 16 * _MOST_OBJECTS:
            raise ModelError(f"{path}: wanted a configuration of a sane size, got one too deep or too large")
        if isinstance(value, dict):
            if {"class_name", "registered_name", "module"} & value.keys():
                _refuse_others(path, value)
                yield value
            waiting += [(one, depth + 1) for one in value.values()]
        elif isinstance(value, list):
            waiting += [(one, depth + 1) for one in value]


def _refuse_others(path: Path, value: dict[str, Any]) -> None:
    module, name = value.get("module"), value.get("class_name")
    known = isinstance(module, str | None) and isinstance(name, str) and name in _ALLOWED.get(module, ())
    registered = value.get("registered_name")
    if known and registered in (None, name):
        return
    shown = printable(str(name)[:60])
    if name == "Lambda":
        hint = "a Lambda layer holds code, and code in a model file is never run"
    elif registered not in (None, name):
        hint = f"it goes by the registered name {printable(str(registered)[:60])!r}, which is somebody's own class"
    else:
        hint = f"it is of {printable(str(module)[:60])}"
    raise ModelError(f"{path}: wanted plain Keras layers, got {shown}; {hint}")


def _layers(path: Path, config: dict[str, Any]) -> list[dict[str, Any]]:
    found = [one for one in _objects(path, config) if one.get("module") == "keras.layers"]
    if len(found) > MOST_LAYERS:
        raise ModelError(f"{path}: wanted at most {MOST_LAYERS} layers, got {len(found)}")
    return found


def _weights(path: Path, layer: dict[str, Any]) -> int:
    """How many numbers Keras makes for a layer when it builds it: from its configuration, and from the shape that its
    input is said to have, for which it is built."""
    name = layer["class_name"]
    if name not in _WITH_WEIGHTS:
        return 0
    config = layer.get("config")
    build = layer.get("build_config")
    shape = build.get("input_shape") if isinstance(build, dict) else None
    if not isinstance(config, dict) or not isinstance(shape, list) or not shape:
        raise ModelError(
            f"{path}: wanted layers with the shape that they were built for, got a {name} without"
        )
    channels = _whole(path, name, shape[-1])
    kernel = config.get("kernel_size", [1])
    kernel = kernel if isinstance(kernel, list) else [kernel, kernel]
    cells = math.prod(_whole(path, name, side) for side in kernel)
    out = _whole(path, name, config.get("filters", config.get("units", 1)))
    multiplier = _whole(path, name, config.get("depth_multiplier", 1))
    if name == "BatchNormalization":
        return 2 * channels
    if name == "PReLU":
        shared = config.get("shared_axes") or ()
        own = [side for axis, side in enumerate(shape[1:], start=1) if axis not in shared]
        return math.prod(_whole(path, name, side) for side in own)
    if name == "DepthwiseConv2D":
        return cells * channels * multiplier
    if name == "SeparableConv2D":
        return cells * channels * multiplier + channels * multiplier * out
    groups = _whole(path, name, config.get("groups", 1))
    return cells * channels * out // max(groups, 1)


def _whole(path: Path, layer: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 1 << 24:
        raise ModelError(f"{path}: {layer}: wanted whole numbers from 1, got {printable(repr(value)[:40])}")
    return value


def _stored_numbers(path: Path, data: bytes) -> int:
    """How many numbers an HDF5 file of weights holds, all of them in the file itself."""
    h5py: Any = require("h5py", extra="export", purpose="Opening a .keras file")
    numbers = 0
    try:
        with h5py.File(io.BytesIO(data), "r") as file:
            waiting: list[tuple[Any, int]] = [(file, 0)]
            seen = 0
            while waiting:
                group, depth = waiting.pop()
                for name in group.keys():  # noqa: SIM118 (h5py's groups are not dicts)
                    seen += 1
                    if seen > _MOST_OBJECTS or depth > _MOST_DEPTH:
                        raise ModelError(f"{path}: wanted weights of a sane number of layers, got more")
                    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                        raise ModelError(
                            f"{path}: wanted weights in the file itself, got a link to elsewhere"
                        )
                    item = group[name]
                    if isinstance(item, h5py.Group):
                        waiting.append((item, depth + 1))
                        continue
                    is_plain = (
                        isinstance(item, h5py.Dataset)
                        and not item.external
                        and not item.is_virtual
                        and item.chunks is None
                        and item.dtype.kind in "fiu"
                    )
                    if not is_plain:
                        raise ModelError(
                            f"{path}: wanted weights as plain arrays of numbers, got {name[:40]}"
                        )
                    numbers += item.size
    except ModelError:
        raise
    except Exception as error:  # whatever a broken file makes the HDF5 library say
        raise ModelError(f"{path}: wanted whole weights, got HDF5 that cannot be read") from error
    if numbers > len(data):
        raise ModelError(f"{path}: wanted whole weights, got {len(data):,} bytes for {numbers:,} numbers")
    return numbers


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return printable((lines[0] if lines else type(error).__name__)[:160])


def _listed(names: list[str]) -> str:
    shown = ", ".join(printable(name[:40]) for name in names[:6])
    return (shown + (f" and {len(names) - 6} more" if len(names) > 6 else "")) or "nothing"
