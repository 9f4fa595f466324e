"""What an export needs of this machine, looked for before anything that takes seconds: TensorFlow, and the model."""

from __future__ import annotations

from posecore.errors import look_for
from posecore.export_targets import Target

_PACKAGES = {
    "tflite": (("tensorflow", "export", "Exporting to TensorFlow Lite"),),
    "coral": (("tensorflow", "export", "Exporting to TensorFlow Lite"),),
    "k210": (("tensorflow", "export", "Exporting to TensorFlow Lite"),),
    "onnx": (
        ("onnx", "onnx", "Exporting to ONNX"),
        ("onnxruntime", "onnx", "Running an ONNX model"),
    ),
}


def look_for_packages(target: Target) -> None:
    """That what makes and verifies a file of this target is installed; nothing is imported.

    Raises:
        MissingExtra: a package is not.
    """
    look_for("keras", extra="export", purpose="Opening a Keras model")
    for module, extra, purpose in _PACKAGES[target]:
        look_for(module, extra=extra, purpose=purpose)
    look_for("cv2", extra="app", purpose="Verifying an export")


def look_for_compiler(target: Target) -> None:
    """That another program which this target needs is there; the K210's takes up to a second.

    Raises:
        MissingExtra: for the K210, no interpreter has nncase.
        ModelError: the interpreter that POSECORE_NNCASE_PYTHON names has no nncase.
    """
    if target == "k210":
        from posecore.export.k210_setup import find_nncase

        find_nncase()
