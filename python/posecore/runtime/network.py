"""`Network`: a pose model that is loaded, recognised and ready to run."""

from __future__ import annotations

import importlib.resources
import os
from pathlib import Path
from typing import TYPE_CHECKING

from posecore.artifact import Artifact
from posecore.errors import ModelError
from posecore.layouts import HeadsLayout, Role, decoder_roles, recognise
from posecore.runtime.interpreters import Interpreter, open_interpreter
from posecore.runtime.other_formats import refuse_other_formats
from posecore.runtime.tflite_file import TfliteFile

if TYPE_CHECKING:
    from posecore.heads import Scores
    from posecore.runtime.decoder_options import DecoderOptions

DEFAULT_MODEL = "posenet_mobilenet_v1_075"

# Where the stride is read off a network that takes any size. PoseNet's cells lie on the input's corners at
# 16 n + 1; the others halve evenly, five times at most.
_POSENET_PROBE_PX = 257
_EVEN_PROBE_PX = 256
_EVEN_MULTIPLE = 32


class Network:
    """A model file behind an interpreter, with its outputs recognised.

    Attributes:
        name: the model's file name without its ending, or "the model" for bytes.
        interpreter: what runs it.
        layout: what its outputs are; see `posecore.layouts`.
        decoder: the options of the PosenetDecoderOp that was cut off its end, or None where there was none.
        artifact: what lies beside the file and says what its outputs are, or None where nothing does.
        is_default: whether it is the model that comes with posecore.
        dynamic: whether the file leaves the input's size free.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | bytes | None,
        *,
        device: str,
        threads: int,
        interpreter: str | None,
        size: tuple[int, int] | None,
        stride_px: float | None,
        scores: Scores | None,
    ) -> None:
        """Load it. `size` is the input's (height, width), where it is to be other than the file says.

        Raises:
            ModelError: not a .tflite file, not a pose model, one that does not take this size, or one that the
                description beside it does not fit.
            ValueError: a `stride_px` or `scores` that the description beside the model contradicts.
            MissingExtra: no interpreter is installed.
        """
        file, self.name, self.artifact = _read(model)
        self.is_default = model is None
        self.decoder: DecoderOptions | None = file.decoder
        roles: tuple[Role, ...] | None = None
        if self.artifact is not None:
            stride_px, scores = _agreed(self.artifact, stride_px, scores)
        if self.decoder is not None:
            file = TfliteFile.read(file.without_decoder(), name=file.name)
            roles = decoder_roles([output.name for output in file.outputs])
            stride_px = stride_px or self.decoder.stride_px
        if self.artifact is not None:
            _compare(self.artifact, file)
            roles = tuple(head.role for head in self.artifact.heads)
        self.dynamic = -1 in file.inputs[0].shape[1:3] if len(file.inputs[0].shape) == 4 else False
        self.interpreter: Interpreter = open_interpreter(
            file, device=device, threads=threads, interpreter=interpreter
        )
        if self.artifact is not None and self.artifact.input.size is not None:
            # Its padding and its ranges are those of the size that it was exported for.
            self.interpreter.resizable = False
        try:
            if self.dynamic and size is None:
                # Which kind it is does not depend on the size, so it can be asked before the size is right.
                kind = recognise(self.interpreter.outputs, roles=roles, stride_px=1.0, scores=scores).kind
                probe = _POSENET_PROBE_PX if kind == "posenet" else _EVEN_PROBE_PX
                size = (probe, probe)
            if size is not None:
                self.interpreter.resize(*size)
            self.layout: HeadsLayout = recognise(
                self.interpreter.outputs,
                input_size=self.input_size,
                roles=roles,
                stride_px=stride_px,
                scores=scores,
            )
        except ModelError as error:
            raise ModelError(f"{file.name}: {str(error).removeprefix(f'{file.name}: ')}") from None

    @property
    def input_size(self) -> tuple[int, int]:
        """(width, height) of the input as it is now, in pixels."""
        _, height, width, _ = self.interpreter.input.shape
        return width, height

    @property
    def size_step(self) -> tuple[int, int]:
        """(multiple, plus): the sides of its inputs are best a multiple of the one plus the other."""
        if self.layout.kind == "posenet":
            return max(round(self.layout.stride_px), 1), 1
        return _EVEN_MULTIPLE, 0

    @property
    def is_movenet(self) -> bool:
        return self.layout.kind.startswith("movenet")

    @property
    def gives_heads(self) -> bool:
        """Whether its outputs are heads, and not poses themselves."""
        return self.layout.kind in ("posenet", "heatmaps")


def _agreed(
    artifact: Artifact, stride_px: float | None, scores: Scores | None
) -> tuple[float | None, Scores]:
    """Stride and scores as the description has them, which nobody may contradict."""
    beside = artifact.path_beside(artifact.file)
    if stride_px is not None and stride_px != artifact.stride_px:
        raise ValueError(
            f"stride_px: wanted {artifact.stride_px:g} or None, as {beside} says, got {stride_px:g}"
        )
    if scores is not None and scores != artifact.scores:
        raise ValueError(f"scores: wanted {artifact.scores} or None, as {beside} says, got {scores}")
    return artifact.stride_px or None, artifact.scores


def _compare(artifact: Artifact, file: TfliteFile) -> None:
    """Refuse a description whose outputs are not those of the file."""
    said = [(head.shape, head.dtype, head.quantization) for head in artifact.heads]
    have = [(output.shape, output.dtype, output.quantization) for output in file.outputs]
    size = artifact.input.size or (-1, -1)
    picture = (1, size[1], size[0], 3)
    if said != have or file.inputs[0].shape != picture or file.inputs[0].dtype != artifact.input.dtype:
        listed = ", ".join(f"{o.name} {o.dtype} {list(o.shape)}" for o in (*file.inputs, *file.outputs)[:8])
        raise ModelError(
            f"{artifact.path_beside(file.name)}: its input and heads are not those of the model, which are {listed}"
        )


def _read(model: str | os.PathLike[str] | bytes | None) -> tuple[TfliteFile, str, Artifact | None]:
    if model is None:
        data = importlib.resources.files("posecore").joinpath(f"data/{DEFAULT_MODEL}.tflite").read_bytes()
        return TfliteFile.read(data, name=DEFAULT_MODEL), DEFAULT_MODEL, None
    if isinstance(model, bytes):
        return TfliteFile.read(model), "the model", None
    if not isinstance(model, (str, os.PathLike)):
        raise TypeError(
            "model: wanted a path, the bytes of a .tflite file, or None for the default model, "
            f"got {type(model).__name__}"
        )
    path = Path(model)
    refuse_other_formats(path)
    file = TfliteFile.read(path)
    return file, path.stem, Artifact.read(path, file.data)
