"""`to_tflite`: a Keras model as a TensorFlow Lite file, in float or in 8 bits."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from posecore import _core
from posecore.arguments import choice
from posecore.artifact import Artifact, Calibration, HeadSpec, InputSpec, Precision
from posecore.errors import ModelError, require
from posecore.export.calibration import DEFAULT_COUNT, calibration_pictures, described
from posecore.export.contract import INPUT_RANGE, Contract, Head, contract
from posecore.export.coral_ranges import HeadRange, head_ranges, refuse_clipping
from posecore.export.model_file import write_model
from posecore.export.tflite_names import in_order
from posecore.runtime.tflite_file import TfliteFile

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.runtime.decoder_options import DecoderOptions
    from posecore.skeletons import Skeleton

Quantize = Literal["float16", "dynamic", "int8", "uint8"]
# A network that takes any size is calibrated with people as large as they get at the runtime's own default, since
# displacements grow with them.
_FREE_SIZE = (481, 481)


def to_tflite(
    model: Any,
    path: str | os.PathLike[str],
    *,
    quantize: Quantize | None = None,
    size: tuple[int, int] | None = None,
    calibration: str | os.PathLike[str] | Iterable[Any] | None = None,
    calibration_count: int = DEFAULT_COUNT,
    random_calibration: bool = False,
    decoder: DecoderOptions | None = None,
    skeleton: Skeleton | None = None,
) -> Artifact:
    """Write `model` as a .tflite file, and beside it what it is (`Artifact`); gives the latter.

    Args:
        model: one of posecore's networks as a `keras.Model`; see `contract.contract`.
        path: where to; what is there is replaced.
        quantize: None is float32; "float16" keeps weights in half precision; "dynamic" keeps them in 8 bits and
            computes in float; "int8" and "uint8" do all in 8 bits, weights with a scale a channel, and take and give
            such codes.
        size: (width, height) of the input in pixels; None leaves it free, or takes the only one that the network's
            dense layers fit.
        calibration: for int8 and uint8, a folder of pictures or RGB pictures uint8 (h, w, 3), like those that the
            network will see.
        calibration_count: at most so many of them.
        random_calibration: insists on noise in their place, which gives models that place keypoints wrongly.
        decoder: appends a PosenetDecoderOp with these options, as Coral's files have it: a PoseNet's outputs are then
            poses. Float and uint8 only.
        skeleton: what the keypoints are; None is COCO's for a model of 17.

    The same model, options and pictures give the same bytes with the same TensorFlow.

    Raises:
        TypeError, ValueError: an argument that is something else, or options that exclude each other.
        ModelError: a model that is none of posecore's networks, or that the converter cannot take, or 8-bit heads that
            clip what calibration saw.
        SourceError: calibration pictures that cannot be read.
        OSError: the file cannot be written.
        MissingExtra: TensorFlow or Keras is not installed.
    """
    if quantize is not None:
        choice(quantize, "quantize", get_args(Quantize))
    found = contract(model, skeleton=skeleton)
    if found.fixed and size is None:
        size = found.input_size
    if decoder is not None:
        if quantize == "int8":
            raise ValueError(
                "decoder: wanted None, since PosenetDecoderOp reads no int8, got options; uint8 is read"
            )
        if size is None:
            raise ValueError("size: wanted (width, height), since PosenetDecoderOp follows, got None")
        from posecore.export.decoder_surgery import fitting_options

        decoder = fitting_options(found, decoder)
    shown: list[npt.NDArray[np.uint8]] | None = None
    if quantize in ("int8", "uint8"):
        shown = calibration_pictures(
            calibration, size or _FREE_SIZE, count=calibration_count, random=random_calibration
        )
    elif calibration is not None or random_calibration:
        raise ValueError(
            f"calibration: wanted None, since only int8 and uint8 have ranges, got it for {quantize or 'float32'}"
        )
    heads = found.with_mid_offsets() if decoder is not None else found.heads
    graph = found.graph(size, mid_offsets=decoder is not None)
    data = converted(graph, heads, quantize, shown)
    ranges: tuple[HeadRange, ...] = ()
    # The codes of a sigmoid end at 255/256, by TFLite's specification: coordinates are left out.
    if shown is not None and not found.fixed:
        ranges = head_ranges(graph, heads, shown, TfliteFile.read(data).outputs)
        refuse_clipping(found.model.name, ranges)
    artifact = describe(
        found,
        heads,
        data,
        precision=quantize or "float32",
        calibration=None if shown is None else described(shown, random=random_calibration),
        clipped={one.name: one.clipped for one in ranges},
    )
    if decoder is not None:
        from dataclasses import asdict, replace

        from posecore.export.decoder_surgery import append_decoder, stored

        data = append_decoder(data, decoder)
        artifact = replace(artifact, decoder=asdict(stored(decoder)))
    return write_model(path, data, artifact)


def converted(
    graph: Any,
    heads: tuple[Head, ...],
    quantize: Quantize | None,
    pictures: Iterable[npt.NDArray[np.uint8]] | None,
) -> bytes:
    """The .tflite bytes of a graph that `Contract.graph` gave.

    Args:
        graph: a `keras.Model` with a batch of one.
        heads: its outputs, in the order that the file shall have.
        quantize: as `to_tflite`'s.
        pictures: for int8 and uint8, of the input's size.

    Raises:
        ModelError: the converter cannot take it; its own last words are in the sentence.
    """
    tf = require("tensorflow", extra="export", purpose="Exporting to TensorFlow Lite")
    with tempfile.TemporaryDirectory(prefix="posecore-") as folder, _held_back() as said:
        try:
            # Said again, since Keras frees the batch, and then dilated convolutions are not fused.
            picture = [tf.TensorSpec(graph.inputs[0].shape, tf.float32, "image")]
            graph.export(folder, format="tf_saved_model", verbose=False, input_signature=picture)
            converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=["serving_default"])
            _configure(converter, tf, quantize, pictures)
            data = converter.convert()
        except Exception as error:  # the converter raises what its parts raise
            words = " ".join(str(error).split())[:300] or said()
            raise ModelError(
                f"{graph.name}: TensorFlow's converter cannot take this model as {quantize or 'float32'}: {words}"
            ) from error
    return in_order(data, [head.name for head in heads])


def describe(
    found: Contract,
    heads: tuple[Head, ...],
    data: bytes,
    *,
    precision: Precision,
    calibration: Calibration | None,
    clipped: Mapping[str, float] | None = None,
    target: Literal["tflite", "coral"] = "tflite",
) -> Artifact:
    """What a converted file is, without its name and hash, which `write_model` adds.

    Args:
        found: of the Keras model.
        heads: its outputs in the file's order.
        data: the file's bytes, without a decoder.
        precision, calibration, target: as they are said in the artifact.
        clipped: shares by name of the head, where they were looked at.
    """
    file = TfliteFile.read(data, name=found.model.name)
    picture = file.inputs[0]
    _, height, width, _ = picture.shape
    specs = tuple(
        HeadSpec(
            head.role,
            output.name,
            output.shape,
            output.dtype,
            "NHWC",
            head.unit,
            output.quantization,
            (clipped or {}).get(output.name),
        )
        for head, output in zip(heads, file.outputs, strict=True)
    )
    return Artifact(
        file="model.tflite",
        sha256="0" * 64,
        target=target,
        precision=precision,
        kind=found.kind,
        skeleton=found.skeleton,
        input=InputSpec(
            picture.name,
            None if width == -1 else (width, height),
            "NHWC",
            picture.dtype,
            INPUT_RANGE,
            picture.quantization,
        ),
        heads=specs,
        stride_px=found.stride_px,
        scores=found.scores,
        calibration=calibration,
        tools=tool_versions(),
    )


def tool_versions() -> dict[str, str]:
    """Versions of what makes a TFLite file."""
    tf = require("tensorflow", extra="export", purpose="Exporting a model")
    keras = require("keras", extra="export", purpose="Exporting a model")
    return {"posecore": _core.__version__, "tensorflow": tf.__version__, "keras": keras.__version__}


def _configure(
    converter: Any, tf: Any, quantize: Quantize | None, pictures: Iterable[npt.NDArray[np.uint8]] | None
) -> None:
    if quantize is None:
        return
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantize == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if pictures is None:
        return

    def shown() -> Iterator[list[npt.NDArray[np.float32]]]:
        low, high = INPUT_RANGE
        for picture in pictures:
            yield [picture[None].astype(np.float32) * np.float32((high - low) / 255) + np.float32(low)]

    converter.representative_dataset = shown
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    code = tf.int8 if quantize == "int8" else tf.uint8
    converter.inference_input_type = converter.inference_output_type = code


@contextlib.contextmanager
def _held_back() -> Iterator[Callable[[], str]]:
    """Hold back what the converter prints, from Python and from C++; gives a function for its last line."""
    with contextlib.ExitStack() as stack:
        held = stack.enter_context(tempfile.TemporaryFile())
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, AttributeError, ValueError):  # there may be none
                stream.flush()
        for descriptor in (1, 2):
            with contextlib.suppress(OSError):
                saved = os.dup(descriptor)
                stack.callback(os.close, saved)
                stack.callback(os.dup2, saved, descriptor)
                os.dup2(held.fileno(), descriptor)
        # Python's own, which need not go through those descriptors.
        text = stack.enter_context(os.fdopen(os.dup(held.fileno()), "w", buffering=1, errors="replace"))
        stack.enter_context(contextlib.redirect_stdout(text))
        stack.enter_context(contextlib.redirect_stderr(text))

        def last_line() -> str:
            held.seek(0)
            lines = held.read().decode("utf-8", "replace").split("\n")
            return next(
                (line.strip()[:300] for line in reversed(lines) if line.strip()), "it gives no reason"
            )

        yield last_line
