"""`to_coral`: a Keras model for Coral's Edge TPU: in 8 bits, heads as Coral's own files have them, compiled where
Google's compiler is installed, and with a decoder at its end where that is wanted."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from posecore import arguments
from posecore.artifact import Artifact
from posecore.errors import ModelError
from posecore.export.calibration import DEFAULT_COUNT, calibration_pictures, described
from posecore.export.contract import Contract, contract
from posecore.export.coral_ranges import HeadRange, head_ranges, refuse_clipping
from posecore.export.decoder_surgery import append_decoder, fitting_options, stored
from posecore.export.edge_tpu import EdgeTpuReport, edge_tpu_report
from posecore.export.edge_tpu_compiler import (
    PROGRAM,
    TIMEOUT_S,
    CompilerError,
    CompilerLog,
    command_line,
    compile_for_edge_tpu,
    find_compiler,
)
from posecore.export.model_file import write_model
from posecore.export.tflite import converted, describe
from posecore.runtime.decoder_options import DecoderOptions
from posecore.runtime.tflite_file import TfliteFile

if TYPE_CHECKING:
    from posecore.skeletons import Skeleton

_WIDTH = 100


@dataclass(frozen=True, slots=True)
class CoralExport:
    """What `export_coral` made.

    Attributes:
        path: of the model for a CPU, which is what was compiled, with the decoder where one was wanted.
        artifact: what it is.
        compiled: path of the model for the Edge TPU, None where there was no compiler.
        compiled_artifact: what that is.
        report: which operators run where.
        ranges: of each head, what calibration saw and what its 8 bits reach.
        log: what the compiler said; it is kept beside the compiled model.
        to_run: what is left to do by hand, line by line; empty where everything has been done.
    """

    path: Path
    artifact: Artifact
    compiled: Path | None
    compiled_artifact: Artifact | None
    report: EdgeTpuReport
    ranges: tuple[HeadRange, ...]
    log: CompilerLog | None
    to_run: tuple[str, ...]

    def table(self) -> str:
        """The report, the ranges, what the compiler said and what is left to run, as text of at most 100 columns; only
        names of files and commands may be longer."""
        lines = [self.report.table(), "", *(f"{one}" for one in self.ranges), ""]
        if self.log is not None:
            counts = [(row.count, row.on_tpu) for row in self.log.table]
            on = sum(count for count, on_tpu in counts if on_tpu)
            words = (
                f": {on} of {sum(count for count, _ in counts)} operators on the Edge TPU" if counts else ""
            )
            lines.append(f"{PROGRAM} {self.log.version or 'of unknown version'}{words}.")
            lines.append(f"Compiled: {self.compiled}")
        elif self.to_run:
            lines += [f"{PROGRAM} is not on PATH (Linux x86-64, coral.ai/software). Where it is, run:"]
            lines += [f"  {line}" for line in self.to_run]
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON has it."""
        return {
            "file": self.path.name,
            "compiled": None if self.compiled is None else self.compiled.name,
            "edge_tpu": self.report.as_dict(),
            "ranges": [asdict(one) for one in self.ranges],
            "compiler": None if self.log is None else self.log.as_dict(),
            "to_run": list(self.to_run),
        }


def to_coral(
    model: Any,
    path: str | os.PathLike[str],
    *,
    size: tuple[int, int],
    calibration: str | os.PathLike[str] | Iterable[Any] | None = None,
    **options: Any,
) -> Artifact:
    """As `export_coral`, which has the arguments; gives the `Artifact` of the compiled model where it was compiled,
    else of the model at `path`."""
    made = export_coral(model, path, size=size, calibration=calibration, **options)
    return made.compiled_artifact or made.artifact


def export_coral(
    model: Any,
    path: str | os.PathLike[str],
    *,
    size: tuple[int, int],
    calibration: str | os.PathLike[str] | Iterable[Any] | None = None,
    calibration_count: int = DEFAULT_COUNT,
    random_calibration: bool = False,
    decoder: DecoderOptions | None = None,
    skeleton: Skeleton | None = None,
    compiler: str | os.PathLike[str] | None = None,
    timeout_s: float = TIMEOUT_S,
) -> CoralExport:
    """Write `model` in 8 bits for Coral: picture in and heads out are uint8 codes, weights have a scale a channel.

    A PoseNet's heads are in Coral's order: heatmaps (logits), short offsets, mid offsets = forward, then backward
    displacements; offsets in input pixels, all y before all x. `path` gets the model that any TFLite interpreter runs,
    and `<stem>_edgetpu.tflite` beside it the compiled one, where there is a compiler, with its words in
    `<stem>_edgetpu.log`. With a decoder but no compiler, `<stem>_heads.tflite` is what is to be compiled elsewhere, and
    `finish_compiled` adds the decoder afterwards. What is there is replaced.

    Args:
        model: one of posecore's networks as a `keras.Model`, without dilated convolutions.
        path: where to, such as pose.tflite.
        size: (width, height) of the input in pixels; for PoseNet best a multiple of its stride plus 1.
        calibration: a folder of pictures, or RGB pictures uint8 (h, w, 3), like those that the network will see.
        calibration_count: at most so many of them.
        random_calibration: insists on noise in their place, which gives models that place keypoints wrongly.
        decoder: options of a PosenetDecoderOp at the end; the network must be a PoseNet of COCO's 17 keypoints, and its
            stride the decoder's.
        skeleton: what the keypoints are; None is COCO's for a model of 17.
        compiler: a path of edgetpu_compiler; None looks on PATH.
        timeout_s: seconds after which the compiler is ended.

    Raises:
        TypeError, ValueError: an argument that is something else.
        ModelError: a model that is none of posecore's networks, that has dilated convolutions, or that the Edge TPU
            cannot run: the sentence names the operator. Or heads whose 8 bits do not reach what calibration saw.
        CompilerError: the compiler failed, crashed or did not end; the model at `path` is complete.
        SourceError: calibration pictures that cannot be read.
        OSError: a file cannot be written.
        MissingExtra: TensorFlow or Keras is not installed.
    """
    target = Path(path)
    size = arguments.size(size, "size")
    program = find_compiler(compiler)
    found = contract(model, skeleton=skeleton)
    refuse_dilation(found)
    if decoder is not None:
        decoder = fitting_options(found, decoder)
    pictures = calibration_pictures(calibration, size, count=calibration_count, random=random_calibration)
    is_posenet = found.kind == "posenet"
    heads = found.with_mid_offsets() if is_posenet else found.heads
    graph = found.graph(size, mid_offsets=is_posenet)
    bare = converted(graph, heads, "uint8", pictures)
    report = edge_tpu_report(bare, name=target.name)
    if not report.ok:
        first = report.left_over[0] if report.left_over else None
        why = f"{first.name} (operator {first.number}): {first.reason}" if first else "it has no operators"
        raise ModelError(f"{found.model.name}: the Edge TPU cannot run all of it: {why}")
    ranges = head_ranges(graph, heads, pictures, TfliteFile.read(bare).outputs)
    if not found.fixed:  # the codes of a sigmoid end at 255/256 by TFLite's specification
        refuse_clipping(found.model.name, ranges)

    shown = described(pictures, random=random_calibration)
    artifact = describe(
        found,
        heads,
        bare,
        precision="uint8",
        calibration=shown,
        target="coral",
        clipped={one.name: one.clipped for one in ranges},
    )
    plain = write_model(target, *_with_decoder(bare, artifact, decoder))
    compiled = log = compiled_artifact = None
    to_run: tuple[str, ...] = ()
    if program is not None:
        compiled = target.with_name(f"{target.stem}_edgetpu.tflite")
        data, log = _compiled(bare, program, timeout_s, compiled.with_suffix(".log"))
        artifact = replace(artifact, tools={**artifact.tools, PROGRAM: log.version or "unknown"})
        _check_same_heads(data, artifact, compiled.name)
        compiled_artifact = write_model(compiled, *_with_decoder(data, artifact, decoder))
    else:
        to_run = _by_hand(target, bare, artifact, decoder)
    return CoralExport(target, plain, compiled, compiled_artifact, report, ranges, log, to_run)


def finish_compiled(
    compiled: str | os.PathLike[str], like: str | os.PathLike[str], path: str | os.PathLike[str]
) -> Artifact:
    """Write to `path` what `compiled`, the compiler's output, is with the decoder of `like` at its end, and what it is.

    `like`: the model that `export_coral` wrote, with its description beside it; where it has no decoder, none is added.

    Raises ModelError where one of them is no such model, or they have different heads; OSError where `path` cannot be
    written.
    """
    artifact = Artifact.read(like)
    if artifact is None or artifact.target != "coral":
        raise ModelError(
            f"{os.fspath(like)}: wanted a model that was exported for Coral, with its description"
        )
    file = TfliteFile.read(compiled)
    if not file.needs_edge_tpu:
        raise ModelError(f"{file.name}: wanted a model compiled for the Edge TPU, got one that is not")
    _check_same_heads(file.data, artifact, file.name)
    decoder = None if artifact.decoder is None else TfliteFile.read(like).decoder
    return write_model(path, *_with_decoder(file.data, artifact, decoder))


def refuse_dilation(found: Contract) -> None:
    """ModelError where a convolution of the model is dilated: TensorFlow spells it with operators that the Edge TPU
    does not have. The sentence says which stride needs no dilation."""
    most, dilated = max(((_dilation(layer), layer.name) for layer in found.model.layers), default=(1, ""))
    if most > 1:
        # Networks dilate by what they have not strode.
        raise ModelError(
            f"{found.model.name}: wanted a network without dilated convolutions for the Edge TPU, got {dilated} with "
            f"dilation {most} at stride {found.stride_px:g}: build it with output_stride={found.stride_px * most:g}, "
            "which takes the same weights and needs none"
        )


def _dilation(layer: Any) -> int:
    rate = getattr(layer, "dilation_rate", 1)
    return max(rate) if isinstance(rate, (tuple, list)) else int(rate)


def _with_decoder(data: bytes, artifact: Artifact, decoder: DecoderOptions | None) -> tuple[bytes, Artifact]:
    if decoder is None:
        return data, artifact
    return append_decoder(data, decoder), replace(artifact, decoder=asdict(stored(decoder)))


def _compiled(bare: bytes, program: str, timeout_s: float, log_path: Path) -> tuple[bytes, CompilerLog]:
    """Compile and keep the compiler's words, whatever becomes of it."""
    try:
        data, log = compile_for_edge_tpu(bare, program=program, timeout_s=timeout_s)
    except CompilerError as error:
        try:
            log_path.write_text(error.log, encoding="utf-8")
        except OSError:
            raise error from None
        raise CompilerError(f"{error} (all of it: {log_path})", error.log) from None
    try:
        log_path.write_text(log.text, encoding="utf-8")
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(log_path)) from error
    return data, log


def _check_same_heads(data: bytes, artifact: Artifact, name: str) -> None:
    """ModelError where a compiled model gives other heads than the one that went in."""
    got = [(o.shape, o.dtype, o.quantization) for o in TfliteFile.read(data, name=name).outputs]
    wanted = [(head.shape, head.dtype, head.quantization) for head in artifact.heads]
    if got != wanted:
        raise ModelError(f"{name}: wanted the heads of {artifact.file} ({_shown(wanted)}), got {_shown(got)}")


def _shown(heads: list[tuple[tuple[int, ...], str, Any]]) -> str:
    return ", ".join(f"{dtype} {list(shape)}" for shape, dtype, _ in heads)


def _by_hand(
    target: Path, bare: bytes, artifact: Artifact, decoder: DecoderOptions | None
) -> tuple[str, ...]:
    """What to run where the compiler is; with a decoder, the file to compile is written."""
    if decoder is None:
        return (shlex.join(command_line(target.name)),)
    heads = target.with_name(f"{target.stem}_heads.tflite")
    write_model(heads, bare, artifact)
    made, wanted = f"{heads.stem}_edgetpu.tflite", f"{target.stem}_edgetpu.tflite"
    # JSON's strings are Python's, in the quotes that a shell's single quotes let through.
    call = f"finish_compiled({', '.join(map(json.dumps, (made, target.name, wanted)))})"
    code = f"from posecore.export.coral import finish_compiled; {call}"
    return shlex.join(command_line(heads.name)), shlex.join(["python", "-c", code])
