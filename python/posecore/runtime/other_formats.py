"""Model files that TensorFlow Lite does not run, and the command that makes one of them that it does."""

from __future__ import annotations

import shlex
from pathlib import Path

from posecore.errors import ModelError
from posecore.tfjs_folder import tfjs_descriptions

_EXPORT = "`posecore export {path} --target tflite` converts it"
_POSENET = "where it is PoseNet's, `posecore export {path} --target tflite` converts it"
_BY_ENDING = {
    ".pb": (
        "a frozen TensorFlow graph",
        f"{_POSENET}; else tensorflow.compat.v1.lite.TFLiteConverter.from_frozen_graph converts it",
    ),
    ".h5": ("a Keras model", "tensorflow.lite.TFLiteConverter.from_keras_model converts it"),
    ".keras": ("a Keras model", _EXPORT),
    ".onnx": (
        "an ONNX model",
        "`posecore inspect {path}` says what is in it; `posecore export MODEL --target tflite` makes a .tflite of the "
        "model that one of posecore's was made of, and the package onnx2tf converts others",
    ),
    ".json": ("a tfjs model", _POSENET),
    ".npz": ("weights alone", _POSENET),
    ".kmodel": (
        "a model that a K210 alone runs",
        "`posecore inspect {path}` says what is in it, and `posecore export MODEL --target tflite` makes a .tflite of "
        "the model that it was made of",
    ),
}


def refuse_other_formats(path: Path) -> None:
    """ModelError for a file or folder that is a model of another kind than .tflite; the sentence says what to type."""
    kind, way = _BY_ENDING.get(path.suffix.lower(), ("", ""))
    if not path.exists():
        return
    if path.is_dir():
        kind, way = _of_folder(path)
    if kind:
        typed = shlex.quote(str(path))
        raise ModelError(f"{path}: wanted a .tflite file, got {kind}; {way.format(path=typed)}")


def _of_folder(folder: Path) -> tuple[str, str]:
    if (folder / "saved_model.pb").is_file():
        return (
            "a TensorFlow SavedModel",
            "tensorflow.lite.TFLiteConverter.from_saved_model converts it",
        )
    if (folder / "config.toml").is_file():
        return "the folder of a training run", _EXPORT
    if tfjs_descriptions(folder):
        return "the folder of a tfjs model", _POSENET
    return "", ""
