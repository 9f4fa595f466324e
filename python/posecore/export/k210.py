"""`to_k210`: a Keras model as a .kmodel file for Kendryte's K210, all of whose layers run on its KPU."""

from __future__ import annotations

import collections
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from posecore.artifact import Artifact, HeadSpec, InputSpec
from posecore.errors import ModelError
from posecore.export.calibration import DEFAULT_COUNT, calibration_pictures, described
from posecore.export.contract import Contract, contract
from posecore.export.k210_header import header_text
from posecore.export.k210_nncase import INPUT_RANGE, TIMEOUT_S, Nncase, NncaseError
from posecore.export.k210_setup import find_nncase
from posecore.export.kmodel import Kmodel
from posecore.export.kpu_network import kpu_network, rebuilt
from posecore.export.kpu_plan import KpuPlan, plan_network
from posecore.export.model_file import write_model
from posecore.export.tflite import converted, tool_versions

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.skeletons import Skeleton

DEFAULT_SIZE = (224, 224)
# Why nncase leaves an operator to the CPU.
_REASONS = {
    "CONV2D": "a convolution that the KPU does not have, or an input higher than 256 or wider than 512",
    "PAD": "zeros on one side only, or where no stride follows",
    "BINARY": "sums and products of tensors",
    "RESIZE_IMAGE": "a change of size",
    "REDUCE_WINDOW2D": "pooling other than 2x2",
    "QUANTIZE": "the way from the CPU back to the KPU",
    "TRANSPOSE": "another order of axes",
    "CONVERT": "another type of number",
}


def to_k210(
    model: Any,
    path: str | os.PathLike[str],
    *,
    size: tuple[int, int] = DEFAULT_SIZE,
    calibration: str | os.PathLike[str] | Iterable[Any] | None = None,
    calibration_count: int = DEFAULT_COUNT,
    random_calibration: bool = False,
    python: str | os.PathLike[str] | None = None,
    timeout_s: float = TIMEOUT_S,
    skeleton: Skeleton | None = None,
) -> Artifact:
    """Write `model` as a .kmodel file of version 5, beside it what it is (`Artifact`) and a C header with its sizes
    (the file's name with .h); gives the artifact.

    The graph is rebuilt so that the KPU runs all of it: zeros on all sides before each stride, batch normalisation
    inside of the convolutions, one size. The file takes a camera's bytes, uint8 (1, 3, height, width) of RGB, and gives
    float32 (1, channels, rows, columns) in the order of the artifact's heads.

    Args:
        model: one of posecore's networks as a `keras.Model`, in practice a PoseNet on MobileNet; see `kpu_network`.
        path: where to; what is there is replaced.
        size: (width, height) of the input in pixels, which the network's stride divides.
        calibration: a folder of pictures, or RGB pictures uint8 (h, w, 3), like those that the network will see.
        calibration_count: at most so many of them.
        random_calibration: insists on noise in their place, which gives models that place keypoints wrongly.
        python: an interpreter with nncase; None looks for one, see `k210_setup.find_nncase`.
        timeout_s: after so many seconds nncase is ended.
        skeleton: what the keypoints are; None is COCO's for a model of 17.

    Raises:
        TypeError, ValueError: an argument that is something else, such as a size that the KPU does not take.
        ModelError: a model that the KPU cannot run or has no memory for, which is known before nncase starts; one that
            nncase refuses, crashes on or does not finish, whose log is then in `path` with .log; or a result of which
            the CPU would have to run more than the last step.
        SourceError: calibration pictures that cannot be read.
        OSError: a file cannot be written.
        MissingExtra: TensorFlow, Keras or nncase is not installed.
    """
    target = Path(path)
    if target.suffix.lower() in (".h", ".json", ".log"):
        raise ValueError(f"path: wanted a file such as pose.kmodel, got {target.name}")
    found = contract(model, skeleton=skeleton)
    plan = plan_network(kpu_network(found), size)
    if not plan.fits:
        raise ModelError(plan.sentence())
    shown = calibration_pictures(calibration, plan.size, count=calibration_count, random=random_calibration)
    nncase = find_nncase(python)
    tflite = converted(rebuilt(found, plan.size), found.heads, None, None)
    data = _compiled(nncase, tflite, shown, found, target, timeout_s)
    kmodel = Kmodel.read(data, name=target.name)
    check_kmodel(kmodel, plan, found, name=target.name)
    artifact = Artifact(
        file=target.name,
        sha256="0" * 64,
        target="k210",
        precision="uint8",
        kind=found.kind,
        skeleton=found.skeleton,
        input=InputSpec("image", plan.size, "NCHW", "uint8", INPUT_RANGE),
        heads=tuple(
            HeadSpec(head.role, head.name, port.shape, "float32", "NCHW", head.unit)
            for head, port in zip(found.heads, kmodel.outputs, strict=True)
        ),
        stride_px=float(plan.network.stride_px),
        scores=found.scores,
        calibration=described(shown, random=random_calibration),
        tools={**tool_versions(), "nncase": nncase.release, "nncase python": nncase.python_version},
    )
    return _written(target, data, artifact, kmodel)


def check_kmodel(kmodel: Kmodel, plan: KpuPlan, found: Contract, *, name: str) -> None:
    """That the KPU runs all of a compiled model in one go, and that its outputs are the contract's.

    Raises:
        ModelError: the CPU has more to do than to make floats of the results; the sentence says what, and why.
    """
    on_cpu = collections.Counter(op.name for op in kmodel.cpu_ops)
    if kmodel.kpu_calls != 1 or set(on_cpu) - {"DEQUANTIZE"} or on_cpu["DEQUANTIZE"] > len(found.heads):
        listed = ", ".join(f"{count} {op}" for op, count in sorted(on_cpu.items())) or "nothing"
        reasons = "; ".join(f"{op} is {_REASONS[op]}" for op in sorted(on_cpu) if op in _REASONS)
        raise ModelError(
            f"{name}: wanted all on the KPU, called once, and one DEQUANTIZE for each output on the CPU, got "
            f"{kmodel.kpu_calls} calls with {len(kmodel.kpu_layers)} of {len(plan.network.layers)} convolutions, and "
            f"on the CPU {listed}{': ' if reasons else ''}{reasons}"
        )
    width, height = (side // plan.network.stride_px for side in plan.size)
    wanted = [("float32", (1, head.channels, height, width)) for head in found.heads]
    got = [(port.dtype, port.shape) for port in kmodel.outputs]
    if got != wanted:
        raise ModelError(f"{name}: wanted the outputs {wanted} of nncase, got {got}")


def _compiled(
    nncase: Nncase,
    tflite: bytes,
    shown: list[npt.NDArray[Any]],
    found: Contract,
    target: Path,
    timeout_s: float,
) -> bytes:
    import numpy as np

    log = target.with_name(target.name + ".log")
    try:
        return nncase.compile(tflite, np.stack(shown), name=found.model.name, timeout_s=timeout_s)
    except NncaseError as error:
        if not error.log:
            raise
        try:
            log.write_text(error.log, encoding="utf-8")
        except OSError:
            raise error from None
        raise NncaseError(f"{error}; its log is {log}", log=error.log) from None


def _written(target: Path, data: bytes, artifact: Artifact, kmodel: Kmodel) -> Artifact:
    """The three files, or none of them."""
    artifact = write_model(target, data, artifact)
    header = target.with_suffix(".h")
    part = header.with_name(f".{header.name}.{os.getpid()}.part")
    try:
        part.write_text(header_text(artifact, kmodel), encoding="ascii")
        os.replace(part, header)
    except OSError as error:
        target.unlink(missing_ok=True)
        Artifact.path_beside(target).unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(header)) from error
    finally:
        part.unlink(missing_ok=True)
    return artifact
