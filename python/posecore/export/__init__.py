"""Exporting a trained network to what runs on other machines, and checking that it says the same there.

Nothing here imports TensorFlow, Keras or ONNX until it is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from posecore.lazy_names import lazy_names

if TYPE_CHECKING:
    from posecore.artifact import Artifact
    from posecore.export.calibration import calibration_pictures
    from posecore.export.comparison import verify
    from posecore.export.contract import Contract
    from posecore.export.coral import to_coral
    from posecore.export.decoder_surgery import append_decoder, strip_decoder
    from posecore.export.edge_tpu import edge_tpu_report
    from posecore.export.k210 import to_k210
    from posecore.export.keras_file import open_keras
    from posecore.export.kmodel import Kmodel
    from posecore.export.kpu_plan import plan_kpu
    from posecore.export.kpu_simulator import KpuSimulator
    from posecore.export.onnx_export import to_onnx
    from posecore.export.tflite import to_tflite
    from posecore.export.verification import Verification

_LAZY = {
    "Artifact": "posecore.artifact",
    "Contract": "posecore.export.contract",
    "Kmodel": "posecore.export.kmodel",
    "KpuSimulator": "posecore.export.kpu_simulator",
    "Verification": "posecore.export.verification",
    "append_decoder": "posecore.export.decoder_surgery",
    "calibration_pictures": "posecore.export.calibration",
    "edge_tpu_report": "posecore.export.edge_tpu",
    "open_keras": "posecore.export.keras_file",
    "plan_kpu": "posecore.export.kpu_plan",
    "strip_decoder": "posecore.export.decoder_surgery",
    "to_coral": "posecore.export.coral",
    "to_k210": "posecore.export.k210",
    "to_onnx": "posecore.export.onnx_export",
    "to_tflite": "posecore.export.tflite",
    "verify": "posecore.export.comparison",
}

__all__ = [
    "Artifact",
    "Contract",
    "Kmodel",
    "KpuSimulator",
    "Verification",
    "append_decoder",
    "calibration_pictures",
    "edge_tpu_report",
    "open_keras",
    "plan_kpu",
    "strip_decoder",
    "to_coral",
    "to_k210",
    "to_onnx",
    "to_tflite",
    "verify",
]

__getattr__, __dir__ = lazy_names(__name__, _LAZY)
