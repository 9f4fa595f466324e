"""What `posecore export` makes for each target: which options it has, how its file is called, who makes it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from posecore.errors import PosecoreError
from posecore.runtime.decoder_options import DecoderOptions
from posecore.usage import UsageError

if TYPE_CHECKING:
    from posecore.artifact import Artifact
    from posecore.keras_source import KerasSource

Target = Literal["tflite", "coral", "k210", "onnx"]
TARGETS: tuple[Target, ...] = ("tflite", "coral", "k210", "onnx")
QUANTIZE = ("float32", "float16", "dynamic", "int8", "uint8")
SUFFIXES: dict[Target, str] = {"tflite": ".tflite", "coral": ".tflite", "k210": ".kmodel", "onnx": ".onnx"}
_INTEGER = ("int8", "uint8")
# (width, height) in pixels where neither the option nor the model says one. Coral's is that of its own PoseNet; the
# K210 holds MobileNet 1.00 at this size and takes even ones.
_EVEN = 32
DEFAULT_SIZES: dict[Target, tuple[int, int]] = {
    "tflite": (257, 257),
    "coral": (481, 353),
    "k210": (224, 224),
    "onnx": (257, 257),
}


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """What is to be made.

    Attributes:
        target: for what.
        quantize: one of `QUANTIZE`.
        size: (width, height) in pixels, None for any size.
        decoder: options of a PosenetDecoderOp at its end, or None for none.
    """

    target: Target
    quantize: str
    size: tuple[int, int] | None
    decoder: DecoderOptions | None = None

    @property
    def needs_calibration(self) -> bool:
        """Whether ranges of tensors have to be measured on pictures."""
        return needs_calibration(self.target, self.quantize)

    def file_name(self, name: str) -> str:
        """What the file is called where nobody says: the model's name, size, precision and target."""
        stem = re.sub(r"[^\w.-]+", "_", name).strip("._") or "model"
        size = "any" if self.size is None else f"{self.size[1]}x{self.size[0]}"
        parts = [stem, size]
        parts += [] if self.target in ("coral", "k210") else [self.quantize]
        parts += [self.target] if self.target == "coral" else []
        parts += ["decoder"] if self.decoder is not None else []
        return "_".join(parts) + SUFFIXES[self.target]


def needs_calibration(target: Target, quantize: str) -> bool:
    """Whether this combination has ranges that are measured on pictures."""
    return target in ("coral", "k210") or quantize in _INTEGER


def plan(
    target: Target,
    *,
    quantize: str | None,
    size: tuple[int, int] | Literal["dynamic"] | None,
    own_size: tuple[int, int] | None,
    decoder: DecoderOptions | None,
) -> ExportPlan:
    """The plan of these options.

    Args:
        quantize: None is float32, and uint8 for Coral and the K210, which have nothing else.
        size: None is `own_size`, and where that is None the target's default.
        own_size: that of the model; for the K210 the next lower multiples of 32.

    Raises:
        UsageError: options that the target does not have.
    """
    if target in ("coral", "k210"):
        if quantize not in (None, "uint8"):
            raise UsageError(
                f"--quantize: wanted none with {target}, which has 8 bits and nothing else, got {quantize}"
            )
        quantize = "uint8"
    if target == "onnx" and quantize not in (None, "float32"):
        raise UsageError(f"--quantize: wanted float32 or none with onnx, got {quantize}")
    quantize = quantize or "float32"
    if decoder is not None and quantize == "int8":
        raise UsageError("--decoder: wanted uint8 with it, since PosenetDecoderOp reads no int8, got int8")
    if target == "k210" and size is not None and size != "dynamic":
        _refuse_for_kpu(size)
    if size is not None and size != "dynamic":
        _refuse_huge(size)
    if size == "dynamic" and needs_calibration(target, quantize):
        raise UsageError(
            f"--size: wanted HxW for {target if target in ('coral', 'k210') else quantize}, got dynamic"
        )
    if decoder is not None and target not in ("tflite", "coral"):
        raise UsageError(f"--decoder: wanted it with tflite or coral alone, got {target}")
    if decoder is not None and size == "dynamic":
        raise UsageError("--decoder: wanted an input of one size, got --size dynamic")
    if target == "k210" and own_size is not None:
        # The KPU takes even sides alone: the next lower ones that any stride divides.
        own_size = own_size[0] // _EVEN * _EVEN or _EVEN, own_size[1] // _EVEN * _EVEN or _EVEN
    chosen = None if size == "dynamic" else size or own_size or DEFAULT_SIZES[target]
    return ExportPlan(target, quantize, chosen, decoder)


def _refuse_huge(size: tuple[int, int]) -> None:
    from posecore.export.contract import MOST_SIDE

    width, height = size
    if max(size) > MOST_SIDE:
        raise UsageError(
            f"--size: wanted sides of at most {MOST_SIDE} pixels, got {height}x{width} (height x width)"
        )


def _refuse_for_kpu(size: tuple[int, int]) -> None:
    """What no network can have there; strides ask for more, which the plan of the KPU's memory says."""
    from posecore.export.kpu_plan import MOST_HEIGHT, MOST_WIDTH

    width, height = size
    if width % 2 or height % 2 or width > MOST_WIDTH or height > MOST_HEIGHT:
        raise UsageError(
            f"--size: wanted even sides of at most {MOST_HEIGHT}x{MOST_WIDTH} (height x width) for k210, which the KPU "
            f"takes, got {height}x{width}"
        )


@dataclass(frozen=True, slots=True)
class Made:
    """What `make` made.

    Attributes:
        artifact: the description of the model file.
        lines: what the target's own tools say of it, for a person.
        facts: the same for JSON.
    """

    artifact: Artifact
    lines: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


def make(
    plan: ExportPlan,
    source: KerasSource,
    path: Path,
    calibration: Iterable[Path] = (),
    *,
    random: bool = False,
) -> Made:
    """Export a model into the file `path`, with its description beside it.

    Args:
        calibration: picture files, where the plan needs some.
        random: calibrate with noise instead, which somebody has insisted on.

    Raises:
        UsageError: a size or option that this network cannot have.
        PosecoreError: it cannot be exported.
    """
    given: dict[str, Any] = {"size": plan.size, "skeleton": source.skeleton}
    if plan.needs_calibration:
        given["calibration"] = None if random else list(calibration)
        if random:
            given["random_calibration"] = True
        else:
            given["calibration_count"] = len(given["calibration"])
    if plan.decoder is not None:
        given["decoder"] = plan.decoder
    if plan.target == "tflite":
        given["quantize"] = None if plan.quantize == "float32" else plan.quantize
    try:
        if plan.size is None:
            _refuse_dynamic(plan.target, source)
        return _MAKERS[plan.target](source, path, given)
    except PosecoreError:
        raise
    except ValueError as error:
        raise UsageError(in_options(str(error))) from None


def _refuse_dynamic(target: Target, source: KerasSource) -> None:
    from posecore.export.contract import contract

    found = contract(source.model, skeleton=source.skeleton)
    if found.input_size is not None and (found.fixed or target == "onnx"):
        width, height = found.input_size
        raise UsageError(
            f"--size: wanted {height}x{width}, the size that {source.name} was built for, or another, got dynamic"
        )


def companions(target: Target, model: Path) -> tuple[Path, ...]:
    """What an exporter may write beside the model and its description."""
    if target == "k210":
        return (model.with_suffix(".h"), model.with_name(f"{model.name}.log"))
    if target == "coral":
        models = ("_edgetpu.tflite", "_heads.tflite")
        endings = (*models, *(f"{ending}.json" for ending in models), "_edgetpu.log")
        return tuple(model.with_name(f"{model.stem}{ending}") for ending in endings)
    return ()


def reference(plan: ExportPlan, source: KerasSource) -> Any:
    """The float `keras.Model` that an exported file is verified against: the network itself, and for the K210 with its
    zeros on all sides before each stride, as it keeps PoseNet's grid on even sizes."""
    if plan.target != "k210" or plan.size is None:
        return source.model
    from posecore.export.contract import contract
    from posecore.export.kpu_network import rebuilt

    return rebuilt(contract(source.model, skeleton=source.skeleton), plan.size)


def _to_tflite(source: KerasSource, path: Path, given: dict[str, Any]) -> Made:
    from posecore.export.tflite import to_tflite

    return Made(to_tflite(source.model, path, **given))


def _to_onnx(source: KerasSource, path: Path, given: dict[str, Any]) -> Made:
    from posecore.export.onnx_export import to_onnx

    return Made(to_onnx(source.model, path, **given))


def _to_coral(source: KerasSource, path: Path, given: dict[str, Any]) -> Made:
    from posecore.export.coral import export_coral

    made = export_coral(source.model, path, **given)
    return Made(made.artifact, tuple(made.table().splitlines()), made.as_dict())


def _to_k210(source: KerasSource, path: Path, given: dict[str, Any]) -> Made:
    from posecore.export.k210 import to_k210
    from posecore.export.kmodel import Kmodel

    artifact = to_k210(source.model, path, **given)
    kmodel = Kmodel.read(path)
    on_cpu = Counter(op.name for op in kmodel.cpu_ops)
    cpu = ", ".join(f"{count} {name}" for name, count in sorted(on_cpu.items())) or "nothing"
    memory = ", ".join(f"{name} {size:,}" for name, size in kmodel.memory.items())
    lines = (
        f"KPU: {kmodel.kpu_calls} call, {len(kmodel.kpu_layers)} convolutions; CPU: {cpu}",
        f"main memory, bytes: {memory}",
        f"runs on nncase's runtime of {', '.join(kmodel.runtimes)}, and on no other",
    )
    facts = {
        "kpu_calls": kmodel.kpu_calls,
        "kpu_convolutions": len(kmodel.kpu_layers),
        "cpu_operators": dict(on_cpu),
        "memory_bytes": dict(kmodel.memory),
        "runtimes": list(kmodel.runtimes),
    }
    return Made(artifact, lines, facts)


_MAKERS: dict[Target, Callable[[KerasSource, Path, dict[str, Any]], Made]] = {
    "tflite": _to_tflite,
    "coral": _to_coral,
    "k210": _to_k210,
    "onnx": _to_onnx,
}

# The options behind the arguments of the functions above and of `open_source`.
_OPTION_OF = {
    "size": "--size",
    "calibration": "--calibration",
    "count": "--calibration-count",
    "decoder": "--decoder",
    "quantize": "--quantize",
    "output_stride": "--output-stride",
    "skeleton": "--skeleton",
    "weights": "--weights",
    "max_shift_px": "--max-shift",
    "random_calibration": "--random-calibration",
}


def in_options(sentence: str) -> str:
    """The sentence with the option's name in place of the argument's."""
    argument, colon, rest = sentence.partition(":")
    option = _OPTION_OF.get(argument)
    return f"{option}{colon}{rest}" if option else sentence
