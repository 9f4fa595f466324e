"""`open_source`: a pose network as a Keras model with its skeleton, from any of the forms in which people have one.

A run folder of `posecore train`, a .keras file, or the weights of PoseNet: .npz, a frozen graph .pb (posenet-python's)
or a tfjs graph model. What is a network's own, such as its backbone and stride, is read off the file; nothing in a
file is ever executed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from posecore import skeletons
from posecore.errors import ModelError, SourceError, look_for
from posecore.keras_sidecar import read_keras_sidecar, sidecar_of
from posecore.skeletons import Skeleton
from posecore.tfjs_folder import tfjs_descriptions

Weights = Literal["best", "final", "last"]
WEIGHTS: tuple[Weights, ...] = ("best", "final", "last")
_PURPOSE = "Opening a Keras model"


@dataclass(frozen=True, slots=True, eq=False)
class KerasSource:
    """A network that can be exported.

    Attributes:
        model: the `keras.Model`, float32, not compiled, without batch normalisation that can be folded.
        skeleton: what its keypoints are.
        name: what files about it are called: the folder's or file's name without its ending.
        about: one line on what was recognised.
        size: (width, height) in pixels that it was trained with, or that is the only one that it takes; None where
            nobody says.
        files: what was read, none of which is to be written over.
    """

    model: Any
    skeleton: Skeleton
    name: str
    about: str
    size: tuple[int, int] | None
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class SourceLook:
    """What is known of a network before it is opened, for which no Keras is needed: `name`, `size` and `files` as of
    `KerasSource`."""

    name: str
    size: tuple[int, int] | None
    files: tuple[Path, ...]


def want_source(path: str | os.PathLike[str]) -> None:
    """That something lies there which has the name of a network; raises as `open_source` where not."""
    _kind(Path(path))


def look_at_source(path: str | os.PathLike[str]) -> SourceLook:
    """What `open_source` will say of the same path, as far as that takes no time; raises as it does for a path that is
    no network's, and for the configuration of a run folder."""
    path = Path(path)
    kind = _kind(path)
    if kind == "run":
        from posecore.train.config import read_config

        file = path / "config.toml"
        return SourceLook(path.resolve().name, read_config(file).input.size, (file,))
    if kind == "keras":
        from posecore.export.keras_file import input_size_of

        return SourceLook(path.stem, input_size_of(path), (path,))
    return SourceLook(path.stem, None, (path,) if path.is_file() else ())


def open_source(
    path: str | os.PathLike[str],
    *,
    output_stride: int | None = None,
    skeleton: str | None = None,
    weights: Weights | None = None,
) -> KerasSource:
    """Open a network.

    Args:
        path: a run folder, .keras, .npz, .pb, or a tfjs model's .json or folder.
        output_stride: input pixels per cell of a PoseNet that is opened from weights: 8, 16 or 32. None: the file's
            own, 16 where a file has none.
        skeleton: the name of a skeleton, where the file does not say what its keypoints are; None is COCO's 17 for
            17.
        weights: of a run folder: "best" by its validation, "final", or "last" of its checkpoint; None takes the first
            of these that is there.

    Raises:
        ModelError: what is there is none of these, damaged, or not a pose network.
        SourceError: the configuration of a run folder is not one.
        ValueError: an argument that does not fit the file; the sentence begins with its name.
        MissingExtra: Keras is not installed.
    """
    path = Path(path)
    kind = _kind(path)
    if output_stride is not None and kind != "weights":
        raise ValueError(
            f"output_stride: wanted it with PoseNet's weights alone, since {path} says its own, got {output_stride}"
        )
    if weights is not None and kind != "run":
        raise ValueError(f"weights: wanted a run folder to choose the weights of, got {path} and {weights!r}")
    if kind == "run":
        if skeleton is not None:
            raise ValueError(f"skeleton: wanted none, since the run {path} says its own, got {skeleton!r}")
        return _from_run(path, weights)
    if kind == "keras":
        return _from_keras(path, skeleton)
    return _from_weights(path, output_stride, skeleton)


def _kind(path: Path) -> Literal["run", "keras", "weights"]:
    suffix = path.suffix.lower()
    if path.is_dir():
        if (path / "config.toml").is_file():
            return "run"
        if tfjs_descriptions(path):
            return "weights"
        if (path / "saved_model.pb").is_file():
            raise ModelError(
                f"{path}: wanted a Keras model, got a TensorFlow SavedModel, which holds no layers; where it was made "
                "from Keras, model.save('name.keras') writes one"
            )
        raise ModelError(
            f"{path}: wanted the folder of a training run (config.toml in it) or of a tfjs model (.json), got another"
        )
    if not path.exists():
        raise ModelError(f"{path}: there is no such file or folder")
    if suffix == ".keras":
        return "keras"
    if suffix in (".npz", ".pb", ".json"):
        return "weights"
    if suffix in (".h5", ".hdf5"):
        raise ModelError(
            f"{path}: wanted .keras, got Keras' older .h5, which its safe mode does not cover; with the Keras that "
            "made it, keras.models.load_model(...).save('name.keras') converts one that you trust"
        )
    if suffix in (".tflite", ".kmodel", ".onnx"):
        raise ModelError(
            f"{path}: wanted a Keras model to export, got {suffix}, which is exported already; `posecore inspect` "
            "shows what is in it"
        )
    raise ModelError(
        f"{path}: wanted a run folder of `posecore train`, .keras, or PoseNet's weights (.npz, .pb, a tfjs .json), "
        f"got {suffix or 'a file without an ending'}"
    )


def _from_weights(path: Path, output_stride: int | None, skeleton: str | None) -> KerasSource:
    from posecore.export.keras_file import keras_package
    from posecore.train import networks
    from posecore.train.networks.weights_tfjs import tfjs_files

    if path.suffix.lower() == ".npz" and (path.parent / "config.toml").is_file():
        raise ModelError(
            f"{path}: it lies in the folder of a training run, which says what network it is for; open {path.parent}"
        )
    look_for("keras", extra="export", purpose=_PURPOSE)
    found = networks.recognise_posenet(path)
    stride = output_stride or found.output_stride or networks.DEFAULT_STRIDE_PX
    chosen = _skeleton_of(skeleton, found.keypoints, str(path), edges=found.edges)
    keras_package(_PURPOSE)  # else what builds networks asks for the extra of training
    model = networks.posenet(
        found.backbone,
        skeleton=chosen,
        output_stride=stride,
        channels=found.channels,
        batch_norm=found.batch_norm,
    )
    networks.load_posenet_weights(model, path)
    files = tfjs_files(path) if path.is_dir() or path.suffix.lower() == ".json" else (path,)
    about = f"PoseNet on {_title(found.backbone)}, output stride {stride}, {chosen.name}, from {found.form}"
    return KerasSource(_folded(model), chosen, path.stem, about, None, files)


def _from_run(path: Path, weights: Weights | None) -> KerasSource:
    from posecore.export.keras_file import keras_package
    from posecore.train import networks
    from posecore.train.config import read_config
    from posecore.train.recipes import make_recipe
    from posecore.train.trained_weights import load_last

    look_for("keras", extra="export", purpose=_PURPOSE)
    config = read_config(path / "config.toml")
    taken = _weights_of_run(path, weights)
    keras_package(_PURPOSE)
    try:
        recipe = make_recipe(config)
        model = recipe.build(recipe.skeleton)
    except SourceError as error:
        raise SourceError(f"{path / 'config.toml'}: {error}") from None
    except (TypeError, ValueError) as error:
        raise ModelError(f"{path / 'config.toml'}: {error}") from None
    file = path / f"{taken}.npz"
    if taken == "last":
        load_last(model, config, file)
    else:
        networks.load_posenet_weights(model, file)
    name, (width, height) = path.resolve().name, recipe.size
    about = f"{recipe.name} of the run {name}, {recipe.skeleton.name}, trained at {height}x{width}, {taken} weights"
    files = (path / "config.toml", file)
    return KerasSource(_folded(model), recipe.skeleton, name, about, recipe.size, files)


def _weights_of_run(path: Path, wanted: Weights | None) -> Weights:
    there = [name for name in WEIGHTS if (path / f"{name}.npz").is_file()]
    if not there:
        raise ModelError(
            f"{path}: wanted a run with weights, got none of {', '.join(f'{name}.npz' for name in WEIGHTS)}; "
            "`posecore train` writes them at the end of an epoch"
        )
    if wanted is not None and wanted not in there:
        raise ValueError(f"weights: wanted one of {', '.join(there)}, which {path} has, got {wanted!r}")
    return wanted or there[0]


def _from_keras(path: Path, skeleton: str | None) -> KerasSource:
    from posecore.export.contract import contract
    from posecore.export.keras_file import open_keras

    beside = read_keras_sidecar(path)
    if beside is not None and skeleton not in (None, beside.name):
        raise ValueError(f"skeleton: wanted {beside.name}, as {sidecar_of(path)} says, got {skeleton}")
    chosen = beside if skeleton is None else skeletons.get(skeleton)
    model = open_keras(path, purpose=_PURPOSE)
    try:
        found = contract(model, skeleton=chosen)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None
    about = f"Keras model {model.name}, {found.skeleton.name}"
    return KerasSource(model, found.skeleton, path.stem, about, found.input_size, (path, sidecar_of(path)))


def _skeleton_of(name: str | None, keypoints: int, file: str, *, edges: int | None = None) -> Skeleton:
    if name is None:
        if keypoints != skeletons.COCO17.num_keypoints:
            raise ValueError(
                f"skeleton: wanted one of {', '.join(skeletons.names())} of {keypoints} keypoints, as {file} has them, "
                "got none"
            )
        chosen = skeletons.COCO17
    else:
        chosen = skeletons.get(name)
    if chosen.num_keypoints != keypoints:
        raise ValueError(
            f"skeleton: wanted one of {keypoints} keypoints, as {file} has them, got {chosen.name} with "
            f"{chosen.num_keypoints}"
        )
    if edges is not None and edges != len(chosen.edges):
        if edges:
            raise ModelError(
                f"{file}: wanted displacements for the {len(chosen.edges)} edges of {chosen.name}, got {edges}"
            )
        chosen = replace(chosen, edges=())
    return chosen


def _folded(model: Any) -> Any:
    from posecore.train import networks

    if not any(type(layer).__name__ == "BatchNormalization" for layer in model.layers):
        return model
    return networks.fold_batch_norm(model)


def _title(backbone: str) -> str:
    kind, _, number = backbone.rpartition("_")
    return f"MobileNetV1 {int(number) / 100:.2f}" if kind == "mobilenet_v1" else f"ResNet-{number}"
