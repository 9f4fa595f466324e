"""Exporting a trained network to what runs on other machines, and checking that it says the same there.

Nothing here imports TensorFlow, Keras or ONNX until it is called.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from posecore.export.keras_file import open_keras

_LAZY = {
    "open_keras": "posecore.export.keras_file",
}

__all__ = [
    "open_keras",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'posecore.export' has no attribute {name!r}")
    value = getattr(import_module(_LAZY[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({name for name in globals() if name.startswith("__")} | set(__all__))
