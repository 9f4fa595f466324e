"""The files of a TensorFlow.js model: the JSON among others of its folder, and the shards of weights beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_EXPORTED = (".tflite", ".kmodel", ".onnx", ".keras")


def tfjs_descriptions(folder: Path) -> list[Path]:
    """The .json files of a folder that may be tfjs models, sorted: all but those that lie beside other model files, as
    pose.tflite.json and pose.tflite.verify.json do."""
    return [
        path
        for path in sorted(folder.glob("*.json"))
        if not path.name.removesuffix(".json").removesuffix(".verify").lower().endswith(_EXPORTED)
    ]


def is_shard_name(name: Any) -> bool:
    """Whether a manifest may say this: the name of a file in the same folder."""
    return isinstance(name, str) and name not in ("", ".", "..") and not set(name) & {"/", "\\", "\0"}
